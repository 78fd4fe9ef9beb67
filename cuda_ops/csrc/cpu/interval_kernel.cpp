#include "cpu/interval_kernel.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "cpu/parallel.h"

namespace graphlab::cpu {
namespace {

constexpr int64_t kPiece = 512;     // entries that are added up in the type of the values
constexpr int64_t kTaskCost = 4096;  // entries and rows of a task
constexpr int64_t kColumns = 16;    // columns that are sorted side by side

// One row of budget_minimum, and memory for a block of its columns.
template <typename T>
struct BudgetRow {
  using Place = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  const int32_t* col;
  const int8_t* kind;
  int64_t length, droppable, most;  // entries; of them droppable; of these at most dropped
  const double *shared, *alone;     // factors of the sums with n entries missing, (most + 1,)
  T* value;                         // droppable values of kColumns columns, (droppable, kColumns)
  Place* place;                     // and their places in the row
};

}  // namespace
}  // namespace graphlab::cpu

#define GRAPHLAB_LOOPS "cpu/interval_loops.h"
#include "cpu/for_each_isa.h"

namespace graphlab::cpu {
namespace {

// The first row whose entries and predecessors cost at least `cost`.
int64_t first_row(const Pattern& a, int64_t cost) {
  int64_t low = 0, high = a.rows;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (a.rowptr[middle] + middle < cost) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// Runs body(begin, end) on ranges of rows of about equal cost; a row is never cut.
template <typename F>
void for_row_ranges(const Pattern& a, const F& body) {
  parallel_tasks(divide_up(a.entries + a.rows, kTaskCost), [&](int64_t task) {
    const int64_t begin = first_row(a, task * kTaskCost);
    const int64_t end = first_row(a, (task + 1) * kTaskCost);
    if (begin < end) body(begin, end);
  });
}

// The same with room for the sums of a row.
template <typename T, typename F>
void for_row_sums(const Pattern& a, int64_t dim, const F& body) {
  for_row_ranges(a, [&](int64_t begin, int64_t end) {
    const Buffer<T> sum(dim);
    const Buffer<double> total(dim);
    body(begin, end, sum.get(), total.get());
  });
}

// --- row minima ----------------------------------------------------------------------------------

double normaliser(double size, double count, double power) {
  const double left = std::max(size - count, 1.0);
  if (power == 0.5) return 1.0 / std::sqrt(left);
  if (power == 1.0) return 1.0 / left;
  return power == 0.0 ? 1.0 : std::pow(left, -power);
}

// Works off rows one by one; its memory grows to the longest of them.
template <typename T>
class RowMinimum {
 public:
  RowMinimum(const Pattern& a, const BudgetRows<T>& rules, const T* value, int64_t dim)
      : a_(a), rules_(rules), value_(value), dim_(dim) {}

  void run(int64_t row, int64_t budget, T* out, T* choice, int64_t plane) {
    const int64_t begin = a_.rowptr[row], length = a_.rowptr[row + 1] - begin;
    const int8_t* kind = rules_.kind + begin;
    const int64_t droppable = std::count(kind, kind + length, int8_t{1});
    const int64_t most = std::min(budget, droppable);
    shared_.resize(most + 1);
    alone_.resize(most + 1);
    for (int64_t n = 0; n <= most; ++n) {
      shared_[n] = normaliser(rules_.size[row], static_cast<double>(n), rules_.power);
      alone_[n] = normaliser(rules_.size[row], static_cast<double>(n), 1.0);
    }
    if (static_cast<int64_t>(candidates_.size()) < droppable * kColumns) {
      candidates_.resize(droppable * kColumns);
      places_.resize(droppable * kColumns);
    }
    const BudgetRow<T> task{
        a_.col + begin, kind, length, droppable, most, shared_.data(), alone_.data(),
        candidates_.data(), places_.data()};
    const auto columns = GRAPHLAB_SELECT(minimum_columns<T>);
    for (int64_t d = 0; d < dim_; d += kColumns) {
      const int64_t at = row * dim_ + d;
      columns(task, rules_, value_ + d, dim_, std::min(kColumns, dim_ - d), out + at, choice + at,
              plane);
    }
  }

 private:
  const Pattern& a_;
  const BudgetRows<T>& rules_;
  const T* value_;
  int64_t dim_;
  std::vector<double> shared_, alone_;
  std::vector<T> candidates_;
  std::vector<typename BudgetRow<T>::Place> places_;
};

}  // namespace

template <typename T>
void signed_sums(
    const Pattern& a, const T* positive, const T* negative, const T* h, int64_t dim, T* out) {
  const auto range = GRAPHLAB_SELECT(signed_range<T>);
  for_row_sums<T>(a, dim, [&](int64_t begin, int64_t end, T* sum, double* total) {
    range(a, positive, negative, h, dim, begin, end, sum, total, out);
  });
}

template <typename T>
void chosen_sums(
    const Pattern& a, const T* positive, const T* negative, const T* h, const T* grad,
    int64_t dim, T* out) {
  const auto range = GRAPHLAB_SELECT(chosen_range<T>);
  for_row_sums<T>(a, dim, [&](int64_t begin, int64_t end, T* sum, double* total) {
    range(a, positive, negative, h, grad, dim, begin, end, sum, total, out);
  });
}

template <typename T>
void entry_dots(
    const Pattern& a, const T* weight, const T* center, const T* radius, int64_t dim, T* out) {
  const auto range = GRAPHLAB_SELECT(dots_range<T>);
  for_row_ranges(a, [&](int64_t begin, int64_t end) {
    range(a, weight, center, radius, dim, begin, end, out);
  });
}

template <typename T>
void entry_dots_weight(
    const Pattern& a, const T* grad, const T* weight, const T* center, const T* radius,
    int64_t dim, T* out) {
  const auto range = GRAPHLAB_SELECT(dots_weight_range<T>);
  for_row_sums<T>(a, dim, [&](int64_t begin, int64_t end, T* sum, double* total) {
    range(a, grad, weight, center, radius, dim, begin, end, sum, total, out);
  });
}

template <typename T>
void entry_dots_center(
    const Pattern& transpose, const int32_t* entry, const T* grad, const T* weight, int64_t dim,
    T* out, T* spread) {
  const auto plain = GRAPHLAB_SELECT(dots_center_range<T, false>);
  const auto absolute = GRAPHLAB_SELECT(dots_center_range<T, true>);
  for_row_sums<T>(transpose, dim, [&](int64_t begin, int64_t end, T* sum, double* total) {
    plain(transpose, entry, grad, weight, dim, begin, end, sum, total, out);
    if (spread == nullptr) return;
    absolute(transpose, entry, grad, weight, dim, begin, end, sum, total, spread);
  });
}

template <typename T>
void row_minima(
    const Pattern& a, const BudgetRows<T>& rules, const int64_t* budget, const T* value,
    int64_t dim, T* out, T* choice) {
  for_row_ranges(a, [&](int64_t begin, int64_t end) {
    RowMinimum<T> row_minimum(a, rules, value, dim);
    for (int64_t i = begin; i < end; ++i) {
      row_minimum.run(i, budget[i], out, choice, a.rows * dim);
    }
  });
}

template <typename T>
void row_minima_backward(
    const Pattern& transpose, const int32_t* entry, const int64_t* rowptr, int64_t rows,
    const BudgetRows<T>& rules, const T* grad, const T* value, const T* choice, int64_t dim,
    T* out) {
  const int64_t plane = rows * dim;
  const Buffer<T> shared(plane), alone(plane);
  parallel_ranges(rows, 256, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin * dim; at < end * dim; ++at) {
      const double size = rules.size[at / dim], g = grad[at];
      shared[at] = static_cast<T>(g * normaliser(size, choice[at], rules.power));
      alone[at] = static_cast<T>(g * normaliser(size, choice[at], 1.0));
    }
  });
  const auto range = GRAPHLAB_SELECT(minima_backward_range<T>);
  for_row_sums<T>(transpose, dim, [&](int64_t begin, int64_t end, T* sum, double* total) {
    range(transpose, entry, rowptr, rules, shared.get(), alone.get(), choice + plane,
          choice + 2 * plane, value, dim, begin, end, sum, total, out);
  });
}

#define GRAPHLAB_INSTANTIATE(T)                                                                   \
  template void signed_sums<T>(const Pattern&, const T*, const T*, const T*, int64_t, T*);        \
  template void chosen_sums<T>(                                                                   \
      const Pattern&, const T*, const T*, const T*, const T*, int64_t, T*);                       \
  template void entry_dots<T>(const Pattern&, const T*, const T*, const T*, int64_t, T*);         \
  template void entry_dots_weight<T>(                                                             \
      const Pattern&, const T*, const T*, const T*, const T*, int64_t, T*);                       \
  template void entry_dots_center<T>(                                                             \
      const Pattern&, const int32_t*, const T*, const T*, int64_t, T*, T*);                       \
  template void row_minima<T>(                                                                    \
      const Pattern&, const BudgetRows<T>&, const int64_t*, const T*, int64_t, T*, T*);           \
  template void row_minima_backward<T>(                                                           \
      const Pattern&, const int32_t*, const int64_t*, int64_t, const BudgetRows<T>&, const T*,    \
      const T*, const T*, int64_t, T*);
GRAPHLAB_INSTANTIATE(float)
GRAPHLAB_INSTANTIATE(double)
#undef GRAPHLAB_INSTANTIATE

}  // namespace graphlab::cpu
