// Edge-cosine sums over a CSR graph.
//
//   P_i = sum_j w_ij exp(tau cos(z_i, z_j)),   cos(z_i, z_i) := 0,   cos = 0 for a zero row
//
// `rowptr` (N + 1, int64) and `col` (E, int32) hold a graph whose pattern is symmetric. The
// derivative needs the weight of the reverse edge at every entry. It is `weight_t` if given, else
// w_ij * scale_i / scale_j if `scale` is given, else w_ij itself (symmetric weights, or ones when
// `weight` is missing). So both directions take one pass over the rows: no transpose, no atomics.
//
// A node without edges has P = 0. Values are bitwise independent of the number of threads. Memory
// beyond the result: one normalised copy of z, with rows padded to whole vectors, and what is kept.
//
// With `keep`, the CPU also returns exp(tau cos) of every entry, (E,), which spares the derivatives
// the products. On CUDA, where that would save no memory traffic, and without `keep` the
// second result is empty; the derivatives compute what they are not given.
#pragma once

#include <tuple>

#include "tensor.h"

namespace graphlab {

// P, (N,), and what is kept.
std::tuple<Tensor, Tensor> edge_cosine_sum(
    const Tensor& z, const Tensor& rowptr, const Tensor& col, const OptionalTensor& weight,
    const OptionalTensor& weight_t, const OptionalTensor& scale, double tau, bool keep);

// Gradient to z, (N, D), given that to P.
Tensor edge_cosine_sum_backward(
    const Tensor& grad, const Tensor& kept, const Tensor& z, const Tensor& rowptr,
    const Tensor& col, const OptionalTensor& weight, const OptionalTensor& weight_t,
    const OptionalTensor& scale, double tau);

// Gradient to weight, (E,), given that to P.
Tensor edge_cosine_weight_grad(
    const Tensor& grad, const Tensor& kept, const Tensor& z, const Tensor& rowptr,
    const Tensor& col, double tau);

}  // namespace graphlab
