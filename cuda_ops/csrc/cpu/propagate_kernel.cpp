#include "cpu/propagate_kernel.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "cpu/parallel.h"

namespace graphlab::cpu {
namespace {

constexpr int64_t kTaskCost = 8192;  // entries plus rows of a task; longer rows are cut
constexpr int64_t kRowsPerTask = 1024;
constexpr int64_t kSparseShare = 16;  // at most one entry of so many is not zero: lists pay
constexpr int64_t kAhead = 16;       // entries between the prefetch of a row and its use

}  // namespace
}  // namespace graphlab::cpu

#define GRAPHLAB_LOOPS "cpu/propagate_loops.h"
#include "cpu/for_each_isa.h"

namespace graphlab::cpu {
namespace {

// The first row whose entries and predecessors cost at least `cost`.
int64_t row_at_cost(const int64_t* rowptr, int64_t rows, int64_t cost) {
  int64_t low = 0, high = rows;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (rowptr[middle] + middle < cost) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// Rows too long for one task: their pieces are summed apart and added in order, in float64.
template <typename S, typename Rows>
void propagate_long_rows(
    const SparseRows<Wide<S>>& graph, const Rows& h, int64_t dim, const RowSinks<S>& sinks,
    const std::vector<int64_t>& rows) {
  using T = Wide<S>;
  std::vector<int64_t> first{0};  // number of the first piece of every row
  for (const int64_t row : rows) {
    first.push_back(first.back() + divide_up(graph.rowptr[row + 1] - graph.rowptr[row], kTaskCost));
  }
  const Buffer<T> parts(first.back() * dim);
  const auto gather = GRAPHLAB_SELECT(gather_rows<S, Rows>);
  const auto finish = GRAPHLAB_SELECT(finish_row<S>);
  parallel_tasks(first.back(), [&](int64_t piece) {
    const int64_t at = std::upper_bound(first.begin(), first.end(), piece) - first.begin() - 1;
    const int64_t begin = graph.rowptr[rows[at]] + (piece - first[at]) * kTaskCost;
    const int64_t end = std::min(begin + kTaskCost, graph.rowptr[rows[at] + 1]);
    gather(graph, h, dim, begin, end, parts.get() + piece * dim);
  });
  parallel_tasks(static_cast<int64_t>(rows.size()), [&](int64_t at) {
    const Buffer<T> sum(dim);
    for (int64_t d = 0; d < dim; ++d) {
      double total = 0;
      for (int64_t piece = first[at]; piece < first[at + 1]; ++piece) {
        total += static_cast<double>(parts[piece * dim + d]);
      }
      sum[d] = static_cast<T>(total);
    }
    finish(graph, sinks, rows[at], dim, sum.get());
  });
}

template <typename S, typename Rows>
void propagate_from(
    const SparseRows<Wide<S>>& graph, const Rows& h, int64_t dim, const RowSinks<S>& sinks) {
  const int64_t tasks = divide_up(graph.entries + graph.rows, kTaskCost);
  std::vector<int64_t> late(tasks, -1);  // a row above kTaskCost entries ends its task
  const auto range = GRAPHLAB_SELECT(propagate_range<S, Rows>);
  parallel_tasks(tasks, [&](int64_t task) {
    const int64_t begin = row_at_cost(graph.rowptr, graph.rows, task * kTaskCost);
    const int64_t end = row_at_cost(graph.rowptr, graph.rows, (task + 1) * kTaskCost);
    const Buffer<Wide<S>> sum(dim);
    late[task] = range(graph, h, dim, sinks, begin, end, kTaskCost, sum.get());
  });
  late.erase(std::remove(late.begin(), late.end(), -1), late.end());
  if (!late.empty()) propagate_long_rows(graph, h, dim, sinks, late);
}

}  // namespace

int64_t find_bad_column(const int32_t* col, int64_t entries, int64_t size) {
  std::atomic<bool> bad{false};
  const auto outside = GRAPHLAB_SELECT(any_column_outside);
  parallel_ranges(entries, int64_t{1} << 18, [&](int64_t begin, int64_t end) {
    if (outside(col + begin, end - begin, size)) bad = true;
  });
  for (int64_t k = 0; bad && k < entries; ++k) {
    if (col[k] < 0 || col[k] >= size) return k;
  }
  return -1;
}

template <typename S>
void propagate_rows(
    const SparseRows<Wide<S>>& graph, const S* h, int64_t dim, const RowSinks<S>& sinks) {
  propagate_from(graph, DenseRows<S>{h}, dim, sinks);
}

template <typename S>
void propagate_start(
    const SparseRows<Wide<S>>& graph, const S* h, int64_t rows, int64_t dim,
    const RowSinks<S>& sinks) {
  const auto count = GRAPHLAB_SELECT(count_nonzeros<S>);
  const auto list = GRAPHLAB_SELECT(list_nonzeros<S>);
  const Buffer<int64_t> rowptr(rows + 1);
  rowptr[0] = 0;
  parallel_ranges(rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) rowptr[i + 1] = count(h + i * dim, dim);
  });
  for (int64_t i = 0; i < rows; ++i) rowptr[i + 1] += rowptr[i];
  if (rowptr[rows] > rows * dim / kSparseShare) return propagate_rows(graph, h, dim, sinks);
  const Buffer<int32_t> place(rowptr[rows]);
  const Buffer<Wide<S>> value(rowptr[rows]);
  parallel_ranges(rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (rowptr[i] < rowptr[i + 1]) {
        list(h + i * dim, dim, place.get() + rowptr[i], value.get() + rowptr[i]);
      }
    }
  });
  propagate_from(graph, NonZeros<S>{rowptr.get(), place.get(), value.get()}, dim, sinks);
}

template <typename S>
void sink_rows(const S* h, int64_t rows, int64_t dim, const RowSinks<S>& sinks) {
  const auto range = GRAPHLAB_SELECT(sink_range<S>);
  parallel_ranges(rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    const Buffer<Wide<S>> row(dim);
    range(h, dim, sinks, begin, end, row.get());
  });
}

#define GRAPHLAB_INSTANTIATE(S)                                                                 \
  template void propagate_rows<S>(                                                              \
      const SparseRows<Wide<S>>&, const S*, int64_t, const RowSinks<S>&);                       \
  template void propagate_start<S>(                                                             \
      const SparseRows<Wide<S>>&, const S*, int64_t, int64_t, const RowSinks<S>&);              \
  template void sink_rows<S>(const S*, int64_t, int64_t, const RowSinks<S>&);
GRAPHLAB_INSTANTIATE(float)
GRAPHLAB_INSTANTIATE(double)
GRAPHLAB_INSTANTIATE(BFloat16)
#undef GRAPHLAB_INSTANTIATE

}  // namespace graphlab::cpu
