// Register-blocked products of tiles in shared memory, the core of the pairwise, meta and cluster
// kernels.
//
// A block of 256 threads is a 16 x 16 grid. A thread owns R = 4 consecutive rows and C columns: 1
// (tiles 64 x 16, for D <= 16) or a multiple of 4 (64 x 64, 64 x 128, 64 x 256), in groups of four
// consecutive ones. A step of the depth costs one 16-byte load for the rows and C / 4 for the
// columns against 4 C multiply-adds: 3 shared-memory wavefronts a warp against 4 cycles of the
// multiplier at C = 4, so that the product is bound by arithmetic.
//
// The depth is read in slices of 16 (float) or 8 (double) steps, which keeps both operands of a
// 64 x 64 tile at 8.5 KiB. Slices are padded with zeros: no step has a tail. Rows are padded by one
// vector, which keeps vectors aligned and spreads transposing stores over the banks (2-way).
//
// Tensor cores are left out on purpose: TF32 keeps 10 bits of the product. A 3xTF32 or FP64 mma
// version would replace multiply_slice alone.
#pragma once

#include "common.cuh"

namespace graphlab::cuda {

constexpr int kTile = 64;   // rows of every tile
constexpr int kSide = 16;   // the thread grid is kSide x kSide
constexpr int kRows = 4;    // rows per thread

template <typename T>
constexpr int kSlice = sizeof(T) == 4 ? 16 : 8;

// A slice of an operand: `Width` rows or columns of a tile, depth first.
template <typename T, int Width>
struct alignas(16) Slice {
  T at[kSlice<T>][Width + kVec];
};

// Row and column of a thread in the 16 x 16 grid.
__device__ inline int tile_x() { return static_cast<int>(threadIdx.x % kSide); }
__device__ inline int tile_y() { return static_cast<int>(threadIdx.x / kSide); }

// Column of a thread's c-th accumulator.
template <int C>
__device__ inline int tile_column(int c) {
  return C == 1 ? tile_x() : c / kVec * kTile + tile_x() * kVec + c % kVec;
}

// to[k][i] = matrix[row0 + i][k0 + k]: rows become tile rows; beyond the matrix zeros. Rows lie
// `stride` elements apart.
template <typename T, int Width>
__device__ inline void stage_rows(Slice<T, Width>& to, const T* matrix, int64_t rows,
                                  int64_t columns, int64_t row0, int64_t k0, int64_t stride) {
  for (int index = threadIdx.x; index < Width * kSlice<T>; index += kThreads) {
    const int i = index / kSlice<T>, k = index % kSlice<T>;
    const bool inside = row0 + i < rows && k0 + k < columns;
    to.at[k][i] = inside ? matrix[(row0 + i) * stride + k0 + k] : T(0);
  }
}

template <typename T, int Width>
__device__ inline void stage_rows(Slice<T, Width>& to, const T* matrix, int64_t rows,
                                  int64_t columns, int64_t row0, int64_t k0) {
  stage_rows(to, matrix, rows, columns, row0, k0, columns);
}

// to[k][i] = matrix[k0 + k][column0 + i]: columns become tile columns; beyond the matrix zeros.
// Rows lie `stride` elements apart. Tells whether what this thread staged is finite.
template <typename T, int Width>
__device__ inline bool stage_columns(Slice<T, Width>& to, const T* matrix, int64_t rows,
                                     int64_t columns, int64_t k0, int64_t column0,
                                     int64_t stride) {
  bool finite = true;
  for (int index = threadIdx.x; index < Width * kSlice<T>; index += kThreads) {
    const int k = index / Width, i = index % Width;
    const bool inside = k0 + k < rows && column0 + i < columns;
    const T value = inside ? matrix[(k0 + k) * stride + column0 + i] : T(0);
    finite = finite && isfinite(value);
    to.at[k][i] = value;
  }
  return finite;
}

template <typename T, int Width>
__device__ inline void stage_columns(Slice<T, Width>& to, const T* matrix, int64_t rows,
                                     int64_t columns, int64_t k0, int64_t column0) {
  stage_columns(to, matrix, rows, columns, k0, column0, columns);
}

// to[k][i] = (G + G^T)[k0 + k][column0 + i] of a square matrix G.
template <typename T, int Width>
__device__ inline void stage_symmetric(Slice<T, Width>& to, const T* matrix, int64_t size,
                                       int64_t k0, int64_t column0) {
  for (int index = threadIdx.x; index < Width * kSlice<T>; index += kThreads) {
    const int64_t k = k0 + index / Width, i = column0 + index % Width;
    const bool inside = k < size && i < size;
    to.at[index / Width][index % Width] =
        inside ? matrix[k * size + i] + matrix[i * size + k] : T(0);
  }
}

// Adds one slice of the product; a and b point at the slice's first step.
template <typename T, int C, int WidthA, int WidthB>
__device__ inline void multiply_slice(T (&sum)[kRows][C], const T (*a)[WidthA],
                                      const T (*b)[WidthB]) {
#pragma unroll
  for (int k = 0; k < kSlice<T>; ++k) {
    const Vec4<T> rows = *reinterpret_cast<const Vec4<T>*>(&a[k][tile_y() * kRows]);
    T column[C];
#pragma unroll
    for (int c = 0; c < C; ++c) column[c] = b[k][tile_column<C>(c)];
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
#pragma unroll
      for (int c = 0; c < C; ++c) sum[r][c] += rows.x[r] * column[c];
    }
  }
}

template <typename T, int C>
__device__ inline void clear(T (&sum)[kRows][C]) {
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
#pragma unroll
    for (int c = 0; c < C; ++c) sum[r][c] = T(0);
  }
}

}  // namespace graphlab::cuda
