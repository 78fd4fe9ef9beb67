// Members of every cluster as one sorted list: a stable counting sort of node numbers by cluster.
//
// Nodes are cut into chunks, one warp each. The warps count (chunks, K), a thread per cluster turns
// the counts into offsets, one block scans the cluster sizes, and the warps place their nodes in
// ascending order. Within a warp, lanes of equal cluster find each other with match.any and take
// consecutive places; the first of them alone moves the counter. No atomics, one possible result.
//
// Counters take at most 2^24 int32 (64 MiB), K of them at least. That limits parallelism beyond
// about 10^5 clusters: with K >= 2^24 a single warp places all nodes.
//
// A cluster out of range is filed under the nearest valid one with its node number inverted (~i):
// whoever reads it writes NaN.
#pragma once

#include "segments.cuh"

namespace graphlab::cuda {

struct MemberArgs {
  const int64_t* cluster;  // (nodes,)
  int64_t nodes;
  int64_t clusters;
  int64_t chunk;           // nodes per chunk
  int64_t chunks;
  int32_t* counts;         // (chunks, clusters): counts, then next free offsets
  int64_t* rowptr;         // (clusters + 1,)
  int32_t* order;          // (nodes,)
};

// Nearest valid cluster, for K >= 1.
__device__ inline int64_t nearest(int64_t cluster, int64_t clusters) {
  return cluster < 0 ? 0 : (cluster < clusters ? cluster : clusters - 1);
}

// Calls f(node, cluster, lanes of that cluster) for 32 nodes of the warp's chunks at a time.
template <typename F>
__device__ inline void for_each_node(const MemberArgs& a, int64_t chunk, F&& f) {
  const int64_t limit = (chunk + 1) * a.chunk;
  const int64_t end = limit < a.nodes ? limit : a.nodes;
  for (int64_t base = chunk * a.chunk; base < end; base += kWarp) {
    const int64_t node = base + lane_id();
    const int64_t key = node < end ? nearest(a.cluster[node], a.clusters) : -1;
    const unsigned peers = __match_any_sync(kAllLanes, static_cast<unsigned long long>(key));
    f(node, key, peers);
    __syncwarp();  // counters moved by one lane are read by others in the next step
  }
}

static __global__ void __launch_bounds__(kThreads) count_members_kernel(const MemberArgs a) {
  for (int64_t chunk = warp_id(); chunk < a.chunks; chunk += warp_count()) {
    int32_t* counts = a.counts + chunk * a.clusters;
    for (int64_t k = lane_id(); k < a.clusters; k += kWarp) counts[k] = 0;
    __syncwarp();
    for_each_node(a, chunk, [&](int64_t, int64_t key, unsigned peers) {
      if (key >= 0 && __ffs(static_cast<int>(peers)) - 1 == lane_id()) counts[key] += __popc(peers);
    });
  }
}

// Counts of the chunks become offsets within the cluster; rowptr[k + 1] becomes the size of k.
static __global__ void __launch_bounds__(kThreads) offset_members_kernel(const MemberArgs a) {
  for (int64_t k = thread_id(); k < a.clusters; k += thread_count()) {
    int32_t total = 0;
    for (int64_t chunk = 0; chunk < a.chunks; ++chunk) {
      int32_t& at = a.counts[chunk * a.clusters + k];
      const int32_t count = at;
      at = total;
      total += count;
    }
    a.rowptr[k + 1] = total;
  }
}

// Sizes become row pointers. One block: every thread scans its own run of clusters.
static __global__ void __launch_bounds__(kThreads) scan_members_kernel(const MemberArgs a) {
  __shared__ int64_t sums[kThreads];
  const int64_t run = ceil_div(a.clusters, kThreads);
  const int64_t begin = run * threadIdx.x < a.clusters ? run * threadIdx.x : a.clusters;
  const int64_t end = begin + run < a.clusters ? begin + run : a.clusters;
  int64_t sum = 0;
  for (int64_t k = begin; k < end; ++k) sum += a.rowptr[k + 1];
  sums[threadIdx.x] = sum;
  __syncthreads();
  int64_t before = 0;
  for (unsigned t = 0; t < threadIdx.x; ++t) before += sums[t];
  for (int64_t k = begin; k < end; ++k) {
    before += a.rowptr[k + 1];
    a.rowptr[k + 1] = before;
  }
  if (threadIdx.x == 0) a.rowptr[0] = 0;
}

static __global__ void __launch_bounds__(kThreads) place_members_kernel(const MemberArgs a) {
  for (int64_t chunk = warp_id(); chunk < a.chunks; chunk += warp_count()) {
    int32_t* next = a.counts + chunk * a.clusters;
    for_each_node(a, chunk, [&](int64_t node, int64_t key, unsigned peers) {
      const int leader = __ffs(static_cast<int>(peers)) - 1;
      const int32_t offset = key >= 0 ? next[key] : 0;
      __syncwarp();  // all have read before the leader moves on
      if (key < 0) return;
      const int rank = __popc(peers & ((1u << lane_id()) - 1u));
      const int32_t name = static_cast<int32_t>(node);
      a.order[a.rowptr[key] + offset + rank] = a.cluster[node] == key ? name : ~name;
      if (leader == lane_id()) next[key] = offset + __popc(peers);
    });
  }
}

// The sorted members of all clusters; owns the memory.
struct Members {
  Tensor rowptr, order;

  // Clusters as rows of nodes, cut at `limit`.
  Rows rows(int64_t limit) const {
    return {output<int64_t>(rowptr), rowptr.numel() - 1, order.numel(), limit};
  }
};

inline Members sort_members(const Context& context, const Tensor& like, const int64_t* cluster,
                            int64_t nodes, int64_t clusters) {
  constexpr int64_t kCounters = int64_t{1} << 24, kChunk = 1024;
  STD_TORCH_CHECK(nodes < std::numeric_limits<int32_t>::max(), "graphlab: at most 2^31 - 2 rows");
  MemberArgs a{};
  a.cluster = cluster;
  a.nodes = nodes;
  a.clusters = clusters;
  const int64_t most = std::max<int64_t>(1, kCounters / std::max<int64_t>(1, clusters));
  const int64_t chunks = std::clamp<int64_t>(ceil_div(nodes, kChunk), 1, most);
  a.chunk = ceil_div(std::max<int64_t>(1, nodes), chunks);
  a.chunks = ceil_div(std::max<int64_t>(1, nodes), a.chunk);
  const Tensor counts = scratch<int32_t, 1>(like, {a.chunks * clusters});
  const Members out{scratch<int64_t, 1>(like, {clusters + 1}), scratch<int32_t, 1>(like, {nodes})};
  a.counts = output<int32_t>(counts);
  a.rowptr = output<int64_t>(out.rowptr);
  a.order = output<int32_t>(out.order);
  const dim3 chunk_blocks = blocks_for(a.chunks, kWarpsPerBlock);
  context.launch("count_members", count_members_kernel, chunk_blocks, kThreads, a);
  context.launch("offset_members", offset_members_kernel, blocks_for(clusters, kThreads), kThreads,
                 a);
  context.launch("scan_members", scan_members_kernel, dim3(1), kThreads, a);
  context.launch("place_members", place_members_kernel, chunk_blocks, kThreads, a);
  return out;
}

}  // namespace graphlab::cuda
