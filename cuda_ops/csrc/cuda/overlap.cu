// walk_overlap and distinct_ends on CUDA.
//
// One hop: a warp takes a pair. Its lanes look the entries of the shorter row up in the longer one;
// without weights the sum counts common neighbours, with weights lanes and tree are fixed.
//
// More hops: a block takes a j and works as the CPU kernel does (see there): it writes q, the row of
// Q, into an array over all nodes, evaluates q + beta W (q + ...) where the partners of j need it,
// one warp per node, and then one warp per pair. Blocks have workspaces of their own, at most
// kWorkspace bytes in all, so that few blocks run on huge graphs. Lists of nodes come in any order
// (a counter in shared memory hands out places), but no sum ever runs along one: values are gathered
// along rows of the graph, and set counting adds integers per pair of hops. So bits are
// reproducible.
#include "overlap.h"

#include "common.cuh"

namespace graphlab::cuda {
namespace {

constexpr int64_t kWorkspace = int64_t{1} << 30;
constexpr int kMaxHops = 16;

template <typename T>
struct OverlapArgs {
  const int64_t* rowptr;       // (nodes + 1,)
  const int32_t* col;          // (entries,), strictly ascending within a row
  const T* weight;             // (entries,) or null
  const int64_t* pair_rowptr;  // (nodes + 1,)
  const int32_t* pair_col;     // (pairs,)
  double* out;                 // (pairs,)
  int64_t* ends;               // (nodes, hops), distinct_ends only
  int64_t nodes, entries, pairs;
  int32_t hops;
  double beta;
  bool distinct;
  // Per block: ends, value, next (nodes each); stamps (nodes); 2 hops lists (nodes each).
  double* values;
  uint32_t* stamps;
  uint32_t* levels;  // hops (as bits) at which a node is an end of j
  int32_t* lists;
};

// Row pointers are trusted to ascend, not to stay in range.
__device__ inline int64_t border(const int64_t* rowptr, int64_t i, int64_t size) {
  const int64_t at = rowptr[i];
  return at < 0 ? 0 : (at > size ? size : at);
}

template <typename T>
__device__ inline double weight_at(const OverlapArgs<T>& a, int64_t at) {
  return a.weight ? static_cast<double>(a.weight[at]) : 1.0;
}

// Last row that begins at or before an entry.
__device__ inline int64_t owner(const int64_t* rowptr, int64_t rows, int64_t entry) {
  int64_t low = 0, high = rows - 1;
  while (low < high) {
    const int64_t middle = low + (high - low + 1) / 2;
    if (rowptr[middle] <= entry) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

// Position of a column in entries [begin, end), or -1.
__device__ inline int64_t position_of(const int32_t* col, int64_t begin, int64_t end, int32_t node) {
  while (begin < end) {
    const int64_t middle = begin + (end - begin) / 2;
    const int32_t found = col[middle];
    if (found == node) return middle;
    if (found < node) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return -1;
}

template <typename T>
__global__ void __launch_bounds__(kThreads) one_hop_kernel(const OverlapArgs<T> a) {
  for (int64_t pair = warp_id(); pair < a.pairs; pair += warp_count()) {
    const int64_t i = a.pair_col[pair], j = owner(a.pair_rowptr, a.nodes, pair);
    if (i < 0 || i >= a.nodes) {
      if (lane_id() == 0) a.out[pair] = not_a_number<double>();
      continue;
    }
    const int64_t i_begin = border(a.rowptr, i, a.entries);
    const int64_t i_end = border(a.rowptr, i + 1, a.entries);
    const int64_t j_begin = border(a.rowptr, j, a.entries);
    const int64_t j_end = border(a.rowptr, j + 1, a.entries);
    const bool from_i = i_end - i_begin <= j_end - j_begin;
    const int64_t begin = from_i ? i_begin : j_begin, end = from_i ? i_end : j_end;
    double sum = 0.0;
    for (int64_t at = begin + lane_id(); at < end; at += kWarp) {
      const int64_t found = from_i ? position_of(a.col, j_begin, j_end, a.col[at])
                                   : position_of(a.col, i_begin, i_end, a.col[at]);
      if (found >= 0) sum += weight_at(a, from_i ? at : found);
    }
    sum = group_sum<kWarp>(sum);
    if (lane_id() == 0) a.out[pair] = sum;
  }
}

// The workspace of a block.
struct Space {
  double *q, *value, *next;
  uint32_t *stamp, *level;
  int32_t* lists;
  uint32_t epoch;
};

template <typename T>
__device__ inline Space space_of(const OverlapArgs<T>& a) {
  const int64_t block = blockIdx.x;
  double* values = a.values + block * 3 * a.nodes;
  return {values,
          values + a.nodes,
          values + 2 * a.nodes,
          a.stamps + block * a.nodes,
          a.levels + block * a.nodes,
          a.lists + block * 2 * a.hops * a.nodes,
          0};
}

// Lists the distinct neighbours of the nodes of a list in `to` (capacity: all nodes); calls body(v)
// once for each. All threads of the block take part and get the length. Columns out of range are
// skipped.
template <typename T, typename F>
__device__ inline int64_t block_step(const OverlapArgs<T>& a, Space& space, const int32_t* from,
                                     int64_t length, int32_t* to, F&& body) {
  __shared__ unsigned long long count;
  __syncthreads();
  if (threadIdx.x == 0) count = 0;
  const uint32_t epoch = ++space.epoch;
  __syncthreads();
  for (int64_t k = threadIdx.x / kWarp; k < length; k += kWarpsPerBlock) {
    const int64_t u = from[k];
    if (u < 0 || u >= a.nodes) continue;
    const int64_t end = border(a.rowptr, u + 1, a.entries);
    for (int64_t at = border(a.rowptr, u, a.entries) + lane_id(); at < end; at += kWarp) {
      const int32_t v = a.col[at];
      if (v < 0 || v >= a.nodes || atomicExch(&space.stamp[v], epoch) == epoch) continue;
      to[atomicAdd(&count, 1ull)] = v;
      body(v);
    }
  }
  __syncthreads();
  return static_cast<int64_t>(count);
}

// Row sum of weight * value, by a warp; every lane gets it.
template <typename T>
__device__ inline double warp_row_sum(const OverlapArgs<T>& a, int64_t node, const double* value) {
  double sum = 0.0;
  const int64_t end = border(a.rowptr, node + 1, a.entries);
  for (int64_t at = border(a.rowptr, node, a.entries) + lane_id(); at < end; at += kWarp) {
    const int32_t v = a.col[at];
    if (v >= 0 && v < a.nodes) sum += weight_at(a, at) * value[v];
  }
  return group_sum<kWarp>(sum);
}

// Walk counting: the pairs of j, given q.
template <typename T>
__device__ inline void pull_pairs(const OverlapArgs<T>& a, Space& space, int64_t first,
                                  int64_t last) {
  int32_t* const lists = space.lists + a.hops * a.nodes;
  int64_t length[kMaxHops];
  const int32_t* from = a.pair_col + first;
  int64_t size = last - first;
  for (int32_t k = a.hops - 1; k > 0; --k) {
    int32_t* to = lists + k * a.nodes;
    size = length[k] = block_step(a, space, from, size, to, [](int32_t) {});
    from = to;
  }
  const double* value = space.q;
  for (int32_t k = 1; k < a.hops; ++k) {
    double* next = k % 2 == 1 ? space.next : space.value;
    for (int64_t n = threadIdx.x / kWarp; n < length[k]; n += kWarpsPerBlock) {
      const int32_t v = lists[k * a.nodes + n];
      const double sum = warp_row_sum(a, v, value);
      if (lane_id() == 0) next[v] = space.q[v] + a.beta * sum;
    }
    __syncthreads();
    value = next;
  }
  for (int64_t pair = first + threadIdx.x / kWarp; pair < last; pair += kWarpsPerBlock) {
    const int64_t i = a.pair_col[pair];
    const bool good = i >= 0 && i < a.nodes;
    const double sum = good ? warp_row_sum(a, i, value) : not_a_number<double>();
    if (lane_id() == 0) a.out[pair] = sum;
  }
}

// Set counting: the pairs of j, one after the other, given the levels of j's ends.
template <typename T>
__device__ inline void count_pairs(const OverlapArgs<T>& a, Space& space, int64_t first,
                                   int64_t last) {
  __shared__ unsigned long long shared[kMaxHops * kMaxHops];
  __shared__ int32_t start;
  int32_t* const lists = space.lists + a.hops * a.nodes;
  for (int64_t pair = first; pair < last; ++pair) {
    const int64_t i = a.pair_col[pair];
    __syncthreads();
    for (int n = threadIdx.x; n < kMaxHops * kMaxHops; n += kThreads) shared[n] = 0;
    if (threadIdx.x == 0) start = static_cast<int32_t>(i);
    __syncthreads();
    const int32_t* from = &start;
    int64_t size = 1;
    for (int32_t k = 0; k < a.hops; ++k) {
      int32_t* to = lists + k * a.nodes;
      size = block_step(a, space, from, size, to, [&](int32_t v) {
        for (uint32_t bits = space.level[v]; bits != 0; bits &= bits - 1) {
          atomicAdd(&shared[k * kMaxHops + __ffs(static_cast<int>(bits)) - 1], 1ull);
        }
      });
      from = to;
    }
    if (threadIdx.x != 0) continue;
    double sum = 0.0, left = 1.0;
    for (int32_t k = 0; k < a.hops; ++k, left *= a.beta) {
      double factor = left;
      for (int32_t l = 0; l < a.hops; ++l, factor *= a.beta) {
        sum += factor * static_cast<double>(shared[k * kMaxHops + l]);
      }
    }
    a.out[pair] = i >= 0 && i < a.nodes ? sum : not_a_number<double>();
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads) many_hops_kernel(const OverlapArgs<T> a) {
  __shared__ int32_t start;
  Space space = space_of(a);
  for (int64_t j = blockIdx.x; j < a.nodes; j += gridDim.x) {
    const int64_t first = border(a.pair_rowptr, j, a.pairs);
    const int64_t last = border(a.pair_rowptr, j + 1, a.pairs);
    if (a.ends == nullptr && first == last) continue;
    __syncthreads();
    if (threadIdx.x == 0) start = static_cast<int32_t>(j);
    __syncthreads();
    int64_t length[kMaxHops];
    const int32_t* from = &start;
    int64_t size = 1;
    double factor = 1.0;
    for (int32_t k = 0; k < a.hops; ++k, factor *= a.beta) {
      int32_t* to = space.lists + k * a.nodes;
      size = length[k] = block_step(a, space, from, size, to, [&](int32_t v) {
        space.q[v] += factor;
        space.level[v] |= 1u << k;
      });
      from = to;
      if (a.ends != nullptr && threadIdx.x == 0) a.ends[j * a.hops + k] = size;
    }
    if (a.ends == nullptr) {
      if (a.distinct) {
        count_pairs(a, space, first, last);
      } else {
        pull_pairs(a, space, first, last);
      }
    }
    __syncthreads();
    for (int32_t k = 0; k < a.hops; ++k) {
      for (int64_t n = threadIdx.x; n < length[k]; n += kThreads) {
        const int32_t v = space.lists[k * a.nodes + n];
        space.q[v] = 0.0;
        space.level[v] = 0;
      }
    }
    __syncthreads();
  }
}

// --- host ----------------------------------------------------------------------------------------

// Runs the block kernel with a workspace of zeros.
template <typename T>
void run_blocks(const Context& context, const Tensor& like, OverlapArgs<T>& a) {
  STD_TORCH_CHECK(a.hops >= 1 && a.hops <= kMaxHops, "graphlab: num_hops must lie in [1, ",
                  kMaxHops, "], got ", a.hops);
  if (a.nodes == 0) return;
  const int64_t bytes = a.nodes * (3 * 8 + 2 * 4 + 2 * 4 * int64_t{a.hops});
  const int64_t most = std::clamp<int64_t>(kWorkspace / bytes, 1, kTargetBlocks);
  const int64_t blocks = std::min<int64_t>(most, a.nodes);
  const Tensor values = torch::stable::new_zeros(like, {blocks * 3 * a.nodes},
                                                 torch::headeronly::ScalarType::Double);
  const Tensor stamps = torch::stable::new_zeros(like, {blocks * 2 * a.nodes},
                                                 torch::headeronly::ScalarType::Int);
  const Tensor lists = scratch<int32_t, 1>(like, {blocks * 2 * a.hops * a.nodes});
  a.values = output<double>(values);
  a.stamps = reinterpret_cast<uint32_t*>(output<int32_t>(stamps));
  a.levels = a.stamps + blocks * a.nodes;
  a.lists = output<int32_t>(lists);
  context.launch("walk_overlap", many_hops_kernel<T>, dim3(static_cast<unsigned>(blocks)), kThreads,
                 a);
}

}  // namespace
}  // namespace graphlab::cuda

namespace graphlab {

using namespace cuda;

Tensor walk_overlap(const Tensor& rowptr_in, const Tensor& col_in, const OptionalTensor& weight_in,
                    const Tensor& pair_rowptr_in, const Tensor& pair_col_in, int64_t num_hops,
                    double beta, bool distinct) {
  STD_TORCH_CHECK(rowptr_in.numel() >= 1 && rowptr_in.numel() == pair_rowptr_in.numel(),
                  "graphlab: rowptr and pair_rowptr must have one length, got ", rowptr_in.numel(),
                  " and ", pair_rowptr_in.numel());
  STD_TORCH_CHECK(!(distinct && weight_in.has_value()),
                  "graphlab: distinct walk ends have no weights");
  check_length(weight_in, col_in.numel(), "weight");
  const Context context(rowptr_in);
  const Input<int64_t> rowptr(context, rowptr_in), pair_rowptr(context, pair_rowptr_in);
  const Input<int32_t> col(context, col_in), pair_col(context, pair_col_in);
  const Tensor out = scratch<double, 1>(rowptr_in, {pair_col_in.numel()});
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    const Input<T> weight(context, weight_in);
    OverlapArgs<T> a{};
    a.rowptr = rowptr;
    a.col = col;
    a.weight = weight;
    a.pair_rowptr = pair_rowptr;
    a.pair_col = pair_col;
    a.out = output<double>(out);
    a.nodes = rowptr_in.numel() - 1;
    a.entries = col_in.numel();
    a.pairs = pair_col_in.numel();
    a.hops = static_cast<int32_t>(num_hops);
    a.beta = beta;
    a.distinct = distinct;
    if (num_hops != 1) {
      run_blocks(context, rowptr_in, a);
    } else {
      context.launch("one_hop", one_hop_kernel<T>, blocks_for(a.pairs, kWarpsPerBlock), kThreads, a);
    }
    return out;
  };
  return weight_in.has_value() ? by_dtype(*weight_in, run) : run(double{});
}

Tensor distinct_ends(const Tensor& rowptr_in, const Tensor& col_in, int64_t num_hops) {
  STD_TORCH_CHECK(rowptr_in.numel() >= 1, "graphlab: rowptr must not be empty");
  const Context context(rowptr_in);
  const Input<int64_t> rowptr(context, rowptr_in);
  const Input<int32_t> col(context, col_in);
  const Tensor out = scratch<int64_t, 2>(rowptr_in, {rowptr_in.numel() - 1, num_hops});
  OverlapArgs<double> a{};
  a.rowptr = rowptr;
  a.col = col;
  a.pair_rowptr = rowptr;  // not read beyond its borders
  a.ends = output<int64_t>(out);
  a.nodes = rowptr_in.numel() - 1;
  a.entries = col_in.numel();
  a.hops = static_cast<int32_t>(num_hops);
  a.beta = 1.0;
  run_blocks(context, rowptr_in, a);
  return out;
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CUDA, m) {
  m.impl("walk_overlap", TORCH_BOX(&walk_overlap));
  m.impl("distinct_ends", TORCH_BOX(&distinct_ends));
}

}  // namespace graphlab
