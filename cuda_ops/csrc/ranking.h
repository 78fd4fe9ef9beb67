// Ranks and best rows by the products <x_i, y_j> of two matrices; the N x M products are never
// stored.
//
// Every product of the same two rows has the same bits, wherever it is computed: one function of a
// tile gives all of them, also those of the rows to be ranked. So equal rows of y tie exactly, and
// results depend neither on the number of threads nor on how the work is cut. Memory beyond the
// result is O((N + M) D).
#pragma once

#include <tuple>

#include "tensor.h"

namespace graphlab {

// A filter names columns by rows, ascending within each; a column may come more than once.

// For every truth t, which belongs to a row i of x: how many rows of y, other than t and those that the
// filter names for i, have a greater product with x_i than t has, and how many have the same. Truths
// of one row share its products. Undefined products count as neither.
//   truth      int64 (T), rows of y
//   truth_ptr  int64 (N + 1), pointers of the rows of x into truth; without them, row i has truth i
std::tuple<Tensor, Tensor> pairwise_rank(
    const Tensor& x, const Tensor& y, const Tensor& truth, const OptionalTensor& truth_ptr,
    const OptionalTensor& filter_ptr, const OptionalTensor& filter);

// The k largest products of every x_i, of equal ones those of the first rows of y, and the numbers
// of these rows; -inf and -1 where there are fewer. Rows that the filter names, row i itself with
// diagonal = 1 (Diagonal::exclude of pairwise.h), and undefined products are left out.
std::tuple<Tensor, Tensor> pairwise_topk(
    const Tensor& x, const Tensor& y, int64_t k, int64_t diagonal, const OptionalTensor& filter_ptr,
    const OptionalTensor& filter);

}  // namespace graphlab
