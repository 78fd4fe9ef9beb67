#include "cluster.h"

#include "cpu/cluster_kernel.h"

namespace graphlab {
namespace {

void check_count(int64_t num_clusters) {
  STD_TORCH_CHECK(num_clusters >= 0, "num_clusters must be non-negative, got ", num_clusters);
}

template <typename T>
cpu::ClusteredRows<T> clustered(const Tensor& x, const Tensor& cluster, int64_t num_clusters) {
  return {data<T>(x), data<int64_t>(cluster), cluster.size(0), x.size(1), num_clusters};
}

}  // namespace

Tensor cluster_sum(const Tensor& x, const Tensor& cluster, int64_t num_clusters) {
  check_count(num_clusters);
  const Tensor rows = checked_matrix(x, "x");
  const Tensor index = checked_index(cluster, "cluster", rows.size(0), num_clusters);
  Tensor out = torch::stable::new_empty(rows, {num_clusters, rows.size(1)});
  dispatch_floating(rows.scalar_type(), [&](auto type) {
    using T = decltype(type);
    cpu::cluster_sum<T>(clustered<T>(rows, index, num_clusters), mutable_data<T>(out));
  });
  return out;
}

Tensor cluster_gather(const Tensor& x, const Tensor& cluster) {
  const Tensor table = checked_matrix(x, "x");
  check_dim(cluster, "cluster", 1);
  const Tensor index = checked_index(cluster, "cluster", cluster.size(0), table.size(0));
  Tensor out = torch::stable::new_empty(table, {index.size(0), table.size(1)});
  dispatch_floating(table.scalar_type(), [&](auto type) {
    using T = decltype(type);
    cpu::cluster_gather<T>(
        clustered<T>(table, index, table.size(0)), data<T>(table), mutable_data<T>(out));
  });
  return out;
}

Tensor cluster_outer(const Tensor& x, const Tensor& cluster, int64_t num_clusters) {
  check_count(num_clusters);
  const Tensor rows = checked_matrix(x, "x");
  const Tensor index = checked_index(cluster, "cluster", rows.size(0), num_clusters);
  Tensor out = torch::stable::new_empty(rows, {num_clusters, rows.size(1), rows.size(1)});
  dispatch_floating(rows.scalar_type(), [&](auto type) {
    using T = decltype(type);
    cpu::cluster_outer<T>(clustered<T>(rows, index, num_clusters), mutable_data<T>(out));
  });
  return out;
}

Tensor cluster_outer_backward(const Tensor& grad, const Tensor& x, const Tensor& cluster) {
  const Tensor rows = checked_matrix(x, "x");
  const int64_t dim = rows.size(1);
  check_dtype(grad, "grad", rows.scalar_type());
  check_dim(grad, "grad", 3);
  check_size(grad, "grad", 1, dim);
  check_size(grad, "grad", 2, dim);
  const Tensor blocks = torch::stable::contiguous(grad);
  const Tensor index = checked_index(cluster, "cluster", rows.size(0), grad.size(0));
  Tensor out = torch::stable::new_empty(rows, {rows.size(0), dim});
  dispatch_floating(rows.scalar_type(), [&](auto type) {
    using T = decltype(type);
    cpu::cluster_outer_backward<T>(
        clustered<T>(rows, index, grad.size(0)), data<T>(blocks), mutable_data<T>(out));
  });
  return out;
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) {
  m.impl("cluster_sum", TORCH_BOX(&cluster_sum));
  m.impl("cluster_gather", TORCH_BOX(&cluster_gather));
  m.impl("cluster_outer", TORCH_BOX(&cluster_outer));
  m.impl("cluster_outer_backward", TORCH_BOX(&cluster_outer_backward));
}

}  // namespace graphlab
