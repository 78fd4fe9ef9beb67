// Log-sum-exp of every row against all rows, through the first two moments of clusters.
//
//   r_i = log sum_b n_b exp(tau <u_i, m_b> + tau^2 / 2 u_i^T C_b u_i)
//
// u (N, D), n (K,) non-negative, m (K, D), C (K, D, D) or missing. A cluster with n_b = 0 is left
// out; r_i = -inf when all are. Values are bitwise independent of the number of threads.
#pragma once

#include <tuple>

#include "tensor.h"

namespace graphlab {

Tensor meta_logsumexp(
    const Tensor& u, const Tensor& count, const Tensor& mean, const OptionalTensor& cov,
    double tau);

// Gradients to u, mean and cov (empty without cov), given that to r.
std::tuple<Tensor, Tensor, Tensor> meta_logsumexp_backward(
    const Tensor& grad, const Tensor& lse, const Tensor& u, const Tensor& count,
    const Tensor& mean, const OptionalTensor& cov, double tau);

}  // namespace graphlab
