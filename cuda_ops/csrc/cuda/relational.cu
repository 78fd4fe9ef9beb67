// relational_propagate and its derivatives on CUDA.
//
// A warp takes a span of a row (segments.cuh) and 128 of its columns (batch times features), four a
// lane, 32 apart: rows of x, of shares and of results are read as coalesced lines, and every column is
// one sum in the order of the entries, in float64. The gradient of the table reads rows of D columns
// and adds the batch within an entry. Rows of more than 512 entries are cut into windows, which a
// second kernel adds in order, in float64, or whose extreme it takes; it also adds the boundary,
// divides means, and turns ties into shares.
//
// An index out of range gives NaN in the row.
#include "relational.h"

#include <type_traits>

#include "relational_message.h"
#include "segments.cuh"

namespace graphlab::cuda {
namespace {

constexpr int64_t kLongRow = 512;
constexpr int64_t kMostPanels = 65'535;

template <typename T>
struct MessageArgs {
  Rows rows;
  const int32_t* first;   // (E,): source, target or source, see relational.h
  const int32_t* second;  // (E,): type, type or target
  int64_t firsts, seconds;  // bounds of both
  const T* x;             // (sources, batch, dim)
  const T* table;         // (types, dim)
  const T* share;         // (targets, batch, dim)
  const T* out;
  int64_t batch, dim;
  int64_t width;          // columns of a result: batch * dim, for the table dim
  double* partial;        // (slots, width)
  T* result;              // (rows, width)
};

// Sums run in float64: in float32 a row of 512 entries is off by more than its last two bits. Extremes
// and counts are exact in T.
template <Pass pass, Reduction reduce, typename T>
using Sum = std::conditional_t<
    pass == Pass::ties || (pass == Pass::forward && (reduce == kMax || reduce == kMin)), T, double>;

template <typename A, Pass pass, Reduction reduce>
__device__ inline A beginning() {
  if constexpr (pass != Pass::forward) return A(0);
  return reduce == kMax ? -infinity<A>() : reduce == kMin ? infinity<A>() : A(0);
}

// Numbers stand for the choices, so that reports of the compiler can name a kernel. Three blocks leave
// 80 registers: for more, which it tries by itself, the compiler spills float64.
template <typename T, int P, int M, int R>
__global__ void __launch_bounds__(kThreads, 3) message_kernel(const MessageArgs<T> a) {
  constexpr Pass pass = static_cast<Pass>(P);
  constexpr Message message = static_cast<Message>(M);
  constexpr Reduction reduce = static_cast<Reduction>(R);
  using A = Sum<pass, reduce, T>;
  const int64_t whole = a.batch * a.dim, panels = ceil_div(a.width, int64_t{kWarp * kVec});
  for (int64_t panel = blockIdx.y; panel < panels; panel += gridDim.y) {
    int64_t column[kVec], feature[kVec];
#pragma unroll
    for (int v = 0; v < kVec; ++v) {
      column[v] = panel * kWarp * kVec + v * kWarp + lane_id();
      int64_t batch;
      divide(column[v], a.dim, batch, feature[v]);
    }
    for (int64_t index = warp_id(); index < a.rows.spans(); index += warp_count()) {
      const Span span = span_at(a.rows, index);
      if (!span.valid) continue;
      A sum[kVec];
#pragma unroll
      for (int v = 0; v < kVec; ++v) sum[v] = beginning<A, pass, reduce>();
      for (int64_t at = span.begin; at < span.end; ++at) {
        const int64_t first = a.first[at], second = a.second[at];
        if (first < 0 || first >= a.firsts || second < 0 || second >= a.seconds) {
#pragma unroll
          for (int v = 0; v < kVec; ++v) sum[v] = not_a_number<A>();
          continue;
        }
        const int64_t source = pass == Pass::source ? span.row : first;
        const int64_t type = pass == Pass::type ? span.row : second;
        const int64_t target = pass == Pass::source ? first : pass == Pass::type ? second : span.row;
        const T *x = a.x + source * whole, *t = a.table + type * a.dim;
        const T *share = a.share + target * whole, *out = a.out + target * whole;
#pragma unroll
        for (int v = 0; v < kVec; ++v) {
          if (column[v] >= a.width) continue;
          if constexpr (pass == Pass::type) {
            T part = T(0);
            for (int64_t place = column[v]; place < whole; place += a.dim) {
              add_message<pass, message, reduce>(x[place], t[column[v]], share, out, place, part);
            }
            sum[v] += static_cast<A>(part);
          } else {
            add_message<pass, message, reduce>(
                x[column[v]], t[feature[v]], share, out, column[v], sum[v]);
          }
        }
      }
#pragma unroll
      for (int v = 0; v < kVec; ++v) {
        if (column[v] >= a.width) continue;
        if (span.slot < 0) {
          a.result[span.row * a.width + column[v]] = static_cast<T>(sum[v]);
        } else {
          a.partial[span.slot * a.width + column[v]] = static_cast<double>(sum[v]);
        }
      }
    }
  }
}

// Adds the windows of long rows, the boundary, and divides; or takes their extreme.
template <typename T>
__global__ void __launch_bounds__(kThreads) finish_kernel(
    const Rows rows, const double* partial, int64_t width, const T* boundary, int64_t reduce,
    T* out) {
  const bool max = reduce == kMax, extreme = max || reduce == kMin;
  for (int64_t at = thread_id(); at < rows.rows * width; at += thread_count()) {
    int64_t row, column;
    divide(at, width, row, column);
    const double own = static_cast<double>(boundary[at]);
    double total = reduce == kSquareMean ? own * own : own;
    const auto take = [&](double value) {
      if (!extreme) {
        total += value;
      } else if (value != value || (max ? value > total : value < total)) {
        total = value;
      }
    };
    if (is_long(rows, row)) {
      const int64_t last = last_window(rows, row);
      for (int64_t w = first_window(rows, row); w <= last; ++w) {
        take(partial[slot_of(rows, row, w) * width + column]);
      }
    } else {
      take(static_cast<double>(out[at]));
    }
    const double count = static_cast<double>(row_border(rows, row + 1) - row_border(rows, row) + 1);
    out[at] = static_cast<T>(reduce == kMean || reduce == kSquareMean ? total / count : total);
  }
}

// Shares from the number of messages that tie, which stand in `share`.
template <typename T>
__global__ void __launch_bounds__(kThreads, 5) share_kernel(
    const T* grad, const T* out, const T* boundary, int64_t size, bool even, T* share, T* own) {
  for (int64_t at = thread_id(); at < size; at += thread_count()) {
    const T ties = share[at];
    const T self = boundary[at] == out[at] ? T(1) : T(0);
    const T parts = (even || !(ties > T(0)) ? ties : T(1)) + self;
    // A NaN among the ties, of an index out of range, must stay visible.
    const T each = parts == T(0) ? T(0) : grad[at] / parts;
    share[at] = each;
    own[at] = self > T(0) ? each : T(0);
  }
}

// --- host ----------------------------------------------------------------------------------------

template <typename T, Pass pass, Message message>
void launch_reduction(const Context& context, dim3 grid, int64_t reduce, const MessageArgs<T>& a) {
  const auto launch = [&](auto kind) {
    constexpr Reduction value = decltype(kind)::value;
    context.launch("relational", message_kernel<T, static_cast<int>(pass), message, value>, grid, kThreads, a);
  };
  if constexpr (pass == Pass::ties) {
    launch(std::integral_constant<Reduction, kMax>{});
  } else {
    if (reduce == kMax) return launch(std::integral_constant<Reduction, kMax>{});
    if (reduce == kMin) return launch(std::integral_constant<Reduction, kMin>{});
    if (reduce == kSquareMean) return launch(std::integral_constant<Reduction, kSquareMean>{});
    launch(std::integral_constant<Reduction, kSum>{});
  }
}

// The checked arguments that the operators share, for one order of the entries.
template <typename T>
struct MessageProblem {
  Context context;
  Input<T> x, table, share, out;
  Input<int64_t> pointers;
  Input<int32_t> first, second;
  Tensor partial;
  MessageArgs<T> args{};

  MessageProblem(
      const Tensor& x_, const Tensor& table_, const OptionalTensor& share_,
      const OptionalTensor& out_, const Tensor& pointers_, const Tensor& first_, int64_t firsts,
      const Tensor& second_, int64_t seconds, int64_t width)
      : context(x_), x(context, x_), table(context, table_), share(context, share_),
        out(context, out_), pointers(context, pointers_), first(context, first_),
        second(context, second_) {
    check_length(second_, first_.numel(), "the second index of the entries");
    args.rows = {pointers, pointers_.numel() - 1, first_.numel(), kLongRow};
    args.first = first;
    args.second = second;
    args.firsts = firsts;
    args.seconds = seconds;
    args.x = x;
    args.table = table;
    args.share = share;
    args.out = out;
    args.batch = x_.size(1);
    args.dim = x_.size(2);
    args.width = width;
    partial = scratch<double, 1>(x_, {args.rows.slots() * width});
    args.partial = output<double>(partial);
  }

  int64_t size() const { return args.rows.rows * args.width; }

  template <Pass pass>
  void run(int64_t message, int64_t reduce, T* result) {
    args.result = result;
    dim3 grid = blocks_for(args.rows.spans(), kWarpsPerBlock);
    const int64_t panels = ceil_div(args.width, int64_t{kWarp * kVec});
    grid.y = static_cast<unsigned>(std::min(panels, kMostPanels));
    if (message == kDistMult) {
      launch_reduction<T, pass, kDistMult>(context, grid, reduce, args);
    } else {
      launch_reduction<T, pass, kTransE>(context, grid, reduce, args);
    }
  }

  void add_long_rows() const {
    add_windows(context, args.rows, args.partial, args.width, args.result);
  }
};

void check_messages(const Tensor& x, const Tensor& table, int64_t message, int64_t reduce) {
  STD_TORCH_CHECK(x.dim() == 3, "graphlab: x must have 3 dimensions, got ", x.dim());
  check_matrix(table, "table");
  STD_TORCH_CHECK(table.size(1) == x.size(2), "graphlab: table must have ", x.size(2),
                  " columns, got ", table.size(1));
  STD_TORCH_CHECK(message == kDistMult || message == kTransE,
                  "graphlab: message must be 0 or 1, got ", message);
  STD_TORCH_CHECK(kSum <= reduce && reduce <= kSquareMean, "graphlab: reduce must be 0 to 4, got ",
                  reduce);
}

}  // namespace
}  // namespace graphlab::cuda

namespace graphlab {

using namespace cuda;

Tensor relational_propagate(
    const Tensor& x, const Tensor& table, const Tensor& boundary, const Tensor& rowptr,
    const Tensor& source, const Tensor& type, const OptionalTensor&, const OptionalTensor&,
    const OptionalTensor&, const OptionalTensor&, const OptionalTensor&, const OptionalTensor&,
    int64_t message, int64_t reduce, bool) {
  check_messages(x, table, message, reduce);
  const int64_t rows = rowptr.numel() - 1, width = x.size(1) * x.size(2);
  check_length(boundary, rows * width, "boundary");
  return by_dtype(x, [&](auto zero) {
    using T = decltype(zero);
    MessageProblem<T> p(x, table, std::nullopt, std::nullopt, rowptr, source, x.size(0), type,
                        table.size(0), width);
    const Input<T> start(p.context, boundary);
    Tensor out = scratch<T, 3>(x, {rows, x.size(1), x.size(2)});
    p.template run<Pass::forward>(message, reduce, output<T>(out));
    p.context.launch("relational_finish", finish_kernel<T>, blocks_for(p.size(), kThreads), kThreads,
                     p.args.rows, p.args.partial, width, start, reduce, output<T>(out));
    return out;
  });
}

std::tuple<Tensor, Tensor> relational_shares(
    const Tensor& grad, const Tensor& out, const Tensor& x, const Tensor& table,
    const Tensor& boundary, const Tensor& rowptr, const Tensor& source, const Tensor& type,
    int64_t message, bool even) {
  check_messages(x, table, message, kMax);
  const int64_t rows = rowptr.numel() - 1, width = x.size(1) * x.size(2);
  check_length(grad, rows * width, "grad");
  check_length(out, rows * width, "out");
  check_length(boundary, rows * width, "boundary");
  return by_dtype(x, [&](auto zero) {
    using T = decltype(zero);
    MessageProblem<T> p(x, table, std::nullopt, out, rowptr, source, x.size(0), type, table.size(0),
                        width);
    const Input<T> start(p.context, boundary), incoming(p.context, grad);
    Tensor share = scratch<T, 3>(x, {rows, x.size(1), x.size(2)});
    Tensor own = scratch<T, 3>(x, {rows, x.size(1), x.size(2)});
    p.template run<Pass::ties>(message, kMax, output<T>(share));
    p.add_long_rows();
    p.context.launch("relational_shares", share_kernel<T>, blocks_for(p.size(), kThreads), kThreads,
                     incoming, p.out, start, p.size(), even, output<T>(share), output<T>(own));
    return std::make_tuple(share, own);
  });
}

Tensor relational_source_grad(
    const Tensor& share, const Tensor& out, const Tensor& x, const Tensor& table,
    const Tensor& rowptr_t, const Tensor& target_t, const Tensor& type_t, int64_t message,
    int64_t reduce) {
  check_messages(x, table, message, reduce);
  const int64_t targets = share.size(0), width = x.size(1) * x.size(2);
  check_length(share, targets * width, "share");
  check_length(out, targets * width, "out");
  check_length(rowptr_t, x.size(0) + 1, "rowptr_t");
  return by_dtype(x, [&](auto zero) {
    using T = decltype(zero);
    MessageProblem<T> p(x, table, share, out, rowptr_t, target_t, targets, type_t, table.size(0),
                        width);
    Tensor grad = scratch<T, 3>(x, {x.size(0), x.size(1), x.size(2)});
    p.template run<Pass::source>(message, reduce, output<T>(grad));
    p.add_long_rows();
    return grad;
  });
}

Tensor relational_table_grad(
    const Tensor& share, const Tensor& out, const Tensor& x, const Tensor& table,
    const Tensor& typeptr, const Tensor& type_source, const Tensor& type_target, int64_t message,
    int64_t reduce) {
  check_messages(x, table, message, reduce);
  const int64_t targets = share.size(0);
  check_length(share, targets * x.size(1) * x.size(2), "share");
  check_length(out, targets * x.size(1) * x.size(2), "out");
  check_length(typeptr, table.size(0) + 1, "typeptr");
  return by_dtype(x, [&](auto zero) {
    using T = decltype(zero);
    MessageProblem<T> p(x, table, share, out, typeptr, type_source, x.size(0), type_target, targets,
                        x.size(2));
    Tensor grad = scratch<T, 2>(x, {table.size(0), x.size(2)});
    p.template run<Pass::type>(message, reduce, output<T>(grad));
    p.add_long_rows();
    return grad;
  });
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CUDA, m) {
  m.impl("relational_propagate", TORCH_BOX(&relational_propagate));
  m.impl("relational_shares", TORCH_BOX(&relational_shares));
  m.impl("relational_source_grad", TORCH_BOX(&relational_source_grad));
  m.impl("relational_table_grad", TORCH_BOX(&relational_table_grad));
}

}  // namespace graphlab
