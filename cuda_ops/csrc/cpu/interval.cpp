#include "interval.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "cpu/checks.h"
#include "cpu/parallel.h"

namespace graphlab::cpu {
namespace {

struct Pattern {
  const int64_t* rowptr;
  const int32_t* col;
  int64_t rows, entries;
};

// What budget_minimum knows of entries, sources and rows.
template <typename T>
struct BudgetRows {
  const int8_t* kind;     // (entries,): 0 kept, 1 droppable, 2 own
  const T* positive;      // (columns,)
  const T* negative;      // (columns,)
  const T* size;          // (rows,)
  double power;
};

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
      check_interrupt();
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

// out_i = sum_j (h_j >= 0 ? positive : negative)_ij h_j, `dim` columns each.
template <typename T>
void signed_sums(
    const Pattern& a, const T* positive, const T* negative, const T* h, int64_t dim, T* out) {
  const auto range = GRAPHLAB_SELECT(signed_range<T>);
  for_row_sums<T>(a, dim, [&](int64_t begin, int64_t end, T* sum, double* total) {
    range(a, positive, negative, h, dim, begin, end, sum, total, out);
  });
}

// out_i = sum_j (h_i >= 0 ? positive : negative)_ij grad_j: the derivative, over the transpose.
template <typename T>
void chosen_sums(
    const Pattern& a, const T* positive, const T* negative, const T* h, const T* grad,
    int64_t dim, T* out) {
  const auto range = GRAPHLAB_SELECT(chosen_range<T>);
  for_row_sums<T>(a, dim, [&](int64_t begin, int64_t end, T* sum, double* total) {
    range(a, positive, negative, h, grad, dim, begin, end, sum, total, out);
  });
}

// out_ij = <weight_i, center_j> - <|weight_i|, radius_j>; `radius` may be null.
template <typename T>
void entry_dots(
    const Pattern& a, const T* weight, const T* center, const T* radius, int64_t dim, T* out) {
  const auto range = GRAPHLAB_SELECT(dots_range<T>);
  for_row_ranges(a, [&](int64_t begin, int64_t end) {
    range(a, weight, center, radius, dim, begin, end, out);
  });
}

// out_i = sum_j grad_ij (center_j - sign(weight_i) radius_j).
template <typename T>
void entry_dots_weight(
    const Pattern& a, const T* grad, const T* weight, const T* center, const T* radius,
    int64_t dim, T* out) {
  const auto range = GRAPHLAB_SELECT(dots_weight_range<T>);
  for_row_sums<T>(a, dim, [&](int64_t begin, int64_t end, T* sum, double* total) {
    range(a, grad, weight, center, radius, dim, begin, end, sum, total, out);
  });
}

// Over the transpose: out_j = sum_i grad_ij weight_i, spread_j = - sum_i grad_ij |weight_i|;
// `spread` may be null.
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

// Minima (rows, dim), and (3, rows, dim): missing entries, the smallest of them, its place.
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

}  // namespace
}  // namespace graphlab::cpu

namespace graphlab {
namespace {

// Checked rows whose columns lie in [0, columns).
struct CheckedRows {
  Tensor rowptr, col;
  int64_t rows, entries;

  CheckedRows(const Tensor& rowptr_, const Tensor& col_, int64_t columns)
      : rowptr(checked_rowptr(rowptr_, count_rows(rowptr_), col_.numel())),
        col(checked_columns(col_, "col", col_.numel(), columns)),
        rows(count_rows(rowptr_)),
        entries(col_.numel()) {}

  cpu::Pattern pattern() const {
    return {data<int64_t>(rowptr), data<int32_t>(col), rows, entries};
  }
};

Tensor empty(const Tensor& like, std::initializer_list<int64_t> size) {
  return torch::stable::new_empty(like, {size.begin(), size.size()});
}

}  // namespace

std::tuple<Tensor, Tensor> interval_propagate(
    const Tensor& low, const Tensor& high, const Tensor& rowptr, const Tensor& col,
    const Tensor& entry_low, const Tensor& entry_high, const Tensor&, const Tensor&,
    const Tensor&, const Tensor&) {
  const Tensor l = checked_matrix(low, "low");
  const Tensor h = checked_matrix(high, "high", l.scalar_type(), l.size(1));
  check_size(h, "high", 0, l.size(0));
  const CheckedRows rows(rowptr, col, l.size(0));
  const Tensor el = checked_vector(entry_low, "entry_low", l.scalar_type(), rows.entries);
  const Tensor eh = checked_vector(entry_high, "entry_high", l.scalar_type(), rows.entries);
  Tensor out_low = empty(l, {rows.rows, l.size(1)}), out_high = empty(l, {rows.rows, l.size(1)});
  dispatch_floating(l.scalar_type(), [&](auto type) {
    using T = decltype(type);
    cpu::signed_sums(rows.pattern(), data<T>(el), data<T>(eh), data<T>(l), l.size(1),
                     mutable_data<T>(out_low));
    cpu::signed_sums(rows.pattern(), data<T>(eh), data<T>(el), data<T>(h), l.size(1),
                     mutable_data<T>(out_high));
  });
  return {out_low, out_high};
}

std::tuple<Tensor, Tensor> interval_propagate_backward(
    const Tensor& grad_low, const Tensor& grad_high, const Tensor& low, const Tensor& high,
    const Tensor& rowptr_t, const Tensor& col_t, const Tensor& entry_low_t,
    const Tensor& entry_high_t) {
  const Tensor l = checked_matrix(low, "low");
  const ScalarType dtype = l.scalar_type();
  const Tensor h = checked_matrix(high, "high", dtype, l.size(1));
  const Tensor gl = checked_matrix(grad_low, "grad_low", dtype, l.size(1));
  const Tensor gh = checked_matrix(grad_high, "grad_high", dtype, l.size(1));
  check_size(h, "high", 0, l.size(0));
  check_size(gh, "grad_high", 0, gl.size(0));
  const CheckedRows rows(rowptr_t, col_t, gl.size(0));
  check_size(l, "low", 0, rows.rows);
  const Tensor el = checked_vector(entry_low_t, "entry_low_t", dtype, rows.entries);
  const Tensor eh = checked_vector(entry_high_t, "entry_high_t", dtype, rows.entries);
  Tensor out_low = empty(l, {rows.rows, l.size(1)}), out_high = empty(l, {rows.rows, l.size(1)});
  dispatch_floating(dtype, [&](auto type) {
    using T = decltype(type);
    cpu::chosen_sums(rows.pattern(), data<T>(el), data<T>(eh), data<T>(l), data<T>(gl), l.size(1),
                     mutable_data<T>(out_low));
    cpu::chosen_sums(rows.pattern(), data<T>(eh), data<T>(el), data<T>(h), data<T>(gh), l.size(1),
                     mutable_data<T>(out_high));
  });
  return {out_low, out_high};
}

Tensor edge_bound(
    const Tensor& weight, const Tensor& center, const OptionalTensor& radius,
    const Tensor& rowptr, const Tensor& col, const Tensor&, const Tensor&, const Tensor&) {
  const Tensor w = checked_matrix(weight, "weight");
  const Tensor c = checked_matrix(center, "center", w.scalar_type(), w.size(1));
  OptionalTensor r;
  if (radius.has_value()) {
    r = checked_matrix(*radius, "radius", w.scalar_type(), w.size(1));
    check_size(*r, "radius", 0, c.size(0));
  }
  const CheckedRows rows(rowptr, col, c.size(0));
  check_size(w, "weight", 0, rows.rows);
  Tensor out = empty(w, {rows.entries});
  dispatch_floating(w.scalar_type(), [&](auto type) {
    using T = decltype(type);
    cpu::entry_dots(rows.pattern(), data<T>(w), data<T>(c), data<T>(r), w.size(1),
                    mutable_data<T>(out));
  });
  return out;
}

std::tuple<Tensor, Tensor, Tensor> edge_bound_backward(
    const Tensor& grad, const Tensor& weight, const Tensor& center, const OptionalTensor& radius,
    const Tensor& rowptr, const Tensor& col, const Tensor& rowptr_t, const Tensor& col_t,
    const Tensor& entry_t) {
  const Tensor w = checked_matrix(weight, "weight");
  const ScalarType dtype = w.scalar_type();
  const int64_t dim = w.size(1);
  const Tensor c = checked_matrix(center, "center", dtype, dim);
  OptionalTensor r;
  if (radius.has_value()) {
    r = checked_matrix(*radius, "radius", dtype, dim);
    check_size(*r, "radius", 0, c.size(0));
  }
  const CheckedRows rows(rowptr, col, c.size(0)), transpose(rowptr_t, col_t, w.size(0));
  check_size(w, "weight", 0, rows.rows);
  check_size(c, "center", 0, transpose.rows);
  check_size(col_t, "col_t", 0, rows.entries);
  const Tensor g = checked_vector(grad, "grad", dtype, rows.entries);
  const Tensor entry = checked_columns(entry_t, "entry_t", rows.entries, rows.entries);
  Tensor grad_weight = empty(w, {rows.rows, dim}), grad_center = empty(w, {c.size(0), dim});
  Tensor grad_radius = r.has_value() ? empty(w, {c.size(0), dim}) : empty(w, {0});
  dispatch_floating(dtype, [&](auto type) {
    using T = decltype(type);
    cpu::entry_dots_weight(rows.pattern(), data<T>(g), data<T>(w), data<T>(c), data<T>(r), dim,
                           mutable_data<T>(grad_weight));
    cpu::entry_dots_center(transpose.pattern(), data<int32_t>(entry), data<T>(g), data<T>(w), dim,
                           mutable_data<T>(grad_center),
                           r.has_value() ? mutable_data<T>(grad_radius) : nullptr);
  });
  return {grad_weight, grad_center, grad_radius};
}

namespace {

struct BudgetArguments {
  Tensor kind, positive, negative, size;
  double power;

  BudgetArguments(
      const Tensor& kind_, const Tensor& positive_, const Tensor& negative_, const Tensor& size_,
      ScalarType dtype, int64_t entries, int64_t columns, int64_t rows, double power_)
      : kind(checked_vector(kind_, "kind", ScalarType::Char, entries)),
        positive(checked_vector(positive_, "positive", dtype, columns)),
        negative(checked_vector(negative_, "negative", dtype, columns)),
        size(checked_vector(size_, "size", dtype, rows)),
        power(power_) {}

  template <typename T>
  cpu::BudgetRows<T> rules() const {
    return {data<int8_t>(kind), data<T>(positive), data<T>(negative), data<T>(size), power};
  }
};

}  // namespace

std::tuple<Tensor, Tensor> budget_minimum(
    const Tensor& value, const Tensor& rowptr, const Tensor& col, const Tensor& kind,
    const Tensor& positive, const Tensor& negative, const Tensor& size, const Tensor& budget,
    double power, const Tensor&, const Tensor&, const Tensor&) {
  const Tensor v = checked_matrix(value, "value");
  const CheckedRows rows(rowptr, col, v.size(0));
  const BudgetArguments args(
      kind, positive, negative, size, v.scalar_type(), rows.entries, v.size(0), rows.rows, power);
  const Tensor drops = checked_vector(budget, "budget", ScalarType::Long, rows.rows);
  for (int64_t i = 0; i < rows.rows; ++i) {
    STD_TORCH_CHECK(data<int64_t>(drops)[i] >= 0, "budget must not be negative");
  }
  Tensor out = empty(v, {rows.rows, v.size(1)}), choice = empty(v, {3, rows.rows, v.size(1)});
  dispatch_floating(v.scalar_type(), [&](auto type) {
    using T = decltype(type);
    cpu::row_minima(rows.pattern(), args.rules<T>(), data<int64_t>(drops), data<T>(v), v.size(1),
                    mutable_data<T>(out), mutable_data<T>(choice));
  });
  return {out, choice};
}

Tensor budget_minimum_backward(
    const Tensor& grad, const Tensor& value, const Tensor& choice, const Tensor& rowptr,
    const Tensor& kind, const Tensor& positive, const Tensor& negative, const Tensor& size,
    double power, const Tensor& rowptr_t, const Tensor& col_t, const Tensor& entry_t) {
  const Tensor v = checked_matrix(value, "value");
  const ScalarType dtype = v.scalar_type();
  const int64_t dim = v.size(1), nodes = count_rows(rowptr);
  const Tensor border = checked_rowptr(rowptr, nodes, col_t.numel());
  const CheckedRows transpose(rowptr_t, col_t, nodes);
  check_size(v, "value", 0, transpose.rows);
  const Tensor entry = checked_columns(entry_t, "entry_t", transpose.entries, transpose.entries);
  const BudgetArguments args(
      kind, positive, negative, size, dtype, transpose.entries, v.size(0), nodes, power);
  const Tensor g = checked_matrix(grad, "grad", dtype, dim);
  check_size(g, "grad", 0, nodes);
  check_dtype(choice, "choice", dtype);
  STD_TORCH_CHECK(choice.numel() == 3 * nodes * dim, "choice must have shape (3, rows, columns)");
  const Tensor chosen = torch::stable::contiguous(choice);
  Tensor out = empty(v, {v.size(0), dim});
  dispatch_floating(dtype, [&](auto type) {
    using T = decltype(type);
    cpu::row_minima_backward(
        transpose.pattern(), data<int32_t>(entry), data<int64_t>(border), nodes, args.rules<T>(),
        data<T>(g), data<T>(v), data<T>(chosen), dim, mutable_data<T>(out));
  });
  return out;
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) {
  m.impl("interval_propagate", TORCH_BOX(&interval_propagate));
  m.impl("interval_propagate_backward", TORCH_BOX(&interval_propagate_backward));
  m.impl("edge_bound", TORCH_BOX(&edge_bound));
  m.impl("edge_bound_backward", TORCH_BOX(&edge_bound_backward));
  m.impl("budget_minimum", TORCH_BOX(&budget_minimum));
  m.impl("budget_minimum_backward", TORCH_BOX(&budget_minimum_backward));
}

}  // namespace graphlab
