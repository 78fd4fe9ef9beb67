// Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011).
//
// Counters and keys are those of projection.h. projection_loops.h computes the same on vectors of
// counters, with the constants from here.
#pragma once

#include <cstdint>

#include "host_device.h"

namespace graphlab {

constexpr int kPhiloxRounds = 10;
constexpr uint32_t kPhiloxFactor0 = 0xD2511F53, kPhiloxFactor1 = 0xCD9E8D57;
constexpr uint32_t kPhiloxStep0 = 0x9E3779B9, kPhiloxStep1 = 0xBB67AE85;

// The four words of a counter.
struct PhiloxWords {
  uint32_t word[4];
};

// Words of the counter (block, stream, low, high word of node).
GRAPHLAB_HD PhiloxWords philox(uint32_t block, uint32_t stream, uint64_t node, uint64_t seed) {
  uint32_t c0 = block, c1 = stream;
  uint32_t c2 = static_cast<uint32_t>(node), c3 = static_cast<uint32_t>(node >> 32);
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
#if defined(__CUDACC__)
#pragma unroll
#endif
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const uint64_t p0 = uint64_t{kPhiloxFactor0} * c0, p1 = uint64_t{kPhiloxFactor1} * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(p0);
    k0 += kPhiloxStep0;
    k1 += kPhiloxStep1;
  }
  return {{c0, c1, c2, c3}};
}

}  // namespace graphlab
