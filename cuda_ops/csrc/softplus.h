// Sums of softplus over all pairs of rows of two matrices; the N x M products are never stored.
//
//   r_i = sum_j log(1 + exp <x_i, y_j>)
//
// softplus(s) = max(s, 0) + log(1 + exp(-|s|)): nothing overflows, and small terms keep their
// digits. Values are bitwise independent of the number of threads. Memory beyond the result is
// O((N + M) D).
#pragma once

#include <tuple>

#include "tensor.h"

namespace graphlab {

Tensor pairwise_softplus(const Tensor& x, const Tensor& y);

// Gradients to x and to y from one pass; one that is not wanted has no rows.
std::tuple<Tensor, Tensor> pairwise_softplus_backward(
    const Tensor& grad, const Tensor& x, const Tensor& y, bool x_side, bool y_side);

}  // namespace graphlab
