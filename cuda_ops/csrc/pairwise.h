// Log-sum-exp over all pairs of rows of two matrices; the N x M logits are never stored.
//
//   r_i = log sum_j v_j exp(s <x_i, y_j>),   c_j = log sum_i w_i exp(s <x_i, y_j>)
//
// Pairs (i, i) are kept, excluded or counted with logit zero. Weights are non-negative and constant;
// a missing weight is one. An empty sum is -inf and passes no gradient.
//
// While s times the largest norms stays below a bound, exponentials are summed as they are;
// otherwise, and for extreme weights, a running maximum is subtracted. Values are bitwise
// independent of the number of threads. Memory beyond the result is O((N + M) D).
#pragma once

#include <tuple>

#include "tensor.h"

namespace graphlab {

// Values of the argument `diagonal`.
enum class Diagonal : int64_t { keep = 0, exclude = 1, zero = 2 };

// (r, c); c is empty unless `columns`.
std::tuple<Tensor, Tensor> pairwise_logsumexp(
    const Tensor& x, const Tensor& y, const OptionalTensor& x_weight,
    const OptionalTensor& y_weight, double scale, int64_t diagonal, bool columns);

// Gradient to a of its own normalisers (row_*, with the weights of b) and of those of b (col_*,
// with the weights of a); either may be missing.
Tensor pairwise_logsumexp_backward(
    const Tensor& a, const Tensor& b, const OptionalTensor& row_grad, const OptionalTensor& row_lse,
    const OptionalTensor& b_weight, const OptionalTensor& col_grad, const OptionalTensor& col_lse,
    const OptionalTensor& a_weight, double scale, int64_t diagonal);

// The gradients to a and to b at once, of which the backward above, called twice, gives one each.
std::tuple<Tensor, Tensor> pairwise_logsumexp_gradients(
    const Tensor& a, const Tensor& b, const OptionalTensor& row_grad, const OptionalTensor& row_lse,
    const OptionalTensor& b_weight, const OptionalTensor& col_grad, const OptionalTensor& col_lse,
    const OptionalTensor& a_weight, double scale, int64_t diagonal);

// r for y = x; half the logits follow from the other half.
Tensor self_logsumexp(
    const Tensor& x, const OptionalTensor& weight, double scale, int64_t diagonal);

}  // namespace graphlab
