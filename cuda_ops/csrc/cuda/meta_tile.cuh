// Kernels of the meta-node log-sum-exp with covariances. The design is told in meta.cu.
#pragma once

#include "pair_tile.cuh"

namespace graphlab::cuda {

template <typename T>
struct MetaArgs {
  const T* u;      // (rows, dim), this chunk
  const T* count;  // (clusters,)
  const T* mean;   // (clusters, dim)
  const T* cov;    // (clusters, dim, dim)
  int64_t rows;    // of this chunk
  int64_t dim;
  int64_t clusters;
  T tau;
  T half;          // tau^2 / 2
  const T* grad;   // (rows,), backward
  const T* lse;    // (rows,), backward
  T* table;        // (rows, clusters): logits forward, shares backward
  T* out;          // lse (rows,), or grad_u (rows, dim)
  int64_t part;    // rows per part of the moments
  double* partial_cov;   // (parts, clusters, dim, dim)
  double* partial_mean;  // (parts, clusters, dim)
};

template <typename T, int C>
struct MetaShared {
  Slice<T, kTile> left;
  Slice<T, kSide * C> right;
};

// Writes a logit, or what the row's gradient gives to this cluster.
template <typename T>
__device__ inline void put_logit(const MetaArgs<T>& a, int64_t i, int64_t b, T logit) {
  T value = logit;
  if (a.grad) {
    const bool empty = a.lse[i] == -infinity<T>();
    value = empty ? T(0) : a.grad[i] * exp(logit - a.lse[i]);
  }
  a.table[i * a.clusters + b] = value;
}

template <typename T, int C>
__global__ void __launch_bounds__(kThreads, 2) meta_logits_kernel(const MetaArgs<T> a) {
  __shared__ MetaShared<T, C> shared;
  const int64_t row0 = static_cast<int64_t>(blockIdx.x) * kTile;
  for (int64_t b = blockIdx.y; b < a.clusters; b += gridDim.y) {
    const T* cov = a.cov + b * a.dim * a.dim;
    double logit[kRows] = {};
    for (int64_t column0 = 0; column0 < a.dim; column0 += kSide * C) {
      T sum[kRows][C];
      clear(sum);
      for (int64_t k0 = 0; k0 < a.dim; k0 += kSlice<T>) {
        __syncthreads();  // the last slice has been read
        stage_rows(shared.left, a.u, a.rows, a.dim, row0, k0);
        stage_columns(shared.right, cov, a.dim, a.dim, k0, column0);
        __syncthreads();
        multiply_slice(sum, shared.left.at, shared.right.at);
      }
#pragma unroll
      for (int c = 0; c < C; ++c) {
        const int64_t column = column0 + tile_column<C>(c);
        if (column >= a.dim) continue;
        const T linear = a.tau * a.mean[b * a.dim + column];
#pragma unroll
        for (int r = 0; r < kRows; ++r) {
          const int64_t i = row0 + tile_y() * kRows + r;
          if (i >= a.rows) continue;
          logit[r] += static_cast<double>(a.u[i * a.dim + column] * (a.half * sum[r][c] + linear));
        }
      }
    }
    const T bias = log(a.count[b]);
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int64_t i = row0 + tile_y() * kRows + r;
      const double total = group_sum<kSide>(logit[r]);
      if (tile_x() == 0 && i < a.rows) put_logit(a, i, b, static_cast<T>(total) + bias);
    }
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads) meta_lse_kernel(const MetaArgs<T> a) {
  for (int64_t i = warp_id(); i < a.rows; i += warp_count()) {
    const T* logits = a.table + i * a.clusters;
    T peak = -infinity<T>();
    for (int64_t b = lane_id(); b < a.clusters; b += kWarp) {
      peak = logits[b] > peak ? logits[b] : peak;
    }
#pragma unroll
    for (int step = kWarp / 2; step > 0; step /= 2) {
      const T other = __shfl_xor_sync(kAllLanes, peak, step);
      peak = other > peak ? other : peak;
    }
    const T base = base_of(peak);
    double mass = 0.0;
    for (int64_t b = lane_id(); b < a.clusters; b += kWarp) {
      mass += static_cast<double>(exp(logits[b] - base));
    }
    mass = group_sum<kWarp>(mass);
    if (lane_id() == 0) a.out[i] = static_cast<T>(base + log(mass));
  }
}

template <typename T, int C>
__global__ void __launch_bounds__(kThreads, sizeof(T) == 4 ? 2 : 1)
    meta_grad_u_kernel(const MetaArgs<T> a) {
  __shared__ MetaShared<T, C> shared;
  const int64_t row0 = static_cast<int64_t>(blockIdx.x) * kTile;
  const int64_t column0 = static_cast<int64_t>(blockIdx.y) * kSide * C;
  T grad[kRows][C];
  clear(grad);
  for (int64_t b = 0; b < a.clusters; ++b) {
    T sum[kRows][C];
    clear(sum);
    for (int64_t k0 = 0; k0 < a.dim; k0 += kSlice<T>) {
      __syncthreads();  // the last slice has been read
      stage_rows(shared.left, a.u, a.rows, a.dim, row0, k0);
      stage_symmetric(shared.right, a.cov + b * a.dim * a.dim, a.dim, k0, column0);
      __syncthreads();
      multiply_slice(sum, shared.left.at, shared.right.at);
    }
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int64_t i = row0 + tile_y() * kRows + r;
      const T share = i < a.rows ? a.table[i * a.clusters + b] : T(0);
#pragma unroll
      for (int c = 0; c < C; ++c) {
        const int64_t column = column0 + tile_column<C>(c);
        const T mean = column < a.dim ? a.mean[b * a.dim + column] : T(0);
        grad[r][c] += share * (a.half * sum[r][c] + a.tau * mean);
      }
    }
  }
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    const int64_t i = row0 + tile_y() * kRows + r;
#pragma unroll
    for (int c = 0; c < C; ++c) {
      const int64_t column = column0 + tile_column<C>(c);
      if (i < a.rows && column < a.dim) a.out[i * a.dim + column] = grad[r][c];
    }
  }
}

// to[k][i] = share[row + k][b] * u[row + k][column0 + i], zeros from `end` on.
template <typename T>
__device__ inline void stage_shares(Slice<T, kTile>& to, const MetaArgs<T>& a, int64_t b,
                                    int64_t row, int64_t end, int64_t column0) {
  for (int index = threadIdx.x; index < kTile * kSlice<T>; index += kThreads) {
    const int64_t i = row + index / kTile, column = column0 + index % kTile;
    const bool inside = i < end && column < a.dim;
    to.at[index / kTile][index % kTile] =
        inside ? a.table[i * a.clusters + b] * a.u[i * a.dim + column] : T(0);
  }
}

// grid: clusters times tiles of (dim, dim), which are more than CUDA takes along y; parts of the rows.
template <typename T, int C>
__global__ void __launch_bounds__(kThreads, C == 1 ? 2 : 1)
    meta_moments_kernel(const MetaArgs<T> a) {
  constexpr int kSlices = kTile / kSlice<T>;  // 64 rows between two additions in float64
  __shared__ MetaShared<T, C> shared;
  const int64_t across = ceil_div(a.dim, kSide * C);
  const int64_t b = blockIdx.x % a.clusters, tile = blockIdx.x / a.clusters;
  const int64_t row0 = tile / across * kTile, column0 = tile % across * kSide * C;
  const int64_t begin = blockIdx.z * a.part;
  const int64_t end = begin + a.part < a.rows ? begin + a.part : a.rows;
  double total[kRows][C] = {}, mean[kRows] = {};
  for (int64_t from = begin; from < end; from += kTile) {
    T sum[kRows][C];
    clear(sum);
    for (int slice = 0; slice < kSlices; ++slice) {
      const int64_t row = from + slice * kSlice<T>;
      __syncthreads();  // the last slice has been read
      stage_shares(shared.left, a, b, row, end, row0);
      stage_columns(shared.right, a.u, end, a.dim, row, column0);
      __syncthreads();
      multiply_slice(sum, shared.left.at, shared.right.at);
      if (column0 != 0 || tile_x() != 0) continue;
      for (int k = 0; k < kSlice<T>; ++k) {
#pragma unroll
        for (int r = 0; r < kRows; ++r) {
          mean[r] += static_cast<double>(shared.left.at[k][tile_y() * kRows + r]);
        }
      }
    }
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
#pragma unroll
      for (int c = 0; c < C; ++c) total[r][c] += static_cast<double>(sum[r][c]);
    }
  }
  const int64_t base = (blockIdx.z * a.clusters + b) * a.dim;
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    const int64_t i = row0 + tile_y() * kRows + r;
    if (i >= a.dim) continue;
#pragma unroll
    for (int c = 0; c < C; ++c) {
      const int64_t column = column0 + tile_column<C>(c);
      if (column < a.dim) a.partial_cov[(base + i) * a.dim + column] = total[r][c];
    }
    if (column0 == 0 && tile_x() == 0) a.partial_mean[base + i] = mean[r];
  }
}

// out (+)= factor * sum over parts, in order.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    meta_combine_kernel(const double* partial, int64_t parts, int64_t size, double factor,
                        bool fresh, T* out) {
  for (int64_t at = thread_id(); at < size; at += thread_count()) {
    double sum = 0.0;
    for (int64_t p = 0; p < parts; ++p) sum += partial[p * size + at];
    out[at] = static_cast<T>(factor * sum + (fresh ? 0.0 : static_cast<double>(out[at])));
  }
}

}  // namespace graphlab::cuda
