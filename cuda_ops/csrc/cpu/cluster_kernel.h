// CPU kernels of cluster.h on plain arrays; cluster values must have been checked.
#pragma once

#include <cstdint>

namespace graphlab::cpu {

// Rows (count, dim) with a cluster in [0, clusters) each.
template <typename T>
struct ClusteredRows {
  const T* rows;
  const int64_t* cluster;
  int64_t count, dim, clusters;
};

template <typename T>
void cluster_sum(const ClusteredRows<T>& x, T* out);

// out_i = table[cluster_i]; x.rows is not read.
template <typename T>
void cluster_gather(const ClusteredRows<T>& x, const T* table, T* out);

template <typename T>
void cluster_outer(const ClusteredRows<T>& x, T* out);

template <typename T>
void cluster_outer_backward(const ClusteredRows<T>& x, const T* grad, T* out);

}  // namespace graphlab::cpu
