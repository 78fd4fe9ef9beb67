#include "ranking.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "cpu/checks.h"
#include "cpu/isa.h"
#include "cpu/parallel.h"
#include "cpu/ranking_task.h"
#include "pairwise.h"

#define GRAPHLAB_LOOPS "cpu/ranking_loops.h"
#include "cpu/for_each_isa.h"
#include "cpu/pair_driver.h"

namespace graphlab::cpu {
namespace {

// Columns that a task takes of all: every group begins with empty lists, so that there are no more of
// them than the threads need. Neither ranks nor best columns depend on how the work is cut.
int64_t group_size(int64_t cols, int64_t row_blocks, int64_t least) {
  const int64_t tasks = 4 * torch::stable::get_num_threads();
  const int64_t wanted = divide_up(tasks, std::max<int64_t>(1, row_blocks));
  return round_up(std::max({least, divide_up(cols, wanted), int64_t{1}}), kPairUnit);
}

// Panels of queries up to which the rows of the other side are read as they lie.
constexpr int64_t kFewPanels = 4;
// Queries up to which each is multiplied by itself: a panel of them would be nearly empty.
constexpr int64_t kSingleQueries = 3;

constexpr int64_t kNoColumn = std::numeric_limits<int64_t>::max();

// A filter, checked: columns by rows, or nothing.
struct Filter {
  Filter(const OptionalTensor& ptr, const OptionalTensor& index, int64_t rows, int64_t columns) {
    STD_TORCH_CHECK(
        ptr.has_value() == index.has_value(), "filter_ptr and filter must come together");
    if (!ptr.has_value()) return;
    const int64_t total = index->numel();
    index_ = checked_index(*index, "filter", total, columns);
    ptr_ = checked_rowptr(*ptr, rows, total, "filter_ptr");
    first = data<int64_t>(ptr_);
    column = data<int64_t>(index_);
  }

  const int64_t* first = nullptr;
  const int64_t* column = nullptr;

 private:
  OptionalTensor index_, ptr_;
};

// The columns that the filter names, and own(row) unless it is negative, in ascending order.
class NamedLists {
 public:
  template <typename F>
  NamedLists(const Filter& filter, int64_t rows, const F& own)
      : ptr_(rows + 1), columns_(size(filter, rows)) {
    for (int64_t i = 0; i <= rows; ++i) ptr_[i] = 2 * i + (filter.first ? filter.first[i] : 0);
    parallel_ranges(rows, 256, [&](int64_t i, int64_t end) {
      for (; i < end; ++i) {
        int64_t* to = columns_.get() + ptr_[i];
        int64_t* stop = to;
        if (filter.first != nullptr) {
          stop = std::copy(
              filter.column + filter.first[i], filter.column + filter.first[i + 1], to);
        }
        if (own(i) >= 0) *stop++ = own(i);
        if (!std::is_sorted(to, stop)) std::sort(to, stop);
        std::fill(stop, columns_.get() + ptr_[i + 1], kNoColumn);
      }
    });
  }

  NamedColumns view() const { return {ptr_.get(), columns_.get()}; }

 private:
  // Two more entries a row: its own column and the end.
  static int64_t size(const Filter& filter, int64_t rows) {
    return 2 * rows + (filter.first ? filter.first[rows] : 0);
  }

  const Buffer<int64_t> ptr_, columns_;
};

// Blocks of rows times groups of columns.
template <typename T>
class RankRun {
 public:
  RankRun(const Tensor& x, const Tensor& y, const NamedLists& named, int64_t least_group)
      : rows(x.size(0)),
        cols(y.size(0)),
        dim(x.size(1)),
        row_blocks_(divide_up(rows, kPairUnit)),
        group_(group_size(cols, row_blocks_, least_group)),
        right_(data<T>(y)),
        row_panels_(packed_rows(data<T>(x), rows, dim, T(1))),
        col_panels_(packed_cols(right_, row_blocks_ > 1 ? cols : 0, dim)) {
    task = {dim, row_panels_.get(), named.view(), {}, nullptr};
  }

  int64_t groups() const { return divide_up(cols, group_); }

  // Calls task(group, i, i_end, blocks) for every task, which is to call blocks(work) with
  // work(block, column panels).
  template <typename F>
  void run(const F& task) const {
    parallel_tasks(row_blocks_ * groups(), [&](int64_t number) {
      const int64_t at = number % groups(), i = number / groups() * kPairUnit;
      const int64_t i_end = std::min(i + kPairUnit, rows), end = std::min((at + 1) * group_, cols);
      const Buffer<T> scratch(row_blocks_ > 1 ? 0 : padded(kPairUnit) * dim);
      task(at, i, i_end, [&](const auto& work) {
        for_pieces(at * group_, end, kPairUnit, [&](int64_t j, int64_t j_end) {
          work(PairBlock{i, i_end, j, j_end}, panels(j, j_end, scratch));
        });
      });
    });
  }

  const int64_t rows, cols, dim;
  RankTask<T> task;

 private:
  // Columns that are read once are packed where they are used.
  const T* panels(int64_t j, int64_t j_end, const Buffer<T>& scratch) const {
    if (row_blocks_ > 1) return col_panels_.get() + j * dim;
    const auto pack = GRAPHLAB_SELECT(pack_col_panel<T>);
    const int64_t width = 2 * lanes<T>();
    for (int64_t panel = 0; panel * width < j_end - j; ++panel) {
      pack(right_ + j * dim, j_end - j, dim, T(1), panel, scratch.get());
    }
    return scratch.get();
  }

  const int64_t row_blocks_, group_;
  const T* right_;
  const Buffer<T> row_panels_, col_panels_;
};

// The scores of all truths.
template <typename T>
Buffer<T> own_scores_of(const RankRun<T>& run, const T* y, const Truths& truths) {
  Buffer<T> own(truths.begin(run.rows));
  const int64_t height = GRAPHLAB_SELECT(tile_rows)(), width = 2 * lanes<T>();
  const auto pack = GRAPHLAB_SELECT(pack_col_panel<T>);
  const auto score = GRAPHLAB_SELECT(own_scores<T>);
  parallel_ranges(run.rows, 8 * height, [&](int64_t begin, int64_t end) {
    const Buffer<T> columns(width * run.dim), panel(width * run.dim);
    const Buffer<int32_t> row(width);
    for (int64_t i = begin; i < end; i += height) {
      int64_t at = i;
      for_pieces(
          truths.begin(i), truths.begin(std::min(i + height, end)), width,
          [&](int64_t t, int64_t stop) {
            for (int64_t m = 0; m < stop - t; ++m) {
              std::copy_n(
                  y + truths.column[t + m] * run.dim, run.dim, columns.get() + m * run.dim);
              while (truths.begin(at + 1) <= t + m) ++at;
              row[m] = static_cast<int32_t>(at - i);
            }
            pack(columns.get(), stop - t, run.dim, T(1), 0, panel.get());
            score(
                run.dim, run.task.row_panels + i * run.dim, panel.get(), row.get(), stop - t,
                own.get() + t);
          });
    }
  });
  return own;
}

template <typename T>
void rank(
    const Tensor& x, const Tensor& y, const Truths& truths, const Filter& filter,
    int64_t* greater, int64_t* equal) {
  const NamedLists named(filter, x.size(0), [](int64_t) { return int64_t{-1}; });
  RankRun<T> run(x, y, named, 1);
  const Buffer<T> own = own_scores_of(run, data<T>(y), truths);
  run.task.truths = truths;
  run.task.own = own.get();
  const int64_t total = truths.begin(run.rows), groups = run.groups();
  const Buffer<int64_t> counts(2 * groups * total, 0);
  const auto count = GRAPHLAB_SELECT(rank_block<T>);
  run.run([&](int64_t group, int64_t, int64_t, const auto& blocks) {
    int64_t* above = counts.get() + group * total;
    blocks([&](const PairBlock& block, const T* panels) {
      count(run.task, block, panels, above, above + groups * total);
    });
  });
  parallel_ranges(run.rows, 256, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t t = truths.begin(i); t < truths.begin(i + 1); ++t) {
        greater[t] = 0;
        // A truth has counted itself, where its score is defined and the filter does not name it.
        equal[t] = own[t] == own[t] && !run.task.named.has(i, truths.column[t]) ? -1 : 0;
        for (int64_t group = 0; group < groups; ++group) {
          greater[t] += counts[group * total + t];
          equal[t] += counts[(groups + group) * total + t];
        }
      }
    }
  });
}

// Lists of the best columns, one for every row and group of columns.
template <typename T>
class BestLists {
 public:
  BestLists(int64_t rows, int64_t groups, int64_t size)
      : groups_(groups),
        size_(size),
        entries_(rows * groups * size),
        counts_(rows * groups, 0) {}

  // Calls work(lists) with empty lists of the rows [i, i_end), and keeps what it leaves in them.
  template <typename F>
  void fill(int64_t group, int64_t i, int64_t i_end, const F& work) const {
    const int64_t room = BestColumns<T>::room(size_);
    const Buffer<ScoredColumn<T>> entries((i_end - i) * room);
    std::vector<BestColumns<T>> lists;
    for (int64_t m = 0; m < i_end - i; ++m) lists.emplace_back(entries.get() + m * room, size_);
    work(lists.data());
    for (int64_t m = 0; m < i_end - i; ++m) {
      const int64_t at = (i + m) * groups_ + group;
      counts_[at] = lists[m].shrink();
      std::copy_n(entries.get() + m * room, counts_[at], entries_.get() + at * size_);
    }
  }

  // The best of all groups, in their order; the rest is -inf and -1.
  void write(int64_t rows, int64_t k, T* value, int64_t* index) const {
    parallel_ranges(rows, 64, [&](int64_t i, int64_t end) {
      std::vector<ScoredColumn<T>> all;
      for (; i < end; ++i) {
        all.clear();
        for (int64_t list = i * groups_; list < (i + 1) * groups_; ++list) {
          const ScoredColumn<T>* from = entries_.get() + list * size_;
          all.insert(all.end(), from, from + counts_[list]);
        }
        const auto found = std::min<int64_t>(k, static_cast<int64_t>(all.size()));
        std::partial_sort(all.begin(), all.begin() + found, all.end());
        for (int64_t m = 0; m < k; ++m) {
          value[i * k + m] = m < found ? all[m].score : static_cast<T>(-kInfinity);
          index[i * k + m] = m < found ? all[m].column : -1;
        }
      }
    });
  }

 private:
  const int64_t groups_, size_;
  const Buffer<ScoredColumn<T>> entries_;
  const Buffer<int64_t> counts_;
};

template <typename T>
void topk_of_few(
    const T* x, const T* y, int64_t rows, int64_t cols, int64_t dim, const NamedLists& named,
    int64_t k, T* value, int64_t* index) {
  const int64_t size = std::min(k, cols);
  // Lists of all groups together are a quarter of the columns at most.
  const int64_t group = group_size(cols, 1, 4 * size);
  const Buffer<T> panel = packed_cols(x, rows, dim);
  const RankTask<T> task{dim, panel.get(), named.view(), {}, nullptr};
  const BestLists<T> best(rows, divide_up(cols, group), size);
  const int64_t width = rows <= kSingleQueries ? 1 : 2 * lanes<T>();
  const auto offer = GRAPHLAB_SELECT(topk_few<T>);
  const auto offer_one = GRAPHLAB_SELECT(topk_one<T>);
  parallel_ranges(cols, group, [&](int64_t begin, int64_t end) {
    best.fill(begin / group, 0, rows, [&](BestColumns<T>* lists) {
      for_pieces(begin, end, kPairUnit, [&](int64_t j, int64_t j_end) {
        for (int64_t i = 0; i < rows; i += width) {
          if (width == 1) {
            offer_one(task, i, x + i * dim, y, j, j_end, lists[i]);
          } else {
            offer(task, i, std::min(width, rows - i), y, j, j_end, lists);
          }
        }
      });
    });
  });
  best.write(rows, k, value, index);
}

template <typename T>
void topk(
    const Tensor& x, const Tensor& y, int64_t k, Diagonal diagonal, const Filter& filter,
    T* value, int64_t* index) {
  const int64_t rows = x.size(0), cols = y.size(0), size = std::min(k, cols);
  const NamedLists named(filter, rows, [&](int64_t i) {
    return diagonal == Diagonal::exclude && i < cols ? i : int64_t{-1};
  });
  if (size == 0 || rows == 0) {
    std::fill_n(value, rows * k, static_cast<T>(-kInfinity));
    std::fill_n(index, rows * k, int64_t{-1});
    return;
  }
  if (rows <= kFewPanels * 2 * lanes<T>()) {
    topk_of_few(data<T>(x), data<T>(y), rows, cols, x.size(1), named, k, value, index);
    return;
  }
  const RankRun<T> run(x, y, named, 4 * size);
  const BestLists<T> best(rows, run.groups(), size);
  const auto offer = GRAPHLAB_SELECT(topk_block<T>);
  run.run([&](int64_t group, int64_t i, int64_t i_end, const auto& blocks) {
    best.fill(group, i, i_end, [&](BestColumns<T>* lists) {
      blocks([&](const PairBlock& block, const T* panels) {
        offer(run.task, block, panels, lists);
      });
    });
  });
  best.write(rows, k, value, index);
}

}  // namespace
}  // namespace graphlab::cpu

namespace graphlab {

std::tuple<Tensor, Tensor> pairwise_rank(
    const Tensor& x, const Tensor& y, const Tensor& truth, const OptionalTensor& truth_ptr,
    const OptionalTensor& filter_ptr, const OptionalTensor& filter) {
  const Tensor a = checked_matrix(x, "x");
  const Tensor b = checked_matrix(y, "y", a.scalar_type(), a.size(1));
  const int64_t rows = a.size(0), total = truth_ptr.has_value() ? truth.numel() : rows;
  const Tensor own = checked_index(truth, "truth", total, b.size(0));
  OptionalTensor ptr;
  if (truth_ptr.has_value()) ptr = checked_rowptr(*truth_ptr, rows, total, "truth_ptr");
  const cpu::Truths truths{
      ptr.has_value() ? data<int64_t>(ptr) : nullptr, data<int64_t>(own)};
  const cpu::Filter named(filter_ptr, filter, rows, b.size(0));
  Tensor greater = torch::stable::new_empty(a, {total}, ScalarType::Long);
  Tensor equal = torch::stable::new_empty(a, {total}, ScalarType::Long);
  dispatch_floating(a.scalar_type(), [&](auto type) {
    using T = decltype(type);
    cpu::rank<T>(
        a, b, truths, named, mutable_data<int64_t>(greater), mutable_data<int64_t>(equal));
  });
  return {greater, equal};
}

std::tuple<Tensor, Tensor> pairwise_topk(
    const Tensor& x, const Tensor& y, int64_t k, int64_t diagonal, const OptionalTensor& filter_ptr,
    const OptionalTensor& filter) {
  const Tensor a = checked_matrix(x, "x");
  const Tensor b = checked_matrix(y, "y", a.scalar_type(), a.size(1));
  const int64_t rows = a.size(0);
  STD_TORCH_CHECK(k >= 0, "k must not be negative, got ", k);
  STD_TORCH_CHECK(diagonal == 0 || diagonal == 1, "diagonal must be 0 or 1, got ", diagonal);
  const cpu::Filter named(filter_ptr, filter, rows, b.size(0));
  Tensor value = torch::stable::new_empty(a, {rows, k});
  Tensor index = torch::stable::new_empty(a, {rows, k}, ScalarType::Long);
  dispatch_floating(a.scalar_type(), [&](auto type) {
    using T = decltype(type);
    cpu::topk<T>(
        a, b, k, static_cast<Diagonal>(diagonal), named, mutable_data<T>(value),
        mutable_data<int64_t>(index));
  });
  return {value, index};
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) {
  m.impl("pairwise_rank", TORCH_BOX(&pairwise_rank));
  m.impl("pairwise_topk", TORCH_BOX(&pairwise_topk));
}

}  // namespace graphlab
