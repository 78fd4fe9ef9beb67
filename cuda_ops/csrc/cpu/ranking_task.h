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

// Columns to be ranked, by rows: those of a row lie side by side.
struct Truths {
  const int64_t* ptr;  // (rows + 1,), or null where every row has one
  const int64_t* column;

  // Where those of a row begin.
  int64_t begin(int64_t row) const { return ptr != nullptr ? ptr[row] : row; }
};

template <typename T>
struct RankTask {
  int64_t dim;
  const T* row_panels;
  NamedColumns named;
  // Of ranks:
  Truths truths;
  const T* own;  // scores of the truths, which the others are held against
};

template <typename T>
struct ScoredColumn {
  T score;
  int64_t column;

  // Whether this one comes first.
  bool operator<(const ScoredColumn& other) const {
    return score > other.score || (score == other.score && column < other.column);
  }
};

// The best columns of one row so far, and up to as many candidates that came behind them: whenever
// these are too many, the worse half goes. Columns are offered in ascending order, so that a score
// equal to the last of the best is never better.
template <typename T>
class BestColumns {
 public:
  // Room for this many entries is needed.
  static int64_t room(int64_t size) { return 2 * size + 32; }

  BestColumns(ScoredColumn<T>* entries, int64_t size) : entries_(entries), size_(size) {}

  // What a score must exceed.
  T bar() const { return bar_; }

  void add(T score, int64_t column) {
    entries_[count_++] = {score, column};
    if (count_ == room(size_)) shrink();
  }

  // Leaves the best, and returns how many they are.
  int64_t shrink() {
    if (count_ >= size_) {
      std::nth_element(entries_, entries_ + (size_ - 1), entries_ + count_);
      count_ = size_;
      bar_ = entries_[size_ - 1].score;
    }
    return count_;
  }

 private:
  ScoredColumn<T>* entries_;
  int64_t size_, count_ = 0;
  T bar_ = -std::numeric_limits<T>::infinity();
};

}  // namespace graphlab::cpu
