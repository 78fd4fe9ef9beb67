// Inner loops of pairwise.cpp; included once per instruction set.
//
// Logits are computed in units of log 2 (the row panels carry the factor scale * log2 e), tile by
// tile in registers, and consumed before they leave the first cache. `i` counts rows of the left
// matrix, `j` rows of the right one.

#include "cpu/pair_tile_loops.h"

namespace graphlab::cpu::GRAPHLAB_ISA {
namespace {

template <typename T>
GRAPHLAB_INLINE bool meets_diagonal(const PairTask<T>& task, int64_t i, int64_t j) {
  return task.diagonal != Diagonal::keep && i < j + kTileCols<T> && j < i + kTileRows;
}

// Overwrites the entries (i, i) of a tile.
template <typename T>
GRAPHLAB_INLINE void set_diagonal(int64_t i, int64_t j, T value, Tile<T>& tile) {
  constexpr int L = kLanes<T>;
  GRAPHLAB_UNROLL
  for (int m = 0; m < kTileRows; ++m) {
    GRAPHLAB_UNROLL
    for (int v = 0; v < 2; ++v) {
      const auto lane = static_cast<typename Types<T>::Bits>(i + m - j - v * L);
      tile[m][v] = lane_numbers<T>() == lane ? splat<T>(value) : tile[m][v];
    }
  }
}

// --- forward: sums without a maximum -------------------------------------------------------------

// Adds the exponentials of a tile to the sums of its rows (lane by lane) and of its columns.
template <typename T, bool Rows, bool Cols, bool Diag>
GRAPHLAB_INLINE void sum_tile(
    const PairTask<T>& task, int64_t i, int64_t j, Vec<T> (&row_sum)[kTileRows], T* col_sum) {
  constexpr int L = kLanes<T>;
  Tile<T> tile = {};
  logits(task, i, j, tile);
  if constexpr (Diag) set_diagonal(i, j, task.diagonal_logit, tile);
  const Vec<T> weight[2] = {load(task.col_weight + j), load(task.col_weight + j + L)};
  Vec<T> part[2] = {};
  GRAPHLAB_UNROLL
  for (int m = 0; m < kTileRows; ++m) {
    GRAPHLAB_UNROLL
    for (int v = 0; v < 2; ++v) {
      const Vec<T> e = Diag ? exp2_any<T>(tile[m][v]) : exp2_bounded<T>(tile[m][v]);
      if constexpr (Rows) row_sum[m] += e * weight[v];
      if constexpr (Cols) part[v] += e * task.row_weight[i + m];
    }
  }
  if constexpr (Cols) {
    store(col_sum, load(col_sum) + part[0]);
    store(col_sum + L, load(col_sum + L) + part[1]);
  }
}

template <typename T, bool Rows, bool Cols>
void sum_block(
    const PairTask<T>& task, const PairBlock& block, PairSums<T> rows, PairSums<T> cols) {
  alignas(64) T col_sum[kPairUnit + 64];
  if constexpr (Cols) {
    for (int64_t k = 0; k < kPairUnit; ++k) col_sum[k] = 0;
  }
  for (int64_t i = block.i; i < block.i_end; i += kTileRows) {
    Vec<T> row_sum[kTileRows] = {};
    for (int64_t j = block.j; j < block.j_end; j += kTileCols<T>) {
      T* to = col_sum + (j - block.j);
      if (meets_diagonal(task, i, j)) {
        sum_tile<T, Rows, Cols, true>(task, i, j, row_sum, to);
      } else {
        sum_tile<T, Rows, Cols, false>(task, i, j, row_sum, to);
      }
    }
    for (int m = 0; Rows && m < kTileRows && i + m < block.i_end; ++m) {
      rows.sum[i + m - block.i] += sum_lanes<T>(row_sum[m]);
    }
  }
  for (int64_t k = 0; Cols && k < block.j_end - block.j; ++k) cols.sum[k] += col_sum[k];
}

// --- forward: sums relative to a running maximum -------------------------------------------------

// Adds a sum relative to `other_max` to one relative to `max`.
template <typename T>
GRAPHLAB_INLINE void merge_sums(T& max, double& sum, T other_max, double other_sum) {
  const T top = max > other_max ? max : other_max;
  sum = sum * __builtin_exp2(static_cast<double>(max - top)) +
      other_sum * __builtin_exp2(static_cast<double>(other_max - top));
  max = top;
}

// A logit plus the log of a weight; a weight of zero takes out whatever there is. Rows and columns
// that fill up a tile are such, and have undefined logits with infinite features.
template <typename T>
GRAPHLAB_INLINE Vec<T> weighted(Vec<T> logit, Vec<T> bias) {
  const Vec<T> none = splat<T>(-std::numeric_limits<T>::infinity());
  return bias == none ? none : logit + bias;
}

// One more pair of logits per lane for running maxima and sums.
template <typename T>
GRAPHLAB_INLINE void add_relative(Vec<T>& max, Vec<T>& sum, Vec<T> a, Vec<T> b) {
  const Vec<T> cap = splat<T>(PairLimits<T>::cap);
  const Vec<T> seen = maximum<T>(a, b);
  const Vec<T> top = maximum<T>(max, seen > cap ? cap : seen);
  sum = sum * exp2_any<T>(max - top) + exp2_any<T>(a - top) + exp2_any<T>(b - top);
  max = top;
}

// Adds a tile to the running sums of its rows. What is subtracted need not be the very maximum: as
// long as no logit is far above it, the sums keep it and one exponential of three is saved.
template <typename T>
GRAPHLAB_INLINE void add_relative_rows(
    Vec<T> (&max)[kTileRows], Vec<T> (&sum)[kTileRows], const Tile<T>& tile, const Vec<T>* bias) {
  Vec<T> above = splat<T>(PairLimits<T>::floor);
  GRAPHLAB_UNROLL
  for (int m = 0; m < kTileRows; ++m) {
    const Vec<T> seen =
        maximum<T>(weighted<T>(tile[m][0], bias[0]), weighted<T>(tile[m][1], bias[1]));
    above = maximum<T>(seen - max[m], above);
  }
  const bool raise = largest_lane<T>(above) > PairLimits<T>::slack;
  for (int m = 0; m < kTileRows; ++m) {
    const Vec<T> a = weighted<T>(tile[m][0], bias[0]), b = weighted<T>(tile[m][1], bias[1]);
    if (raise) {
      add_relative<T>(max[m], sum[m], a, b);
    } else {
      sum[m] += exp2_any<T>(a - max[m]) + exp2_any<T>(b - max[m]);
    }
  }
}

// Adds the sums of a row's lanes to its sum.
template <typename T>
GRAPHLAB_INLINE void merge_lanes(T& max, double& sum, Vec<T> lane_max, Vec<T> lane_sum) {
  const T top = largest_lane<T>(lane_max);
  merge_sums<T>(max, sum, top, sum_lanes<T>(lane_sum * exp2_any<T>(lane_max - top)));
}

// The same with Count logits per lane: those of a tile's column.
template <typename T, int Count>
GRAPHLAB_INLINE void add_relative_column(
    Vec<T>& max, Vec<T>& sum, const Tile<T>& tile, int v, const T* bias) {
  const Vec<T> cap = splat<T>(PairLimits<T>::cap);
  Vec<T> top = max;
  Vec<T> logit[Count];
  for (int m = 0; m < Count; ++m) {
    logit[m] = weighted<T>(tile[m][v], splat<T>(bias[m]));
    top = maximum<T>(top, logit[m]);
  }
  top = top > cap ? cap : top;
  sum = sum * exp2_any<T>(max - top);
  for (int m = 0; m < Count; ++m) sum += exp2_any<T>(logit[m] - top);
  max = top;
}

template <typename T, bool Rows, bool Cols>
void shifted_sum_block(
    const PairTask<T>& task, const PairBlock& block, PairSums<T> rows, PairSums<T> cols) {
  constexpr int L = kLanes<T>;
  alignas(64) T col_sum[kPairUnit + 64], col_max[kPairUnit + 64];
  for (int64_t k = 0; k < kPairUnit; ++k) {
    col_sum[k] = 0;
    col_max[k] = PairLimits<T>::floor;
  }
  for (int64_t i = block.i; i < block.i_end; i += kTileRows) {
    Vec<T> row_sum[kTileRows] = {}, row_max[kTileRows];
    for (auto& max : row_max) max = splat<T>(PairLimits<T>::floor);
    for (int64_t j = block.j; j < block.j_end; j += kTileCols<T>) {
      Tile<T> tile = {};
      logits(task, i, j, tile);
      if (meets_diagonal(task, i, j)) set_diagonal(i, j, task.diagonal_logit, tile);
      const Vec<T> bias[2] = {load(task.col_weight + j), load(task.col_weight + j + L)};
      if constexpr (Rows) add_relative_rows<T>(row_max, row_sum, tile, bias);
      for (int v = 0; Cols && v < 2; ++v) {
        const int64_t k = j - block.j + v * L;
        Vec<T> max = load(col_max + k), sum = load(col_sum + k);
        add_relative_column<T, kTileRows>(max, sum, tile, v, task.row_weight + i);
        store(col_max + k, max);
        store(col_sum + k, sum);
      }
    }
    for (int m = 0; Rows && m < kTileRows && i + m < block.i_end; ++m) {
      const int64_t k = i + m - block.i;
      merge_lanes<T>(rows.max[k], rows.sum[k], row_max[m], row_sum[m]);
    }
  }
  for (int64_t k = 0; Cols && k < block.j_end - block.j; ++k) {
    merge_sums<T>(cols.max[k], cols.sum[k], col_max[k], col_sum[k]);
  }
}

// --- backward ------------------------------------------------------------------------------------

// Derivatives of the objective to the logits of a tile, see PairFactors. With a shift of the rows or
// of the columns, only those sides have gradients; without both, either may.
template <typename T, bool RowShift, bool ColShift>
GRAPHLAB_INLINE void shares(const PairTask<T>& task, int64_t i, int64_t j, bool diag, T* to) {
  constexpr int L = kLanes<T>;
  Tile<T> tile = {};
  logits(task, i, j, tile);
  const PairFactors<T>&row = task.row_factors, &col = task.col_factors;
  GRAPHLAB_UNROLL
  for (int v = 0; v < 2; ++v) {
    const Vec<T> col_weight = load(col.weight + j + v * L), col_grad = load(col.grad + j + v * L);
    Vec<T> col_shift{};
    if constexpr (ColShift) col_shift = load(col.shift + j + v * L);
    GRAPHLAB_UNROLL
    for (int m = 0; m < kTileRows; ++m) {
      const T row_weight = row.weight[i + m], row_grad = row.grad[i + m];
      if constexpr (RowShift || ColShift) {
        Vec<T> share{};
        if constexpr (ColShift) {
          share = row_weight * col_grad * exp2_any<T>(tile[m][v] - col_shift);
        }
        if constexpr (RowShift) {
          share += row_grad * col_weight * exp2_any<T>(tile[m][v] - row.shift[i + m]);
        }
        tile[m][v] = share;
      } else {
        tile[m][v] =
            exp2_bounded<T>(tile[m][v]) * (row_weight * col_grad + row_grad * col_weight);
      }
    }
  }
  if (diag) set_diagonal(i, j, T(0), tile);
  store_tile<T>(tile, to, kShareStride);
}

// See add_share_products.
template <typename T, bool RowShift, bool ColShift>
void backward_block(const PairTask<T>& task, const PairBlock& block, T* left_grad, T* right_grad) {
  add_share_products<T>(
      task, block, left_grad, right_grad, [&](int64_t i, int64_t j, T* to) GRAPHLAB_LAMBDA {
        shares<T, RowShift, ColShift>(task, i, j, meets_diagonal(task, i, j), to);
      });
}

}  // namespace
}  // namespace graphlab::cpu::GRAPHLAB_ISA
