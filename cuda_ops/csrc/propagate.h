// Sums over the rows of a sparse matrix A (CSR), and iterated sums merged into one matrix.
//
//   propagate          H = s o (A h)                         s: `row_scale`, ones when missing
//   propagate_dot      r_i = <H_i, other_i>                  H is never stored
//   propagate_merge    U = sum_k c_k N(H_k),  H_0 = start,  H_k = s o (A H_{k-1})
//   propagate_squares  squared norms of the rows of every H_k with c_k != 0, per block of columns
//
// `rowptr` (N + 1, int64), `col` (E, int32), `weight` (E) or ones. h is float32, float64 or bfloat16;
// bfloat16 is a storage format: sums are float32, and so are `weight`, `row_scale` and the results
// of all but `propagate`. N is the identity or the division of each row by its Euclidean norm, in
// float64; zero rows stay zero. Squares are added within blocks of 16 columns and then block by
// block, so that column panels starting at multiples of 16 give the same bits as the whole matrix:
// `squares` (K, N) hands in the norms of whole rows where h holds a panel of their columns.
//
// Every column of a row is one sum in the order of the entries (rows beyond 8192 entries: in pieces
// of 8192). Values are bitwise independent of the number of threads and of the other columns.
#pragma once

#include <vector>

#include "tensor.h"

namespace graphlab {

// Columns whose squares are added up before others are; panels start at its multiples.
constexpr int kSquareBlock = 16;

Tensor propagate(
    const Tensor& h, const Tensor& rowptr, const Tensor& col, const OptionalTensor& weight,
    const OptionalTensor& row_scale);

Tensor propagate_dot(
    const Tensor& h, const Tensor& other, const Tensor& rowptr, const Tensor& col,
    const OptionalTensor& weight, const OptionalTensor& row_scale);

Tensor propagate_merge(
    const Tensor& start, const Tensor& rowptr, const Tensor& col, const OptionalTensor& weight,
    const OptionalTensor& row_scale, const std::vector<double>& coefficients, bool normalize,
    const OptionalTensor& squares);

Tensor propagate_squares(
    const Tensor& start, const Tensor& rowptr, const Tensor& col, const OptionalTensor& weight,
    const OptionalTensor& row_scale, const std::vector<double>& coefficients);

}  // namespace graphlab
