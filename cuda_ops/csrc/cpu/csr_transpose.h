// The transpose of sorted edges: where each of its entries lies in the matrix, and whether both have the same
// pattern.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "cpu/memory.h"
#include "cpu/parallel.h"
#include "cpu/radix_sort.h"

namespace graphlab::cpu {

struct Edges {
  const int64_t* row;  // (count)
  const int64_t* col;
  int64_t count;
  int64_t num_rows;
  int64_t num_cols;
};

// The pattern of the matrix and of its transpose.
struct Pattern {
  int64_t* rowptr;  // (num_rows + 1)
  int64_t* colptr;  // (num_cols + 1)
  int32_t* col;     // (entries)
  int64_t* transpose;  // (entries), or null where nobody asks for numbers
  int64_t entries;
};

// The row of entry p, and those of the entries that follow.
class RowWalk {
 public:
  RowWalk(const int64_t* rowptr, int64_t rows, int64_t p)
      : rowptr_(rowptr), row_(std::upper_bound(rowptr, rowptr + rows + 1, p) - rowptr - 1) {}
  int64_t at(int64_t p) {
    while (p >= rowptr_[row_ + 1]) ++row_;
    return row_;
  }

 private:
  const int64_t* rowptr_;
  int64_t row_;
};

// Runs use(row, begin, end) on the parts of rows in [begin, end): all of their entries, or those right of
// the diagonal.
template <bool kAll, typename F>
void for_row_parts(const Pattern& out, int64_t rows, int64_t begin, int64_t end, const F& use) {
  RowWalk walk(out.rowptr, rows, begin);
  for (int64_t p = begin; p < end;) {
    const int64_t row = walk.at(p), stop = std::min(end, out.rowptr[row + 1]);
    if (!kAll) p = std::upper_bound(out.col + p, out.col + stop, row) - out.col;
    use(row, p, stop);
    p = stop;
  }
}

// The order of the transpose of a symmetric pattern, whose column pointers are its row pointers: the k-th
// entry of column j in the order of the rows is the reverse of the k-th entry of row j. Whether the
// pattern is symmetric shows on the way; if not, nothing is promised of the order. Where the order is not
// asked for, the entries right of the diagonal look for their reverses, and these have to be all of the
// others. The cursors of all columns have to stay in the cache.
template <bool kNumbers>
bool mirror(const Pattern& out, int64_t nodes) {
  const int64_t workers = pass_workers(out.entries), block = 4096;
  const Buffer<int32_t> cursors(workers * nodes, 0);
  parallel_workers(workers, [&](int64_t worker) {
    // What a worker meets of a column follows what those before it meet.
    if (worker + 1 == workers) return;
    int32_t* counts = cursors.get() + (worker + 1) * nodes;
    const Range range = share(out.entries, worker, workers);
    const auto count = [&](int64_t, int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) ++counts[out.col[p]];
    };
    for_row_parts<kNumbers>(out, nodes, range.begin, range.end, count);
  });
  for (int64_t j = 0; j < nodes; ++j) {
    int64_t sum = out.rowptr[j];
    for (int64_t w = 0; w < workers; ++w) {
      int32_t& cursor = cursors[w * nodes + j];
      sum += cursor;
      cursor = static_cast<int32_t>(sum);
    }
  }
  std::atomic<bool> symmetric{true};
  parallel_workers(workers, [&](int64_t worker) {
    const Range range = share(out.entries, worker, workers);
    int32_t* cursor = cursors.get() + worker * nodes;
    const auto [rowptr, colptr, col, transpose, entries] = out;
    for (int64_t begin = range.begin; begin < range.end && symmetric; begin += block) {
      check_interrupt();
      int64_t different = 0;
      const auto claim = [&, col, transpose, entries](int64_t row, int64_t from, int64_t to) {
        for (int64_t p = from; p < to; ++p) {
          // Of a pattern that is not symmetric, a cursor may leave its row, and all of them.
          const int64_t reverse = std::min<int64_t>(cursor[col[p]]++, entries - 1);
          different |= col[reverse] ^ row;
          if constexpr (kNumbers) transpose[p] = reverse;
        }
      };
      for_row_parts<kNumbers>(out, nodes, begin, std::min(begin + block, range.end), claim);
      if (different != 0) symmetric = false;
    }
  });
  if (!symmetric) return false;
  // Every row has been claimed as far as it lies left of the diagonal, or as a whole, and no further.
  const int32_t* cursor = cursors.get() + (workers - 1) * nodes;
  for (int64_t j = 0; j < nodes; ++j) {
    const int64_t next = cursor[j], end = out.rowptr[j + 1];
    if (next != end && (kNumbers || next > end || out.col[next] < j)) return false;
  }
  std::copy_n(out.rowptr, nodes + 1, out.colptr);
  return true;
}

// Finds the transpose of sorted entries; both buffers hold as many items. Returns whether the pattern is
// symmetric.
template <typename Packing>
bool transpose_entries(
    const Edges& edges, const Packing& packing, const Pattern& out, typename Packing::Item* first,
    typename Packing::Item* second) {
  constexpr int64_t kMirrored = int64_t{1} << 16;
  const bool square = edges.num_rows == edges.num_cols;
  // Cursors of 32 bits may run past all entries where the pattern is not symmetric.
  const bool few = edges.num_rows <= kMirrored && out.entries < int64_t{1} << 30;
  constexpr bool kNumbers = Packing::kNumbers;
  if (square && few && mirror<kNumbers>(out, edges.num_rows)) return true;
  parallel_ranges(out.entries, kPiece / 64, [&](int64_t begin, int64_t end) {
    const Packing pack = packing;
    RowWalk walk(out.rowptr, edges.num_rows, begin);
    for (int64_t p = begin; p < end; ++p) second[p] = pack.make(out.col[p], walk.at(p), p);
  });
  const auto* sorted = radix_sort(
      packing, out.entries, packing.low_bits(), packing.key_bits(),
      StoredItems<typename Packing::Item>{second}, first, second);
  std::atomic<bool> same{square};
  std::fill_n(out.colptr, edges.num_cols + 1, int64_t{0});
  for_sorted(
      out.entries, [&](int64_t k) { return packing.high(sorted[k]); },
      [&](int64_t, int64_t begin, int64_t end) {
        // Copies stay in registers, whatever the loop writes.
        const Packing unpack = packing;
        const auto [rowptr, colptr, col, transpose, entries] = out;
        const auto* items = sorted;
        int64_t different = 0;
        for (int64_t k = begin; k < end; ++k) {
          const auto item = items[k];
          if constexpr (kNumbers) transpose[k] = unpack.number(item);
          colptr[unpack.high(item) + 1] = k + 1;
          different |= unpack.low(item) ^ col[k];
        }
        if (different != 0) same = false;
      });
  fill_pointers(edges.num_cols, out.colptr);
  return same && std::equal(out.rowptr, out.rowptr + edges.num_rows + 1, out.colptr);
}

}  // namespace graphlab::cpu
