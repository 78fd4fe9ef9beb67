// Messages over the typed edges of a graph, reduced at their targets, and the derivatives.
//
//   relational_propagate    H_v = reduce({m(x_u, table_t) : u -t-> v} and boundary_v)
//   relational_shares       what a tied message and the boundary receive of the gradient of an extreme
//   relational_source_grad  gradient of x, from the entries by source
//   relational_table_grad   gradient of the table, from the entries by type
//
// x (M, B, D), table (T, D), boundary, out, grad and share (R, B, D): float32 or float64. Entries by
// target: `rowptr` (R + 1, int64), `source` and `type` (E, int32). m is the product or the sum of rows
// of D columns. A mean divides by the number of entries + 1. Shares are the gradient of one message
// but for what follows from the message: its value for the mean of squares, whether it is `out` for an
// extreme. `even`: what ties shares; otherwise every tied entry receives all that the entries receive,
// which is half of it where the boundary ties too. NaN is an extreme.
//
// A sum is added up in the order of the entries, in pieces that follow from sizes alone; pieces, and
// those of a type after every 32 entries, are added in float64. Nothing depends on the number of
// threads.
#pragma once

#include <tuple>

#include "tensor.h"

namespace graphlab {

enum Message : int64_t { kDistMult = 0, kTransE = 1 };
enum Reduction : int64_t { kSum = 0, kMean = 1, kMax = 2, kMin = 3, kSquareMean = 4 };

// The orders by source and by type serve the derivative, which torch asks for them: they are not read.
Tensor relational_propagate(
    const Tensor& x, const Tensor& table, const Tensor& boundary, const Tensor& rowptr,
    const Tensor& source, const Tensor& type, const OptionalTensor& rowptr_t,
    const OptionalTensor& target_t, const OptionalTensor& type_t, const OptionalTensor& typeptr,
    const OptionalTensor& type_source, const OptionalTensor& type_target, int64_t message,
    int64_t reduce, bool even);

std::tuple<Tensor, Tensor> relational_shares(
    const Tensor& grad, const Tensor& out, const Tensor& x, const Tensor& table,
    const Tensor& boundary, const Tensor& rowptr, const Tensor& source, const Tensor& type,
    int64_t message, bool even);

Tensor relational_source_grad(
    const Tensor& share, const Tensor& out, const Tensor& x, const Tensor& table,
    const Tensor& rowptr_t, const Tensor& target_t, const Tensor& type_t, int64_t message,
    int64_t reduce);

Tensor relational_table_grad(
    const Tensor& share, const Tensor& out, const Tensor& x, const Tensor& table,
    const Tensor& typeptr, const Tensor& type_source, const Tensor& type_target, int64_t message,
    int64_t reduce);

}  // namespace graphlab
