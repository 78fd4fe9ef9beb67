// CPU kernels of pairwise.h on plain arrays.
#pragma once

#include <cstdint>

namespace graphlab::cpu {

enum class Diagonal : int64_t { keep = 0, exclude = 1, zero = 2 };

// One of the two matrices, and what belongs to its rows.
template <typename T>
struct PairSide {
  const T* rows;    // (count, dim)
  int64_t count;
  const T* weight;  // (count,) or null for ones
  const T* grad;    // (count,) gradient to the normalisers of these rows, or null
  const T* lse;     // (count,) their values, or null
};

// Log-sum-exps of x's rows (over y) and of y's rows (over x); either output may be null.
template <typename T>
void pair_logsumexp(
    const PairSide<T>& x, const PairSide<T>& y, int64_t dim, double scale, Diagonal diagonal,
    T* row_lse, T* col_lse);

// The same for y = x: only pairs on one side of the diagonal are computed.
template <typename T>
void self_pair_logsumexp(
    const PairSide<T>& x, int64_t dim, double scale, Diagonal diagonal, T* lse);

// Gradient to a's rows, (a.count, dim), of the normalisers on both sides.
template <typename T>
void pair_logsumexp_backward(
    const PairSide<T>& a, const PairSide<T>& b, int64_t dim, double scale, Diagonal diagonal,
    T* out);

// The same for b = a, using the symmetry.
template <typename T>
void self_pair_logsumexp_backward(
    const PairSide<T>& a, int64_t dim, double scale, Diagonal diagonal, T* out);

}  // namespace graphlab::cpu
