// Random walks with restart on a graph in compressed rows, and the subgraphs they traverse.
//
// The walk of a start is a pure function of (seed, stream, start). Step t reads the words of columns
// 2 t and 2 t + 1 of the Philox matrix of projection.h, row `start`. It goes back to the start, written
// -1, if the first word is below floor(restart * 2^32 + 1/2) or the node has no neighbour; otherwise the
// second word u takes it to neighbour (u * degree) >> 32.
#pragma once

#include <tuple>

#include "tensor.h"

namespace graphlab {

// int32 (P, length + 1) for int64 `start` (P); column 0 is the start.
Tensor random_walk(
    const Tensor& rowptr, const Tensor& col, const Tensor& start, int64_t seed, int64_t stream,
    int64_t length, double restart);

// (node_ptr, node, edge_ptr, edge, root) of int32 `walks` (P, width): distinct nodes ascending, both
// directions of every traversed edge once and sorted, local ids (int16 up to a width of 2^15); a walk
// ends before its node number `max_nodes` + 1 (negative: no limit), one without a step has a
// self-loop. CPU only: what it returns is stored in host memory.
std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor> walk_subgraphs(
    const Tensor& walks, int64_t max_nodes);

}  // namespace graphlab
