// propagate, propagate_dot, propagate_merge and propagate_squares on CUDA.
//
// A warp takes a span of a row (segments.cuh) and up to 128 of its columns, and reads the rows of its
// neighbours in batches (gather.cuh); every column is one sum in the order of the entries, whatever
// the other columns. Rows longer than 512 entries are cut into windows that a second kernel adds in
// order, in float64.
//
// What becomes of finished rows (norms, squares, dot products, the weighted sum) is a second pass
// over them with one warp per row: it reads N D values where the first pass gathers E D. The states
// of two orders alternate between two buffers; float32 and float64 sums are the state, bfloat16 ones
// pass through a float32 buffer.
//
// A column out of range gives NaN in the row.
#include "propagate.h"

#include <vector>

#include "bfloat16.h"
#include "gather.cuh"

namespace graphlab::cuda {
namespace {

constexpr int64_t kLongRow = 512;

// --- sums ----------------------------------------------------------------------------------------

template <typename S>
struct SumArgs {
  using T = Wide<S>;
  Rows rows;
  const S* h;            // (columns, dim)
  int64_t columns;       // rows of h
  int64_t dim;
  const int32_t* col;    // (E,)
  const T* weight;       // (E,) or null: ones
  const T* row_scale;    // (rows,) or null: ones
  double* partial;       // (slots, dim)
  T* out;                // (rows, dim)
};

// Entries whose rows are loaded together: 16 registers of a lane, in loads of 16 bytes where the
// columns allow it.
template <typename S, int N, int W>
constexpr int kBatch = std::clamp<int>(64 / (N * W * static_cast<int>(sizeof(Wide<S>))), 2, 8);

template <typename S, int N, int W>
struct SumPiece {
  Pack<S, W> values[N];
  Wide<S> weight;
};

template <typename S, int N, int W>
__global__ void __launch_bounds__(kThreads, 3)
    row_sum_kernel(const SumArgs<S> a, const Columns<N, W> columns) {
  using T = Wide<S>;
  for (int64_t index = warp_id(); index < a.rows.spans(); index += warp_count()) {
    const Span span = span_at(a.rows, index);
    if (!span.valid) continue;
    T sum[N * W] = {};
    const auto load = [&](int64_t at, int64_t j) {
      SumPiece<S, N, W> piece;
      columns.load(a.h + j * a.dim, piece.values);
      piece.weight = a.weight ? a.weight[at] : T(1);
      return piece;
    };
    const auto add = [&](int64_t, bool inside, const SumPiece<S, N, W>& piece) {
#pragma unroll
      for (int c = 0; c < N * W; ++c) {
        const T value = inside ? widen(piece.values[c / W].x[c % W]) : not_a_number<T>();
        sum[c] += piece.weight * value;
      }
    };
    for_each_gathered<kBatch<S, N, W>>(a.col, a.columns, span, load, add);
    if (span.slot < 0 && a.row_scale) {
      const T scale = a.row_scale[span.row];
#pragma unroll
      for (int c = 0; c < N * W; ++c) sum[c] *= scale;
    }
    write_sums(columns, span, sum, a.partial, a.out);
  }
}

// Scales the long rows, whose windows add_windows has added.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    scale_long_kernel(const Rows rows, const T* row_scale, int64_t dim, T* out) {
  for (int64_t at = thread_id(); at < rows.rows * dim; at += thread_count()) {
    int64_t row, column;
    divide(at, dim, row, column);
    if (is_long(rows, row)) out[at] *= row_scale[row];
  }
}

__global__ void __launch_bounds__(kThreads) narrow_kernel(const float* x, int64_t size, BFloat16* out) {
  for (int64_t at = thread_id(); at < size; at += thread_count()) narrow(x[at], out[at]);
}

// --- finished rows -------------------------------------------------------------------------------

template <typename S>
struct SinkArgs {
  using T = Wide<S>;
  const T* x;             // (rows, dim); null: `stored`
  const S* stored;        // (rows, dim)
  int64_t rows, dim, blocks;
  const S* other;         // (rows, dim): factors of `dot`
  T* dot;                 // (rows,)
  double* squares;        // (rows, blocks)
  T* merged;              // (rows, dim)
  const double* norms;    // (rows,): squared norms; null: the row's own
  double coefficient;
  bool normalize, first;
};

template <typename S>
__device__ inline Wide<S> value_at(const SinkArgs<S>& a, int64_t at) {
  return a.x ? a.x[at] : widen(a.stored[at]);
}

// Sum over blocks of 16 columns of x * (other or x), block after block; every lane gets it. A lane
// holds one column: half a warp adds a block up, halves onto halves.
template <typename S>
__device__ inline double row_products(const SinkArgs<S>& a, int64_t row, const S* other) {
  static_assert(kSquareBlock == kWarp / 2);
  double total = 0.0;
  for (int64_t base = 0; base < a.dim; base += kWarp) {
    const int64_t column = base + lane_id();
    double part = 0.0;
    if (column < a.dim) {
      const double x = static_cast<double>(value_at(a, row * a.dim + column));
      part = other ? x * static_cast<double>(widen(other[row * a.dim + column])) : x * x;
    }
    part = group_sum<kSquareBlock>(part);
    const int64_t block = column / kSquareBlock;
    if (a.squares && lane_id() % kSquareBlock == 0 && block < a.blocks) {
      a.squares[row * a.blocks + block] = part;
    }
    total += __shfl_sync(kAllLanes, part, 0);
    // A block beyond the row is no addition.
    const double second = __shfl_sync(kAllLanes, part, kSquareBlock);
    if (base + kSquareBlock < a.dim) total += second;
  }
  return total;
}

template <typename S>
__global__ void __launch_bounds__(kThreads, 5) sink_kernel(const SinkArgs<S> a) {
  using T = Wide<S>;
  for (int64_t row = warp_id(); row < a.rows; row += warp_count()) {
    if (a.dot) {
      const double sum = row_products(a, row, a.other);
      if (lane_id() == 0) a.dot[row] = static_cast<T>(sum);
      continue;
    }
    double square = 0.0;
    if (a.squares || (a.normalize && !a.norms)) square = row_products<S>(a, row, nullptr);
    if (!a.merged) continue;
    double scale = a.coefficient;
    if (a.normalize) {
      if (a.norms) square = a.norms[row];
      // A NaN is no norm of a zero row: it must stay visible.
      scale = square == 0.0 ? 0.0 : scale / sqrt(square);
    }
    const T factor = static_cast<T>(scale);
    for (int64_t c = lane_id(); c < a.dim; c += kWarp) {
      const int64_t at = row * a.dim + c;
      const T before = a.first ? T(0) : a.merged[at];
      a.merged[at] = before + factor * value_at(a, at);
    }
  }
}

// --- host ----------------------------------------------------------------------------------------

template <typename S>
const S* raw(const Tensor& tensor) {
  return static_cast<const S*>(tensor.const_data_ptr());
}

template <typename S>
constexpr bool kStoredWide = std::is_same_v<S, Wide<S>>;

// Calls f(S{}) with the storage type of a tensor.
template <typename F>
Tensor by_storage(const Tensor& tensor, F&& f) {
  if (tensor.scalar_type() == torch::headeronly::ScalarType::BFloat16) return f(BFloat16{});
  return by_dtype(tensor, f);
}

template <typename S>
struct Problem {
  using T = Wide<S>;
  Context context;
  Tensor h;
  Input<int64_t> rowptr;
  Input<int32_t> col;
  Input<T> weight, row_scale;
  Tensor partial, wide;  // windows of long rows; sums that are not the state
  SumArgs<S> args{};

  Problem(const Tensor& h_in, const Tensor& rowptr_in, const Tensor& col_in,
          const OptionalTensor& weight_in, const OptionalTensor& scale_in)
      : context(h_in), h(torch::stable::contiguous(h_in)), rowptr(context, rowptr_in),
        col(context, col_in), weight(context, weight_in), row_scale(context, scale_in) {
    const int64_t rows = rowptr_in.numel() - 1, entries = col_in.numel();
    args.rows = {rowptr, rows, entries, kLongRow};
    args.columns = h_in.size(0);
    args.dim = h_in.size(1);
    args.col = col;
    args.weight = weight;
    args.row_scale = row_scale;
    partial = scratch<double, 1>(h, {args.rows.slots() * args.dim});
    args.partial = output<double>(partial);
    wide = scratch<T, 1>(h, {kStoredWide<S> ? 0 : size()});
  }

  int64_t size() const { return args.rows.rows * args.dim; }

  // Sums of the rows of `state`; returns where they are: in `next`, or in `wide` and rounded there.
  const T* step(const S* state, S* next) {
    SumArgs<S> a = args;
    a.h = state;
    if constexpr (kStoredWide<S>) {
      a.out = next;
    } else {
      a.out = output<T>(wide);
    }
    by_columns<S>(a.dim, {a.h}, [&](auto columns) {
      constexpr int N = decltype(columns)::N, W = decltype(columns)::W;
      context.launch("propagate", row_sum_kernel<S, N, W>, span_grid(a.rows, columns), kThreads, a,
                     columns);
    });
    if (a.rows.windows() > 0) {
      add_windows(context, a.rows, a.partial, a.dim, a.out);
      if (a.row_scale) {
        context.launch("propagate_scale", scale_long_kernel<T>, blocks_for(size(), kThreads),
                       kThreads, a.rows, a.row_scale, a.dim, a.out);
      }
    }
    if constexpr (!kStoredWide<S>) {
      if (next != nullptr) {
        context.launch("propagate_narrow", narrow_kernel, blocks_for(size(), kThreads), kThreads,
                       a.out, size(), next);
      }
    }
    return a.out;
  }

  void sink(SinkArgs<S> a) const {
    a.rows = args.rows.rows;
    a.dim = args.dim;
    a.blocks = ceil_div(a.dim, kSquareBlock);
    context.launch("propagate_sink", sink_kernel<S>, blocks_for(a.rows, kWarpsPerBlock), kThreads, a);
  }

  // Runs use(k, sinks) and the sinks for every order whose coefficient is not zero.
  template <typename F>
  void for_orders(const std::vector<double>& coefficients, const F& use) {
    STD_TORCH_CHECK(args.rows.rows == args.columns, "graphlab: start must have ", args.rows.rows,
                    " rows, got ", args.columns);
    int64_t last = static_cast<int64_t>(coefficients.size()) - 1;
    while (last >= 0 && coefficients[last] == 0) --last;
    // Wide sums need a place even where no later order reads them.
    const int64_t kept = kStoredWide<S> ? last : last - 1;
    const Tensor buffers[2] = {torch::stable::new_empty(h, {kept > 0 ? size() : 0}),
                               torch::stable::new_empty(h, {kept > 1 ? size() : 0})};
    const S* state = raw<S>(h);
    for (int64_t k = 0; k <= last; ++k) {
      const T* sums = nullptr;
      if (k > 0) {
        S* next = k <= kept ? static_cast<S*>(buffers[(k - 1) % 2].mutable_data_ptr()) : nullptr;
        sums = step(state, next);
        state = next;
      }
      if (coefficients[k] == 0) continue;
      SinkArgs<S> sinks{};
      sinks.x = sums;
      sinks.stored = state;
      use(k, sinks);
      sink(sinks);
    }
  }
};

}  // namespace
}  // namespace graphlab::cuda

namespace graphlab {

using namespace cuda;

Tensor propagate(const Tensor& h, const Tensor& rowptr, const Tensor& col,
                 const OptionalTensor& weight, const OptionalTensor& row_scale) {
  check_matrix(h, "h");
  check_length(weight, col.numel(), "weight");
  check_length(row_scale, rowptr.numel() - 1, "row_scale");
  return by_storage(h, [&](auto zero) {
    using S = decltype(zero);
    Problem<S> p(h, rowptr, col, weight, row_scale);
    Tensor out = torch::stable::new_empty(h, {rowptr.numel() - 1, h.size(1)});
    p.step(raw<S>(p.h), static_cast<S*>(out.mutable_data_ptr()));
    return out;
  });
}

Tensor propagate_dot(const Tensor& h, const Tensor& other, const Tensor& rowptr, const Tensor& col,
                     const OptionalTensor& weight, const OptionalTensor& row_scale) {
  check_matrix(h, "h");
  check_length(weight, col.numel(), "weight");
  check_length(row_scale, rowptr.numel() - 1, "row_scale");
  check_length(other, (rowptr.numel() - 1) * h.size(1), "other");
  return by_storage(h, [&](auto zero) {
    using S = decltype(zero);
    Problem<S> p(h, rowptr, col, weight, row_scale);
    p.context.check_device(other);
    const Tensor factors = torch::stable::contiguous(other);
    const Tensor kept = torch::stable::new_empty(h, {kStoredWide<S> ? p.size() : 0});
    Tensor out = scratch<Wide<S>, 1>(h, {rowptr.numel() - 1});
    SinkArgs<S> sinks{};
    sinks.x = p.step(raw<S>(p.h),
                     kStoredWide<S> ? static_cast<S*>(kept.mutable_data_ptr()) : nullptr);
    sinks.other = raw<S>(factors);
    sinks.dot = output<Wide<S>>(out);
    p.sink(sinks);
    return out;
  });
}

Tensor propagate_merge(const Tensor& start, const Tensor& rowptr, const Tensor& col,
                       const OptionalTensor& weight, const OptionalTensor& row_scale,
                       const std::vector<double>& coefficients, bool normalize,
                       const OptionalTensor& squares) {
  check_matrix(start, "start");
  check_length(weight, col.numel(), "weight");
  check_length(row_scale, rowptr.numel() - 1, "row_scale");
  int64_t used = 0;
  for (const double c : coefficients) used += c != 0;
  check_length(squares, used * start.size(0), "squares");
  return by_storage(start, [&](auto zero) {
    using S = decltype(zero);
    using T = Wide<S>;
    Problem<S> p(start, rowptr, col, weight, row_scale);
    const Input<double> norms(p.context, squares);
    const double* given = norms;
    Tensor out = torch::stable::new_zeros(start, {start.size(0), start.size(1)}, scalar_type<T>());
    int64_t seen = 0;
    p.for_orders(coefficients, [&](int64_t k, SinkArgs<S>& sinks) {
      sinks.merged = output<T>(out);
      sinks.coefficient = coefficients[k];
      sinks.normalize = normalize;
      sinks.norms = given ? given + seen * start.size(0) : nullptr;
      sinks.first = seen++ == 0;
    });
    return out;
  });
}

Tensor propagate_squares(const Tensor& start, const Tensor& rowptr, const Tensor& col,
                         const OptionalTensor& weight, const OptionalTensor& row_scale,
                         const std::vector<double>& coefficients) {
  check_matrix(start, "start");
  check_length(weight, col.numel(), "weight");
  check_length(row_scale, rowptr.numel() - 1, "row_scale");
  int64_t used = 0;
  for (const double c : coefficients) used += c != 0;
  return by_storage(start, [&](auto zero) {
    using S = decltype(zero);
    Problem<S> p(start, rowptr, col, weight, row_scale);
    const int64_t rows = start.size(0), blocks = ceil_div(start.size(1), kSquareBlock);
    Tensor out = scratch<double, 3>(start, {used, rows, blocks});
    int64_t seen = 0;
    p.for_orders(coefficients, [&](int64_t, SinkArgs<S>& sinks) {
      sinks.squares = output<double>(out) + seen++ * rows * blocks;
    });
    return out;
  });
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CUDA, m) {
  m.impl("propagate", TORCH_BOX(&propagate));
  m.impl("propagate_dot", TORCH_BOX(&propagate_dot));
  m.impl("propagate_merge", TORCH_BOX(&propagate_merge));
  m.impl("propagate_squares", TORCH_BOX(&propagate_squares));
}

}  // namespace graphlab
