// Inner loops of ranking.cpp; included once per instruction set.

#include "cpu/pair_tile_loops.h"

namespace graphlab::cpu::GRAPHLAB_ISA {
namespace {

// Products of a panel of rows and a panel of columns, (kTileRows, kTileCols), into rows that are `stride`
// apart. Not inlined: all products come from the same instructions, so that equal rows have equal products.
template <typename T>
__attribute__((noinline)) void score_tile(
    int64_t dim, const T* rows, const T* cols, T* to, int64_t stride) {
  Tile<T> tile = {};
  multiply<T, kTileRows, 2, 1>(dim, rows, kTileRows, cols, kTileCols<T>, tile);
  store_tile<T>(tile, to, stride);
}

// One bit for every lane that is set.
template <typename T>
GRAPHLAB_INLINE uint32_t lane_bits(typename Types<T>::Mask mask) {
#if GRAPHLAB_X86 && GRAPHLAB_VECTOR_BYTES == 64
  if constexpr (sizeof(T) == 4) return _mm512_movepi32_mask((__m512i)mask);
  return _mm512_movepi64_mask((__m512i)mask);
#elif GRAPHLAB_X86 && GRAPHLAB_VECTOR_BYTES == 32
  if constexpr (sizeof(T) == 4) return _mm256_movemask_ps((__m256)mask);
  return _mm256_movemask_pd((__m256d)mask);
#elif GRAPHLAB_X86
  if constexpr (sizeof(T) == 4) return _mm_movemask_ps((__m128)mask);
  return _mm_movemask_pd((__m128d)mask);
#else
  uint32_t bits = 0;
  for (int k = 0; k < kLanes<T>; ++k) bits |= (mask[k] != 0 ? 1u : 0u) << k;
  return bits;
#endif
}

// Adds lane k ^ D to lane k.
template <typename T, int D, int... K>
GRAPHLAB_INLINE typename Types<T>::Mask add_lanes(
    typename Types<T>::Mask v, std::integer_sequence<int, K...>) {
  return v + __builtin_shufflevector(v, v, (K ^ D)...);
}

// How many lanes of the masks added up here were set.
template <typename T, int D = kLanes<T> / 2>
GRAPHLAB_INLINE int64_t count_lanes(typename Types<T>::Mask sum) {
  if constexpr (D == 0) {
    return -static_cast<int64_t>(sum[0]);
  } else {
    const auto lanes = std::make_integer_sequence<int, kLanes<T>>();
    return count_lanes<T, D / 2>(add_lanes<T, D>(sum, lanes));
  }
}

// The scores of `count` truths, at most kTileCols, of the rows of one panel: products with a panel of
// their columns. row[m] is that of truth m within its panel.
template <typename T>
void own_scores(
    int64_t dim, const T* rows, const T* cols, const int32_t* row, int64_t count, T* scores) {
  alignas(64) T tile[kTileRows * kTileCols<T>];
  score_tile<T>(dim, rows, cols, tile, kTileCols<T>);
  for (int64_t m = 0; m < count; ++m) scores[m] = tile[row[m] * kTileCols<T> + m];
}

// Columns of a strip of scores, which stays in the first cache while all truths of its rows are held
// against it.
constexpr int64_t kStrip = 192;
static_assert(kPairUnit % kStrip == 0 && kStrip % kTileCols<float> == 0);

// Counts the scores of a block above those of its rows' truths, and those equal to them (with the
// truths' own where they are not named). `named` are the columns of every row that do not count, in
// ascending order; greater[0] belongs to the first truth of all.
template <typename T>
void rank_block(
    const RankTask<T>& task, const PairBlock& block, const T* col_panels, int64_t* greater,
    int64_t* equal) {
  constexpr int L = kLanes<T>, C = kTileCols<T>;
  using Mask = typename Types<T>::Mask;
  const T nothing = std::numeric_limits<T>::quiet_NaN();  // neither above nor equal
  alignas(64) T strip[kTileRows * kStrip];
  for (int64_t i = block.i; i < block.i_end; i += kTileRows) {
    const int rows = block.i_end - i < kTileRows ? static_cast<int>(block.i_end - i) : kTileRows;
    const int64_t* next[kTileRows];
    for (int m = 0; m < rows; ++m) next[m] = task.named.first_from(i + m, block.j);
    for (int64_t j = block.j; j < block.j_end; j += kStrip) {
      const int64_t inside = block.j_end - j < kStrip ? block.j_end - j : kStrip;
      for (int64_t at = 0; at < inside; at += C) {
        score_tile<T>(task.dim, task.row_panels + i * task.dim,
                      col_panels + (j + at - block.j) * task.dim, strip + at, kStrip);
      }
      for (int m = 0; m < rows; ++m) {
        T* score = strip + m * kStrip;
        for (; *next[m] < j + inside; ++next[m]) score[*next[m] - j] = nothing;
        int64_t width = inside;
        for (; width % C != 0; ++width) score[width] = nothing;
        const int64_t end = task.truths.begin(i + m + 1);
        for (int64_t t = task.truths.begin(i + m); t < end; ++t) {
          const Vec<T> own = splat<T>(task.own[t]);
          Mask above = {}, same = {};
          for (int64_t at = 0; at < width; at += C) {
            const Vec<T> a = load(score + at), b = load(score + at + L);
            above += (a > own) + (b > own);
            same += (a == own) + (b == own);
          }
          greater[t] += count_lanes<T>(above);
          equal[t] += count_lanes<T>(same);
        }
      }
    }
  }
}

// Offers the scores of a block to the lists of its rows.
template <typename T>
void topk_block(
    const RankTask<T>& task, const PairBlock& block, const T* col_panels, BestColumns<T>* lists) {
  constexpr int L = kLanes<T>, C = kTileCols<T>;
  alignas(64) T tile[kTileRows * C];
  for (int64_t i = block.i; i < block.i_end; i += kTileRows) {
    const int rows = block.i_end - i < kTileRows ? static_cast<int>(block.i_end - i) : kTileRows;
    BestColumns<T>* list = lists + (i - block.i);
    for (int64_t j = block.j; j < block.j_end; j += C) {
      score_tile<T>(task.dim, task.row_panels + i * task.dim,
                    col_panels + (j - block.j) * task.dim, tile, C);
      const int64_t inside = block.j_end - j < C ? block.j_end - j : C;
      const uint64_t columns = (uint64_t{1} << inside) - 1;
      for (int m = 0; m < rows; ++m) {
        const T* score = tile + m * C;
        const Vec<T> bar = splat<T>(list[m].bar());
        uint64_t above = lane_bits<T>(load(score) > bar);
        above |= static_cast<uint64_t>(lane_bits<T>(load(score + L) > bar)) << L;
        for (above &= columns; above != 0; above &= above - 1) {
          const int lane = __builtin_ctzll(above);
          if (score[lane] > list[m].bar() && !task.named.has(i + m, j + lane)) {
            list[m].add(score[lane], j + lane);
          }
        }
      }
    }
  }
}

// Products of kTileRows rows as they lie and up to NV vectors of packed ones; `at` are the rows.
template <typename T, int NV>
__attribute__((noinline)) void score_plain_rows(
    int64_t dim, const T* const (&at)[kTileRows], const T* packed, T* to) {
  Vec<T> acc[kTileRows][NV] = {};
  for (int64_t k = 0; k < dim; ++k, packed += kTileCols<T>) {
    GRAPHLAB_UNROLL
    for (int m = 0; m < kTileRows; ++m) {
      const Vec<T> row = splat<T>(at[m][k]);
      GRAPHLAB_UNROLL
      for (int v = 0; v < NV; ++v) acc[m][v] += row * load(packed + v * kLanes<T>);
    }
  }
  GRAPHLAB_UNROLL
  for (int m = 0; m < kTileRows; ++m) {
    GRAPHLAB_UNROLL
    for (int v = 0; v < NV; ++v) store(to + m * kTileCols<T> + v * kLanes<T>, acc[m][v]);
  }
}

// The same as topk_block for the panel of queries [first, first + count), packed as columns, and the rows
// [j, j_end) of y as they lie: where each of them is used a few times, packing would take too long.
template <typename T>
void topk_few(
    const RankTask<T>& task, int64_t first, int64_t count, const T* y, int64_t j, int64_t j_end,
    BestColumns<T>* lists) {
  constexpr int L = kLanes<T>, C = kTileCols<T>;
  const T* panel = task.row_panels + first * task.dim;
  alignas(64) T tile[kTileRows * C], bars[C];
  for (int q = 0; q < C; ++q) bars[q] = q < count ? lists[first + q].bar() : T(0);
  const uint64_t queries = (uint64_t{1} << count) - 1;
  for (; j < j_end; j += kTileRows) {
    const T* at[kTileRows];
    for (int m = 0; m < kTileRows; ++m) {
      at[m] = y + (j + m < j_end ? j + m : j_end - 1) * task.dim;
    }
    if (count <= L) {
      score_plain_rows<T, 1>(task.dim, at, panel, tile);
    } else {
      score_plain_rows<T, 2>(task.dim, at, panel, tile);
    }
    for (int m = 0; m < kTileRows && j + m < j_end; ++m) {
      const T* score = tile + m * C;
      uint64_t above = lane_bits<T>(load(score) > load(bars));
      if (count > L) {
        above |= static_cast<uint64_t>(lane_bits<T>(load(score + L) > load(bars + L))) << L;
      }
      for (above &= queries; above != 0; above &= above - 1) {
        const int q = __builtin_ctzll(above);
        if (task.named.has(first + q, j + m)) continue;
        lists[first + q].add(score[q], j + m);
        bars[q] = lists[first + q].bar();
      }
    }
  }
}

// Products of as many rows as a vector has lanes with one query, all as they lie. Every lane is summed
// by the same tree, so that equal rows have equal products here too.
template <typename T>
__attribute__((noinline)) void score_one_query(
    int64_t dim, const T* const (&at)[kLanes<T>], const T* query, T* to) {
  constexpr int L = kLanes<T>;
  Vec<T> acc[L] = {};
  int64_t d = 0;
  for (; d + L <= dim; d += L) {
    const Vec<T> part = load(query + d);
    GRAPHLAB_UNROLL
    for (int m = 0; m < L; ++m) acc[m] += load(at[m] + d) * part;
  }
  if (d < dim && dim > L) {  // the last vector, without the lanes that were counted already
    const auto counted = lane_numbers<T>() < static_cast<typename Types<T>::Bits>(L - (dim - d));
    const Vec<T> part = load(query + dim - L);
    const Vec<T> rest = counted ? Vec<T>{} : part;
    GRAPHLAB_UNROLL
    for (int m = 0; m < L; ++m) {
      const Vec<T> row = load(at[m] + dim - L);
      acc[m] += (counted ? Vec<T>{} : row) * rest;
    }
  } else {
    for (; d < dim; ++d) {
      for (int m = 0; m < L; ++m) acc[m][0] += at[m][d] * query[d];
    }
  }
  store(to, sum_lanes_of<T, L / 2>(acc));
}

// The same as topk_few for query i, which is not packed.
template <typename T>
void topk_one(
    const RankTask<T>& task, int64_t i, const T* query, const T* y, int64_t j, int64_t j_end,
    BestColumns<T>& list) {
  constexpr int L = kLanes<T>;
  alignas(64) T score[L];
  for (; j < j_end; j += L) {
    const int64_t inside = j_end - j < L ? j_end - j : L;
    const T* at[L];
    for (int m = 0; m < L; ++m) at[m] = y + (j + (m < inside ? m : inside - 1)) * task.dim;
    score_one_query<T>(task.dim, at, query, score);
    uint64_t above = lane_bits<T>(load(score) > splat<T>(list.bar()));
    for (above &= (uint64_t{1} << inside) - 1; above != 0; above &= above - 1) {
      const int m = __builtin_ctzll(above);
      if (score[m] > list.bar() && !task.named.has(i, j + m)) list.add(score[m], j + m);
    }
  }
}

}  // namespace
}  // namespace graphlab::cpu::GRAPHLAB_ISA
