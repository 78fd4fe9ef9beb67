// Subgraphs of walks on the CPU; see walk.h. Arguments are checked.
#pragma once

#include <cstdint>
#include <vector>

namespace graphlab::cpu {

inline constexpr int64_t kWalksPerPart = 256;

struct WalkRows {
  const int32_t* place;  // (count, width), -1: back to the start
  int64_t count, width;
  int64_t max_nodes;  // negative: no limit
};

// Subgraphs of neighbouring walks, one after the other; local ids.
struct SubgraphPart {
  std::vector<int32_t> node, source, target;
};

struct Subgraphs {
  std::vector<int64_t> node_ptr, edge_ptr;  // (count + 1)
  std::vector<int32_t> root;                // (count)
  std::vector<SubgraphPart> parts;          // kWalksPerPart walks each
};

Subgraphs walk_subgraphs(const WalkRows& walks);

// node: (node_ptr.back()); edge: (2, edge_ptr.back())
template <typename T>
void join_subgraphs(const Subgraphs& subgraphs, int32_t* node, T* edge);

}  // namespace graphlab::cpu
