#include "cpu/interval_kernel.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "cpu/parallel.h"

namespace graphlab::cpu {
namespace {

constexpr int64_t kPiece = 512;     // entries that are added up in the type of the values
constexpr int64_t kTaskCost = 4096;  // entries and rows of a task
constexpr int64_t kColumns = 16;    // columns whose values are gathered together

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

// Sorts the entries of one column that may be missing: largest first, ties by place.
template <typename T>
struct Candidate {
  T value;
  int32_t place;
  bool operator<(const Candidate& other) const {
    return value > other.value || (value == other.value && place < other.place);
  }
};

template <typename T>
class RowMinimum {
 public:
  RowMinimum(const Pattern& a, const BudgetRows<T>& rules, const T* value, int64_t dim)
      : a_(a), rules_(rules), value_(value), dim_(dim) {}

  void run(int64_t row, int64_t budget, T* out, T* choice, int64_t plane) {
    begin_ = a_.rowptr[row];
    length_ = a_.rowptr[row + 1] - begin_;
    int64_t droppable = 0;
    for (int64_t k = 0; k < length_; ++k) droppable += rules_.kind[begin_ + k] == 1;
    const int64_t most = std::min(budget, droppable);
    factor_.resize(most + 1);
    single_.resize(most + 1);
    for (int64_t n = 0; n <= most; ++n) {
      factor_[n] = normaliser(rules_.size[row], static_cast<double>(n), rules_.power);
      single_[n] = normaliser(rules_.size[row], static_cast<double>(n), 1.0);
    }
    for (int64_t d = 0; d < dim_; d += kColumns) {
      const int64_t width = std::min(kColumns, dim_ - d);
      gather(d, width, droppable);
      for (int64_t c = 0; c < width; ++c) {
        const int64_t at = row * dim_ + d + c;
        minimum(c, droppable, most, out + at, choice + at, plane);
      }
    }
  }

 private:
  void gather(int64_t d, int64_t width, int64_t droppable) {
    candidates_.resize(kColumns * droppable);
    std::fill_n(kept_, kColumns, 0.0);
    std::fill_n(own_, kColumns, 0.0);
    int64_t seen = 0;
    for (int64_t k = 0; k < length_; ++k) {
      const int64_t j = a_.col[begin_ + k];
      const int8_t kind = rules_.kind[begin_ + k];
      const T* from = value_ + j * dim_ + d;
      for (int64_t c = 0; c < width; ++c) {
        if (kind == 2) {
          own_[c] += static_cast<double>(from[c]);
          continue;
        }
        const T scaled = from[c] * (from[c] >= 0 ? rules_.positive[j] : rules_.negative[j]);
        kept_[c] += static_cast<double>(scaled);
        if (kind == 1) candidates_[c * droppable + seen] = {scaled, static_cast<int32_t>(k)};
      }
      seen += kind == 1;
    }
  }

  void minimum(int64_t c, int64_t droppable, int64_t most, T* out, T* choice, int64_t plane) {
    Candidate<T>* first = candidates_.data() + c * droppable;
    std::partial_sort(first, first + most, first + droppable);
    double left = kept_[c];
    double best = factor_[0] * left + single_[0] * own_[c];
    int64_t count = 0;
    for (int64_t n = 1; n <= most; ++n) {
      left -= static_cast<double>(first[n - 1].value);
      const double sum = factor_[n] * left + single_[n] * own_[c];
      if (sum < best) {
        best = sum;
        count = n;
      }
    }
    *out = static_cast<T>(best);
    choice[0] = static_cast<T>(count);
    choice[plane] = count > 0 ? first[count - 1].value : std::numeric_limits<T>::infinity();
    choice[2 * plane] = count > 0 ? static_cast<T>(first[count - 1].place) : T(-1);
  }

  const Pattern& a_;
  const BudgetRows<T>& rules_;
  const T* value_;
  int64_t dim_, begin_ = 0, length_ = 0;
  std::vector<double> factor_, single_;
  std::vector<Candidate<T>> candidates_;
  double kept_[kColumns], own_[kColumns];
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
