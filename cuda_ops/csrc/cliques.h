// Maximal cliques of a graph, and how they overlap. CPU only: the search is a deep recursion over
// small sets, which has nothing to offer to a GPU.
//
// Graphs: `rowptr` (N + 1, int64) and `col` (E, int32, strictly ascending within a row), symmetric,
// without self-loops. Cliques: `ptr` (C + 1, int64) and `idx` (nnz, int64), ascending within a row.
// Results are integers and do not depend on the number of threads.
#pragma once

#include <tuple>

#include "tensor.h"

namespace graphlab {

// (ptr, idx, status): rows in lexicographic order; an isolated node is a clique. `status` (1,) is 0, or
// 1 if there are more than `max_cliques` (negative: no limit), or 2 if it took longer than
// `time_limit` seconds (not positive: no limit); then there are no rows.
std::tuple<Tensor, Tensor, Tensor> maximal_cliques(
    const Tensor& rowptr, const Tensor& col, int64_t max_cliques, double time_limit);

// (node, edge) int64. With C(v) the cliques at v:
//   node (N,)      ordered pairs in C(v) that share at least two nodes
//   edge (4, E)    0: |C(u) n C(v)|
//                  1: sum over C in C(u) n C(v) of the others in C(u) that share two nodes with C
//                  2: pairs from C(u) x C(v) that meet (a clique meets itself)
//                  3: pairs in C(u) n C(v) that share at least three nodes; at entries u < v only
std::tuple<Tensor, Tensor> clique_overlap(
    const Tensor& ptr, const Tensor& idx, const Tensor& rowptr, const Tensor& col);

}  // namespace graphlab
