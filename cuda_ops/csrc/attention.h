// Attention of the rows of each segment to one another, for many short segments.
//
//   a_ij = <q_i, k_j> / sqrt(d),   lse_i = log sum_j exp(a_ij),   out_i = sum_j exp(a_ij - lse_i) v_j
//
// over the rows j of the segment of i, for every head. `qkv` (N, 3 C) holds queries, keys and values
// side by side, each with its `heads` heads side by side; d = C / heads. `ptr` (B + 1, int64) holds
// the first row of every segment. The weights exp(a_ij - lse_i) are computed again on the way back.
//
// Values are bitwise independent of the number of threads. Memory beyond the result: the keys and
// values of one segment and head per thread.
#pragma once

#include <tuple>

#include "tensor.h"

namespace graphlab {

// out, (N, C), and lse, (N, heads).
std::tuple<Tensor, Tensor> segment_attention(const Tensor& qkv, const Tensor& ptr, int64_t heads);

// Gradient to qkv, (N, 3 C), given those to out and to lse.
Tensor segment_attention_backward(
    const Tensor& grad, const Tensor& grad_lse, const Tensor& qkv, const Tensor& ptr,
    const Tensor& out, const Tensor& lse, int64_t heads);

}  // namespace graphlab
