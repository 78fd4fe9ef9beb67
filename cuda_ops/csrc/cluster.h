// Sums over clusters. `cluster` (N, int64) holds values in [0, K); a cluster without members sums
// to zero. Long sums run in float64; all are bitwise independent of the number of threads.
#pragma once

#include "tensor.h"

namespace graphlab {

// Sum of the rows of each cluster, (K, D).
Tensor cluster_sum(const Tensor& x, const Tensor& cluster, int64_t num_clusters);

// Row of each node's cluster, (N, D): the transpose of cluster_sum.
Tensor cluster_gather(const Tensor& x, const Tensor& cluster);

// Sum of x_i x_i^T over each cluster, (K, D, D).
Tensor cluster_outer(const Tensor& x, const Tensor& cluster, int64_t num_clusters);

// Gradient to x of cluster_outer: (G_k + G_k^T) x_i with k the cluster of i.
Tensor cluster_outer_backward(const Tensor& grad, const Tensor& x, const Tensor& cluster);

}  // namespace graphlab
