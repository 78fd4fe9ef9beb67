// Random matrices whose entry (i, j) is a pure function of (seed, stream, node i, column j).
//
// Word of an entry: output j % 4 of Philox4x32-10 with key (low, high word of seed) and counter
// (j / 4, stream, low, high word of the node). With the word u and s = `sparsity`:
//
//   s >= 1   +1 if u < t, -1 if t <= u < 2 t, else 0;   t = floor(2^31 / s + 1/2)
//   s == 0   the standard normal quantile of (u + 1/2) / 2^32 (Wichura 1988, algorithm AS 241)
//
// The entry is that number times `scale` times factor_i, rounded once per product from float64. The
// arithmetic is additions, products, quotients and roots without fused operations, so that pure
// torch, every CPU and CUDA give the same bits.
#pragma once

#include "tensor.h"

namespace graphlab {

// Columns [start, stop) for the nodes `node` (int64, not negative; 0, 1, ... when missing):
// (N, stop - start) in the dtype of `factor` (N).
Tensor random_projection(
    const Tensor& factor, const OptionalTensor& node, int64_t seed, int64_t stream, int64_t start,
    int64_t stop, double sparsity, double scale);

}  // namespace graphlab
