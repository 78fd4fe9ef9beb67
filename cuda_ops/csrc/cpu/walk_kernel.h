// Random walks on the CPU; see walk.h. Arguments are checked.
#pragma once

#include <cstdint>

namespace graphlab::cpu {

struct Walks {
  const int64_t* rowptr;  // (nodes + 1)
  const int32_t* col;
  const int64_t* start;  // (count)
  int64_t count;
  int64_t length;
  uint64_t seed;
  uint32_t stream;
  uint64_t limit;  // words below it go back to the start
};

// out: (count, length + 1)
void random_walk(const Walks& walks, int32_t* out);

}  // namespace graphlab::cpu
