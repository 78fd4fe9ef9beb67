// Log-sum-exp over all pairs of rows of two matrices, and its gradient, tile by tile.
//
// Forward: a block owns 64 rows of a and walks over tiles of 64 rows of b; a 64 x 64 tile of logits
// lives in registers (4 x 4 a thread). Every thread keeps a running maximum (T) and a running sum
// (float64) of its rows; the 16 threads of a row merge once at the end.
//
// Backward: the logits of a tile are computed again, turned into shares of the gradient, laid into
// shared memory and multiplied with the tile of b. The accumulators are 64 rows x (16, 64, 256)
// columns of the gradient (float64: 128); D beyond that repeats the logits per chunk (grid.y).
// After 2048 columns the accumulators are added to the output, so that no float32 chain is longer.
//
// Few rows and many columns: columns are split over grid.z; partial results are merged in order.
//
// An infinite maximum is replaced by zero as a base, which gives the limits of torch.logsumexp:
// -inf for an empty sum, +inf for an infinite logit, NaN for a NaN.
#pragma once

#include "pairwise.h"
#include "tile.cuh"

namespace graphlab::cuda {


template <typename T>
struct PairArgs {
  const T* a;         // (rows, dim)
  const T* b;         // (columns, dim)
  int64_t rows;
  int64_t columns;
  int64_t dim;
  T scale;
  Diagonal diagonal;
  int64_t tiles;      // column tiles per split
  const T* b_weight;  // (columns,) or null
  // forward
  double* peak;       // (splits, rows) running maxima, if there are several splits
  double* mass;       // (splits, rows) running sums
  // backward
  const T* row_grad;  // (rows,) or null, with row_lse
  const T* row_lse;
  const T* col_grad;  // (columns,) or null, with col_lse
  const T* col_lse;
  const T* a_weight;  // (rows,) or null
  T* out;             // lse (rows,), or gradient (splits, rows, dim)
};

template <typename T, int C>
union PairShared {
  struct {
    Slice<T, kTile> a, b;
  } logits;
  Slice<T, kSide * C> wide;
};

template <typename T>
struct alignas(16) ShareTile {
  T at[kTile][kTile + kVec];  // [column][row]
};

// Logits of a tile without scale: (row0 .. row0 + 63) x (column0 .. column0 + 63).
template <typename T, int C>
__device__ inline void pair_products(const PairArgs<T>& p, int64_t row0, int64_t column0,
                                     PairShared<T, C>& shared, T (&sum)[kRows][kVec]) {
  clear(sum);
  for (int64_t k0 = 0; k0 < p.dim; k0 += kSlice<T>) {
    __syncthreads();  // the last slice has been read
    stage_rows(shared.logits.a, p.a, p.rows, p.dim, row0, k0);
    stage_rows(shared.logits.b, p.b, p.columns, p.dim, column0, k0);
    __syncthreads();
    multiply_slice(sum, shared.logits.a.at, shared.logits.b.at);
  }
}

template <typename T>
__device__ inline T base_of(T peak) {
  return isinf(peak) ? T(0) : peak;
}

// Factor that moves a sum from one maximum to a larger or equal one.
template <typename T>
__device__ inline T rescale(T from, T to) {
  return from == to ? T(1) : exp(from - to);
}

// Adds a row's four logits to its running maximum and sum.
template <typename T>
__device__ inline void add_logits(const T (&logit)[kVec], T& peak, double& mass) {
  T top = peak;
#pragma unroll
  for (int c = 0; c < kVec; ++c) top = logit[c] > top ? logit[c] : top;
  mass *= static_cast<double>(rescale(peak, top));
  peak = top;
  const T base = base_of(top);
  T sum = T(0);
#pragma unroll
  for (int c = 0; c < kVec; ++c) {
    sum += logit[c] == -infinity<T>() ? T(0) : exp(logit[c] - base);
  }
  mass += static_cast<double>(sum);
}

__device__ inline void merge_sums(double& peak, double& mass, double peak2, double mass2) {
  const double top = peak2 > peak ? peak2 : peak;
  mass = mass * rescale(peak, top) + mass2 * rescale(peak2, top);
  peak = top;
}

template <typename T>
__global__ void __launch_bounds__(kThreads, 2) pair_forward_kernel(const PairArgs<T> p) {
  __shared__ PairShared<T, kVec> shared;
  const int64_t row0 = static_cast<int64_t>(blockIdx.x) * kTile;
  T peak[kRows];
  double mass[kRows];
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    peak[r] = -infinity<T>();
    mass[r] = 0.0;
  }
  const int64_t begin = blockIdx.z * p.tiles * kTile;
  const int64_t limit = begin + p.tiles * kTile;
  const int64_t end = limit < p.columns ? limit : p.columns;
  for (int64_t column0 = begin; column0 < end; column0 += kTile) {
    T sum[kRows][kVec], bias[kVec];
    pair_products(p, row0, column0, shared, sum);
#pragma unroll
    for (int c = 0; c < kVec; ++c) {
      const int64_t j = column0 + tile_column<kVec>(c);
      bias[c] = p.b_weight && j < p.columns ? log(p.b_weight[j]) : T(0);
    }
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int64_t i = row0 + tile_y() * kRows + r;
#pragma unroll
      for (int c = 0; c < kVec; ++c) {
        const int64_t j = column0 + tile_column<kVec>(c);
        const bool own = p.diagonal != Diagonal::keep && i == j;
        const bool out = j >= p.columns || (own && p.diagonal == Diagonal::exclude);
        sum[r][c] = out ? -infinity<T>() : (own ? T(0) : p.scale * sum[r][c]) + bias[c];
      }
      add_logits(sum[r], peak[r], mass[r]);
    }
  }
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    const int64_t i = row0 + tile_y() * kRows + r;
    double top = static_cast<double>(peak[r]), total = mass[r];
#pragma unroll
    for (int step = kSide / 2; step > 0; step /= 2) {
      const double top2 = __shfl_xor_sync(kAllLanes, top, step);
      const double total2 = __shfl_xor_sync(kAllLanes, total, step);
      // Lower lane first on both sides: both compute the same bits.
      if (tile_x() & step) {
        double first = top2, sum = total2;
        merge_sums(first, sum, top, total);
        top = first;
        total = sum;
      } else {
        merge_sums(top, total, top2, total2);
      }
    }
    if (tile_x() != 0 || i >= p.rows) continue;
    if (gridDim.z == 1) {
      p.out[i] = static_cast<T>(base_of(top) + log(total));
    } else {
      p.peak[blockIdx.z * p.rows + i] = top;
      p.mass[blockIdx.z * p.rows + i] = total;
    }
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads) pair_merge_kernel(const PairArgs<T> p, int64_t splits) {
  for (int64_t i = thread_id(); i < p.rows; i += thread_count()) {
    double top = p.peak[i], total = p.mass[i];
    for (int64_t s = 1; s < splits; ++s) {
      merge_sums(top, total, p.peak[s * p.rows + i], p.mass[s * p.rows + i]);
    }
    p.out[i] = static_cast<T>(base_of(top) + log(total));
  }
}

// weight * grad * exp(logit - lse). No weight and an empty sum give zero, whatever the exponential.
template <typename T>
__device__ inline T share_of(T grad, const T* weight, int64_t at, T logit, T lse) {
  const T factor = weight ? weight[at] : T(1);
  if (factor == T(0) || lse == -infinity<T>()) return T(0);
  return grad * factor * exp(logit - lse);
}

// Derivative of the log-sum-exps to the logit of a pair, by its product.
struct LogsumexpShare {
  template <typename T>
  __device__ T operator()(const PairArgs<T>& p, int64_t i, int64_t j, T product) const {
    if (i >= p.rows || j >= p.columns || (p.diagonal != Diagonal::keep && i == j)) return T(0);
    const T logit = p.scale * product;
    T share = T(0);
    if (p.row_grad) share += share_of(p.row_grad[i], p.b_weight, j, logit, p.row_lse[i]);
    if (p.col_grad) share += share_of(p.col_grad[j], p.a_weight, i, logit, p.col_lse[j]);
    return share;
  }
};

// Adds the accumulators to the output (or sets it, the first time) and clears them.
template <typename T, int C>
__device__ inline void pair_flush(const PairArgs<T>& p, T* out, int64_t row0, int64_t first,
                                  bool fresh, T (&sum)[kRows][C]) {
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    const int64_t i = row0 + tile_y() * kRows + r;
#pragma unroll
    for (int c = 0; c < C; ++c) {
      const int64_t column = first + tile_column<C>(c);
      if (i >= p.rows || column >= p.dim) continue;
      T* to = out + i * p.dim + column;
      *to = fresh ? p.scale * sum[r][c] : *to + p.scale * sum[r][c];
    }
  }
  clear(sum);
}

template <typename T, int C, typename Share>
__global__ void __launch_bounds__(kThreads, C > kVec ? 1 : 2)
    pair_backward_kernel(const PairArgs<T> p, const Share share_at) {
  constexpr int kFlush = 32;  // tiles, 2048 columns
  __shared__ PairShared<T, C> shared;
  __shared__ ShareTile<T> share;
  const int64_t row0 = static_cast<int64_t>(blockIdx.x) * kTile;
  const int64_t first = static_cast<int64_t>(blockIdx.y) * kSide * C;
  T* out = p.out + blockIdx.z * p.rows * p.dim;
  T grad[kRows][C];
  clear(grad);
  const int64_t begin = blockIdx.z * p.tiles;
  const int64_t all = ceil_div(p.columns, kTile);
  const int64_t end = begin + p.tiles < all ? begin + p.tiles : all;
  bool fresh = true;
  for (int64_t tile = begin; tile < end; ++tile) {
    const int64_t column0 = tile * kTile;
    T sum[kRows][kVec];
    pair_products(p, row0, column0, shared, sum);
    // The barriers of the products lie behind the last reading of the shares.
#pragma unroll
    for (int c = 0; c < kVec; ++c) {
      const int column = tile_column<kVec>(c);
      Vec4<T> part;
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        part.x[r] = share_at(p, row0 + tile_y() * kRows + r, column0 + column, sum[r][c]);
      }
      *reinterpret_cast<Vec4<T>*>(&share.at[column][tile_y() * kRows]) = part;
    }
    for (int step = 0; step < kTile; step += kSlice<T>) {
      __syncthreads();  // shares are written, the last slice has been read
      stage_columns(shared.wide, p.b, p.columns, p.dim, column0 + step, first);
      __syncthreads();
      multiply_slice(grad, &share.at[step], shared.wide.at);
    }
    if ((tile - begin) % kFlush != kFlush - 1) continue;
    pair_flush(p, out, row0, first, fresh, grad);
    fresh = false;
  }
  pair_flush(p, out, row0, first, fresh, grad);
}

// Sum over splits, in order.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    pair_combine_kernel(const T* partial, int64_t splits, int64_t size, T* out) {
  for (int64_t at = thread_id(); at < size; at += thread_count()) {
    double sum = 0.0;
    for (int64_t s = 0; s < splits; ++s) sum += static_cast<double>(partial[s * size + at]);
    out[at] = static_cast<T>(sum);
  }
}

// --- host ----------------------------------------------------------------------------------------

// Two matrices with as many columns, as the tiles take them.
template <typename T>
PairArgs<T> pair_sides(const Tensor& a_shape, const Tensor& b_shape, const T* a, const T* b) {
  PairArgs<T> p{};
  p.a = a;
  p.b = b;
  p.rows = a_shape.size(0);
  p.columns = b_shape.size(0);
  p.dim = a_shape.size(1);
  p.scale = T(1);
  p.diagonal = Diagonal::keep;
  return p;
}

inline void check_pair_sides(const Tensor& a, const Tensor& b) {
  check_matrix(a, "x");
  check_matrix(b, "y");
  STD_TORCH_CHECK(a.size(1) == b.size(1), "graphlab: x and y must have as many columns, got ",
                  a.size(1), " and ", b.size(1));
}

// Fills `tiles` and returns the number of column splits for `blocks` blocks without splits.
template <typename T>
int64_t split_columns(PairArgs<T>& p, int64_t blocks) {
  const int64_t tiles = std::max<int64_t>(1, ceil_div(p.columns, kTile));
  const int64_t most = kTargetBlocks / std::max<int64_t>(1, blocks);
  const int64_t wanted = std::clamp<int64_t>(most, 1, tiles);
  p.tiles = ceil_div(tiles, wanted);
  return ceil_div(tiles, p.tiles);
}

// Row log-sum-exps of the pairs described by p; `like` names dtype and device.
template <typename T>
Tensor pair_forward(const Context& context, const Tensor& like, PairArgs<T> p) {
  Tensor out = scratch<T, 1>(like, {p.rows});
  const int64_t blocks = ceil_div(p.rows, kTile), splits = split_columns(p, blocks);
  Tensor sums = scratch<double, 1>(like, {splits > 1 ? 2 * splits * p.rows : 0});
  p.peak = output<double>(sums);
  p.mass = p.peak + splits * p.rows;
  p.out = output<T>(out);
  const dim3 grid(static_cast<unsigned>(blocks), 1, static_cast<unsigned>(splits));
  context.launch("pair_forward", pair_forward_kernel<T>, grid, kThreads, p);
  if (splits > 1) {
    const dim3 lines = blocks_for(p.rows, kThreads);
    context.launch("pair_merge", pair_merge_kernel<T>, lines, kThreads, p, splits);
  }
  return out;
}

template <typename T, int C, typename Share>
Tensor pair_backward_with(const Context& context, const Tensor& like, PairArgs<T> p,
                          const Share& share) {
  Tensor out = scratch<T, 2>(like, {p.rows, p.dim});
  const int64_t blocks = ceil_div(p.rows, kTile), chunks = ceil_div(p.dim, kSide * C);
  const int64_t splits = split_columns(p, blocks * chunks);
  Tensor partial = scratch<T, 1>(like, {splits > 1 ? splits * p.rows * p.dim : 0});
  p.out = output<T>(splits > 1 ? partial : out);
  const dim3 grid(static_cast<unsigned>(blocks), static_cast<unsigned>(chunks),
                  static_cast<unsigned>(splits));
  context.launch("pair_backward", pair_backward_kernel<T, C, Share>, grid, kThreads, p, share);
  if (splits > 1) {
    const int64_t size = p.rows * p.dim;
    context.launch("pair_combine", pair_combine_kernel<T>, blocks_for(size, kThreads), kThreads,
                   p.out, splits, size, output<T>(out));
  }
  return out;
}

// Gradient to a of the pairs described by p.
template <typename T, typename Share>
Tensor pair_backward(const Context& context, const Tensor& like, const PairArgs<T>& p,
                     const Share& share) {
  if (p.dim <= kSide) return pair_backward_with<T, 1>(context, like, p, share);
  if (p.dim <= kTile) return pair_backward_with<T, kVec>(context, like, p, share);
  return pair_backward_with<T, sizeof(T) == 4 ? 16 : 8>(context, like, p, share);
}

}  // namespace graphlab::cuda
