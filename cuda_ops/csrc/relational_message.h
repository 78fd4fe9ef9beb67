// One message of relational_propagate or of a derivative of it, in one column; see relational.h.
#pragma once

#include "host_device.h"
#include "relational.h"

namespace graphlab {

// What the entries add up to: the results, how many messages tie with an extreme, or a gradient.
enum class Pass { forward, ties, source, type };

// What the message of x and t adds to a sum; share and out are those of its target, read at `at`.
template <Pass pass, Message message, Reduction reduce, typename T, typename A>
GRAPHLAB_HD void add_message(T x, T t, const T* share, const T* out, int64_t at, A& sum) {
  const T value = message == kDistMult ? x * t : x + t;
  if constexpr (pass == Pass::forward) {
    if constexpr (reduce == kSquareMean) {
      sum += value * value;
    } else if constexpr (reduce == kMax) {
      sum = value > sum || value != value ? value : sum;
    } else if constexpr (reduce == kMin) {
      sum = value < sum || value != value ? value : sum;
    } else {
      sum += value;
    }
  } else if constexpr (pass == Pass::ties) {
    sum += value == out[at] ? A(1) : A(0);
  } else {
    T weight = share[at];
    if constexpr (reduce == kSquareMean) weight *= value;
    if constexpr (reduce == kMax || reduce == kMin) weight = value == out[at] ? weight : T(0);
    sum += message == kDistMult ? weight * (pass == Pass::source ? t : x) : weight;
  }
}

}  // namespace graphlab
