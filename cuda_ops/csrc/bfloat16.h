// bfloat16 as a storage format: values are widened to float32 where they are read and rounded where
// they are written. Types that are stored as they are computed with pass through unchanged.
#pragma once

#include <cstdint>

#include "host_device.h"

namespace graphlab {

// The upper half of a float32.
struct BFloat16 {
  uint16_t bits;
};

// Type of the sums over values of type S.
template <typename S>
struct Accumulator {
  using Type = S;
};
template <>
struct Accumulator<BFloat16> {
  using Type = float;
};
template <typename S>
using Wide = typename Accumulator<S>::Type;

GRAPHLAB_HD float widen(float x) { return x; }
GRAPHLAB_HD double widen(double x) { return x; }
GRAPHLAB_HD float widen(BFloat16 x) {
  return __builtin_bit_cast(float, static_cast<uint32_t>(x.bits) << 16);
}

GRAPHLAB_HD void narrow(float x, float& to) { to = x; }
GRAPHLAB_HD void narrow(double x, double& to) { to = x; }
GRAPHLAB_HD void narrow(float x, BFloat16& to) {
  // To nearest, ties to even; a NaN must not be rounded up to infinity.
  const uint32_t bits = __builtin_bit_cast(uint32_t, x);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  to.bits = static_cast<uint16_t>(x == x ? rounded : 0x7fc0);
}

}  // namespace graphlab
