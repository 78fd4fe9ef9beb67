#include "cpu/walk_kernel.h"

#include <algorithm>
#include <cstdint>

#include "cpu/parallel.h"

namespace graphlab::cpu {
namespace {

// Walks advance together: while one waits for its row, the others have theirs on the way.
constexpr int kTogether = 16;

struct Words {
  uint32_t word[4];
};

inline Words philox(uint32_t block, uint32_t stream, uint64_t node, uint64_t seed) {
  uint32_t c0 = block, c1 = stream;
  uint32_t c2 = static_cast<uint32_t>(node), c3 = static_cast<uint32_t>(node >> 32);
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c0, p1 = uint64_t{0xCD9E8D57} * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(p0);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return {{c0, c1, c2, c3}};
}

void walk_together(const Walks& walks, int64_t first, int lanes, int32_t* out) {
  const int64_t width = walks.length + 1;
  int64_t at[kTogether];
  Words words[kTogether];
  for (int lane = 0; lane < lanes; ++lane) {
    at[lane] = walks.start[first + lane];
    out[(first + lane) * width] = static_cast<int32_t>(at[lane]);
  }
  for (int64_t step = 0; step < walks.length; ++step) {
    // A counter gives the words of two steps.
    const int half = static_cast<int>(2 * (step % 2));
    for (int lane = 0; half == 0 && lane < lanes; ++lane) {
      const auto node = static_cast<uint64_t>(walks.start[first + lane]);
      words[lane] = philox(static_cast<uint32_t>(step / 2), walks.stream, node, walks.seed);
    }
    for (int lane = 0; lane < lanes; ++lane) {
      const int64_t row = walks.rowptr[at[lane]];
      const auto degree = static_cast<uint64_t>(walks.rowptr[at[lane] + 1] - row);
      const uint64_t choice = (words[lane].word[half + 1] * degree) >> 32;
      const bool back = words[lane].word[half] < walks.limit || degree == 0;
      at[lane] = back ? walks.start[first + lane] : walks.col[row + static_cast<int64_t>(choice)];
      out[(first + lane) * width + step + 1] = back ? -1 : static_cast<int32_t>(at[lane]);
      __builtin_prefetch(walks.rowptr + at[lane]);
    }
  }
}

}  // namespace

void random_walk(const Walks& walks, int32_t* out) {
  parallel_ranges(walks.count, 64 * kTogether, [&](int64_t begin, int64_t end) {
    for (int64_t first = begin; first < end; first += kTogether) {
      walk_together(walks, first, static_cast<int>(std::min<int64_t>(kTogether, end - first)), out);
    }
  });
}

}  // namespace graphlab::cpu
