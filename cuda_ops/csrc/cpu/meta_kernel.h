// CPU kernels of meta.h on plain arrays.
#pragma once

#include <cstdint>

namespace graphlab::cpu {

template <typename T>
struct MetaNodes {
  const T* u;      // (rows, dim)
  const T* count;  // (clusters,)
  const T* mean;   // (clusters, dim)
  const T* cov;    // (clusters, dim, dim) or null
  int64_t rows, dim, clusters;
  double tau;
};

template <typename T>
void meta_logsumexp(const MetaNodes<T>& nodes, T* lse);

// Gradients to u, mean and, unless null, cov.
template <typename T>
void meta_logsumexp_backward(
    const MetaNodes<T>& nodes, const T* grad, const T* lse, T* grad_u, T* grad_mean, T* grad_cov);

}  // namespace graphlab::cpu
