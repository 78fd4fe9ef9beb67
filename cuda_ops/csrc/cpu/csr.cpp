#include "csr.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <numeric>

#include "cpu/checks.h"
#include "cpu/memory.h"
#include "cpu/parallel.h"

namespace graphlab::cpu {
namespace {

struct Edges {
  const int64_t* row;  // (count)
  const int64_t* col;
  int64_t count;
  int64_t num_rows;
  int64_t num_cols;
};

struct EdgeOrder {
  int64_t outside;  // first edge outside of the matrix, or -1
  bool ascending;   // strictly, by row and then column
};

// The result, at its final size.
struct Rows {
  int64_t* rowptr;     // (num_rows + 1)
  int32_t* col;        // (count)
  int64_t* colptr;     // (num_cols + 1)
  int64_t* transpose;  // (count)
  int64_t count;
};

// A worker counts into an array of its own; more workers than this would not fit into O(E) memory.
int64_t worker_count(int64_t items, int64_t buckets) {
  constexpr int64_t kLeast = int64_t{1} << 15;  // fewer items are not worth a thread
  const int64_t by_memory = 1 + 2 * items / std::max<int64_t>(buckets, 1);
  const int64_t most = std::min<int64_t>(torch::stable::get_num_threads(), 16);
  return std::max<int64_t>(1, std::min({items / kLeast, by_memory, most}));
}

struct Range {
  int64_t begin, end;
};

constexpr int64_t kPiece = int64_t{1} << 22;  // items of a loop between two looks at signals

inline Range share(int64_t count, int64_t worker, int64_t workers) {
  return {count * worker / workers, count * (worker + 1) / workers};
}

// Buckets of a stable counting sort: where each worker writes its next item of each bucket. Items of a
// worker follow those of the workers before it, so the order does not depend on their number.
class Cursors {
 public:
  Cursors(int64_t buckets, int64_t workers)
      : buckets_(buckets), workers_(workers), next_(buckets * workers) {}

  int32_t* of(int64_t worker) const { return next_.get() + worker * buckets_; }

  void clear(int64_t worker) const { std::fill_n(of(worker), buckets_, 0); }

  // From counts to positions; pointers (buckets + 1) receive the beginnings.
  void accumulate(int64_t* pointers) const {
    int64_t sum = 0;
    for (int64_t b = 0; b < buckets_; ++b) {
      pointers[b] = sum;
      for (int64_t w = 0; w < workers_; ++w) {
        int32_t& next = next_[w * buckets_ + b];
        const int32_t count = next;
        next = static_cast<int32_t>(sum);
        sum += count;
      }
    }
    pointers[buckets_] = sum;
  }

 private:
  int64_t buckets_, workers_;
  Buffer<int32_t> next_;
};

// What travels through a grouping: the other index of an edge, and its number.
struct Item {
  int32_t index, edge;
};

// Stable counting sort of `count` items: bucket(p) is the bucket of item p, and scatter(range, next) puts
// the items of a range, in their order, at the position next[bucket]++; a worker's range comes in pieces.
// pointers (buckets + 1) receives the beginnings.
template <typename Bucket, typename Scatter>
void counting_sort(
    int64_t count, int64_t buckets, int64_t* pointers, const Bucket& bucket,
    const Scatter& scatter) {
  const int64_t workers = worker_count(count, buckets);
  const Cursors cursors(buckets, workers);
  parallel_workers(workers, [&](int64_t worker) {
    cursors.clear(worker);
    int32_t* counts = cursors.of(worker);
    const Range range = share(count, worker, workers);
    for_pieces(range.begin, range.end, kPiece, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) ++counts[bucket(p)];
    });
  });
  cursors.accumulate(pointers);
  parallel_workers(workers, [&](int64_t worker) {
    const Range range = share(count, worker, workers);
    for_pieces(range.begin, range.end, kPiece, [&](int64_t begin, int64_t end) {
      scatter(Range{begin, end}, cursors.of(worker));
    });
  });
}

// Edges by row, in the order they were given: column and number of each.
Buffer<Item> group_by_row(const Edges& edges, int64_t* rowptr) {
  Buffer<Item> out(edges.count);
  counting_sort(
      edges.count, edges.num_rows, rowptr, [&](int64_t k) { return edges.row[k]; },
      [&](Range range, int32_t* next) {
        for (int64_t k = range.begin; k < range.end; ++k) {
          out[next[edges.row[k]]++] = {
              static_cast<int32_t>(edges.col[k]), static_cast<int32_t>(k)};
        }
      });
  return out;
}

// Regroups the items of compressed rows by another index: calls place(position, row, item) for every item
// with its position there, which keeps the order of the rows. other(p) is the index of item p.
template <typename Other, typename Place>
void regroup(
    const int64_t* pointers, int64_t rows, int64_t count, int64_t groups, int64_t* group_pointers,
    const Other& other, const Place& place) {
  counting_sort(count, groups, group_pointers, other, [&](Range range, int32_t* next) {
    if (range.begin >= range.end) return;
    int64_t row = std::upper_bound(pointers, pointers + rows + 1, range.begin) - pointers - 1;
    for (int64_t p = range.begin; p < range.end; ++p) {
      while (p >= pointers[row + 1]) ++row;
      place(next[other(p)]++, row, p);
    }
  });
}

// Merges items of one row within a column, which lie side by side; returns how many are left. kept[p] is
// the position among them of what item p went into.
int64_t merge_repeated(Item* items, int64_t* colptr, int64_t cols, int32_t* kept) {
  int64_t left = 0;
  for (int64_t c = 0; c < cols; ++c) {
    if (c % (1 << 16) == 0) check_interrupt();
    const int64_t begin = colptr[c], end = colptr[c + 1];
    colptr[c] = left;
    for (int64_t p = begin; p < end; ++p) {
      if (left == colptr[c] || items[left - 1].index != items[p].index) {
        items[left] = {items[p].index, items[p].edge};
        ++left;
      }
      kept[p] = static_cast<int32_t>(left - 1);
    }
  }
  colptr[cols] = left;
  return left;
}

bool any_repeated(const Item* items, const int64_t* colptr, int64_t cols) {
  for (int64_t c = 0; c < cols; ++c) {
    if (c % (1 << 16) == 0) check_interrupt();
    for (int64_t p = colptr[c] + 1; p < colptr[c + 1]; ++p) {
      if (items[p].index == items[p - 1].index) return true;
    }
  }
  return false;
}

// Whether the transpose has the same rows and columns; row_of(p) is the row of its entry p.
template <typename RowOf>
bool same_pattern(const Edges& edges, const Rows& rows, const RowOf& row_of) {
  if (edges.num_rows != edges.num_cols) return false;
  if (!std::equal(rows.rowptr, rows.rowptr + edges.num_rows + 1, rows.colptr)) return false;
  for (int64_t p = 0; p < rows.count; ++p) {
    if (rows.col[p] != row_of(p)) return false;
  }
  return true;
}

EdgeOrder count_edges(const Edges& edges, int64_t* rowptr) {
  const auto inside = [&](int64_t k) {
    return static_cast<uint64_t>(edges.row[k]) < static_cast<uint64_t>(edges.num_rows) &&
           static_cast<uint64_t>(edges.col[k]) < static_cast<uint64_t>(edges.num_cols);
  };
  std::atomic<bool> outside{false}, ascending{true};
  parallel_ranges(edges.count, int64_t{1} << 17, [&](int64_t begin, int64_t end) {
    bool in = true, up = true;
    for (int64_t k = begin; k < end; ++k) {
      in &= inside(k);
      // The first edge of a range is compared with the last of the range before.
      const int64_t before = k > 0 ? k - 1 : 0;
      const bool later = edges.row[k] > edges.row[before];
      up &= k == 0 || later || (edges.row[k] == edges.row[before] && edges.col[k] > edges.col[before]);
    }
    if (!in) outside = true;
    if (!up) ascending = false;
  });
  EdgeOrder order{-1, ascending};
  for (int64_t k = 0; outside && order.outside < 0; ++k) {
    if (!inside(k)) order.outside = k;
  }
  if (order.outside >= 0 || !order.ascending) return order;
  // Rows ascend: the pointers are the borders between them.
  int64_t row = 0;
  rowptr[0] = 0;
  for (int64_t k = 0; k < edges.count; ++k) {
    while (row < edges.row[k]) rowptr[++row] = k;
  }
  while (row < edges.num_rows) rowptr[++row] = edges.count;
  return order;
}

// Edges that ascend strictly are the entries: only the transpose is to be found. Returns whether it has
// the same pattern.
bool transpose_edges(const Edges& edges, const Rows& out) {
  Buffer<int32_t> row(edges.count);
  parallel_ranges(edges.count, int64_t{1} << 16, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) out.col[k] = static_cast<int32_t>(edges.col[k]);
  });
  regroup(
      out.rowptr, edges.num_rows, edges.count, edges.num_cols, out.colptr,
      [&](int64_t p) { return out.col[p]; },
      [&](int64_t position, int64_t r, int64_t p) {
        row[position] = static_cast<int32_t>(r);
        out.transpose[position] = p;
      });
  return same_pattern(edges, out, [&](int64_t p) { return row[p]; });
}

// Edges by column, rows ascending within it, repeated ones merged.
struct Columns {
  Buffer<Item> items;    // (count): row and edge
  Buffer<int32_t> edge;  // edge of every item before the merge, and the item that it went into;
  Buffer<int32_t> kept;  // both empty where nothing was merged
  int64_t count;
  bool merged;
};

Columns sort_edges(const Edges& edges, int64_t* rowptr, int64_t* colptr) {
  const Buffer<Item> by_row = group_by_row(edges, rowptr);
  Columns out{Buffer<Item>(edges.count), Buffer<int32_t>(0), Buffer<int32_t>(0), edges.count, false};
  regroup(
      rowptr, edges.num_rows, edges.count, edges.num_cols, colptr,
      [&](int64_t p) { return by_row[p].index; },
      [&](int64_t position, int64_t row, int64_t p) {
        out.items[position] = {static_cast<int32_t>(row), by_row[p].edge};
      });
  if (!any_repeated(out.items.get(), colptr, edges.num_cols)) return out;
  out.merged = true;
  out.edge = Buffer<int32_t>(edges.count);
  out.kept = Buffer<int32_t>(edges.count);
  for (int64_t p = 0; p < edges.count; ++p) out.edge[p] = out.items[p].edge;
  out.count = merge_repeated(out.items.get(), colptr, edges.num_cols, out.kept.get());
  return out;
}

// Rows from columns; entry (edges.count) receives where every edge went. Returns whether the pattern is
// symmetric.
bool fill_rows(const Edges& edges, const Columns& columns, const Rows& out, int64_t* entry) {
  // Columns ascend while the rows are filled: so do the columns within every row.
  regroup(
      out.colptr, edges.num_cols, columns.count, edges.num_rows, out.rowptr,
      [&](int64_t p) { return columns.items[p].index; },
      [&](int64_t position, int64_t col, int64_t p) {
        out.col[position] = static_cast<int32_t>(col);
        out.transpose[p] = position;
        if (!columns.merged) entry[columns.items[p].edge] = position;
      });
  if (columns.merged) {
    parallel_ranges(edges.count, int64_t{1} << 16, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) entry[columns.edge[p]] = out.transpose[columns.kept[p]];
    });
  }
  return same_pattern(edges, out, [&](int64_t p) { return columns.items[p].index; });
}

// Row pointers of ascending values, or whether they ascend not.
template <typename I>
bool pointers_of_ascending(const I* index, int64_t count, int64_t size, int64_t* pointers) {
  std::atomic<bool> ascending{true};
  parallel_ranges(count, int64_t{1} << 17, [&](int64_t begin, int64_t end) {
    bool up = true;
    for (int64_t k = std::max<int64_t>(begin, 1); k < end; ++k) up &= index[k] >= index[k - 1];
    if (!up) ascending = false;
  });
  if (!ascending) return false;
  int64_t row = 0;
  pointers[0] = 0;
  for (int64_t k = 0; k < count; ++k) {
    while (row < index[k]) pointers[++row] = k;
  }
  while (row < size) pointers[++row] = count;
  return true;
}

template <typename I>
void positions_by_index(
    const I* index, int64_t count, int64_t size, int64_t* pointers, int64_t* order) {
  counting_sort(
      count, size, pointers, [&](int64_t k) { return index[k]; },
      [&](Range range, int32_t* next) {
        for (int64_t k = range.begin; k < range.end; ++k) order[next[index[k]]++] = k;
      });
}

}  // namespace
}  // namespace graphlab::cpu

namespace graphlab {

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> csr_from_edges(
    const Tensor& edge_index_, int64_t num_rows, int64_t num_cols) {
  check_dim(edge_index_, "edge_index", 2);
  check_dtype(edge_index_, "edge_index", ScalarType::Long);
  check_size(edge_index_, "edge_index", 0, 2);
  constexpr int64_t most = INT32_MAX;
  STD_TORCH_CHECK(
      0 <= num_rows && num_rows <= most && 0 <= num_cols && num_cols <= most,
      "num_rows and num_cols must lie in [0, 2^31), got ", num_rows, " and ", num_cols);
  const Tensor edge_index = torch::stable::contiguous(edge_index_);
  const int64_t count = edge_index.size(1);
  STD_TORCH_CHECK(count <= most, "edge_index must have less than 2^31 edges, got ", count);
  const int64_t* row = data<int64_t>(edge_index);
  const cpu::Edges edges{row, row + count, count, num_rows, num_cols};
  const auto empty = [&](int64_t size, ScalarType dtype = ScalarType::Long) {
    return torch::stable::new_empty(edge_index, {size}, dtype);
  };
  const Tensor rowptr = empty(num_rows + 1), colptr = empty(num_cols + 1), facts = empty(2);
  int64_t* fact = mutable_data<int64_t>(facts);
  const cpu::EdgeOrder order = cpu::count_edges(edges, mutable_data<int64_t>(rowptr));
  if (order.outside >= 0) {
    fact[0] = 0, fact[1] = order.outside;
    return {empty(0), empty(0, ScalarType::Int), empty(0), empty(0), empty(0), facts};
  }
  const auto rows = [&](const Tensor& col, const Tensor& transpose) {
    return cpu::Rows{
        mutable_data<int64_t>(rowptr), mutable_data<int32_t>(col), mutable_data<int64_t>(colptr),
        mutable_data<int64_t>(transpose), col.numel()};
  };
  fact[1] = -1;
  if (order.ascending) {
    const Tensor col = empty(count, ScalarType::Int), transpose = empty(count);
    fact[0] = cpu::transpose_edges(edges, rows(col, transpose));
    return {rowptr, col, empty(0), colptr, transpose, facts};
  }
  const cpu::Columns columns =
      cpu::sort_edges(edges, mutable_data<int64_t>(rowptr), mutable_data<int64_t>(colptr));
  const Tensor col = empty(columns.count, ScalarType::Int), transpose = empty(columns.count);
  const Tensor entry = empty(count);
  fact[0] = cpu::fill_rows(edges, columns, rows(col, transpose), mutable_data<int64_t>(entry));
  return {rowptr, col, entry, colptr, transpose, facts};
}

std::tuple<Tensor, Tensor> sort_by_index(const Tensor& index_, int64_t size) {
  check_dim(index_, "index", 1);
  const int64_t count = index_.numel();
  constexpr int64_t most = INT32_MAX;
  STD_TORCH_CHECK(0 <= size && size <= most, "size must lie in [0, 2^31), got ", size);
  STD_TORCH_CHECK(count <= most, "index must have less than 2^31 values, got ", count);
  const bool narrow = index_.scalar_type() == ScalarType::Int;
  const Tensor index = narrow ? checked_columns(index_, "index", count, size)
                              : checked_index(index_, "index", count, size);
  const auto empty = [&](int64_t length) {
    return torch::stable::new_empty(index, {length}, ScalarType::Long);
  };
  const Tensor pointers = empty(size + 1), order = empty(count);
  const auto sort = [&](const auto* values) {
    int64_t* begin = mutable_data<int64_t>(pointers);
    int64_t* positions = mutable_data<int64_t>(order);
    if (cpu::pointers_of_ascending(values, count, size, begin)) {
      std::iota(positions, positions + count, int64_t{0});
    } else {
      cpu::positions_by_index(values, count, size, begin, positions);
    }
  };
  narrow ? sort(data<int32_t>(index)) : sort(data<int64_t>(index));
  return {pointers, order};
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) {
  m.impl("csr_from_edges", TORCH_BOX(&csr_from_edges));
  m.impl("sort_by_index", TORCH_BOX(&sort_by_index));
}

}  // namespace graphlab
