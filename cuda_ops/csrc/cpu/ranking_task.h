// What the driver of the rankings tells the inner loops.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "cpu/pairwise_task.h"

namespace graphlab::cpu {

// Columns that belong to rows, ascending within a row, each row ended by a number above all columns.
struct NamedColumns {
  const int64_t* ptr;  // (rows + 1,)
  const int64_t* columns;

  // The first one of a row that is not below `column`.
  const int64_t* first_from(int64_t row, int64_t column) const {
    return std::lower_bound(columns + ptr[row], columns + ptr[row + 1], column);
  }
  bool has(int64_t row, int64_t column) const { return *first_from(row, column) == column; }
};

template <typename T>
struct RankTask {
  int64_t dim;
  const T* row_panels;
  const T* own;  // of ranks: the scores that the others are held against
  NamedColumns named;
};

// The best columns of one row so far: a heap with the worst of them on top. Columns are offered in
// ascending order, so that an equal score is never better than one in the heap.
template <typename T>
class BestRows {
 public:
  BestRows(T* scores, int64_t* columns, int64_t size)
      : scores_(scores), columns_(columns), size_(size) {}

  // What a score must exceed.
  T bar() const { return bar_; }

  void add(T score, int64_t column) {
    int64_t at = count_;
    if (count_ < size_) {
      for (++count_; at > 0 && worse(score, column, (at - 1) / 2); at = (at - 1) / 2) {
        move((at - 1) / 2, at);
      }
    } else {
      at = 0;
      for (int64_t child = 1; child < size_; child = 2 * at + 1) {
        if (child + 1 < size_ && worse(scores_[child + 1], columns_[child + 1], child)) ++child;
        if (worse(score, column, child)) break;
        move(child, at);
        at = child;
      }
    }
    scores_[at] = score;
    columns_[at] = column;
    if (count_ == size_) bar_ = scores_[0];
  }

  int64_t count() const { return count_; }
  T score(int64_t at) const { return scores_[at]; }
  int64_t column(int64_t at) const { return columns_[at]; }

 private:
  bool worse(T score, int64_t column, int64_t at) const {
    return score < scores_[at] || (score == scores_[at] && column > columns_[at]);
  }
  void move(int64_t from, int64_t to) {
    scores_[to] = scores_[from];
    columns_[to] = columns_[from];
  }

  T* scores_;
  int64_t* columns_;
  int64_t size_, count_ = 0;
  T bar_ = -std::numeric_limits<T>::infinity();
};

}  // namespace graphlab::cpu
