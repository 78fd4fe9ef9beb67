#include "csr.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <numeric>

#include "cpu/checks.h"
#include "cpu/csr_transpose.h"
#include "cpu/memory.h"
#include "cpu/parallel.h"
#include "cpu/radix_sort.h"

#define GRAPHLAB_LOOPS "cpu/csr_loops.h"
#include "cpu/for_each_isa.h"

namespace graphlab::cpu {
namespace {

constexpr int64_t kBlock = 1024;  // edges that stay in the first cache between two looks at them

bool inside(const Edges& edges, int64_t begin, int64_t end) {
  const auto look = GRAPHLAB_SELECT(edges_inside);
  return look(edges.row + begin, edges.col + begin, end - begin, edges.num_rows, edges.num_cols);
}

// Whether all edges lie in the matrix and ascend strictly, by row and then column; a part that does not ends
// the search.
bool inside_and_ascending(const Edges& edges) {
  const auto ascend = GRAPHLAB_SELECT(edges_ascend);
  std::atomic<bool> good{true};
  parallel_ranges(edges.count, int64_t{1} << 17, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end && good; k += kBlock) {
      const int64_t stop = std::min(k + kBlock, end), first = std::max<int64_t>(k, 1);
      if (!inside(edges, k, stop) ||
          !ascend(edges.row + first, edges.col + first, stop - first)) {
        good = false;
      }
    }
  });
  return good;
}

// The first edge outside of the matrix.
int64_t first_outside(const Edges& edges) {
  int64_t k = 0;
  while (inside(edges, k, k + 1)) ++k;
  return k;
}

// Edges as items to be sorted. Where they are counted, they are checked too: an edge outside has a wrong
// item, but a digit like any other.
template <typename Packing>
struct EdgeItems {
  Packing packing;
  Edges edges;
  std::atomic<bool>* outside;

  typename Packing::Item operator()(int64_t k) const {
    return packing.make(edges.row[k], edges.col[k], k);
  }

  template <typename Digit>
  void count(
      int64_t begin, int64_t end, int low, int bits, const Digit& digit, int32_t* counts) const {
    for (int64_t k = begin; k < end; k += kBlock) {
      const int64_t stop = std::min(k + kBlock, end);
      if (!inside(edges, k, stop)) *outside = true;
      if (low + bits <= packing.low_bits()) {
        const auto column = [col = edges.col](int64_t e) { return static_cast<uint64_t>(col[e]); };
        const auto part = [low, mask = digit.mask](uint64_t col) { return col >> low & mask; };
        count_digits(k, stop, column, part, counts);
      } else {
        count_digits(k, stop, *this, digit, counts);
      }
    }
  }
};

// Edges that ascend strictly are the entries.
void fill_ascending(const Edges& edges, const Pattern& out) {
  std::fill_n(out.rowptr, edges.num_rows + 1, int64_t{0});
  for_sorted(
      edges.count, [&](int64_t k) { return edges.row[k]; },
      [&](int64_t, int64_t begin, int64_t end) {
        const int64_t *row = edges.row, *col = edges.col;
        int64_t* rowptr = out.rowptr;
        int32_t* to = out.col;
        for (int64_t k = begin; k < end; ++k) to[k] = static_cast<int32_t>(col[k]);
        for (int64_t k = begin; k < end; ++k) rowptr[row[k] + 1] = k + 1;
      });
  fill_pointers(edges.num_rows, out.rowptr);
}

// Edges in any order, sorted by row and then column; those of one pair lie side by side.
template <typename Packing>
class SortedEdges {
 public:
  using Item = typename Packing::Item;

  SortedEdges(const Edges& edges, const Packing& packing, Item* first, Item* second)
      : edges_(edges),
        packing_(packing),
        sorted_(radix_sort(
            packing, edges.count, 0, packing.key_bits(),
            EdgeItems<Packing>{packing, edges, &outside_}, first, second)),
        begin_(pass_workers(edges.count) + 1, 0) {
    if (outside_) return;
    for_rows([&](int64_t worker, int64_t begin, int64_t end) {
      const Packing unpack = packing_;
      const Item* items = sorted_;
      int64_t pairs = begin == 0 && end > 0;
      for (int64_t k = std::max<int64_t>(begin, 1); k < end; ++k) {
        pairs += unpack.key(items[k]) != unpack.key(items[k - 1]);
      }
      begin_[worker + 1] += pairs;
    });
    std::partial_sum(begin_.get(), begin_.get() + pass_workers(edges.count) + 1, begin_.get());
  }

  // Whether an edge lies outside of the matrix; then there is nothing else here.
  bool outside() const { return outside_; }

  // Different pairs.
  int64_t entries() const { return begin_[pass_workers(edges_.count)]; }

  // Writes rows and columns, and the entry that every edge went into where items know their numbers;
  // once.
  void write(const Pattern& out, int64_t* entry) const {
    std::fill_n(out.rowptr, edges_.num_rows + 1, int64_t{0});
    for_rows([&](int64_t worker, int64_t begin, int64_t end) {
      const Packing unpack = packing_;
      const auto [rowptr, colptr, to_col, transpose, entries] = out;
      const Item* items = sorted_;
      constexpr int64_t kPart = 512;
      [[maybe_unused]] int32_t position[kPart];
      int64_t p = begin_[worker] - 1;
      // No key has all bits set: the first of all items is new.
      uint64_t before = begin > 0 ? unpack.key(items[begin - 1]) : ~uint64_t{0};
      for (int64_t block = begin; block < end; block += kPart) {
        const int64_t stop = std::min(block + kPart, end);
        for (int64_t k = block; k < stop; ++k) {
          const Item item = items[k];
          const uint64_t key = unpack.key(item);
          p += key != before;
          before = key;
          to_col[p] = static_cast<int32_t>(unpack.low(item));
          rowptr[unpack.high(item) + 1] = p + 1;
          if constexpr (Packing::kNumbers) {
            position[k - block] = static_cast<int32_t>(p);
            __builtin_prefetch(entry + unpack.number(item), 1);
          }
        }
        // Writes in no order, which would hold up the others.
        if constexpr (Packing::kNumbers) scatter(items + block, stop - block, position, entry);
      }
      begin_[worker] = p + 1;
    });
    fill_pointers(edges_.num_rows, out.rowptr);
  }

 private:
  void scatter(const Item* items, int64_t count, const int32_t* position, int64_t* entry) const {
    const Packing unpack = packing_;
    for (int64_t k = 0; k < count; ++k) entry[unpack.number(items[k])] = position[k];
  }

  template <typename F>
  void for_rows(const F& body) const {
    for_sorted(edges_.count, [&](int64_t k) { return packing_.high(sorted_[k]); }, body);
  }

  const Edges edges_;
  const Packing packing_;
  std::atomic<bool> outside_{false};  // set while sorted_ is found
  const Item* const sorted_;
  const Buffer<int64_t> begin_;  // of every worker's entries
};

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
  std::fill_n(pointers, size + 1, int64_t{0});
  for_sorted(
      count, [&](int64_t k) { return index[k]; },
      [&](int64_t, int64_t begin, int64_t end) {
        for (int64_t k = begin; k < end; ++k) pointers[index[k] + 1] = k + 1;
      });
  fill_pointers(size, pointers);
  return true;
}

// Positions as items to be sorted by their index.
template <typename I>
struct IndexItems {
  OneWord packing;
  const I* index;

  uint64_t operator()(int64_t k) const { return packing.make(index[k], 0, k); }
  template <typename Digit>
  void count(int64_t begin, int64_t end, int, int, const Digit& digit, int32_t* counts) const {
    count_digits(begin, end, *this, digit, counts);
  }
};

template <typename I>
void positions_by_index(
    const I* index, int64_t count, int64_t size, int64_t* pointers, int64_t* order) {
  // One pass whose destinations fit into the second cache is faster than two and a copy.
  constexpr int kDirectBits = 14;
  const OneWord packing(bits_of(size), 0, bits_of(count));
  const int bits = packing.key_bits();
  if (bits <= kDirectBits) {
    const auto read = [index](int64_t k) { return index[k]; };
    const auto itself = [](int64_t value) { return value; };
    const Buckets buckets(pass_workers(count), bits);
    for_shares(count, [&](int64_t worker, int64_t begin, int64_t end) {
      count_digits(begin, end, read, itself, buckets.of(worker));
    });
    const Buffer<int64_t> beginning((int64_t{1} << bits) + 1);
    buckets.accumulate(beginning.get());
    std::copy_n(beginning.get(), size + 1, pointers);
    for_shares(count, [&](int64_t worker, int64_t begin, int64_t end) {
      int32_t* next = buckets.of(worker);
      for (int64_t k = begin; k < end; ++k) order[next[index[k]]++] = k;
    });
    return;
  }
  const Buffer<uint64_t> first(count), second(count);
  const uint64_t* sorted = radix_sort(
      packing, count, 0, bits, IndexItems<I>{packing, index}, first.get(), second.get());
  std::fill_n(pointers, size + 1, int64_t{0});
  for_sorted(
      count, [&](int64_t k) { return packing.key(sorted[k]); },
      [=](int64_t, int64_t begin, int64_t end) {
        const OneWord unpack = packing;
        for (int64_t k = begin; k < end; ++k) {
          const uint64_t item = sorted[k];
          order[k] = unpack.number(item);
          pointers[unpack.key(item) + 1] = k + 1;
        }
      });
  fill_pointers(size, pointers);
}

}  // namespace
}  // namespace graphlab::cpu

namespace graphlab {
namespace {

using Compressed = std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor>;

Tensor empty(const Tensor& like, int64_t size, ScalarType dtype = ScalarType::Long) {
  return torch::stable::new_empty(like, {size}, dtype);
}

Compressed outside(const Tensor& like, int64_t edge) {
  const Tensor none = empty(like, 0), facts = empty(like, 2);
  mutable_data<int64_t>(facts)[0] = 0;
  mutable_data<int64_t>(facts)[1] = edge;
  return {none, empty(like, 0, ScalarType::Int), none, none, none, facts};
}

// With edges packed into items.
template <typename Packing>
Compressed compress(const Tensor& like, const cpu::Edges& edges) {
  using Item = typename Packing::Item;
  const int rows = cpu::bits_of(edges.num_rows), cols = cpu::bits_of(edges.num_cols);
  const int number = cpu::bits_of(edges.count);
  const Packing packing(rows, cols, number), transposed(cols, rows, number);
  const Tensor rowptr = empty(like, edges.num_rows + 1), colptr = empty(like, edges.num_cols + 1);
  const Tensor facts = empty(like, 2);
  const cpu::Buffer<Item> first(edges.count), second(edges.count);
  // Writes the entries of a known number by fill(pattern).
  const auto entries = [&](int64_t count, const Tensor& entry, const auto& fill) -> Compressed {
    const Tensor col = empty(like, count, ScalarType::Int);
    const Tensor transpose = empty(like, Packing::kNumbers ? count : 0);
    const cpu::Pattern out{
        mutable_data<int64_t>(rowptr), mutable_data<int64_t>(colptr), mutable_data<int32_t>(col),
        mutable_data<int64_t>(transpose), count};
    fill(out);
    int64_t* fact = mutable_data<int64_t>(facts);
    fact[0] = cpu::transpose_entries(edges, transposed, out, first.get(), second.get());
    fact[1] = -1;
    return {rowptr, col, entry, colptr, transpose, facts};
  };
  if (cpu::inside_and_ascending(edges)) {
    return entries(edges.count, empty(like, 0), [&](const cpu::Pattern& out) {
      cpu::fill_ascending(edges, out);
    });
  }
  const cpu::SortedEdges<Packing> sorted(edges, packing, first.get(), second.get());
  if (sorted.outside()) return outside(like, cpu::first_outside(edges));
  const Tensor entry = empty(like, Packing::kNumbers ? edges.count : 0);
  return entries(sorted.entries(), entry, [&](const cpu::Pattern& out) {
    sorted.write(out, mutable_data<int64_t>(entry));
  });
}

}  // namespace

Compressed csr_from_edges(
    const Tensor& edge_index_, int64_t num_rows, int64_t num_cols, bool numbers) {
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
  const int pair = cpu::bits_of(num_rows) + cpu::bits_of(num_cols);
  if (!numbers) {
    return pair <= 32 ? compress<cpu::PairOnly<uint32_t>>(edge_index, edges)
                      : compress<cpu::PairOnly<uint64_t>>(edge_index, edges);
  }
  return pair + cpu::bits_of(count) <= 64 ? compress<cpu::OneWord>(edge_index, edges)
                                          : compress<cpu::TwoWords>(edge_index, edges);
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
  const Tensor pointers = empty(index, size + 1), order = empty(index, count);
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
