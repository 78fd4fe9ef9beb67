// Rows of very different length, cut for warps or blocks without a prefix sum and without atomics.
//
// A row of at most `limit` entries is one span. Longer rows are read through fixed windows over the
// entries, [w limit, (w + 1) limit): at most two long rows touch a window, the one that owns its
// first entry (head) and the one that owns its last (tail), since a row that began and ended inside
// would not be long. Window w therefore has the two slots 2w and 2w + 1 for partial results, and a
// long row's partial results lie in ascending windows: they are added in that order.
#pragma once

#include "common.cuh"

namespace graphlab::cuda {

struct Rows {
  const int64_t* rowptr;  // (rows + 1,)
  int64_t rows;
  int64_t entries;
  int64_t limit;

  __host__ __device__ int64_t windows() const {
    // Without rows no entry has an owner to look for.
    return rows > 0 && entries > limit ? ceil_div(entries, limit) : 0;
  }
  __host__ __device__ int64_t slots() const { return 2 * windows(); }
  // Slots come first: they are the longest pieces of work.
  __host__ __device__ int64_t spans() const { return slots() + rows; }
};

struct Span {
  int64_t row;
  int64_t begin;
  int64_t end;
  int64_t slot;  // -1: the whole row
  bool valid;    // false: nothing to do
};

// Row pointers are trusted to ascend, not to stay in range.
__device__ inline int64_t row_border(const Rows& r, int64_t i) {
  const int64_t at = r.rowptr[i];
  return at < 0 ? 0 : (at > r.entries ? r.entries : at);
}

__device__ inline bool is_long(const Rows& r, int64_t row) {
  return row_border(r, row + 1) - row_border(r, row) > r.limit;
}

// The row that owns an entry: the last one that begins at or before it.
__device__ inline int64_t row_of(const Rows& r, int64_t entry) {
  int64_t low = 0, high = r.rows - 1;
  while (low < high) {
    const int64_t middle = low + (high - low + 1) / 2;
    if (r.rowptr[middle] <= entry) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

__device__ inline Span window_span(const Rows& r, int64_t slot) {
  const int64_t first = slot / 2 * r.limit;
  const int64_t end = first + r.limit < r.entries ? first + r.limit : r.entries;
  const bool tail = slot % 2 == 1;
  const int64_t row = row_of(r, tail ? end - 1 : first);
  const int64_t row_begin = row_border(r, row), row_end = row_border(r, row + 1);
  const bool mine = tail == (row_begin > first);
  return {row, row_begin > first ? row_begin : first, row_end < end ? row_end : end, slot,
          mine && is_long(r, row)};
}

__device__ inline Span span_at(const Rows& r, int64_t index) {
  if (index < r.slots()) return window_span(r, index);
  const int64_t row = index - r.slots();
  return {row, row_border(r, row), row_border(r, row + 1), -1, !is_long(r, row)};
}

// Windows of a long row, [first, last].
__device__ inline int64_t first_window(const Rows& r, int64_t row) {
  return row_border(r, row) / r.limit;
}
__device__ inline int64_t last_window(const Rows& r, int64_t row) {
  return (row_border(r, row + 1) - 1) / r.limit;
}
__device__ inline int64_t slot_of(const Rows& r, int64_t row, int64_t window) {
  return 2 * window + (row_border(r, row) > window * r.limit ? 1 : 0);
}

// Long rows of `size` values each: their windows, in order. Serves sums and moments.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    add_windows_kernel(const Rows rows, const double* partial, int64_t size, T* out) {
  for (int64_t at = thread_id(); at < rows.rows * size; at += thread_count()) {
    int64_t row, inner;
    divide(at, size, row, inner);
    if (!is_long(rows, row)) continue;
    double sum = 0.0;
    const int64_t last = last_window(rows, row);
    for (int64_t w = first_window(rows, row); w <= last; ++w) {
      sum += partial[slot_of(rows, row, w) * size + inner];
    }
    out[at] = static_cast<T>(sum);
  }
}

template <typename T>
void add_windows(const Context& context, const Rows& rows, const double* partial, int64_t size,
                 T* out) {
  if (rows.windows() == 0) return;
  context.launch("add_windows", add_windows_kernel<T>, blocks_for(rows.rows * size, kThreads),
                 kThreads, rows, partial, size, out);
}

}  // namespace graphlab::cuda
