// pairwise_softplus and its gradient on CUDA; the products of tiles are those of pair_tile.cuh.
//
// Forward: a block owns 64 rows of x and walks over tiles of 64 rows of y. Every thread adds the
// softplus of its rows' products to float64 sums; the 16 threads of a row meet once at the end.
// Backward: products again, turned into shares in shared memory, times the tile of the other side:
// a pass by rows of x and one by rows of y, as for the log-sum-exp.
#include "softplus.h"

#include "pair_tile.cuh"

namespace graphlab::cuda {

// 1 / (1 + exp(-s)) without loss of small values.
template <typename T>
__device__ inline T sigmoid(T s) {
  const T u = exp(-fabs(s));
  return (s > T(0) ? T(1) : u) / (T(1) + u);
}

// The gradient to the sums of this side's rows, or of the other side's.
struct SoftplusShare {
  template <typename T>
  __device__ T operator()(const PairArgs<T>& p, int64_t i, int64_t j, T product) const {
    if (i >= p.rows || j >= p.columns) return T(0);
    return (p.row_grad ? p.row_grad[i] : p.col_grad[j]) * sigmoid(product);
  }
};

namespace {

// max(s, 0) + log(1 + exp(-|s|)); NaN stays.
template <typename T>
__device__ inline T softplus(T s) {
  return (s > T(0) ? s : T(0)) + log1p(exp(-fabs(s)));
}

template <typename T>
__global__ void __launch_bounds__(kThreads, 2) softplus_kernel(const PairArgs<T> p) {
  __shared__ PairShared<T, kVec> shared;
  const int64_t row0 = static_cast<int64_t>(blockIdx.x) * kTile;
  double mass[kRows];
#pragma unroll
  for (int r = 0; r < kRows; ++r) mass[r] = 0.0;
  const int64_t begin = blockIdx.z * p.tiles * kTile;
  const int64_t limit = begin + p.tiles * kTile;
  const int64_t end = limit < p.columns ? limit : p.columns;
  for (int64_t column0 = begin; column0 < end; column0 += kTile) {
    T sum[kRows][kVec];
    pair_products(p, row0, column0, shared, sum);
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      T part = T(0);
#pragma unroll
      for (int c = 0; c < kVec; ++c) {
        part += column0 + tile_column<kVec>(c) < p.columns ? softplus(sum[r][c]) : T(0);
      }
      mass[r] += static_cast<double>(part);
    }
  }
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    const int64_t i = row0 + tile_y() * kRows + r;
    const double total = group_sum<kSide>(mass[r]);
    if (tile_x() != 0 || i >= p.rows) continue;
    if (gridDim.z == 1) {
      p.out[i] = static_cast<T>(total);
    } else {
      p.mass[blockIdx.z * p.rows + i] = total;
    }
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    softplus_merge_kernel(const PairArgs<T> p, int64_t splits) {
  for (int64_t i = thread_id(); i < p.rows; i += thread_count()) {
    double total = 0.0;
    for (int64_t s = 0; s < splits; ++s) total += p.mass[s * p.rows + i];
    p.out[i] = static_cast<T>(total);
  }
}

template <typename T>
Tensor forward(const Context& context, const Tensor& like, PairArgs<T> p) {
  Tensor out = scratch<T, 1>(like, {p.rows});
  const int64_t blocks = ceil_div(p.rows, kTile), splits = split_columns(p, blocks);
  Tensor sums = scratch<double, 1>(like, {splits > 1 ? splits * p.rows : 0});
  p.mass = output<double>(sums);
  p.out = output<T>(out);
  const dim3 grid(static_cast<unsigned>(blocks), 1, static_cast<unsigned>(splits));
  context.launch("softplus", softplus_kernel<T>, grid, kThreads, p);
  if (splits > 1) {
    context.launch("softplus_merge", softplus_merge_kernel<T>, blocks_for(p.rows, kThreads),
                   kThreads, p, splits);
  }
  return out;
}

}  // namespace
}  // namespace graphlab::cuda

namespace graphlab {

using namespace cuda;

Tensor pairwise_softplus(const Tensor& x, const Tensor& y) {
  check_pair_sides(x, y);
  return by_dtype(x, [&](auto zero) {
    using T = decltype(zero);
    const Context context(x);
    const Input<T> a(context, x), b(context, y);
    return forward(context, x, pair_sides<T>(x, y, a, b));
  });
}

std::tuple<Tensor, Tensor> pairwise_softplus_backward(const Tensor& grad, const Tensor& x,
                                                      const Tensor& y, bool x_side, bool y_side) {
  check_pair_sides(x, y);
  check_length(grad, x.size(0), "grad");
  return by_dtype(x, [&](auto zero) -> std::tuple<Tensor, Tensor> {
    using T = decltype(zero);
    const Context context(x);
    const Input<T> a(context, x), b(context, y), g(context, grad);
    const auto none = [&] { return scratch<T, 2>(x, {0, x.size(1)}); };
    PairArgs<T> rows = pair_sides<T>(x, y, a, b), columns = pair_sides<T>(y, x, b, a);
    rows.row_grad = g;
    columns.col_grad = g;
    return {x_side ? pair_backward(context, x, rows, SoftplusShare{}) : none(),
            y_side ? pair_backward(context, y, columns, SoftplusShare{}) : none()};
  });
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CUDA, m) {
  m.impl("pairwise_softplus", TORCH_BOX(&pairwise_softplus));
  m.impl("pairwise_softplus_backward", TORCH_BOX(&pairwise_softplus_backward));
}

}  // namespace graphlab
