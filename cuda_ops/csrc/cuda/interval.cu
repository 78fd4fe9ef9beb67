// interval_propagate and edge_bound on CUDA; see csrc/interval.h.
//
// A warp takes a span of a row (segments.cuh) and reads the rows that its entries name in batches
// (gather.cuh). Sums run over the entries in their order: in the values' type within a span of at
// most 256 entries, in float64 over the windows of longer rows. Both ends of an interval are summed
// in one pass, which reads the entries once. Dot products of entries keep the row's weights in
// registers, so that an entry costs its own rows and nothing else.
//
// A column out of range gives NaN in its row, or in its entry.
#include "interval.h"

#include "gather.cuh"
#include "pattern.cuh"

namespace graphlab::cuda {
namespace {

// Entries whose rows are loaded together: about 64 bytes a lane, in loads of 16.
template <typename T, int N, int W>
constexpr int kBatch = std::clamp<int>(64 / (2 * N * W * static_cast<int>(sizeof(T))), 2, 8);

template <typename T>
__device__ inline T magnitude(T x) {
  return x < 0 ? -x : x;
}

// --- interval_propagate --------------------------------------------------------------------------

template <typename T>
struct SignedArgs {
  Rows rows;
  const int32_t* col;
  int64_t columns;
  const T* low;       // (columns, dim)
  const T* high;      // (columns, dim)
  const T* own_low;   // (rows, dim) or null: the sign that counts is that of `low` itself
  const T* own_high;  // (rows, dim) or null
  const T* entry_low;
  const T* entry_high;
  double* partial_low;  // (slots, dim)
  double* partial_high;
  T* out_low;  // (rows, dim)
  T* out_high;
};

template <typename T, int N, int W>
struct SignedPiece {
  Pack<T, W> low[N], high[N];
  T least, most;
};

// low_i = sum_j (h >= 0 ? entry_low : entry_high)_ij low_j, where h is low_j or own_low_i; high_i
// with the ends exchanged.
template <typename T, int N, int W>
__global__ void __launch_bounds__(kThreads, 2)
    signed_sum_kernel(const SignedArgs<T> a, const Columns<N, W> columns) {
  for (int64_t index = warp_id(); index < a.rows.spans(); index += warp_count()) {
    const Span span = span_at(a.rows, index);
    if (!span.valid) continue;
    Pack<T, W> side_low[N] = {}, side_high[N] = {};
    if (a.own_low != nullptr) {
      columns.load(a.own_low + span.row * columns.dim, side_low);
      columns.load(a.own_high + span.row * columns.dim, side_high);
    }
    T low[N * W] = {}, high[N * W] = {};
    const auto load = [&](int64_t at, int64_t j) {
      SignedPiece<T, N, W> piece;
      columns.load(a.low + j * columns.dim, piece.low);
      columns.load(a.high + j * columns.dim, piece.high);
      piece.least = a.entry_low[at];
      piece.most = a.entry_high[at];
      return piece;
    };
    const auto add = [&](int64_t, bool inside, const SignedPiece<T, N, W>& piece) {
#pragma unroll
      for (int c = 0; c < N * W; ++c) {
        const T below = inside ? piece.low[c / W].x[c % W] : not_a_number<T>();
        const T above = inside ? piece.high[c / W].x[c % W] : not_a_number<T>();
        const bool given = a.own_low != nullptr;
        const T sign_low = given ? side_low[c / W].x[c % W] : below;
        const T sign_high = given ? side_high[c / W].x[c % W] : above;
        low[c] += below * (sign_low >= 0 ? piece.least : piece.most);
        high[c] += above * (sign_high >= 0 ? piece.most : piece.least);
      }
    };
    for_each_gathered<kBatch<T, N, W>>(a.col, a.columns, span, load, add);
    write_sums(columns, span, low, a.partial_low, a.out_low);
    write_sums(columns, span, high, a.partial_high, a.out_high);
  }
}

// --- edge_bound ----------------------------------------------------------------------------------

template <typename T>
struct BoundArgs {
  Rows rows;
  const int32_t* col;
  int64_t columns;
  const T* weight;  // (rows, dim), or of the gradient to the centers (columns, dim)
  const T* center;  // (columns, dim)
  const T* radius;  // (columns, dim) or null
  const T* grad;    // (entries,), backward
  const int32_t* entry;  // (entries,): numbers of the transposed entries in `grad`
  double* partial;       // (slots, dim)
  double* partial_wide;
  T* out;
  T* wide;  // null without radius
};

template <typename T, int N, int W>
struct BoundPiece {
  Pack<T, W> center[N], radius[N];
  T grad;
};

template <typename T, int N, int W>
__device__ inline BoundPiece<T, N, W> bound_piece(const BoundArgs<T>& a,
                                                  const Columns<N, W>& columns, int64_t j) {
  BoundPiece<T, N, W> piece{};
  columns.load(a.center + j * columns.dim, piece.center);
  if (a.radius != nullptr) columns.load(a.radius + j * columns.dim, piece.radius);
  return piece;
}

// <w, c> - <|w|, r> of every entry: grid.y is 1, columns beyond the first of a warp are read here.
template <typename T, int N, int W>
__global__ void __launch_bounds__(kThreads, 2)
    entry_dot_kernel(const BoundArgs<T> a, const Columns<N, W> columns) {
  const auto term = [](T w, T c, T r) { return w * c - magnitude(w) * r; };
  for (int64_t index = warp_id(); index < a.rows.spans(); index += warp_count()) {
    const Span span = span_at(a.rows, index);
    if (!span.valid) continue;
    const T* own = a.weight + span.row * columns.dim;
    Pack<T, W> weight[N];
    columns.load(own, weight);
    const auto load = [&](int64_t, int64_t j) { return bound_piece(a, columns, j); };
    const auto add = [&](int64_t at, bool inside, const BoundPiece<T, N, W>& piece) {
      T sum = 0;
#pragma unroll
      for (int c = 0; c < N * W; ++c) {
        if (!columns.inside(c / W)) continue;
        sum += term(weight[c / W].x[c % W], piece.center[c / W].x[c % W],
                    piece.radius[c / W].x[c % W]);
      }
      const int64_t j = inside ? a.col[at] : 0;
      for (int64_t d = Columns<N, W>::kPerWarp + lane_id(); inside && d < columns.dim; d += kWarp) {
        const int64_t from = j * columns.dim + d;
        sum += term(own[d], a.center[from], a.radius != nullptr ? a.radius[from] : T(0));
      }
      sum = group_sum<kWarp>(sum);
      if (lane_id() == 0) a.out[at] = inside ? sum : not_a_number<T>();
    };
    for_each_gathered<kBatch<T, N, W>>(a.col, a.columns, span, load, add);
  }
}

template <typename T, int N, int W>
__global__ void __launch_bounds__(kThreads, 2)
    entry_weight_kernel(const BoundArgs<T> a, const Columns<N, W> columns) {
  for (int64_t index = warp_id(); index < a.rows.spans(); index += warp_count()) {
    const Span span = span_at(a.rows, index);
    if (!span.valid) continue;
    Pack<T, W> weight[N];
    columns.load(a.weight + span.row * columns.dim, weight);
    T sum[N * W] = {};
    const auto load = [&](int64_t at, int64_t j) {
      auto piece = bound_piece(a, columns, j);
      piece.grad = a.grad[at];
      return piece;
    };
    const auto add = [&](int64_t, bool inside, const BoundPiece<T, N, W>& piece) {
#pragma unroll
      for (int c = 0; c < N * W; ++c) {
        const T w = weight[c / W].x[c % W], side = w > 0 ? T(1) : (w < 0 ? T(-1) : T(0));
        const T slope = piece.center[c / W].x[c % W] - side * piece.radius[c / W].x[c % W];
        sum[c] += inside ? piece.grad * slope : not_a_number<T>();
      }
    };
    for_each_gathered<kBatch<T, N, W>>(a.col, a.columns, span, load, add);
    write_sums(columns, span, sum, a.partial, a.out);
  }
}

// Over the transpose: a row collects g w and - g |w| of the rows that name it.
template <typename T, int N, int W>
__global__ void __launch_bounds__(kThreads, 2)
    entry_center_kernel(const BoundArgs<T> a, const Columns<N, W> columns) {
  for (int64_t index = warp_id(); index < a.rows.spans(); index += warp_count()) {
    const Span span = span_at(a.rows, index);
    if (!span.valid) continue;
    T sum[N * W] = {}, wide[N * W] = {};
    const auto load = [&](int64_t at, int64_t j) {
      BoundPiece<T, N, W> piece{};
      columns.load(a.weight + j * columns.dim, piece.center);
      const int64_t number = a.entry[at];
      piece.grad = number >= 0 && number < a.rows.entries ? a.grad[number] : not_a_number<T>();
      return piece;
    };
    const auto add = [&](int64_t, bool inside, const BoundPiece<T, N, W>& piece) {
#pragma unroll
      for (int c = 0; c < N * W; ++c) {
        const T w = inside ? piece.center[c / W].x[c % W] : not_a_number<T>();
        sum[c] += piece.grad * w;
        wide[c] -= piece.grad * magnitude(w);
      }
    };
    for_each_gathered<kBatch<T, N, W>>(a.col, a.columns, span, load, add);
    write_sums(columns, span, sum, a.partial, a.out);
    if (a.wide != nullptr) write_sums(columns, span, wide, a.partial_wide, a.wide);
  }
}

// --- host ----------------------------------------------------------------------------------------

// Rows of both ends, from gathered ends or, with `own`, from gathered gradients.
template <typename T>
std::tuple<Tensor, Tensor> signed_sums(const Context& context, const Pattern& pattern,
                                       SignedArgs<T> a, const Tensor& like) {
  const int64_t dim = like.size(1);
  a.rows = pattern.rows;
  a.col = pattern.col;
  Tensor low = scratch<T, 2>(like, {a.rows.rows, dim});
  Tensor high = scratch<T, 2>(like, {a.rows.rows, dim});
  Tensor partial = scratch<double, 3>(like, {2, a.rows.slots(), dim});
  a.partial_low = output<double>(partial);
  a.partial_high = a.partial_low + a.rows.slots() * dim;
  a.out_low = output<T>(low);
  a.out_high = output<T>(high);
  by_columns<T>(dim, {a.low, a.high, a.own_low, a.own_high}, [&](auto columns) {
    constexpr int N = decltype(columns)::N, W = decltype(columns)::W;
    context.launch("signed_sum", signed_sum_kernel<T, N, W>, span_grid(a.rows, columns), kThreads,
                   a, columns);
  });
  add_windows(context, a.rows, a.partial_low, dim, a.out_low);
  add_windows(context, a.rows, a.partial_high, dim, a.out_high);
  return std::make_tuple(low, high);
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
    const Pattern pattern(context, rowptr, col);
    const Input<T> l(context, low), h(context, high), el(context, entry_low);
    const Input<T> eh(context, entry_high);
    SignedArgs<T> a{};
    a.columns = low.size(0);
    a.low = l;
    a.high = h;
    a.entry_low = el;
    a.entry_high = eh;
    return signed_sums<T>(context, pattern, a, low);
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
    const Pattern pattern(context, rowptr_t, col_t);
    const Input<T> gl(context, grad_low), gh(context, grad_high), l(context, low);
    const Input<T> h(context, high), el(context, entry_low_t), eh(context, entry_high_t);
    SignedArgs<T> a{};
    a.columns = grad_low.size(0);
    a.low = gl;
    a.high = gh;
    a.own_low = l;
    a.own_high = h;
    a.entry_low = el;
    a.entry_high = eh;
    return signed_sums<T>(context, pattern, a, low);
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
    const Pattern pattern(context, rowptr, col);
    const Input<T> w(context, weight), c(context, center), r(context, radius);
    Tensor out = scratch<T, 1>(weight, {col.numel()});
    BoundArgs<T> a{};
    a.rows = pattern.rows;
    a.col = pattern.col;
    a.columns = center.size(0);
    a.weight = w;
    a.center = c;
    a.radius = r;
    a.out = output<T>(out);
    if (weight.size(1) == 0) return torch::stable::fill_(out, 0.0);
    by_columns<T>(weight.size(1), {a.weight, a.center, a.radius}, [&](auto columns) {
      constexpr int N = decltype(columns)::N, W = decltype(columns)::W;
      context.launch("entry_dot", entry_dot_kernel<T, N, W>,
                     blocks_for(a.rows.spans(), kWarpsPerBlock), kThreads, a, columns);
    });
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
    const Pattern pattern(context, rowptr, col), transpose(context, rowptr_t, col_t);
    const Input<T> g(context, grad), w(context, weight), c(context, center), r(context, radius);
    const Input<int32_t> entry(context, entry_t);
    const bool wide = radius.has_value();
    const int64_t slots = std::max(pattern.rows.slots(), transpose.rows.slots());
    Tensor partial = scratch<double, 3>(weight, {wide ? 2 : 1, slots, dim});
    Tensor grad_weight = scratch<T, 2>(weight, {pattern.rows.rows, dim});
    Tensor grad_center = scratch<T, 2>(weight, {count, dim});
    Tensor grad_radius = wide ? scratch<T, 2>(weight, {count, dim}) : scratch<T, 1>(weight, {0});
    BoundArgs<T> a{};
    a.rows = pattern.rows;
    a.col = pattern.col;
    a.columns = count;
    a.weight = w;
    a.center = c;
    a.radius = r;
    a.grad = g;
    a.partial = output<double>(partial);
    a.partial_wide = a.partial + slots * dim;
    a.out = output<T>(grad_weight);
    BoundArgs<T> t = a;
    t.rows = transpose.rows;
    t.col = transpose.col;
    t.columns = weight.size(0);
    t.entry = entry;
    t.out = output<T>(grad_center);
    t.wide = wide ? output<T>(grad_radius) : nullptr;
    by_columns<T>(dim, {a.weight, a.center, a.radius}, [&](auto columns) {
      constexpr int N = decltype(columns)::N, W = decltype(columns)::W;
      context.launch("entry_weight", entry_weight_kernel<T, N, W>, span_grid(a.rows, columns),
                     kThreads, a, columns);
      // The second pass uses the partial sums anew.
      add_windows(context, a.rows, a.partial, dim, a.out);
      context.launch("entry_center", entry_center_kernel<T, N, W>, span_grid(t.rows, columns),
                     kThreads, t, columns);
      add_windows(context, t.rows, t.partial, dim, t.out);
      if (wide) add_windows(context, t.rows, t.partial_wide, dim, t.wide);
    });
    return std::make_tuple(grad_weight, grad_center, grad_radius);
  });
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CUDA, m) {
  m.impl("interval_propagate", TORCH_BOX(&interval_propagate));
  m.impl("interval_propagate_backward", TORCH_BOX(&interval_propagate_backward));
  m.impl("edge_bound", TORCH_BOX(&edge_bound));
  m.impl("edge_bound_backward", TORCH_BOX(&edge_bound_backward));
}

}  // namespace graphlab
