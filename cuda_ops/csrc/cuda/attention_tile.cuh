// Tiles of attention within segments; the design is told in attention.cu.
#pragma once

#include "pair_tile.cuh"
#include "segments.cuh"

namespace graphlab::cuda {

// The segment of a row: [begin, end). Empty for a row that no segment holds.
struct alignas(16) Border {
  int64_t begin;
  int64_t end;
};

// One head's columns of a table whose rows lie `stride` elements apart.
template <typename T>
struct Side {
  const T* data;
  int64_t stride;
};

template <typename T>
struct AttentionArgs {
  const T* qkv;           // (rows, 3 * heads * width)
  const Border* borders;  // (rows,)
  int64_t rows;
  int64_t heads;
  int64_t width;          // of a head
  int64_t chunks;         // of the columns of a result
  T scale;
  const T* grad;          // (rows, heads * width), backward
  const T* lse;           // (rows, heads), backward
  const T* level;         // (rows, heads), backward: <grad, out> - grad_lse
  T* out;                 // (rows, heads * width), or grad_qkv (rows, 3 * heads * width)
  T* out_lse;             // (rows, heads), forward

  __host__ __device__ int64_t channels() const { return heads * width; }
  __host__ __device__ int64_t tasks() const { return ceil_div(rows, kTile) * heads * chunks; }

  // Queries (0), keys (1) or values (2) of a head.
  __device__ Side<T> part(int64_t which, int64_t head) const {
    return {qkv + which * channels() + head * width, 3 * channels()};
  }
  __device__ Side<T> given(int64_t head) const { return {grad + head * width, channels()}; }
};

// Work of one block: 64 rows and the columns from `first` of one head.
struct Task {
  int64_t row0;
  int64_t head;
  int64_t first;
};

// Heads of the same rows are neighbours: they share lines of the cache.
template <typename T>
__device__ inline Task task_at(const AttentionArgs<T>& a, int64_t number, int64_t columns) {
  int64_t pair, chunk, block, head;
  divide(number, a.chunks, pair, chunk);
  divide(pair, a.heads, block, head);
  return {block * kTile, head, chunk * columns};
}

template <typename T, int C>
struct AttentionShared {
  PairShared<T, C> tile;
  ShareTile<T> share;
  Border border[kTile];
  unsigned odd;  // number of the last slice with a value that is not finite
};

// The rows that a block's rows see, and those that a warp's rows see.
struct Reach {
  int64_t begin;
  int64_t end;
  int64_t warp_begin;
  int64_t warp_end;

  __device__ bool meets(int64_t from, int64_t count) const {
    return warp_begin < from + count && from < warp_end;
  }
};

template <typename T, int C>
__device__ inline Reach read_borders(const AttentionArgs<T>& a, int64_t row0,
                                     AttentionShared<T, C>& shared) {
  constexpr int kWarpRows = kWarp / kSide * kRows;
  __syncthreads();  // those of the last task have been read
  if (threadIdx.x < kTile) {
    const int64_t row = row0 + threadIdx.x;
    shared.border[threadIdx.x] = row < a.rows ? a.borders[row] : Border{a.rows, a.rows};
  }
  __syncthreads();
  const Border* mine = shared.border + threadIdx.x / kWarp * kWarpRows;
  return {shared.border[0].begin, shared.border[kTile - 1].end, mine[0].begin,
          mine[kWarpRows - 1].end};
}

// Products of 64 rows of x with 64 rows of y, for the warps that are to have them.
template <typename T, int C>
__device__ inline void segment_products(const AttentionArgs<T>& a, const Side<T>& x, int64_t row0,
                                        const Side<T>& y, int64_t column0, const Reach& reach,
                                        PairShared<T, C>& shared, T (&sum)[kRows][kVec]) {
  clear(sum);
  const bool wanted = reach.meets(column0, kTile);
  for (int64_t k0 = 0; k0 < a.width; k0 += kSlice<T>) {
    __syncthreads();  // the last slice has been read
    stage_rows(shared.logits.a, x.data, a.rows, a.width, row0, k0, x.stride);
    stage_rows(shared.logits.b, y.data, reach.end, a.width, column0, k0, y.stride);
    __syncthreads();
    if (wanted) multiply_slice(sum, shared.logits.a.at, shared.logits.b.at);
  }
}

// A thread's shares are read by the threads of its rows alone, which are lanes of one warp.
template <typename T>
__device__ inline void put_shares(const T (&value)[kRows][kVec], ShareTile<T>& share) {
#pragma unroll
  for (int c = 0; c < kVec; ++c) {
    Vec4<T> part;
#pragma unroll
    for (int r = 0; r < kRows; ++r) part.x[r] = value[r][c];
    *reinterpret_cast<Vec4<T>*>(&share.at[tile_column<kVec>(c)][tile_y() * kRows]) = part;
  }
}

// multiply_slice over the rows of a row's own segment: a share of zero is no product, so that an
// infinity or NaN stays in its segment. `from` is the number of the slice's first row.
template <typename T, int C>
__device__ inline void multiply_own(T (&sum)[kRows][C], const AttentionShared<T, C>& shared,
                                    int64_t from, int step) {
#pragma unroll 1
  for (int depth = 0; depth < kSlice<T>; ++depth) {
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const Border border = shared.border[tile_y() * kRows + r];
      if (from + depth < border.begin || from + depth >= border.end) continue;
      const T share = shared.share.at[step + depth][tile_y() * kRows + r];
#pragma unroll
      for (int c = 0; c < C; ++c) {
        sum[r][c] += share * shared.tile.wide.at[depth][tile_column<C>(c)];
      }
    }
  }
}

// Adds the shares of rows from column0 on, times those rows of `side`, columns from `first`.
// `slices` counts slices over the life of the block.
template <typename T, int C>
__device__ inline void add_shares(const AttentionArgs<T>& a, const Side<T>& side, int64_t column0,
                                  int64_t first, const Reach& reach, unsigned& slices,
                                  AttentionShared<T, C>& shared, T (&sum)[kRows][C]) {
  for (int step = 0; step < kTile && column0 + step < reach.end; step += kSlice<T>) {
    const int64_t from = column0 + step;
    ++slices;
    __syncthreads();  // shares are written, the last slice has been read
    const bool finite =
        stage_columns(shared.tile.wide, side.data, reach.end, a.width, from, first, side.stride);
    if (!finite) shared.odd = slices;
    __syncthreads();
    if (!reach.meets(from, kSlice<T>)) continue;
    if (shared.odd != slices) {
      multiply_slice(sum, &shared.share.at[step], shared.tile.wide.at);
    } else {
      multiply_own(sum, shared, from, step);
    }
  }
}

// Writes 64 rows of a result, scaled; NaN where no segment holds the row.
template <typename T, int C>
__device__ inline void write_rows(const AttentionArgs<T>& a, const Task& task,
                                  const Border (&border)[kTile], const T (&sum)[kRows][C],
                                  const T (&factor)[kRows], T* out, int64_t stride) {
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    const int place = tile_y() * kRows + r;
    const int64_t row = task.row0 + place;
    if (row >= a.rows) continue;
    const bool held = border[place].begin < border[place].end;
#pragma unroll
    for (int c = 0; c < C; ++c) {
      const int64_t column = task.first + tile_column<C>(c);
      if (column >= a.width) continue;
      out[row * stride + task.head * a.width + column] =
          held ? sum[r][c] * factor[r] : not_a_number<T>();
    }
  }
}

}  // namespace graphlab::cuda
