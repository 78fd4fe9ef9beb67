// CPU kernels of cliques.h on plain arrays.
#pragma once

#include <cstdint>
#include <vector>

namespace graphlab::cpu {

// Symmetric adjacency without self-loops.
struct CliqueGraph {
  const int64_t* rowptr;  // (nodes + 1,)
  const int32_t* col;     // strictly ascending within a row
  int64_t nodes;
};

// Rows of node numbers, ascending within a row.
struct CliqueRows {
  const int64_t* ptr;
  const int64_t* idx;
  int64_t count;
};

struct CliqueLimits {
  int64_t cliques;  // negative: none
  double seconds;   // not positive: none
};

enum class CliqueStatus : int64_t { kDone = 0, kTooMany = 1, kTooLong = 2 };

struct CliqueResult {
  CliqueStatus status = CliqueStatus::kDone;
  std::vector<int64_t> ptr, idx;  // rows in lexicographic order
};

CliqueResult maximal_cliques(const CliqueGraph& graph, const CliqueLimits& limits);

// `node` (nodes,) and `edge` (4, entries) receive sums; both must be zero before.
void clique_overlap(
    const CliqueRows& cliques, const CliqueGraph& graph, int64_t* node, int64_t* edge);

}  // namespace graphlab::cpu
