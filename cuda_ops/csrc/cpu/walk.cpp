#include "walk.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "cpu/checks.h"
#include "cpu/parallel.h"
#include "philox.h"

namespace graphlab::cpu {
namespace {

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

// Walks advance together: while one waits for its row, the others have theirs on the way.
constexpr int kTogether = 16;

void walk_together(const Walks& walks, int64_t first, int lanes, int32_t* out) {
  const int64_t width = walks.length + 1;
  int64_t at[kTogether];
  PhiloxWords words[kTogether];
  for (int lane = 0; lane < lanes; ++lane) {
    at[lane] = walks.start[first + lane];
    out[(first + lane) * width] = static_cast<int32_t>(at[lane]);
  }
  for (int64_t step = 0; step < walks.length; ++step) {
    if (step % (1 << 16) == 0) check_interrupt();
    // A counter gives the words of two steps.
    const int half = static_cast<int>(2 * (step % 2));
    for (int lane = 0; half == 0 && lane < lanes; ++lane) {
      const auto node = static_cast<uint64_t>(walks.start[first + lane]);
      words[lane] = philox(static_cast<uint32_t>(step / 2), walks.stream, node, walks.seed);
    }
    for (int lane = 0; lane < lanes; ++lane) {
      const int64_t row = walks.rowptr[at[lane]];
      const auto degree = static_cast<uint64_t>(walks.rowptr[at[lane] + 1] - row);
      const uint64_t choice = (words[lane].word[half + 1] * degree) >> 32;
      const bool back = words[lane].word[half] < walks.limit || degree == 0;
      at[lane] = back ? walks.start[first + lane] : walks.col[row + static_cast<int64_t>(choice)];
      out[(first + lane) * width + step + 1] = back ? -1 : static_cast<int32_t>(at[lane]);
      __builtin_prefetch(walks.rowptr + at[lane]);
    }
  }
}

void random_walk(const Walks& walks, int32_t* out) {
  parallel_ranges(walks.count, 64 * kTogether, [&](int64_t begin, int64_t end) {
    for (int64_t first = begin; first < end; first += kTogether) {
      walk_together(walks, first, static_cast<int>(std::min<int64_t>(kTogether, end - first)), out);
    }
  });
}

}  // namespace
}  // namespace graphlab::cpu

namespace graphlab {

Tensor random_walk(
    const Tensor& rowptr_, const Tensor& col_, const Tensor& start_, int64_t seed, int64_t stream,
    int64_t length, double restart) {
  STD_TORCH_CHECK(stream >= 0 && stream <= UINT32_MAX, "stream must lie in [0, 2^32)");
  STD_TORCH_CHECK(0 <= length && length <= int64_t{1} << 32, "length must lie in [0, 2^32]");
  STD_TORCH_CHECK(0 <= restart && restart < 1, "restart must lie in [0, 1), got ", restart);
  const int64_t nodes = count_rows(rowptr_);
  const Tensor rowptr = checked_rowptr(rowptr_, nodes, col_.numel());
  const Tensor col = checked_columns(col_, "col", col_.numel(), nodes);
  const int64_t count = start_.numel();
  const Tensor start = checked_index(start_, "start", count, nodes);
  Tensor out = torch::stable::new_empty(col, {count, length + 1});
  const cpu::Walks walks{
      data<int64_t>(rowptr),
      data<int32_t>(col),
      data<int64_t>(start),
      count,
      length,
      static_cast<uint64_t>(seed),
      static_cast<uint32_t>(stream),
      static_cast<uint64_t>(std::floor(restart * 0x1p32 + 0.5))};
  cpu::random_walk(walks, mutable_data<int32_t>(out));
  return out;
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) { m.impl("random_walk", TORCH_BOX(&random_walk)); }

}  // namespace graphlab
