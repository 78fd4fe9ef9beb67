#include "propagate.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "bfloat16.h"
#include "cpu/checks.h"
#include "cpu/parallel.h"

namespace graphlab::cpu {
namespace {

template <typename T>
struct SparseRows {
  const int64_t* rowptr;
  const int32_t* col;
  const T* weight;     // (entries), or null: ones
  const T* row_scale;  // (rows), or null: ones
  int64_t rows, entries;
};

// What becomes of a finished row; null: nothing.
template <typename S>
struct RowSinks {
  using T = Wide<S>;
  S* out = nullptr;             // (rows, dim)
  const S* other = nullptr;     // (rows, dim): factors of `dot`
  T* dot = nullptr;             // (rows)
  double* squares = nullptr;    // (rows, blocks)
  T* merged = nullptr;          // (rows, dim)
  const double* norms = nullptr;  // (rows): squared norms to divide by; null: the row's own
  double coefficient = 0;
  bool normalize = false, first = false;  // first: nothing is merged yet
};

// What is summed: the rows of a matrix.
template <typename S>
struct DenseRows {
  const S* rows;  // (columns of A, dim)
};

// The same, of which few entries are not zero.
template <typename S>
struct NonZeros {
  const int64_t* rowptr;  // (columns of A + 1)
  const int32_t* place;   // of the entry in its row
  const Wide<S>* value;
};

constexpr int64_t kLongRow = 8192;  // entries; longer rows are cut into pieces of as many
constexpr int64_t kRowsPerTask = 256;
constexpr int64_t kSparseShare = 16;  // at most one entry of so many is not zero: lists pay
constexpr int64_t kAhead = 16;       // entries between the prefetch of a row and its use

}  // namespace
}  // namespace graphlab::cpu

#define GRAPHLAB_LOOPS "cpu/propagate_loops.h"
#include "cpu/for_each_isa.h"

namespace graphlab::cpu {
namespace {

// Entries plus rows of a task: little work, so that no thread waits long for one that another program
// has kept from its core. Bits do not depend on it.
int64_t task_cost(int64_t dim) {
  constexpr int64_t kWork = int64_t{1} << 17;
  return std::clamp<int64_t>(kWork / std::max<int64_t>(dim, 1), 256, kLongRow);
}

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
    first.push_back(first.back() + divide_up(graph.rowptr[row + 1] - graph.rowptr[row], kLongRow));
  }
  const Buffer<T> parts(first.back() * dim);
  const auto gather = GRAPHLAB_SELECT(gather_rows<S, Rows>);
  const auto finish = GRAPHLAB_SELECT(finish_row<S>);
  parallel_tasks(first.back(), [&](int64_t piece) {
    const int64_t at = std::upper_bound(first.begin(), first.end(), piece) - first.begin() - 1;
    const int64_t begin = graph.rowptr[rows[at]] + (piece - first[at]) * kLongRow;
    const int64_t end = std::min(begin + kLongRow, graph.rowptr[rows[at] + 1]);
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
  const int64_t cost = task_cost(dim), tasks = divide_up(graph.entries + graph.rows, cost);
  std::vector<int64_t> late(tasks, -1);  // a long row ends its task
  const auto range = GRAPHLAB_SELECT(propagate_range<S, Rows>);
  parallel_tasks(tasks, [&](int64_t task) {
    const int64_t begin = row_at_cost(graph.rowptr, graph.rows, task * cost);
    const int64_t end = row_at_cost(graph.rowptr, graph.rows, (task + 1) * cost);
    const Buffer<Wide<S>> sum(dim);
    late[task] = range(graph, h, dim, sinks, begin, end, kLongRow, sum.get());
  });
  late.erase(std::remove(late.begin(), late.end(), -1), late.end());
  if (!late.empty()) propagate_long_rows(graph, h, dim, sinks, late);
}

// Every row of row_scale o (A h) into the sinks.
template <typename S>
void propagate_rows(
    const SparseRows<Wide<S>>& graph, const S* h, int64_t dim, const RowSinks<S>& sinks) {
  propagate_from(graph, DenseRows<S>{h}, dim, sinks);
}

// The same with the same bits for finite weights, faster where most entries of h are zero.
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

// Every row of h itself into the sinks.
template <typename S>
void sink_rows(const S* h, int64_t rows, int64_t dim, const RowSinks<S>& sinks) {
  const auto range = GRAPHLAB_SELECT(sink_range<S>);
  parallel_ranges(rows, kRowsPerTask, [&](int64_t begin, int64_t end) {
    const Buffer<Wide<S>> row(dim);
    range(h, dim, sinks, begin, end, row.get());
  });
}

}  // namespace
}  // namespace graphlab::cpu

namespace graphlab {
namespace {

// The contiguous, checked arguments that the operators share. A is (nodes, h.size(0)).
struct Arguments {
  Tensor h, rowptr, col;
  OptionalTensor weight, row_scale;
  int64_t rows, dim;

  Arguments(
      const Tensor& h_, const Tensor& rowptr_, const Tensor& col_, const OptionalTensor& weight_,
      const OptionalTensor& row_scale_)
      : h(checked_storage(h_)),
        rowptr(checked_rowptr(rowptr_, count_rows(rowptr_), col_.numel())),
        col(checked_columns(col_, "col", col_.numel(), h_.size(0))),
        weight(checked_vector(weight_, "weight", wide(), col_.numel())),
        row_scale(checked_vector(row_scale_, "row_scale", wide(), count_rows(rowptr_))),
        rows(count_rows(rowptr_)),
        dim(h_.size(1)) {}

  ScalarType wide() const {
    return h.scalar_type() == ScalarType::BFloat16 ? ScalarType::Float : h.scalar_type();
  }

  template <typename T>
  cpu::SparseRows<T> graph() const {
    return {data<int64_t>(rowptr), data<int32_t>(col), data<T>(weight), data<T>(row_scale),
            rows, col.numel()};
  }

  Tensor empty(std::initializer_list<int64_t> size, ScalarType dtype) const {
    Tensor out = torch::stable::new_empty(h, {size.begin(), size.size()}, dtype);
    cpu::prefer_huge_pages(out.mutable_data_ptr(), out.numel() * out.element_size());
    return out;
  }

  void check_square() const {
    STD_TORCH_CHECK(
        rows == h.size(0), "start must have one row per row of the graph: ", rows, ", got ",
        h.size(0));
  }

 private:
  static Tensor checked_storage(const Tensor& h) {
    check_dim(h, "h", 2);
    const ScalarType dtype = h.scalar_type();
    STD_TORCH_CHECK(
        dtype == ScalarType::Float || dtype == ScalarType::Double || dtype == ScalarType::BFloat16,
        "h must be float32, float64 or bfloat16, got ", torch::headeronly::toString(dtype));
    return torch::stable::contiguous(h);
  }
};

// Calls body(S{}) with the storage type.
template <typename F>
void dispatch_storage(ScalarType dtype, const F& body) {
  if (dtype == ScalarType::BFloat16) {
    body(BFloat16{});
  } else {
    dispatch_floating(dtype, body);
  }
}

// Runs use(k, sinks) for the orders 0 .. last whose coefficient is not zero, where `use` completes
// the sinks; other orders are only propagated.
template <typename S, typename F>
void for_orders(const Arguments& args, const std::vector<double>& coefficients, const F& use) {
  int64_t last = static_cast<int64_t>(coefficients.size()) - 1;
  while (last >= 0 && coefficients[last] == 0) --last;
  const int64_t size = args.rows * args.dim;
  const auto graph = args.graph<Wide<S>>();
  // The state of the last order is not stored: one order needs no buffer, two need one.
  cpu::Buffer<S> buffers[2] = {cpu::Buffer<S>(last > 1 ? size : 0),
                               cpu::Buffer<S>(last > 2 ? size : 0)};
  const S* state = data<S>(args.h);
  for (int64_t k = 0; k <= last; ++k) {
    cpu::RowSinks<S> sinks;
    if (coefficients[k] != 0) use(k, sinks);
    if (k == 0) {
      if (coefficients[0] != 0) cpu::sink_rows(state, args.rows, args.dim, sinks);
      continue;
    }
    S* next = k < last ? buffers[k % 2 == 1 ? 0 : 1].get() : nullptr;
    sinks.out = next;
    if (k == 1) {
      cpu::propagate_start(graph, state, args.h.size(0), args.dim, sinks);
    } else {
      cpu::propagate_rows(graph, state, args.dim, sinks);
    }
    state = next;
  }
}

}  // namespace

Tensor propagate(
    const Tensor& h, const Tensor& rowptr, const Tensor& col, const OptionalTensor& weight,
    const OptionalTensor& row_scale) {
  const Arguments args(h, rowptr, col, weight, row_scale);
  Tensor out = args.empty({args.rows, args.dim}, h.scalar_type());
  dispatch_storage(h.scalar_type(), [&](auto type) {
    using S = decltype(type);
    cpu::RowSinks<S> sinks;
    sinks.out = mutable_data<S>(out);
    cpu::propagate_rows(args.graph<Wide<S>>(), data<S>(args.h), args.dim, sinks);
  });
  return out;
}

Tensor propagate_dot(
    const Tensor& h, const Tensor& other, const Tensor& rowptr, const Tensor& col,
    const OptionalTensor& weight, const OptionalTensor& row_scale) {
  const Arguments args(h, rowptr, col, weight, row_scale);
  const Tensor factors = checked_matrix(other, "other", h.scalar_type(), args.dim);
  check_size(other, "other", 0, args.rows);
  Tensor out = args.empty({args.rows}, args.wide());
  dispatch_storage(h.scalar_type(), [&](auto type) {
    using S = decltype(type);
    cpu::RowSinks<S> sinks;
    sinks.other = data<S>(factors);
    sinks.dot = mutable_data<Wide<S>>(out);
    cpu::propagate_rows(args.graph<Wide<S>>(), data<S>(args.h), args.dim, sinks);
  });
  return out;
}

Tensor propagate_merge(
    const Tensor& start, const Tensor& rowptr, const Tensor& col, const OptionalTensor& weight,
    const OptionalTensor& row_scale, const std::vector<double>& coefficients, bool normalize,
    const OptionalTensor& squares) {
  const Arguments args(start, rowptr, col, weight, row_scale);
  args.check_square();
  OptionalTensor norms;
  int64_t used = 0;
  for (const double c : coefficients) used += c != 0;
  if (squares.has_value()) {
    norms = checked_matrix(*squares, "squares", ScalarType::Double, args.rows);
    check_size(*squares, "squares", 0, used);
  }
  Tensor out = used == 0 ? torch::stable::new_zeros(args.h, {args.rows, args.dim}, args.wide())
                         : args.empty({args.rows, args.dim}, args.wide());
  dispatch_storage(start.scalar_type(), [&](auto type) {
    using S = decltype(type);
    int64_t seen = 0;
    for_orders<S>(args, coefficients, [&](int64_t k, cpu::RowSinks<S>& sinks) {
      sinks.merged = mutable_data<Wide<S>>(out);
      sinks.coefficient = coefficients[k];
      sinks.normalize = normalize;
      sinks.first = seen == 0;
      if (norms.has_value()) sinks.norms = data<double>(norms) + seen * args.rows;
      ++seen;
    });
  });
  return out;
}

Tensor propagate_squares(
    const Tensor& start, const Tensor& rowptr, const Tensor& col, const OptionalTensor& weight,
    const OptionalTensor& row_scale, const std::vector<double>& coefficients) {
  const Arguments args(start, rowptr, col, weight, row_scale);
  args.check_square();
  int64_t used = 0;
  for (const double c : coefficients) used += c != 0;
  const int64_t blocks = cpu::divide_up(args.dim, kSquareBlock);
  Tensor out = args.empty({used, args.rows, blocks}, ScalarType::Double);
  dispatch_storage(start.scalar_type(), [&](auto type) {
    using S = decltype(type);
    int64_t seen = 0;
    for_orders<S>(args, coefficients, [&](int64_t, cpu::RowSinks<S>& sinks) {
      sinks.squares = mutable_data<double>(out) + seen++ * args.rows * blocks;
    });
  });
  return out;
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) {
  m.impl("propagate", TORCH_BOX(&propagate));
  m.impl("propagate_dot", TORCH_BOX(&propagate_dot));
  m.impl("propagate_merge", TORCH_BOX(&propagate_merge));
  m.impl("propagate_squares", TORCH_BOX(&propagate_squares));
}

}  // namespace graphlab
