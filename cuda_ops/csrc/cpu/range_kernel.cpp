#include "cpu/range.h"

#include <atomic>
#include <cstdint>
#include <utility>

#include "cpu/parallel.h"

#define GRAPHLAB_LOOPS "cpu/range_loops.h"
#include "cpu/for_each_isa.h"

namespace graphlab::cpu {

int64_t find_outside(const int64_t* values, int64_t count, int64_t size) {
  std::atomic<bool> bad{false};
  const auto any_outside = GRAPHLAB_SELECT(any_outside);
  parallel_ranges(count, int64_t{1} << 17, [&](int64_t begin, int64_t end) {
    if (any_outside(values + begin, end - begin, size)) bad = true;
  });
  for (int64_t i = 0; bad && i < count; ++i) {
    if (values[i] < 0 || values[i] >= size) return i;
  }
  return -1;
}

int64_t find_descent(const int64_t* values, int64_t count) {
  if (!GRAPHLAB_SELECT(any_descent)(values, count)) return -1;
  for (int64_t i = 1; i < count; ++i) {
    if (values[i] < values[i - 1]) return i;
  }
  return -1;
}

}  // namespace graphlab::cpu
