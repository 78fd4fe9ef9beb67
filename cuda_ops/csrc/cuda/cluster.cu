// cluster_sum, cluster_gather, cluster_outer and its gradient on CUDA.
//
// cluster_sum, K <= 128: a block owns a fixed range of nodes and a tile of columns. Its sums (4096
// float64 values, 32 KiB, so that six to seven blocks fit a multiprocessor) lie in shared memory. A
// thread owns one column, so that no two threads add to the same place; narrow rows leave room for
// several teams with accumulators of their own. A second kernel adds the blocks in order.
// cluster_sum, K > 128: nodes are sorted by cluster (members.cuh) and every cluster is a row to be
// summed; large clusters are cut into windows (segments.cuh).
//
// Second moments are in cluster_outer.cuh.
//
// All four are bound by memory for D <= 64. A cluster out of range gives NaN in the row it would
// have touched: of the result (gather, outer_backward), or of the nearest cluster (sum, outer).
//
// Resources (nvcc 13.0; most registers of sm_80 and sm_90, float / double; no spills): sum of few
// clusters 43 / 43 with 32 KiB shared, of many 40 / 36, windows 42 / 42, gather 28 / 28; counting
// sort 28 to 40 with at most 2 KiB; moments, tiles of 16: 76 / 78 with 4 / 8 KiB, of 64: 128 / 165
// with 16 / 32 KiB; their gradient 48 / 60 with 5.5 KiB (D <= 16), 80 / 127 with 8.5 KiB.
#include "cluster.h"

#include "cluster_outer.cuh"

namespace graphlab::cuda {
namespace {

// --- sum, few clusters ---------------------------------------------------------------------------

constexpr int kAccumulators = 4096;
constexpr int64_t kFewClusters = 128;  // leaves tiles of 32 columns, one 128-byte line of float32

template <typename T>
struct SumArgs {
  const T* x;              // (nodes, dim)
  const int64_t* cluster;  // (nodes,)
  int64_t nodes;
  int64_t dim;
  int64_t clusters;
  int64_t range;           // nodes per block
  int64_t blocks;
  int width;               // columns per tile
  int teams;
  double* partial;         // (blocks, clusters, dim)
  T* out;                  // (clusters, dim)
};

template <typename T>
__global__ void __launch_bounds__(kThreads) sum_few_kernel(const SumArgs<T> a) {
  __shared__ double sums[kAccumulators];  // (teams, clusters, width)
  const int thread = threadIdx.x, clusters = static_cast<int>(a.clusters);
  const int used = a.teams * clusters * a.width;
  for (int at = thread; at < used; at += kThreads) sums[at] = 0.0;
  __syncthreads();
  const int team = thread / a.width, inner = thread % a.width;
  const int64_t column = static_cast<int64_t>(blockIdx.y) * a.width + inner;
  const int64_t begin = blockIdx.x * a.range;
  const int64_t end = begin + a.range < a.nodes ? begin + a.range : a.nodes;
  if (team < a.teams && column < a.dim) {
    double* mine = sums + team * clusters * a.width + inner;
#pragma unroll 4
    for (int64_t i = begin + team; i < end; i += a.teams) {
      const int64_t k = a.cluster[i], to = nearest(k, a.clusters);
      const T value = k == to ? a.x[i * a.dim + column] : not_a_number<T>();
      mine[to * a.width] += static_cast<double>(value);
    }
  }
  __syncthreads();
  for (int at = thread; at < clusters * a.width; at += kThreads) {
    const int64_t to = static_cast<int64_t>(blockIdx.y) * a.width + at % a.width;
    if (to >= a.dim) continue;
    double sum = 0.0;
    for (int t = 0; t < a.teams; ++t) sum += sums[t * clusters * a.width + at];
    a.partial[(blockIdx.x * a.clusters + at / a.width) * a.dim + to] = sum;
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads) sum_blocks_kernel(const SumArgs<T> a) {
  const int64_t size = a.clusters * a.dim;
  for (int64_t at = thread_id(); at < size; at += thread_count()) {
    double sum = 0.0;
    for (int64_t b = 0; b < a.blocks; ++b) sum += a.partial[b * size + at];
    a.out[at] = static_cast<T>(sum);
  }
}

template <typename T>
void sum_few(const Context& context, const Tensor& x, SumArgs<T> a) {
  // At most 2^22 partial sums (32 MiB), at most 512 blocks to add, at least 256 nodes a block.
  const int64_t size = a.clusters * a.dim;
  const int64_t most = std::clamp<int64_t>((int64_t{1} << 22) / size, 1, 512);
  a.range = std::max<int64_t>(256, ceil_div(a.nodes, most));
  a.blocks = ceil_div(a.nodes, a.range);
  a.width = static_cast<int>(std::min<int64_t>({a.dim, kAccumulators / a.clusters, kThreads}));
  a.teams = static_cast<int>(std::min<int64_t>(kThreads / a.width,
                                               kAccumulators / (a.clusters * a.width)));
  const Tensor partial = scratch<double, 1>(x, {a.blocks * size});
  a.partial = output<double>(partial);
  const dim3 grid(static_cast<unsigned>(a.blocks),
                  static_cast<unsigned>(ceil_div(a.dim, a.width)));
  context.launch("cluster_sum_few", sum_few_kernel<T>, grid, kThreads, a);
  context.launch("cluster_sum_blocks", sum_blocks_kernel<T>, blocks_for(size, kThreads), kThreads,
                 a);
}

// --- sum, many clusters --------------------------------------------------------------------------

template <typename T>
struct MemberSumArgs {
  Rows rows;
  const int32_t* order;
  const T* x;
  int64_t dim;
  double* partial;  // (slots, dim)
  T* out;           // (clusters, dim)
};

// A warp adds the members of a span, four columns a lane; grid.y counts tiles of 128 columns.
template <typename T>
__global__ void __launch_bounds__(kThreads) sum_members_kernel(const MemberSumArgs<T> a) {
  const int64_t first = static_cast<int64_t>(blockIdx.y) * kWarp * kVec + lane_id();
  for (int64_t index = warp_id(); index < a.rows.spans(); index += warp_count()) {
    const Span span = span_at(a.rows, index);
    if (!span.valid) continue;
    double sum[kVec] = {};
    for (int64_t at = span.begin; at < span.end; ++at) {
      const int64_t name = a.order[at], i = name < 0 ? ~name : name;
#pragma unroll
      for (int v = 0; v < kVec; ++v) {
        const int64_t column = first + v * kWarp;
        if (column >= a.dim) continue;
        sum[v] += static_cast<double>(name < 0 ? not_a_number<T>() : a.x[i * a.dim + column]);
      }
    }
#pragma unroll
    for (int v = 0; v < kVec; ++v) {
      const int64_t column = first + v * kWarp;
      if (column >= a.dim) continue;
      if (span.slot < 0) {
        a.out[span.row * a.dim + column] = static_cast<T>(sum[v]);
      } else {
        a.partial[span.slot * a.dim + column] = sum[v];
      }
    }
  }
}

template <typename T>
void sum_many(const Context& context, const Tensor& x, const SumArgs<T>& a) {
  const Members members = sort_members(context, x, a.cluster, a.nodes, a.clusters);
  const int32_t* order = output<int32_t>(members.order);
  MemberSumArgs<T> m{members.rows(1024), order, a.x, a.dim, nullptr, a.out};
  const Tensor partial = scratch<double, 1>(x, {m.rows.slots() * a.dim});
  m.partial = output<double>(partial);
  dim3 grid = blocks_for(m.rows.spans(), kWarpsPerBlock);
  grid.y = static_cast<unsigned>(ceil_div(a.dim, kWarp * kVec));
  context.launch("cluster_sum_members", sum_members_kernel<T>, grid, kThreads, m);
  add_windows(context, m.rows, m.partial, a.dim, a.out);
}

// --- gather --------------------------------------------------------------------------------------

template <typename T>
__global__ void __launch_bounds__(kThreads)
    gather_kernel(const T* x, const int64_t* cluster, int64_t nodes, int64_t dim, int64_t clusters,
                  T* out) {
  for (int64_t at = thread_id(); at < nodes * dim; at += thread_count()) {
    int64_t row, column;
    divide(at, dim, row, column);
    const int64_t k = cluster[row];
    out[at] = k >= 0 && k < clusters ? x[k * dim + column] : not_a_number<T>();
  }
}

}  // namespace
}  // namespace graphlab::cuda

namespace graphlab {

using namespace cuda;

Tensor cluster_sum(const Tensor& x, const Tensor& cluster, int64_t clusters) {
  check_matrix(x, "x");
  check_length(cluster, x.size(0), "cluster");
  STD_TORCH_CHECK(clusters >= 0, "graphlab: num_clusters must not be negative");
  return by_dtype(x, [&](auto zero) {
    using T = decltype(zero);
    const Context context(x);
    const Input<T> from(context, x);
    const Input<int64_t> names(context, cluster);
    Tensor out = scratch<T, 2>(x, {clusters, x.size(1)});
    SumArgs<T> a{};
    a.x = from;
    a.cluster = names;
    a.nodes = x.size(0);
    a.dim = x.size(1);
    a.clusters = clusters;
    a.out = output<T>(out);
    if (clusters == 0 || a.dim == 0) return out;
    if (clusters <= kFewClusters) {
      sum_few(context, x, a);
    } else {
      sum_many(context, x, a);
    }
    return out;
  });
}

Tensor cluster_gather(const Tensor& x, const Tensor& cluster) {
  check_matrix(x, "x");
  return by_dtype(x, [&](auto zero) {
    using T = decltype(zero);
    const Context context(x);
    const Input<T> from(context, x);
    const Input<int64_t> names(context, cluster);
    const int64_t nodes = cluster.numel(), dim = x.size(1);
    Tensor out = scratch<T, 2>(x, {nodes, dim});
    context.launch("cluster_gather", gather_kernel<T>, blocks_for(nodes * dim, kThreads), kThreads,
                   from, names, nodes, dim, x.size(0), output<T>(out));
    return out;
  });
}

Tensor cluster_outer(const Tensor& x, const Tensor& cluster, int64_t clusters) {
  check_matrix(x, "x");
  check_length(cluster, x.size(0), "cluster");
  return by_dtype(x, [&](auto zero) {
    using T = decltype(zero);
    const Context context(x);
    const Input<T> from(context, x);
    const Input<int64_t> names(context, cluster);
    const int64_t nodes = x.size(0), dim = x.size(1), size = dim * dim;
    Tensor out = scratch<T, 3>(x, {clusters, dim, dim});
    if (clusters == 0 || dim == 0) return out;
    const Members members = sort_members(context, x, names, nodes, clusters);
    const int64_t limit = std::max<int64_t>(1024, ceil_div(2 * nodes * size, int64_t{1} << 23));
    OuterArgs<T> a{members.rows(limit), output<int32_t>(members.order), from, dim, nullptr, nullptr,
                   output<T>(out)};
    const Tensor partial = scratch<double, 1>(x, {a.rows.slots() * size});
    a.partial = output<double>(partial);
    if (dim <= kSide) {
      outer_with<T, kSide>(context, a);
    } else {
      outer_with<T, kTile>(context, a);
    }
    add_windows(context, a.rows, a.partial, size, a.out);
    return out;
  });
}

Tensor cluster_outer_backward(const Tensor& grad, const Tensor& x, const Tensor& cluster) {
  check_matrix(x, "x");
  check_length(cluster, x.size(0), "cluster");
  STD_TORCH_CHECK(grad.dim() == 3 && grad.size(1) == x.size(1) && grad.size(2) == x.size(1),
                  "graphlab: grad must have shape (K, D, D)");
  return by_dtype(x, [&](auto zero) {
    using T = decltype(zero);
    const Context context(x);
    const Input<T> from(context, x), g(context, grad);
    const Input<int64_t> names(context, cluster);
    const int64_t nodes = x.size(0), dim = x.size(1), clusters = grad.size(0);
    Tensor out = scratch<T, 2>(x, {nodes, dim});
    STD_TORCH_CHECK(clusters > 0 || nodes == 0, "graphlab: grad has no clusters, x has rows");
    if (nodes == 0 || dim == 0) return out;
    const Members members = sort_members(context, x, names, nodes, clusters);
    const OuterArgs<T> a{members.rows(kTile), output<int32_t>(members.order), from, dim, g, nullptr,
                         output<T>(out)};
    if (dim <= kSide) {
      outer_backward_with<T, 1>(context, a);
    } else {
      outer_backward_with<T, kVec>(context, a);
    }
    return out;
  });
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CUDA, m) {
  m.impl("cluster_sum", TORCH_BOX(&cluster_sum));
  m.impl("cluster_gather", TORCH_BOX(&cluster_gather));
  m.impl("cluster_outer", TORCH_BOX(&cluster_outer));
  m.impl("cluster_outer_backward", TORCH_BOX(&cluster_outer_backward));
}

}  // namespace graphlab
