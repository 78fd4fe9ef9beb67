// interval_propagate, edge_bound and budget_minimum on CUDA; see csrc/interval.h.
//
// Row sums: one thread per row and column, columns next to each other, so that a warp reads a line of
// a source's row at a time and every value has one owner that adds the entries in their order.
// Dot products: one warp per entry. Row minima: the thread of a row and column finds the missing
// entries one by one, largest first, in O(entries x missing) steps and without memory.
//
// Sums are float64 in row minima, of the values' type elsewhere. A column out of range gives NaN.
#include "interval.h"

#include "common.cuh"

namespace graphlab::cuda {
namespace {

struct Pattern {
  const int64_t* rowptr;  // (rows + 1,)
  const int32_t* col;     // (entries,)
  int64_t rows, entries, columns;

  // Row pointers are trusted to ascend, not to stay in range.
  __device__ int64_t border(int64_t row) const {
    const int64_t at = rowptr[row];
    return at < 0 ? 0 : (at > entries ? entries : at);
  }
  __device__ bool inside(int64_t column) const { return column >= 0 && column < columns; }
};

// The row that owns an entry: the last one that begins at or before it.
__device__ inline int64_t owner(const Pattern& a, int64_t entry) {
  int64_t low = 0, high = a.rows - 1;
  while (low < high) {
    const int64_t middle = low + (high - low + 1) / 2;
    if (a.rowptr[middle] <= entry) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

// --- interval_propagate --------------------------------------------------------------------------

// out_i = sum_j (h >= 0 ? positive : negative)_ij x_j, where h is x itself (`own` null) or own_i.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    signed_sum_kernel(const Pattern a, const T* positive, const T* negative, const T* x,
                      const T* own, int64_t dim, T* out) {
  for (int64_t at = thread_id(); at < a.rows * dim; at += thread_count()) {
    int64_t row, d;
    divide(at, dim, row, d);
    T sum = 0;
    const int64_t end = a.border(row + 1);
    for (int64_t k = a.border(row); k < end; ++k) {
      const int64_t j = a.col[k];
      const T value = a.inside(j) ? x[j * dim + d] : not_a_number<T>();
      const T side = own != nullptr ? own[at] : value;
      sum += value * (side >= 0 ? positive[k] : negative[k]);
    }
    out[at] = sum;
  }
}

// --- edge_bound ----------------------------------------------------------------------------------

template <typename T>
__global__ void __launch_bounds__(kThreads)
    entry_dot_kernel(const Pattern a, const T* weight, const T* center, const T* radius,
                     int64_t dim, T* out) {
  for (int64_t k = warp_id(); k < a.entries; k += warp_count()) {
    const int64_t i = owner(a, k), j = a.col[k];
    const bool inside = a.inside(j);
    T sum = 0;
    for (int64_t d = lane_id(); inside && d < dim; d += kWarp) {
      const T w = weight[i * dim + d];
      sum += w * center[j * dim + d];
      if (radius != nullptr) sum -= (w < 0 ? -w : w) * radius[j * dim + d];
    }
    sum = group_sum<kWarp>(sum);
    if (lane_id() == 0) out[k] = inside ? sum : not_a_number<T>();
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    entry_weight_kernel(const Pattern a, const T* grad, const T* weight, const T* center,
                        const T* radius, int64_t dim, T* out) {
  for (int64_t at = thread_id(); at < a.rows * dim; at += thread_count()) {
    int64_t row, d;
    divide(at, dim, row, d);
    const T w = weight[at], side = w > 0 ? T(1) : (w < 0 ? T(-1) : T(0));
    T sum = 0;
    const int64_t end = a.border(row + 1);
    for (int64_t k = a.border(row); k < end; ++k) {
      const int64_t j = a.col[k];
      if (!a.inside(j)) {
        sum = not_a_number<T>();
        continue;
      }
      const T spread = radius != nullptr ? side * radius[j * dim + d] : T(0);
      sum += grad[k] * (center[j * dim + d] - spread);
    }
    out[at] = sum;
  }
}

// Over the transpose; `entry` holds numbers of the entries whose gradients are read.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    entry_center_kernel(const Pattern a, const int32_t* entry, const T* grad, const T* weight,
                        int64_t dim, T* out, T* spread) {
  for (int64_t at = thread_id(); at < a.rows * dim; at += thread_count()) {
    int64_t row, d;
    divide(at, dim, row, d);
    T sum = 0, wide = 0;
    const int64_t end = a.border(row + 1);
    for (int64_t k = a.border(row); k < end; ++k) {
      const int64_t i = a.col[k], e = entry[k];
      const bool inside = a.inside(i) && e >= 0 && e < a.entries;
      const T w = inside ? weight[i * dim + d] : not_a_number<T>(), g = inside ? grad[e] : T(0);
      sum += g * w;
      wide -= g * (w < 0 ? -w : w);
    }
    out[at] = sum;
    if (spread != nullptr) spread[at] = wide;
  }
}

// --- budget_minimum ------------------------------------------------------------------------------

template <typename T>
struct Rules {
  const int8_t* kind;     // (entries,): 0 kept, 1 droppable, 2 own
  const T* positive;      // (columns,)
  const T* negative;      // (columns,)
  const T* size;          // (rows,)
  double power;
};

__device__ inline double normaliser(double size, double count, double power) {
  const double left = size - count > 1.0 ? size - count : 1.0;
  if (power == 0.5) return 1.0 / sqrt(left);
  if (power == 1.0) return 1.0 / left;
  return power == 0.0 ? 1.0 : pow(left, -power);
}

template <typename T>
__device__ inline T scaled(const Rules<T>& rules, int64_t j, T value) {
  return value * (value >= 0 ? rules.positive[j] : rules.negative[j]);
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    row_minimum_kernel(const Pattern a, const Rules<T> rules, const int64_t* budget,
                       const T* value, int64_t dim, T* out, T* choice) {
  const int64_t plane = a.rows * dim;
  for (int64_t at = thread_id(); at < plane; at += thread_count()) {
    int64_t row, d;
    divide(at, dim, row, d);
    const int64_t begin = a.border(row), end = a.border(row + 1);
    double left = 0, own = 0;
    int64_t droppable = 0;
    for (int64_t k = begin; k < end; ++k) {
      const int64_t j = a.col[k];
      if (!a.inside(j)) {
        left = not_a_number<double>();
      } else if (rules.kind[k] == 2) {
        own += static_cast<double>(value[j * dim + d]);
      } else {
        left += static_cast<double>(scaled(rules, j, value[j * dim + d]));
        droppable += rules.kind[k] == 1;
      }
    }
    const double size = static_cast<double>(rules.size[row]);
    const int64_t most = budget[row] < droppable ? budget[row] : droppable;
    double best = normaliser(size, 0, rules.power) * left + normaliser(size, 0, 1.0) * own;
    int64_t count = 0, place = -1;
    T threshold = infinity<T>(), last = infinity<T>();
    int64_t last_place = -1;
    for (int64_t n = 1; n <= most; ++n) {
      // The next entry in descending order, ties by place.
      T next = -infinity<T>();
      int64_t next_place = -1;
      for (int64_t k = begin; k < end; ++k) {
        const int64_t j = a.col[k];
        if (rules.kind[k] != 1 || !a.inside(j)) continue;
        const T e = scaled(rules, j, value[j * dim + d]);
        const bool after = e < last || (e == last && k - begin > last_place);
        if (after && (next_place < 0 || e > next)) {
          next = e;
          next_place = k - begin;
        }
      }
      if (next_place < 0) break;
      last = next;
      last_place = next_place;
      left -= static_cast<double>(next);
      const double sum = normaliser(size, static_cast<double>(n), rules.power) * left +
          normaliser(size, static_cast<double>(n), 1.0) * own;
      if (sum < best) {
        best = sum;
        count = n;
        threshold = next;
        place = next_place;
      }
    }
    out[at] = static_cast<T>(best);
    choice[at] = static_cast<T>(count);
    choice[plane + at] = threshold;
    choice[2 * plane + at] = static_cast<T>(place);
  }
}

// Over the transpose, whose rows are the sources.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    row_minimum_backward_kernel(const Pattern a, const int32_t* entry, const int64_t* rowptr,
                                const Rules<T> rules, const T* grad, const T* value,
                                const T* choice, int64_t dim, T* out) {
  const int64_t plane = a.columns * dim;
  for (int64_t at = thread_id(); at < a.rows * dim; at += thread_count()) {
    int64_t j, d;
    divide(at, dim, j, d);
    const T factor = value[at] >= 0 ? rules.positive[j] : rules.negative[j];
    const T e = scaled(rules, j, value[at]);
    T sum = 0;
    const int64_t end = a.border(j + 1);
    for (int64_t k = a.border(j); k < end; ++k) {
      const int64_t i = a.col[k], number = entry[k];
      if (!a.inside(i) || number < 0 || number >= a.entries) {
        sum = not_a_number<T>();
        continue;
      }
      const int64_t of = i * dim + d;
      const double size = static_cast<double>(rules.size[i]);
      const double count = static_cast<double>(choice[of]), g = static_cast<double>(grad[of]);
      if (rules.kind[number] == 2) {
        sum += static_cast<T>(g * normaliser(size, count, 1.0));
        continue;
      }
      const T threshold = choice[plane + of];
      const bool first = static_cast<T>(number - rowptr[i]) <= choice[2 * plane + of];
      const bool missing = e > threshold || (e == threshold && first);
      if (rules.kind[number] == 1 && missing) continue;
      sum += factor * static_cast<T>(g * normaliser(size, count, rules.power));
    }
    out[at] = sum;
  }
}

// --- operators -----------------------------------------------------------------------------------

// The pattern's tensors, checked as far as their sizes go.
struct HeldPattern {
  Input<int64_t> rowptr;
  Input<int32_t> col;
  int64_t rows, entries, columns;

  HeldPattern(const Context& context, const Tensor& rowptr_, const Tensor& col_, int64_t columns_)
      : rowptr(context, rowptr_),
        col(context, col_),
        rows(rowptr_.numel() - 1),
        entries(col_.numel()),
        columns(columns_) {
    STD_TORCH_CHECK(rows >= 0, "graphlab: rowptr must not be empty");
  }
  Pattern view() const { return {rowptr, col, rows, entries, columns}; }
};

template <typename T>
void signed_sums(const Context& context, const Pattern& a, const T* positive, const T* negative,
                 const T* x, const T* own, int64_t dim, const Tensor& out) {
  context.launch("signed_sum", signed_sum_kernel<T>, blocks_for(a.rows * dim, kThreads), kThreads,
                 a, positive, negative, x, own, dim, output<T>(out));
}

}  // namespace
}  // namespace graphlab::cuda

namespace graphlab {

using namespace cuda;

std::tuple<Tensor, Tensor> interval_propagate(
    const Tensor& low, const Tensor& high, const Tensor& rowptr, const Tensor& col,
    const Tensor& entry_low, const Tensor& entry_high, const Tensor&, const Tensor&,
    const Tensor&, const Tensor&) {
  check_matrix(low, "low");
  check_length(high, low.numel(), "high");
  check_length(entry_low, col.numel(), "entry_low");
  check_length(entry_high, col.numel(), "entry_high");
  return by_dtype(low, [&](auto zero) {
    using T = decltype(zero);
    const Context context(low);
    const HeldPattern a(context, rowptr, col, low.size(0));
    const Input<T> l(context, low), h(context, high), el(context, entry_low);
    const Input<T> eh(context, entry_high);
    const T* none = nullptr;
    const int64_t dim = low.size(1);
    Tensor out_low = scratch<T, 2>(low, {a.rows, dim}), out_high = scratch<T, 2>(low, {a.rows, dim});
    signed_sums<T>(context, a.view(), el, eh, l, none, dim, out_low);
    signed_sums<T>(context, a.view(), eh, el, h, none, dim, out_high);
    return std::make_tuple(out_low, out_high);
  });
}

std::tuple<Tensor, Tensor> interval_propagate_backward(
    const Tensor& grad_low, const Tensor& grad_high, const Tensor& low, const Tensor& high,
    const Tensor& rowptr_t, const Tensor& col_t, const Tensor& entry_low_t,
    const Tensor& entry_high_t) {
  check_matrix(low, "low");
  check_matrix(grad_low, "grad_low");
  check_length(high, low.numel(), "high");
  check_length(grad_high, grad_low.numel(), "grad_high");
  check_length(rowptr_t, low.size(0) + 1, "rowptr_t");
  check_length(entry_low_t, col_t.numel(), "entry_low_t");
  check_length(entry_high_t, col_t.numel(), "entry_high_t");
  return by_dtype(low, [&](auto zero) {
    using T = decltype(zero);
    const Context context(low);
    const HeldPattern a(context, rowptr_t, col_t, grad_low.size(0));
    const Input<T> gl(context, grad_low), gh(context, grad_high), l(context, low);
    const Input<T> h(context, high), el(context, entry_low_t), eh(context, entry_high_t);
    const int64_t dim = low.size(1);
    Tensor out_low = scratch<T, 2>(low, {a.rows, dim}), out_high = scratch<T, 2>(low, {a.rows, dim});
    signed_sums<T>(context, a.view(), el, eh, gl, l, dim, out_low);
    signed_sums<T>(context, a.view(), eh, el, gh, h, dim, out_high);
    return std::make_tuple(out_low, out_high);
  });
}

Tensor edge_bound(
    const Tensor& weight, const Tensor& center, const OptionalTensor& radius,
    const Tensor& rowptr, const Tensor& col, const Tensor&, const Tensor&, const Tensor&) {
  check_matrix(weight, "weight");
  check_matrix(center, "center");
  check_length(radius, center.numel(), "radius");
  check_length(rowptr, weight.size(0) + 1, "rowptr");
  return by_dtype(weight, [&](auto zero) {
    using T = decltype(zero);
    const Context context(weight);
    const HeldPattern a(context, rowptr, col, center.size(0));
    const Input<T> w(context, weight), c(context, center), r(context, radius);
    Tensor out = scratch<T, 1>(weight, {a.entries});
    context.launch("entry_dot", entry_dot_kernel<T>, blocks_for(a.entries, kWarpsPerBlock),
                   kThreads, a.view(), w, c, r, weight.size(1), output<T>(out));
    return out;
  });
}

std::tuple<Tensor, Tensor, Tensor> edge_bound_backward(
    const Tensor& grad, const Tensor& weight, const Tensor& center, const OptionalTensor& radius,
    const Tensor& rowptr, const Tensor& col, const Tensor& rowptr_t, const Tensor& col_t,
    const Tensor& entry_t) {
  check_matrix(weight, "weight");
  check_matrix(center, "center");
  check_length(radius, center.numel(), "radius");
  check_length(rowptr, weight.size(0) + 1, "rowptr");
  check_length(rowptr_t, center.size(0) + 1, "rowptr_t");
  check_length(grad, col.numel(), "grad");
  check_length(col_t, col.numel(), "col_t");
  check_length(entry_t, col.numel(), "entry_t");
  return by_dtype(weight, [&](auto zero) {
    using T = decltype(zero);
    const Context context(weight);
    const int64_t dim = weight.size(1), count = center.size(0);
    const HeldPattern a(context, rowptr, col, count);
    const HeldPattern t(context, rowptr_t, col_t, weight.size(0));
    const Input<T> g(context, grad), w(context, weight), c(context, center), r(context, radius);
    const Input<int32_t> entry(context, entry_t);
    const bool wide = radius.has_value();
    Tensor grad_weight = scratch<T, 2>(weight, {a.rows, dim});
    Tensor grad_center = scratch<T, 2>(weight, {count, dim});
    Tensor grad_radius = wide ? scratch<T, 2>(weight, {count, dim}) : scratch<T, 1>(weight, {0});
    T* spread = wide ? output<T>(grad_radius) : nullptr;
    context.launch("entry_weight", entry_weight_kernel<T>, blocks_for(a.rows * dim, kThreads),
                   kThreads, a.view(), g, w, c, r, dim, output<T>(grad_weight));
    context.launch("entry_center", entry_center_kernel<T>, blocks_for(count * dim, kThreads),
                   kThreads, t.view(), entry, g, w, dim, output<T>(grad_center), spread);
    return std::make_tuple(grad_weight, grad_center, grad_radius);
  });
}

std::tuple<Tensor, Tensor> budget_minimum(
    const Tensor& value, const Tensor& rowptr, const Tensor& col, const Tensor& kind,
    const Tensor& positive, const Tensor& negative, const Tensor& size, const Tensor& budget,
    double power, const Tensor&, const Tensor&, const Tensor&) {
  check_matrix(value, "value");
  check_length(kind, col.numel(), "kind");
  check_length(positive, value.size(0), "positive");
  check_length(negative, value.size(0), "negative");
  check_length(size, rowptr.numel() - 1, "size");
  check_length(budget, rowptr.numel() - 1, "budget");
  return by_dtype(value, [&](auto zero) {
    using T = decltype(zero);
    const Context context(value);
    const int64_t dim = value.size(1);
    const HeldPattern a(context, rowptr, col, value.size(0));
    const Input<T> v(context, value), p(context, positive), n(context, negative), s(context, size);
    const Input<int8_t> kinds(context, kind);
    const Input<int64_t> drops(context, budget);
    Tensor out = scratch<T, 2>(value, {a.rows, dim}), choice = scratch<T, 3>(value, {3, a.rows, dim});
    context.launch("row_minimum", row_minimum_kernel<T>, blocks_for(a.rows * dim, kThreads),
                   kThreads, a.view(), Rules<T>{kinds, p, n, s, power}, drops, v, dim,
                   output<T>(out), output<T>(choice));
    return std::make_tuple(out, choice);
  });
}

Tensor budget_minimum_backward(
    const Tensor& grad, const Tensor& value, const Tensor& choice, const Tensor& rowptr,
    const Tensor& kind, const Tensor& positive, const Tensor& negative, const Tensor& size,
    double power, const Tensor& rowptr_t, const Tensor& col_t, const Tensor& entry_t) {
  check_matrix(value, "value");
  const int64_t dim = value.size(1), rows = rowptr.numel() - 1;
  check_length(rowptr_t, value.size(0) + 1, "rowptr_t");
  check_length(kind, col_t.numel(), "kind");
  check_length(entry_t, col_t.numel(), "entry_t");
  check_length(positive, value.size(0), "positive");
  check_length(negative, value.size(0), "negative");
  check_length(size, rows, "size");
  check_length(grad, rows * dim, "grad");
  check_length(choice, 3 * rows * dim, "choice");
  return by_dtype(value, [&](auto zero) {
    using T = decltype(zero);
    const Context context(value);
    const HeldPattern t(context, rowptr_t, col_t, rows);
    const Input<T> g(context, grad), v(context, value), c(context, choice);
    const Input<T> p(context, positive), n(context, negative), s(context, size);
    const Input<int8_t> kinds(context, kind);
    const Input<int32_t> entry(context, entry_t);
    const Input<int64_t> border(context, rowptr);
    Tensor out = scratch<T, 2>(value, {value.size(0), dim});
    context.launch("row_minimum_backward", row_minimum_backward_kernel<T>,
                   blocks_for(t.rows * dim, kThreads), kThreads, t.view(), entry, border,
                   Rules<T>{kinds, p, n, s, power}, g, v, c, dim, output<T>(out));
    return out;
  });
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CUDA, m) {
  m.impl("interval_propagate", TORCH_BOX(&interval_propagate));
  m.impl("interval_propagate_backward", TORCH_BOX(&interval_propagate_backward));
  m.impl("edge_bound", TORCH_BOX(&edge_bound));
  m.impl("edge_bound_backward", TORCH_BOX(&edge_bound_backward));
  m.impl("budget_minimum", TORCH_BOX(&budget_minimum));
  m.impl("budget_minimum_backward", TORCH_BOX(&budget_minimum_backward));
}

}  // namespace graphlab
