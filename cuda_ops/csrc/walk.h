// Random walks with restart on a graph in compressed rows.
//
// The walk of a start is a pure function of (seed, stream, start). Step t reads the words of columns
// 2 t and 2 t + 1 of the Philox matrix of projection.h, row `start`. It goes back to the start, written
// -1, if the first word is below floor(restart * 2^32 + 1/2) or the node has no neighbour; otherwise the
// second word u takes it to neighbour (u * degree) >> 32.
#pragma once

#include "checks.h"

namespace graphlab {

// int32 (P, length + 1) for int64 `start` (P); column 0 is the start.
Tensor random_walk(
    const Tensor& rowptr, const Tensor& col, const Tensor& start, int64_t seed, int64_t stream,
    int64_t length, double restart);

}  // namespace graphlab
