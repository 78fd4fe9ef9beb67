// Tiles of products of pairs of rows, which the loops of several operators take apart. No include
// guard: included by those loops, once per instruction set.
//
// `i` counts rows of the left matrix, `j` rows of the right one; a tile has kTileRows i's and
// kTileCols j's. What the products mean is up to the factor that the row panels carry.

#include "cpu/gemm.h"

namespace graphlab::cpu::GRAPHLAB_ISA {
namespace {

int64_t tile_rows() { return kTileRows; }

template <typename T>
using Tile = Vec<T>[kTileRows][2];

template <typename T>
GRAPHLAB_INLINE void logits(const PairTask<T>& task, int64_t i, int64_t j, Tile<T>& tile) {
  multiply<T, kTileRows, 2, 1>(
      task.dim, task.row_panels + i * task.dim, kTileRows, task.col_panels + j * task.dim,
      kTileCols<T>, tile);
}

// The squares of the first `whole` numbers of a row, whole vectors, added up lane by lane.
template <typename T>
GRAPHLAB_INLINE Vec<T> squares(const T* row, int64_t whole) {
  constexpr int L = kLanes<T>;
  Vec<T> lanes[2] = {};
  int64_t d = 0;
  for (; d + 2 * L <= whole; d += 2 * L) {
    const Vec<T> a = load(row + d), b = load(row + d + L);
    lanes[0] += a * a;
    lanes[1] += b * b;
  }
  for (; d < whole; d += L) {
    const Vec<T> a = load(row + d);
    lanes[0] += a * a;
  }
  return lanes[0] + lanes[1];
}

// The largest sum of squares of `count` rows; infinite where one of them is not a number.
template <typename T>
double largest_square(const T* rows, int64_t count, int64_t dim) {
  constexpr int L = kLanes<T>;
  const int64_t whole = dim / L * L;
  double largest = 0;
  const auto raise = [&](double square) GRAPHLAB_LAMBDA {
    if (!(square <= largest)) largest = square == square ? square : __builtin_inf();
  };
  Vec<T> most = {};
  typename Types<T>::Mask valid = most == most;
  int64_t i = 0;
  // As many rows as there are lanes, whose sums are then one vector. The numbers behind the last
  // whole vector of a row are read with the next row's first ones, so that one must follow.
  for (; dim >= L && i + L < count; i += L) {
    Vec<T> sums[L];
    for (int k = 0; k < L; ++k) {
      const T* row = rows + (i + k) * dim;
      sums[k] = squares<T>(row, whole);
      if (whole < dim) {
        const Vec<T> rest = first_lanes<T>(load(row + whole), dim - whole);
        sums[k] += rest * rest;
      }
    }
    const Vec<T> square = sum_lanes_of<T, L / 2>(sums);
    valid &= square == square;
    most = maximum<T>(square, most);
  }
  for (int k = 0; k < L; ++k) raise(valid[k] ? static_cast<double>(most[k]) : __builtin_nan(""));
  for (; i < count; ++i) {
    const T* row = rows + i * dim;
    double square = sum_lanes<T>(squares<T>(row, whole));
    for (int64_t d = whole; d < dim; ++d) square += static_cast<double>(row[d]) * row[d];
    raise(square);
  }
  return largest;
}

// Calls shares(i, j, to) for every tile of a block, which writes kTileRows rows of kTileCols
// derivatives, kShareStride apart. Adds them times the rows of the right matrix to the left gradient,
// and the other way round. Gradients that are not wanted are null.
template <typename T, typename F>
GRAPHLAB_INLINE void add_share_products(
    const PairTask<T>& task, const PairBlock& block, T* left_grad, T* right_grad,
    const F& shares) {
  alignas(64) T share[kShareRows * kShareStride];
  const int64_t ld = task.padded_dim;
  for (int64_t j = block.j; j < block.j_end; j += kShareCols) {
    const int64_t j_end = j + kShareCols < block.j_end ? j + kShareCols : block.j_end;
    for (int64_t i = block.i; i < block.i_end; i += kShareRows) {
      const int64_t i_end = i + kShareRows < block.i_end ? i + kShareRows : block.i_end;
      for (int64_t jt = j; jt < j_end; jt += kTileCols<T>) {
        for (int64_t it = i; it < i_end; it += kTileRows) {
          shares(it, jt, share + (it - i) * kShareStride + (jt - j));
        }
      }
      if (right_grad != nullptr) {
        add_product<T, 1>(
            j_end - j, ld, i_end - i, share, kShareStride, task.left.at(i), task.left.stride,
            right_grad + (j - block.j) * ld, ld);
      }
      if (left_grad != nullptr) {
        add_product<T, kShareStride>(
            i_end - i, ld, j_end - j, share, 1, task.right.at(j), task.right.stride,
            left_grad + (i - block.i) * ld, ld);
      }
    }
  }
}

template <typename T>
GRAPHLAB_INLINE void store_tile(const Tile<T>& tile, T* to, int64_t stride) {
  GRAPHLAB_UNROLL
  for (int m = 0; m < kTileRows; ++m) {
    store(to + m * stride, tile[m][0]);
    store(to + m * stride + kLanes<T>, tile[m][1]);
  }
}

}  // namespace
}  // namespace graphlab::cpu::GRAPHLAB_ISA
