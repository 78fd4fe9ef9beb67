#include "cpu/range.h"

#include <atomic>
#include <cstdint>
#include <utility>

#include "cpu/parallel.h"

#define GRAPHLAB_LOOPS "cpu/range_loops.h"
#include "cpu/for_each_isa.h"

namespace graphlab::cpu {

namespace {

// `any_outside` tells whether a range holds one at all; few arrays do.
template <typename T, typename F>
int64_t find_outside_by(const F& any_outside, const T* values, int64_t count, int64_t size) {
  constexpr int64_t kRange = (int64_t{1} << 20) / sizeof(T);
  std::atomic<bool> bad{false};
  parallel_ranges(count, kRange, [&](int64_t begin, int64_t end) {
    if (any_outside(values + begin, end - begin, size)) bad = true;
  });
  for (int64_t i = 0; bad && i < count; ++i) {
    if (values[i] < 0 || values[i] >= size) return i;
  }
  return -1;
}

}  // namespace

int64_t find_outside(const int64_t* values, int64_t count, int64_t size) {
  return find_outside_by(GRAPHLAB_SELECT(any_outside), values, count, size);
}

int64_t find_outside(const int32_t* values, int64_t count, int64_t size) {
  return find_outside_by(GRAPHLAB_SELECT(any_column_outside), values, count, size);
}

int64_t find_descent(const int64_t* values, int64_t count) {
  if (!GRAPHLAB_SELECT(any_descent)(values, count)) return -1;
  for (int64_t i = 1; i < count; ++i) {
    if (values[i] < values[i - 1]) return i;
  }
  return -1;
}

}  // namespace graphlab::cpu
