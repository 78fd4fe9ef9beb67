// Inner loops of ranking.cpp; included once per instruction set.

#include "cpu/pair_tile_loops.h"

namespace graphlab::cpu::GRAPHLAB_ISA {
namespace {

// Products of a panel of rows and a panel of columns, (kTileRows, kTileCols). Not inlined: all
// products come from the same instructions, so that equal rows have equal products.
template <typename T>
__attribute__((noinline)) void score_tile(int64_t dim, const T* rows, const T* cols, T* to) {
  Tile<T> tile = {};
  multiply<T, kTileRows, 2, 1>(dim, rows, kTileRows, cols, kTileCols<T>, tile);
  store_tile<T>(tile, to, kTileCols<T>);
}

template <typename T>
GRAPHLAB_INLINE bool any_lane(typename Types<T>::Mask mask) {
  typedef long long Words __attribute__((vector_size(GRAPHLAB_VECTOR_BYTES)));
  const Words words = (Words)mask;
  long long any = 0;
  GRAPHLAB_UNROLL
  for (int k = 0; k < GRAPHLAB_VECTOR_BYTES / 8; ++k) any |= words[k];
  return any != 0;
}

// How many lanes of the masks added up here were set.
template <typename T>
GRAPHLAB_INLINE int64_t count_lanes(typename Types<T>::Mask sum) {
  int64_t count = 0;
  for (int k = 0; k < kLanes<T>; ++k) count -= sum[k];
  return count;
}

// The own scores of a panel of rows: products with a panel of the columns that are theirs.
template <typename T>
void own_scores(int64_t dim, const T* rows, const T* cols, int64_t count, T* scores) {
  alignas(64) T tile[kTileRows * kTileCols<T>];
  score_tile<T>(dim, rows, cols, tile);
  for (int m = 0; m < count; ++m) scores[m] = tile[m * kTileCols<T> + m];
}

// Counts the scores of a block above the rows' own, and those equal to them. `named` are the columns
// of every row that do not count, in ascending order, with the row's own among them.
template <typename T>
void rank_block(
    const RankTask<T>& task, const PairBlock& block, const T* col_panels, int64_t* greater,
    int64_t* equal) {
  constexpr int L = kLanes<T>, C = kTileCols<T>;
  using Mask = typename Types<T>::Mask;
  const T lowest = -std::numeric_limits<T>::infinity();
  alignas(64) T tile[kTileRows * C];
  for (int64_t i = block.i; i < block.i_end; i += kTileRows) {
    const int rows = block.i_end - i < kTileRows ? static_cast<int>(block.i_end - i) : kTileRows;
    Mask above[kTileRows] = {}, same[kTileRows] = {};
    const int64_t* next[kTileRows];
    for (int m = 0; m < rows; ++m) next[m] = task.named.first_from(i + m, block.j);
    for (int64_t j = block.j; j < block.j_end; j += C) {
      score_tile<T>(task.dim, task.row_panels + i * task.dim,
                    col_panels + (j - block.j) * task.dim, tile);
      const int64_t inside = block.j_end - j;
      for (int m = 0; m < rows; ++m) {
        T* score = tile + m * C;
        for (; *next[m] < j + C; ++next[m]) score[*next[m] - j] = lowest;
        for (int64_t lane = inside; lane < C; ++lane) score[lane] = lowest;
        const Vec<T> own = splat<T>(task.own[i + m]);
        const Vec<T> a = load(score), b = load(score + L);
        above[m] += (a > own) + (b > own);
        same[m] += (a == own) + (b == own);
      }
    }
    for (int m = 0; m < rows; ++m) {
      greater[i + m - block.i] += count_lanes<T>(above[m]);
      equal[i + m - block.i] += count_lanes<T>(same[m]);
    }
  }
}

// Offers the scores of a block to the lists of its rows.
template <typename T>
void topk_block(
    const RankTask<T>& task, const PairBlock& block, const T* col_panels, BestRows<T>* lists) {
  constexpr int L = kLanes<T>, C = kTileCols<T>;
  alignas(64) T tile[kTileRows * C];
  for (int64_t i = block.i; i < block.i_end; i += kTileRows) {
    const int rows = block.i_end - i < kTileRows ? static_cast<int>(block.i_end - i) : kTileRows;
    BestRows<T>* list = lists + (i - block.i);
    for (int64_t j = block.j; j < block.j_end; j += C) {
      score_tile<T>(task.dim, task.row_panels + i * task.dim,
                    col_panels + (j - block.j) * task.dim, tile);
      const int64_t inside = block.j_end - j < C ? block.j_end - j : C;
      for (int m = 0; m < rows; ++m) {
        const T* score = tile + m * C;
        const Vec<T> bar = splat<T>(list[m].bar());
        if (!any_lane<T>((load(score) > bar) | (load(score + L) > bar))) continue;
        for (int64_t lane = 0; lane < inside; ++lane) {
          if (!(score[lane] > list[m].bar()) || task.named.has(i + m, j + lane)) continue;
          list[m].add(score[lane], j + lane);
        }
      }
    }
  }
}

}  // namespace
}  // namespace graphlab::cpu::GRAPHLAB_ISA
