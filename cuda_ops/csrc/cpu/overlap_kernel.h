// CPU kernel of overlap.h on plain arrays.
#pragma once

#include <cstdint>

namespace graphlab::cpu {

template <typename T>
struct OverlapGraph {
  const int64_t* rowptr;  // (nodes + 1,)
  const int32_t* col;     // (edges,), strictly ascending within a row
  const T* weight;        // (edges,) or null
  int64_t nodes;
};

// Row j holds the nodes to be paired with j.
struct OverlapPairs {
  const int64_t* rowptr;  // (nodes + 1,)
  const int32_t* col;
};

struct WalkRule {
  int64_t hops;
  double beta;
  bool distinct;  // count distinct ends on both sides
};

// Position of the first value outside [0, size), or -1.
int64_t find_outside(const int32_t* values, int64_t count, int64_t size);

// All columns must be in range. `out` has one value per pair.
template <typename T>
void walk_overlap(
    const OverlapGraph<T>& graph, const OverlapPairs& pairs, const WalkRule& rule, double* out);

// `out` is (nodes, hops).
void distinct_ends(const OverlapGraph<double>& graph, int64_t hops, int64_t* out);

}  // namespace graphlab::cpu
