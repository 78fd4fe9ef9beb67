// Inner loops of softplus.cpp; included once per instruction set.
//
// Products come in units of log 2 (the row panels carry log2 e), and so do the sums. A tile at the
// edge of a matrix holds pairs that are none: they have no weight, and their softplus is not zero.

#include "cpu/pair_tile_loops.h"

namespace graphlab::cpu::GRAPHLAB_ISA {
namespace {

// log2(1 + u) / u, minimax in relative error on [0, 1]: 5e-9.
GRAPHLAB_INLINE Vec<float> log2_polynomial(Vec<float> u) {
  Vec<float> p = u * -4.680176167e-3f + 2.863969666e-2f;
  p = p * u + -8.217523404e-2f;
  p = p * u + 1.5297819389e-1f;
  p = p * u + -2.2081276411e-1f;
  p = p * u + 2.8386365935e-1f;
  p = p * u + -3.6001201310e-1f;
  p = p * u + 4.8084971141e-1f;
  p = p * u + -7.2134611269e-1f;
  return p * u + 1.4426950341f;
}

// The same: 3e-19.
GRAPHLAB_INLINE Vec<double> log2_polynomial(Vec<double> u) {
  constexpr double kFactors[] = {
      -0.0001949196161651036833, 0.001162876256198849967, -0.004415076445524110821,
      0.01205023032161489687,    -0.02539274327149443421, 0.04349473294620510093,
      -0.06325375564328072626,   0.08135479697010568968,  -0.09622491351873071894,
      0.1083793590807076199,     -0.1194163037059893307,  0.1309508091910545534,
      -0.1442287681353983383,    0.1602930589927780221,   -0.1803361131081443464,
      0.2060992231935125853,     -0.2404491691387701075,  0.2885390079922897538,
      -0.3606737602173612446,    0.4808983469629195121,   -0.7213475204444813227,
      1.442695040888963407};
  Vec<double> p = splat<double>(0.00001556044898979327355);
  GRAPHLAB_UNROLL
  for (const double factor : kFactors) p = p * u + factor;
  return p;
}

// 2^-|t|, NaN for NaN.
template <typename T>
GRAPHLAB_INLINE Vec<T> exp2_of_minus_size(Vec<T> t) {
  const Vec<T> x = t < T(0) ? t : -t, low = splat<T>(Types<T>::lowest);
  const Vec<T> power = exp2_bounded<T>(x < low ? low : x);
  return x < low ? Vec<T>{} : power;
}

// log2(1 + 2^t).
template <typename T>
GRAPHLAB_INLINE Vec<T> softplus2(Vec<T> t) {
  const Vec<T> u = exp2_of_minus_size<T>(t);
  return (t > T(0) ? t : Vec<T>{}) + u * log2_polynomial(u);
}

// 1 / (1 + 2^-t).
template <typename T>
GRAPHLAB_INLINE Vec<T> sigmoid2(Vec<T> t) {
  const Vec<T> u = exp2_of_minus_size<T>(t);
  return (t > T(0) ? splat<T>(1) : u) / (u + T(1));
}

// Adds the softplus of a block's pairs to the sums of its rows or, over the rows, of its columns.
template <typename T, bool Rows>
void softplus_block(const PairTask<T>& task, const PairBlock& block, double* sums) {
  constexpr int L = kLanes<T>;
  alignas(64) T col_sum[kPairUnit + 64] = {};
  for (int64_t i = block.i; i < block.i_end; i += kTileRows) {
    const int rows = block.i_end - i < kTileRows ? static_cast<int>(block.i_end - i) : kTileRows;
    Vec<T> row_sum[kTileRows] = {};
    for (int64_t j = block.j; j < block.j_end; j += kTileCols<T>) {
      Tile<T> tile = {};
      logits(task, i, j, tile);
      GRAPHLAB_UNROLL
      for (int v = 0; v < 2; ++v) {
        const int64_t inside = block.j_end - j - v * L;
        Vec<T> part{};
        GRAPHLAB_UNROLL
        for (int m = 0; m < kTileRows; ++m) {
          Vec<T> value = softplus2<T>(tile[m][v]);
          if constexpr (Rows) {
            row_sum[m] += inside >= L ? value : first_lanes<T>(value, inside);
          } else {
            part += m < rows ? value : Vec<T>{};
          }
        }
        T* to = col_sum + (j - block.j) + v * L;
        if constexpr (!Rows) store(to, load(to) + part);
      }
    }
    for (int m = 0; Rows && m < rows; ++m) sums[i + m - block.i] += sum_lanes<T>(row_sum[m]);
  }
  for (int64_t k = 0; !Rows && k < block.j_end - block.j; ++k) sums[k] += col_sum[k];
}

// See add_share_products; the gradient to the sums belongs to the rows or to the columns.
template <typename T, bool Rows>
void softplus_backward_block(
    const PairTask<T>& task, const PairBlock& block, T* left_grad, T* right_grad) {
  constexpr int L = kLanes<T>;
  add_share_products<T>(
      task, block, left_grad, right_grad, [&](int64_t i, int64_t j, T* to) GRAPHLAB_LAMBDA {
        Tile<T> tile = {};
        logits(task, i, j, tile);
        GRAPHLAB_UNROLL
        for (int v = 0; v < 2; ++v) {
          Vec<T> grad{};
          if constexpr (!Rows) grad = load(task.col_factors.grad + j + v * L);
          GRAPHLAB_UNROLL
          for (int m = 0; m < kTileRows; ++m) {
            if constexpr (Rows) grad = splat<T>(task.row_factors.grad[i + m]);
            tile[m][v] = grad * sigmoid2<T>(tile[m][v]);
          }
        }
        store_tile<T>(tile, to, kShareStride);
      });
}

}  // namespace
}  // namespace graphlab::cpu::GRAPHLAB_ISA
