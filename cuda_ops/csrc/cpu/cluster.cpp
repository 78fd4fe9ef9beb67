#include "cluster.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "cpu/checks.h"
#include "cpu/parallel.h"

namespace graphlab::cpu {
namespace {

// Rows (count, dim) with a cluster in [0, clusters) each.
template <typename T>
struct ClusteredRows {
  const T* rows;
  const int64_t* cluster;
  int64_t count, dim, clusters;
};

constexpr int64_t kOuterRows = 256;        // rows per matrix product
constexpr int64_t kSumTasks = 32;          // tasks with sums of their own, on any machine
constexpr int64_t kSumValues = 1 << 15;    // largest number of sums for that
constexpr int64_t kCarryValues = 1 << 22;  // largest number of carried values, 32 MiB

}  // namespace
}  // namespace graphlab::cpu

#define GRAPHLAB_LOOPS "cpu/cluster_loops.h"
#include "cpu/for_each_isa.h"

namespace graphlab::cpu {
namespace {

// Rows sorted by cluster: the members of cluster k are order[start[k]] ... order[start[k + 1] - 1].
struct Members {
  Buffer<int64_t> order, start;

  template <typename T>
  explicit Members(const ClusteredRows<T>& x) : order(x.count), start(x.clusters + 1, 0) {
    for (int64_t i = 0; i < x.count; ++i) ++start[x.cluster[i]];
    int64_t sum = 0;
    for (int64_t k = 0; k <= x.clusters; ++k) sum += std::exchange(start[k], sum);
    for (int64_t i = 0; i < x.count; ++i) order[start[x.cluster[i]]++] = i;
    for (int64_t k = x.clusters; k > 0; --k) start[k] = start[k - 1];
    start[0] = 0;
  }
};

// out[k] = what add(order, count, sum) gathers over the members of every cluster k; `size` values
// each. Members are cut into tasks of equal length; the parts of a cluster are added in order.
template <typename T, typename F>
void reduce_members(const ClusteredRows<T>& x, int64_t size, T* out, const F& add) {
  std::fill_n(out, x.clusters * size, T(0));
  const Members members(x);
  const int64_t* start = members.start.get();
  const int64_t most = std::clamp<int64_t>(kCarryValues / std::max<int64_t>(1, 2 * size), 1, 64);
  const int64_t length = std::max<int64_t>(1024, divide_up(x.count, most));
  const int64_t slots = 2 * divide_up(x.count, length);
  const Buffer<double> carry(slots * size, 0.0);
  const Buffer<int64_t> carry_cluster(slots, -1);
  parallel_ranges(x.count, length, [&](int64_t begin, int64_t end) {
    const Buffer<double> whole(size);
    int64_t k = std::upper_bound(start, start + x.clusters, begin) - start - 1;
    for (int64_t p = begin; p < end; ++k) {
      const int64_t stop = std::min(end, start[k + 1]);
      if (stop == p) continue;
      if (start[k] >= begin && start[k + 1] <= end) {
        std::fill_n(whole.get(), size, 0.0);
        add(members.order.get() + p, stop - p, whole.get());
        std::copy_n(whole.get(), size, out + k * size);
      } else {
        const int64_t slot = 2 * (begin / length) + (start[k] >= begin);
        carry_cluster[slot] = k;
        add(members.order.get() + p, stop - p, carry.get() + slot * size);
      }
      p = stop;
    }
  });
  // The first part of a cluster collects the others, so that all are added in float64.
  int64_t open = -1;
  for (int64_t slot = 0; slot < slots; ++slot) {
    const int64_t k = carry_cluster[slot];
    if (k < 0) continue;
    double* part = carry.get() + slot * size;
    if (open >= 0 && carry_cluster[open] == k) {
      double* sum = carry.get() + open * size;
      for (int64_t d = 0; d < size; ++d) sum[d] += part[d];
    } else {
      open = slot;
    }
    std::copy_n(carry.get() + open * size, size, out + k * size);
  }
}

// Every task sums its rows into all clusters; for few clusters.
template <typename T>
void reduce_rows(const ClusteredRows<T>& x, T* out) {
  const int64_t size = x.clusters * x.dim;
  const int64_t length = std::max<int64_t>(1024, divide_up(x.count, kSumTasks));
  const int64_t tasks = divide_up(x.count, length);
  const Buffer<double> sums(tasks * size);
  const auto add = GRAPHLAB_SELECT(add_rows_by_cluster<T>);
  parallel_ranges(x.count, length, [&](int64_t begin, int64_t end) {
    double* sum = sums.get() + begin / length * size;
    std::fill_n(sum, size, 0.0);
    add(x, begin, end, sum);
  });
  for (int64_t k = 0; k < size; ++k) {
    double sum = 0;
    for (int64_t task = 0; task < tasks; ++task) sum += sums[task * size + k];
    out[k] = static_cast<T>(sum);
  }
}

template <typename T>
void cluster_sum(const ClusteredRows<T>& x, T* out) {
  if (x.clusters * x.dim <= kSumValues) {
    reduce_rows(x, out);
    return;
  }
  const auto add = GRAPHLAB_SELECT(add_rows_in_order<T>);
  reduce_members(x, x.dim, out, [&](const int64_t* order, int64_t count, double* sum) {
    for_pieces(0, count, kOuterRows, [&](int64_t begin, int64_t end) {
      add(x, order + begin, end - begin, nullptr, sum);
    });
  });
}

// out_i = table[cluster_i]; x.rows is not read.
template <typename T>
void cluster_gather(const ClusteredRows<T>& x, const T* table, T* out) {
  const int64_t length = std::max<int64_t>(1, 65536 / std::max<int64_t>(1, x.dim));
  parallel_ranges(x.count, length, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      std::copy_n(table + x.cluster[i] * x.dim, x.dim, out + i * x.dim);
    }
  });
}

template <typename T>
void cluster_outer(const ClusteredRows<T>& x, T* out) {
  const auto add = GRAPHLAB_SELECT(add_outer_in_order<T>);
  const int64_t size = GRAPHLAB_SELECT(outer_scratch<T>)(x.dim);
  reduce_members(x, x.dim * x.dim, out, [&](const int64_t* order, int64_t count, double* sum) {
    const Buffer<T> scratch(size, T(0));
    for_pieces(0, count, kOuterRows, [&](int64_t begin, int64_t end) {
      add(x, order + begin, end - begin, scratch.get(), sum);
    });
  });
}

template <typename T>
void cluster_outer_backward(const ClusteredRows<T>& x, const T* grad, T* out) {
  const int64_t dim = x.dim, width = round_up(dim, lanes<T>());
  const Buffer<T> blocks(x.clusters * dim * width, T(0));
  for (int64_t k = 0; k < x.clusters; ++k) {
    for (int64_t d = 0; d < dim; ++d) {
      for (int64_t e = 0; e < dim; ++e) {
        const T* block = grad + k * dim * dim;
        blocks[(k * dim + d) * width + e] = block[d * dim + e] + block[e * dim + d];
      }
    }
  }
  const auto multiply = GRAPHLAB_SELECT(multiply_by_block<T>);
  parallel_ranges(x.count, 512, [&](int64_t begin, int64_t end) {
    const Buffer<T> scratch(width);
    multiply(x, blocks.get(), width, begin, end, scratch.get(), out);
  });
}

}  // namespace
}  // namespace graphlab::cpu

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
