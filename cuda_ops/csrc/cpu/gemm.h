// Register-blocked products of small matrices. No include guard: included by the loops of an
// operator, once per instruction set.

namespace graphlab::cpu::GRAPHLAB_ISA {
namespace {

constexpr int kTileRows = GRAPHLAB_TILE_ROWS;  // rows of a register tile

template <typename T>
constexpr int kTileCols = 2 * kLanes<T>;  // columns of a register tile

// acc[m][v] += sum_k a[m * AM + k * ak] * b[k * ldb + v * lanes]
template <typename T, int MR, int NV, int AM>
GRAPHLAB_INLINE void multiply(
    int64_t depth, const T* a, int64_t ak, const T* b, int64_t ldb, Vec<T> (&acc)[MR][NV]) {
  for (int64_t k = 0; k < depth; ++k, a += ak, b += ldb) {
    Vec<T> columns[NV];
    GRAPHLAB_UNROLL
    for (int v = 0; v < NV; ++v) columns[v] = load(b + v * kLanes<T>);
    GRAPHLAB_UNROLL
    for (int m = 0; m < MR; ++m) {
      const Vec<T> row = splat<T>(a[m * AM]);
      GRAPHLAB_UNROLL
      for (int v = 0; v < NV; ++v) acc[m][v] += row * columns[v];
    }
  }
}

// c[m * ldc + v * lanes] += sum_k a[m * AM + k * ak] * b[k * ldb + v * lanes]
template <typename T, int MR, int NV, int AM>
GRAPHLAB_INLINE void add_product_tile(
    int64_t depth, const T* a, int64_t ak, const T* b, int64_t ldb, T* c, int64_t ldc) {
  Vec<T> acc[MR][NV] = {};
  multiply<T, MR, NV, AM>(depth, a, ak, b, ldb, acc);
  GRAPHLAB_UNROLL
  for (int m = 0; m < MR; ++m) {
    GRAPHLAB_UNROLL
    for (int v = 0; v < NV; ++v) {
      T* to = c + m * ldc + v * kLanes<T>;
      store(to, load(to) + acc[m][v]);
    }
  }
}

// C += A B for `rows` rows, rounded up to whole tiles, and `cols` columns, a multiple of the lanes.
template <typename T, int AM>
void add_product(
    int64_t rows, int64_t cols, int64_t depth, const T* a, int64_t ak, const T* b, int64_t ldb,
    T* c, int64_t ldc) {
  int64_t n = 0;
  for (; n + kTileCols<T> <= cols; n += kTileCols<T>) {
    for (int64_t m = 0; m < rows; m += kTileRows) {
      add_product_tile<T, kTileRows, 2, AM>(
          depth, a + m * AM, ak, b + n, ldb, c + m * ldc + n, ldc);
    }
  }
  for (; n < cols; n += kLanes<T>) {
    for (int64_t m = 0; m < rows; m += kTileRows) {
      add_product_tile<T, kTileRows, 1, AM>(
          depth, a + m * AM, ak, b + n, ldb, c + m * ldc + n, ldc);
    }
  }
}

// A square of features by rows, turned in registers: what a panel of whole vectors is made of.
template <typename T, int R>
GRAPHLAB_INLINE void pack_squares(const T* rows, int64_t dim, T factor, T* panel) {
  constexpr int L = kLanes<T>;
  for (int64_t begin = 0; begin < dim; begin += L) {
    const int64_t d = begin + L < dim ? begin : dim - L;  // the last one overlaps
    for (int r = 0; r < R; r += L) {
      Vec<T> square[L];
      GRAPHLAB_UNROLL
      for (int k = 0; k < L; ++k) square[k] = load(rows + (r + k) * dim + d) * factor;
      transpose<T>(square);
      GRAPHLAB_UNROLL
      for (int k = 0; k < L; ++k) store(panel + (d + k) * R + r, square[k]);
    }
  }
}

// Writes `factor` times the rows of x as panels of R rows, feature by feature: (panel, dim, R). The
// last panel is filled up with zeros. Some features at a time: what they write stays in the first
// cache until it is whole.
template <typename T, int R>
GRAPHLAB_INLINE void pack_panel(
    const T* x, int64_t count, int64_t dim, T factor, int64_t first, T* panel) {
  constexpr int64_t kStrip = 16;
  if constexpr (R % kLanes<T> == 0) {
    if (first + R <= count && dim >= kLanes<T>) {
      pack_squares<T, R>(x + first * dim, dim, factor, panel);
      return;
    }
  }
  for (int64_t begin = 0; begin < dim; begin += kStrip) {
    const int64_t end = begin + kStrip < dim ? begin + kStrip : dim;
    for (int r = 0; r < R; ++r) {
      if (first + r < count) {
        const T* from = x + (first + r) * dim;
        for (int64_t d = begin; d < end; ++d) panel[d * R + r] = from[d] * factor;
      } else {
        for (int64_t d = begin; d < end; ++d) panel[d * R + r] = 0;
      }
    }
  }
}

template <typename T>
void pack_row_panel(const T* x, int64_t count, int64_t dim, T factor, int64_t panel, T* panels) {
  pack_panel<T, kTileRows>(
      x, count, dim, factor, panel * kTileRows, panels + panel * kTileRows * dim);
}

template <typename T>
void pack_col_panel(const T* x, int64_t count, int64_t dim, T factor, int64_t panel, T* panels) {
  pack_panel<T, kTileCols<T>>(
      x, count, dim, factor, panel * kTileCols<T>, panels + panel * kTileCols<T> * dim);
}

}  // namespace
}  // namespace graphlab::cpu::GRAPHLAB_ISA
