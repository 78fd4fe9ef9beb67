// Overlap of the walks that start at two nodes.
//
//   o_ij = sum_v P_iv Q_jv,   P = sum_k beta^(k-1) W^k,   Q = sum_k beta^(k-1) 1[A^k > 0]
//
// `rowptr` (N + 1, int64) and `col` (E, int32, strictly ascending within a row) hold A, `weight` (E)
// holds W (ones if missing). With `distinct`, P is Q as well and there are no weights. Row j of
// `pair_rowptr` (N + 1) and `pair_col` (M, int32) names the nodes i to be paired with j, so that one
// row of Q serves all pairs of a j. No power is formed, nothing of size E or N^2 is stored.
//
// Values are bitwise independent of the number of threads. Workspace: O(num_hops N) per thread.
#pragma once

#include "tensor.h"

namespace graphlab {

// o, (M,) float64.
Tensor walk_overlap(
    const Tensor& rowptr, const Tensor& col, const OptionalTensor& weight,
    const Tensor& pair_rowptr, const Tensor& pair_col, int64_t num_hops, double beta,
    bool distinct);

// Number of nodes where walks of exactly 1 to num_hops steps from every node end, (N, num_hops)
// int64.
Tensor distinct_ends(const Tensor& rowptr, const Tensor& col, int64_t num_hops);

}  // namespace graphlab
