// The largest values of a list too long for shared memory, by a block, in descending order, ties by
// place: up to kRound of them a round, each round after the last one of the round before.
//
// A round finds the last value that still belongs to it by its digits from the highest on (a
// histogram of 256 bins a digit), collects what is larger and the first of what is equal, and sorts
// in shared memory. Values are read again in every pass; nothing is written but what is taken.
#pragma once

#include <cstring>

#include "common.cuh"

namespace graphlab::cuda {

constexpr int kRound = 1024;
constexpr int kShare = kRound / kThreads;  // neighbouring ones of a round per thread
constexpr int kDigit = 8;                  // bits
constexpr int kBins = 1 << kDigit;
static_assert(kBins == kThreads);

template <typename T>
using Key = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;

// Whole numbers in the order of the values; both zeros are one. No number has the key 0.
template <typename T>
__device__ inline Key<T> ordered(T value) {
  if (value == 0) value = 0;
  Key<T> bits;
  std::memcpy(&bits, &value, sizeof(T));
  constexpr Key<T> kSign = Key<T>{1} << (8 * sizeof(T) - 1);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

template <typename T>
__device__ inline T unordered(Key<T> key) {
  constexpr Key<T> kSign = Key<T>{1} << (8 * sizeof(T) - 1);
  const Key<T> bits = (key & kSign) != 0 ? key & ~kSign : ~key;
  T value;
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

template <typename T>
struct Selection {
  Key<T> key[kRound];
  int64_t place[kRound];
  Key<T> last;         // the last one of the round before
  int64_t last_place;
  unsigned bins[kBins];
  double sums[kWarpsPerBlock];
  int threads[kWarpsPerBlock];
  unsigned ties[kWarpsPerBlock];
  unsigned filled;
  int digit;
  int64_t rank;
  int64_t found_count, found_place;
  T found_value;
};

// --- reductions of a block; every thread gets them, and the memory may be used again -------------

__device__ inline double block_sum(double value, double (&sums)[kWarpsPerBlock]) {
  value = group_sum<kWarp>(value);
  if (lane_id() == 0) sums[threadIdx.x / kWarp] = value;
  __syncthreads();
  double total = 0.0;
  for (const double part : sums) total += part;
  __syncthreads();
  return total;
}

struct Least {
  double value;
  int thread;  // the first that has it
};

template <typename T>
__device__ inline Least block_least(double value, Selection<T>& s) {
  Least best{value, static_cast<int>(threadIdx.x)};
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2) {
    const double other = __shfl_xor_sync(kAllLanes, best.value, step);
    const int thread = __shfl_xor_sync(kAllLanes, best.thread, step);
    if (other < best.value || (other == best.value && thread < best.thread)) best = {other, thread};
  }
  if (lane_id() == 0) {
    s.sums[threadIdx.x / kWarp] = best.value;
    s.threads[threadIdx.x / kWarp] = best.thread;
  }
  __syncthreads();
  best = {s.sums[0], s.threads[0]};
  for (int w = 1; w < kWarpsPerBlock; ++w) {
    if (s.sums[w] < best.value) best = {s.sums[w], s.threads[w]};
  }
  __syncthreads();
  return best;
}

// Sums of the sorted values through each of this thread's; returns the sum of all `count`.
template <typename T>
__device__ inline double prefix_sums(Selection<T>& s, int count, double (&through)[kShare]) {
  double own = 0.0;
#pragma unroll
  for (int c = 0; c < kShare; ++c) {
    const int e = static_cast<int>(threadIdx.x) * kShare + c;
    if (e < count) own += static_cast<double>(unordered<T>(s.key[e]));
    through[c] = own;
  }
  double sum = own;
#pragma unroll
  for (int step = 1; step < kWarp; step *= 2) {
    const double before = __shfl_up_sync(kAllLanes, sum, step);
    if (lane_id() >= step) sum += before;
  }
  const double before = __shfl_up_sync(kAllLanes, sum, 1);
  if (lane_id() == kWarp - 1) s.sums[threadIdx.x / kWarp] = sum;
  __syncthreads();
  double offset = 0.0, total = 0.0;
  for (int w = 0; w < kWarpsPerBlock; ++w) {
    if (w < static_cast<int>(threadIdx.x) / kWarp) offset += s.sums[w];
    total += s.sums[w];
  }
  if (lane_id() > 0) offset += before;
#pragma unroll
  for (int c = 0; c < kShare; ++c) through[c] += offset;
  __syncthreads();
  return total;
}

// --- rounds --------------------------------------------------------------------------------------

template <typename T>
__device__ inline void start_selection(Selection<T>& s) {
  if (threadIdx.x == 0) {
    s.last = static_cast<Key<T>>(~Key<T>{0});
    s.last_place = -1;
  }
  __syncthreads();
}

// Whether a value comes after the rounds before; key 0 never does.
template <typename T>
__device__ inline bool is_left(const Selection<T>& s, Key<T> key, int64_t place) {
  return key != 0 && (key < s.last || (key == s.last && place > s.last_place));
}

// The bin that holds the `rank`-th largest, and its rank within it; by the first warp.
template <typename T>
__device__ inline void find_digit(Selection<T>& s, int64_t rank) {
  constexpr int kOwn = kBins / kWarp;
  const int highest = kBins - 1 - lane_id() * kOwn;
  int64_t own = 0;
#pragma unroll
  for (int b = 0; b < kOwn; ++b) own += s.bins[highest - b];
  int64_t sum = own;
#pragma unroll
  for (int step = 1; step < kWarp; step *= 2) {
    const int64_t before = __shfl_up_sync(kAllLanes, sum, step);
    if (lane_id() >= step) sum += before;
  }
  int64_t before = sum - own;
  if (rank <= before || rank > sum) return;
  for (int b = 0; b < kOwn; ++b) {
    const int64_t held = s.bins[highest - b];
    if (rank <= before + held) {
      s.digit = highest - b;
      s.rank = rank - before;
      return;
    }
    before += held;
  }
}

// The key of the `count`-th of what is left; `rank` becomes how many of that key are to be taken.
template <typename T, typename F>
__device__ inline Key<T> find_key(Selection<T>& s, int64_t length, int64_t count, int64_t& rank,
                                  F&& key_at) {
  Key<T> prefix = 0, mask = 0;
  rank = count;
  for (int shift = 8 * static_cast<int>(sizeof(T)) - kDigit; shift >= 0; shift -= kDigit) {
    s.bins[threadIdx.x] = 0;
    __syncthreads();
    for (int64_t k = threadIdx.x; k < length; k += kThreads) {
      const Key<T> key = key_at(k);
      if (is_left(s, key, k) && (key & mask) == prefix) {
        atomicAdd(&s.bins[(key >> shift) & (kBins - 1)], 1u);
      }
    }
    __syncthreads();
    if (threadIdx.x < kWarp) find_digit(s, rank);
    __syncthreads();
    prefix |= static_cast<Key<T>>(s.digit) << shift;
    mask |= static_cast<Key<T>>(kBins - 1) << shift;
    rank = s.rank;
    __syncthreads();
  }
  return prefix;
}

// How many threads before this one have `yes`, and in `total` how many of the block have.
template <typename T>
__device__ inline unsigned yes_before(Selection<T>& s, bool yes, unsigned& total) {
  const unsigned lanes = __ballot_sync(kAllLanes, yes);
  if (lane_id() == 0) s.ties[threadIdx.x / kWarp] = static_cast<unsigned>(__popc(lanes));
  __syncthreads();
  unsigned before = static_cast<unsigned>(__popc(lanes & ((1u << lane_id()) - 1)));
  total = 0;
  for (int w = 0; w < kWarpsPerBlock; ++w) {
    if (w < static_cast<int>(threadIdx.x) / kWarp) before += s.ties[w];
    total += s.ties[w];
  }
  __syncthreads();
  return before;
}

// Largest first, equal ones by place.
template <typename T>
__device__ inline void sort_round(Selection<T>& s, int count) {
  int size = 1;
  while (size < count) size *= 2;
  for (int e = count + static_cast<int>(threadIdx.x); e < size; e += kThreads) {
    s.key[e] = 0;
    s.place[e] = std::numeric_limits<int64_t>::max();
  }
  __syncthreads();
  for (int run = 2; run <= size; run *= 2) {
    for (int step = run / 2; step > 0; step /= 2) {
      for (int e = static_cast<int>(threadIdx.x); e < size; e += kThreads) {
        const int other = e ^ step;
        if (other < e) continue;
        const bool descends = s.key[e] > s.key[other] ||
            (s.key[e] == s.key[other] && s.place[e] < s.place[other]);
        if (descends == ((e & run) == 0)) continue;
        const Key<T> key = s.key[e];
        const int64_t place = s.place[e];
        s.key[e] = s.key[other];
        s.place[e] = s.place[other];
        s.key[other] = key;
        s.place[other] = place;
      }
      __syncthreads();
    }
  }
}

// Takes the `count` (1 to kRound) largest of the `left` values that are left: key and place, sorted.
template <typename T, typename F>
__device__ inline void select_round(Selection<T>& s, int64_t length, int64_t left, int count,
                                    F&& key_at) {
  int64_t quota = 0;  // of those whose key is `bound`
  Key<T> bound = 0;
  if (left > count) bound = find_key(s, length, count, quota, key_at);
  if (threadIdx.x == 0) s.filled = 0;
  __syncthreads();
  int64_t ties = 0;
  for (int64_t base = 0; base < length; base += kThreads) {
    const int64_t k = base + threadIdx.x;
    const Key<T> key = k < length ? key_at(k) : Key<T>{0};
    const bool open = is_left(s, key, k);
    bool taken = open && key > bound;
    if (bound != 0) {
      const bool tie = open && key == bound;
      unsigned all;
      const int64_t rank = ties + yes_before(s, tie, all);
      taken = taken || (tie && rank < quota);
      ties += all;
    }
    if (!taken) continue;
    // Slots are given out in any order: the sort has one order for them.
    const unsigned slot = atomicAdd(&s.filled, 1u);
    s.key[slot] = key;
    s.place[slot] = k;
  }
  __syncthreads();
  sort_round(s, count);
  if (threadIdx.x == 0) {
    s.last = s.key[count - 1];
    s.last_place = s.place[count - 1];
  }
  __syncthreads();
}

}  // namespace graphlab::cuda
