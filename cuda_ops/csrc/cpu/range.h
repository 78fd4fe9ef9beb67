// Range checks of index arrays, at the speed of memory.
#pragma once

#include <cstdint>

namespace graphlab::cpu {

// Position of the first value outside [0, size), or -1.
int64_t find_outside(const int64_t* values, int64_t count, int64_t size);
int64_t find_outside(const int32_t* values, int64_t count, int64_t size);

// Position of the first value smaller than the one before it, or -1.
int64_t find_descent(const int64_t* values, int64_t count);

}  // namespace graphlab::cpu
