// Second moments of clusters on CUDA, and their gradient.
//
// cluster_outer: a block takes the members of a span and a 16 x 16 or 64 x 64 tile of the D x D
// moments on or above the diagonal, and mirrors it. 32 members are multiplied in T, then added in
// float64. Windows grow with D, so that partial results stay below 64 MiB.
// cluster_outer_backward: a product of 64 members (of one cluster) with a tile of G + G^T.
#pragma once

#include "members.cuh"
#include "tile.cuh"

namespace graphlab::cuda {

template <typename T>
struct OuterArgs {
  Rows rows;
  const int32_t* order;
  const T* x;       // (nodes, dim)
  int64_t dim;
  const T* grad;    // (clusters, dim, dim), backward
  double* partial;  // (slots, dim, dim), forward
  T* out;           // (clusters, dim, dim), or (nodes, dim) backward
};

constexpr int kMembers = 32;  // members multiplied between two additions in float64

// Rows and columns of a tile of the moments: kMembers members, 64 columns at most.
template <typename T, int Tile>
__device__ inline void stage_members(T (&to)[kMembers][Tile], const OuterArgs<T>& a,
                                     const Span& span, int64_t at, int64_t first) {
  for (int index = threadIdx.x; index < kMembers * Tile; index += kThreads) {
    const int m = index / Tile;
    const int64_t column = first + index % Tile;
    T value = T(0);
    if (at + m < span.end && column < a.dim) {
      const int64_t name = a.order[at + m];
      value = name < 0 ? not_a_number<T>() : a.x[name * a.dim + column];
    }
    to[m][index % Tile] = value;
  }
}

template <typename T, int Tile>
__global__ void __launch_bounds__(kThreads, 1) outer_kernel(const OuterArgs<T> a) {
  constexpr int M = Tile / kSide;
  __shared__ T left[kMembers][Tile], right[kMembers][Tile];
  const int64_t tiles = ceil_div(a.dim, Tile);
  const int64_t tile = static_cast<int64_t>(blockIdx.z) * gridDim.y + blockIdx.y;
  const int64_t row0 = tile / tiles * Tile, column0 = tile % tiles * Tile;
  // The mirror image is written by the tile above the diagonal; the last layer of z may be part empty.
  if (row0 > column0 || tile >= tiles * tiles) return;
  for (int64_t index = blockIdx.x; index < a.rows.spans(); index += gridDim.x) {
    const Span span = span_at(a.rows, index);
    if (!span.valid) continue;
    double total[M][M] = {};
    for (int64_t at = span.begin; at < span.end; at += kMembers) {
      __syncthreads();  // the last members have been read
      stage_members<T, Tile>(left, a, span, at, row0);
      stage_members<T, Tile>(right, a, span, at, column0);
      __syncthreads();
      T sum[M][M] = {};
#pragma unroll 4
      for (int m = 0; m < kMembers; ++m) {
#pragma unroll
        for (int r = 0; r < M; ++r) {
#pragma unroll
          for (int c = 0; c < M; ++c) {
            sum[r][c] += left[m][tile_y() + kSide * r] * right[m][tile_x() + kSide * c];
          }
        }
      }
#pragma unroll
      for (int r = 0; r < M; ++r) {
#pragma unroll
        for (int c = 0; c < M; ++c) total[r][c] += static_cast<double>(sum[r][c]);
      }
    }
#pragma unroll
    for (int r = 0; r < M; ++r) {
#pragma unroll
      for (int c = 0; c < M; ++c) {
        const int64_t i = row0 + tile_y() + kSide * r, j = column0 + tile_x() + kSide * c;
        if (i >= a.dim || j >= a.dim) continue;
        const int64_t base = (span.slot < 0 ? span.row : span.slot) * a.dim * a.dim;
        for (const int64_t to : {base + i * a.dim + j, base + j * a.dim + i}) {
          if (span.slot < 0) {
            a.out[to] = static_cast<T>(total[r][c]);
          } else {
            a.partial[to] = total[r][c];
          }
        }
      }
    }
  }
}

template <typename T, int Tile>
void outer_with(const Context& context, const OuterArgs<T>& a) {
  const int64_t tiles = ceil_div(a.dim, Tile);
  const int64_t y = std::min(tiles * tiles, kMaxBlocksY);
  const dim3 grid(static_cast<unsigned>(std::min(a.rows.spans(), kMaxBlocks)),
                  static_cast<unsigned>(y),
                  static_cast<unsigned>(y == 0 ? 0 : ceil_div(tiles * tiles, y)));
  context.launch("cluster_outer", outer_kernel<T, Tile>, grid, kThreads, a);
}

// out[member] = (G + G^T) x[member]; grid.y counts column tiles.
template <typename T, int C>
__global__ void __launch_bounds__(kThreads) outer_backward_kernel(const OuterArgs<T> a) {
  __shared__ Slice<T, kTile> left;
  __shared__ Slice<T, kSide * C> right;
  const int64_t column0 = static_cast<int64_t>(blockIdx.y) * kSide * C;
  for (int64_t index = blockIdx.x; index < a.rows.spans(); index += gridDim.x) {
    const Span span = span_at(a.rows, index);
    if (!span.valid) continue;
    const T* grad = a.grad + span.row * a.dim * a.dim;
    T sum[kRows][C];
    clear(sum);
    for (int64_t k0 = 0; k0 < a.dim; k0 += kSlice<T>) {
      __syncthreads();  // the last slice has been read
      for (int at = threadIdx.x; at < kTile * kSlice<T>; at += kThreads) {
        const int m = at / kSlice<T>, k = at % kSlice<T>;
        const bool inside = span.begin + m < span.end && k0 + k < a.dim;
        const int64_t name = inside ? a.order[span.begin + m] : -1;
        left.at[k][m] = inside ? a.x[(name < 0 ? ~name : name) * a.dim + k0 + k] : T(0);
      }
      stage_symmetric(right, grad, a.dim, k0, column0);
      __syncthreads();
      multiply_slice(sum, left.at, right.at);
    }
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int64_t at = span.begin + tile_y() * kRows + r;
      if (at >= span.end) continue;
      const int64_t name = a.order[at], i = name < 0 ? ~name : name;
#pragma unroll
      for (int c = 0; c < C; ++c) {
        const int64_t column = column0 + tile_column<C>(c);
        if (column >= a.dim) continue;
        a.out[i * a.dim + column] = name < 0 ? not_a_number<T>() : sum[r][c];
      }
    }
  }
}

template <typename T, int C>
void outer_backward_with(const Context& context, const OuterArgs<T>& a) {
  const dim3 grid(static_cast<unsigned>(std::min(a.rows.spans(), kMaxBlocks)),
                  static_cast<unsigned>(ceil_div(a.dim, kSide * C)));
  context.launch("cluster_outer_backward", outer_backward_kernel<T, C>, grid, kThreads, a);
}

}  // namespace graphlab::cuda
