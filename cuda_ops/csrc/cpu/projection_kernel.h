// Random matrices on the CPU; see projection.h. Arguments are checked.
#pragma once

#include <cstdint>

namespace graphlab::cpu {

struct RandomMatrix {
  const int64_t* node;  // (rows), or null: 0, 1, ...
  int64_t rows;
  uint64_t seed;
  uint32_t stream;
  int64_t start, stop;  // columns
  double sparsity;      // 0: normal
  double scale;
};

template <typename T>
void fill_random(const RandomMatrix& matrix, const T* factor, T* out);

}  // namespace graphlab::cpu
