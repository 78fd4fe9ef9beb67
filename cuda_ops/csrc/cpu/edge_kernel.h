// CPU kernels of edge.h on plain arrays.
#pragma once

#include <cstdint>

namespace graphlab::cpu {

template <typename T>
struct EdgeGraph {
  const int64_t* rowptr;  // (nodes + 1,)
  const int32_t* col;     // (edges,)
  const T* weight;        // (edges,) or null
  const T* weight_t;      // (edges,) or null
  const T* scale;         // (nodes,) or null
  int64_t nodes, edges;
};

// Each function returns the position of the first entry of `col` that is out of range, or -1. `out`
// is (nodes,), (nodes, dim), (edges,), and must be zero for the first two.
template <typename T>
int64_t edge_sum(const EdgeGraph<T>& graph, const T* z, int64_t dim, double tau, T* out);

template <typename T>
int64_t edge_sum_backward(
    const EdgeGraph<T>& graph, const T* grad, const T* z, int64_t dim, double tau, T* out);

template <typename T>
int64_t edge_weight_grad(
    const EdgeGraph<T>& graph, const T* grad, const T* z, int64_t dim, double tau, T* out);

}  // namespace graphlab::cpu
