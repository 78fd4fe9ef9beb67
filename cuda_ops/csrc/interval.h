// Sums over the rows of a sparse matrix whose entries are known up to intervals or up to a number of
// missing ones, and dot products over its entries; the definitions are in ops/reference/interval.py.
//
//   interval_propagate  L_i = sum_j a_ij h_j with a the lower end where h_j >= 0, else the upper one
//                       (h: `low`); U_i mirrored (h: `high`)
//   edge_bound          s_ij = <w_i, c_j> - <|w_i|, r_j>
//   budget_minimum      smallest row sum when up to q_i droppable entries of row i are missing
//
// `rowptr` (N + 1, int64) and `col` (E, int32) are the rows, `rowptr_t` (M + 1), `col_t` (E) those of
// the transpose; `entry_t` (E, int32) is the number of a transposed entry in `col`. Derivatives are
// sums over the rows of the transpose: nothing is added atomically, and values are bitwise
// independent of the number of threads.
#pragma once

#include <tuple>

#include "tensor.h"

namespace graphlab {

std::tuple<Tensor, Tensor> interval_propagate(
    const Tensor& low, const Tensor& high, const Tensor& rowptr, const Tensor& col,
    const Tensor& entry_low, const Tensor& entry_high, const Tensor& rowptr_t,
    const Tensor& col_t, const Tensor& entry_low_t, const Tensor& entry_high_t);

std::tuple<Tensor, Tensor> interval_propagate_backward(
    const Tensor& grad_low, const Tensor& grad_high, const Tensor& low, const Tensor& high,
    const Tensor& rowptr_t, const Tensor& col_t, const Tensor& entry_low_t,
    const Tensor& entry_high_t);

Tensor edge_bound(
    const Tensor& weight, const Tensor& center, const OptionalTensor& radius,
    const Tensor& rowptr, const Tensor& col, const Tensor& rowptr_t, const Tensor& col_t,
    const Tensor& entry_t);

std::tuple<Tensor, Tensor, Tensor> edge_bound_backward(
    const Tensor& grad, const Tensor& weight, const Tensor& center, const OptionalTensor& radius,
    const Tensor& rowptr, const Tensor& col, const Tensor& rowptr_t, const Tensor& col_t,
    const Tensor& entry_t);

std::tuple<Tensor, Tensor> budget_minimum(
    const Tensor& value, const Tensor& rowptr, const Tensor& col, const Tensor& kind,
    const Tensor& positive, const Tensor& negative, const Tensor& size, const Tensor& budget,
    double power, const Tensor& rowptr_t, const Tensor& col_t, const Tensor& entry_t);

Tensor budget_minimum_backward(
    const Tensor& grad, const Tensor& value, const Tensor& choice, const Tensor& rowptr,
    const Tensor& kind, const Tensor& positive, const Tensor& negative, const Tensor& size,
    double power, const Tensor& rowptr_t, const Tensor& col_t, const Tensor& entry_t);

}  // namespace graphlab
