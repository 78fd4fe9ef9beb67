// Inner loops of cluster.cpp; included once per instruction set.

#include "cpu/gemm.h"

namespace graphlab::cpu::GRAPHLAB_ISA {
namespace {

// Adds rows [begin, end) to the sums (clusters, dim) of their clusters.
template <typename T>
void add_rows_by_cluster(const ClusteredRows<T>& x, int64_t begin, int64_t end, double* sums) {
  for (int64_t i = begin; i < end; ++i) {
    const T* row = x.rows + i * x.dim;
    double* sum = sums + x.cluster[i] * x.dim;
    for (int64_t d = 0; d < x.dim; ++d) sum[d] += row[d];
  }
}

// Adds the rows named by `order` to one sum.
template <typename T>
void add_rows_in_order(
    const ClusteredRows<T>& x, const int64_t* order, int64_t count, T*, double* sum) {
  for (int64_t k = 0; k < count; ++k) {
    const T* row = x.rows + order[k] * x.dim;
    for (int64_t d = 0; d < x.dim; ++d) sum[d] += row[d];
  }
}

// Adds the outer products of the rows named by `order` to one (dim, dim) sum. `scratch` holds
// outer_scratch(dim) values.
template <typename T>
void add_outer_in_order(
    const ClusteredRows<T>& x, const int64_t* order, int64_t count, T* scratch, double* sum) {
  const int64_t width = (x.dim + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
  const int64_t height = (x.dim + kTileRows - 1) / kTileRows * kTileRows;
  T* product = scratch + kOuterRows * width + kTileRows;
  for (int64_t begin = 0; begin < count; begin += kOuterRows) {
    const int64_t rows = count - begin < kOuterRows ? count - begin : kOuterRows;
    for (int64_t k = 0; k < rows; ++k) {
      const T* row = x.rows + order[begin + k] * x.dim;
      for (int64_t d = 0; d < x.dim; ++d) scratch[k * width + d] = row[d];
    }
    for (int64_t k = 0; k < height * width; ++k) product[k] = 0;
    add_product<T, 1>(x.dim, width, rows, scratch, width, scratch, width, product, width);
    for (int64_t d = 0; d < x.dim; ++d) {
      for (int64_t e = 0; e < x.dim; ++e) sum[d * x.dim + e] += product[d * width + e];
    }
  }
}

// Values of scratch that add_outer_in_order needs; they must be zero at first.
template <typename T>
int64_t outer_scratch(int64_t dim) {
  const int64_t width = (dim + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
  const int64_t height = (dim + kTileRows - 1) / kTileRows * kTileRows;
  return (kOuterRows + height) * width + 2 * kTileRows;
}

// out_i = blocks[cluster_i] x_i with symmetric blocks (clusters, dim, width), width in whole
// vectors; `scratch` holds width values.
template <typename T>
void multiply_by_block(
    const ClusteredRows<T>& x, const T* blocks, int64_t width, int64_t begin, int64_t end,
    T* scratch, T* out) {
  for (int64_t i = begin; i < end; ++i) {
    const T* row = x.rows + i * x.dim;
    const T* block = blocks + x.cluster[i] * x.dim * width;
    for (int64_t d = 0; d < width; ++d) scratch[d] = 0;
    int64_t d = 0;
    for (; d + 4 * kLanes<T> <= width; d += 4 * kLanes<T>) {
      add_product_tile<T, 1, 4, 1>(x.dim, row, 1, block + d, width, scratch + d, width);
    }
    for (; d < width; d += kLanes<T>) {
      add_product_tile<T, 1, 1, 1>(x.dim, row, 1, block + d, width, scratch + d, width);
    }
    for (d = 0; d < x.dim; ++d) out[i * x.dim + d] = scratch[d];
  }
}

}  // namespace
}  // namespace graphlab::cpu::GRAPHLAB_ISA
