// random_walk on CUDA: one thread takes a walk; a counter gives the words of two steps.
//
// A neighbour out of range is never followed: the walk goes back to its start instead.
#include "walk.h"

#include "common.cuh"
#include "philox.h"

namespace graphlab::cuda {
namespace {

struct WalkArgs {
  const int64_t* rowptr;  // (nodes + 1,)
  const int32_t* col;     // (entries,)
  const int64_t* start;   // (count,)
  int64_t nodes, entries, count, length;
  uint64_t seed, limit;
  uint32_t stream;
  int32_t* out;  // (count, length + 1)
};

// The node after `at`, or -1 for a return.
__device__ inline int64_t next_node(const WalkArgs& a, int64_t at, uint32_t coin, uint32_t choice) {
  if (coin < a.limit || at < 0 || at >= a.nodes) return -1;
  const int64_t first = a.rowptr[at], degree = a.rowptr[at + 1] - first;
  if (degree <= 0 || first < 0 || first + degree > a.entries) return -1;
  const int64_t place = static_cast<int64_t>((choice * static_cast<uint64_t>(degree)) >> 32);
  const int64_t node = a.col[first + place];
  return node < 0 || node >= a.nodes ? -1 : node;
}

__global__ void __launch_bounds__(kThreads) walk_kernel(const WalkArgs a) {
  const int64_t width = a.length + 1;
  for (int64_t walk = thread_id(); walk < a.count; walk += thread_count()) {
    const int64_t home = a.start[walk];
    const auto name = static_cast<uint64_t>(home);
    int32_t* out = a.out + walk * width;
    out[0] = static_cast<int32_t>(home);
    int64_t at = home;
    for (int64_t step = 0; step < a.length; step += 2) {
      const PhiloxWords drawn = philox(static_cast<uint32_t>(step / 2), a.stream, name, a.seed);
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        if (step + half >= a.length) break;
        const int64_t node = next_node(a, at, drawn.word[2 * half], drawn.word[2 * half + 1]);
        out[step + half + 1] = static_cast<int32_t>(node);
        at = node < 0 ? home : node;
      }
    }
  }
}

}  // namespace
}  // namespace graphlab::cuda

namespace graphlab {

using namespace cuda;

Tensor random_walk(const Tensor& rowptr, const Tensor& col, const Tensor& start, int64_t seed,
                   int64_t stream, int64_t length, double restart) {
  STD_TORCH_CHECK(rowptr.numel() >= 1, "graphlab: rowptr must not be empty");
  STD_TORCH_CHECK(0 <= length && 0 <= restart && restart < 1,
                  "graphlab: length must not be negative and restart must lie in [0, 1)");
  const Context context(start);
  const Input<int64_t> borders(context, rowptr), starts(context, start);
  const Input<int32_t> columns(context, col);
  Tensor out = scratch<int32_t, 2>(start, {start.numel(), length + 1});
  WalkArgs a{};
  a.rowptr = borders;
  a.col = columns;
  a.start = starts;
  a.nodes = rowptr.numel() - 1;
  a.entries = col.numel();
  a.count = start.numel();
  a.length = length;
  a.seed = static_cast<uint64_t>(seed);
  a.limit = static_cast<uint64_t>(std::floor(restart * 0x1p32 + 0.5));
  a.stream = static_cast<uint32_t>(stream);
  a.out = output<int32_t>(out);
  context.launch("random_walk", walk_kernel, blocks_for(a.count, kThreads), kThreads, a);
  return out;
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CUDA, m) {
  m.impl("random_walk", TORCH_BOX(&random_walk));
}

}  // namespace graphlab
