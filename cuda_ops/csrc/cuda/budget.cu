// budget_minimum and its backward on CUDA; see csrc/interval.h.
//
// The minimum runs over the number of missing entries, largest first: the sums need the largest
// droppable entries of a row in order, one column at a time, up to the row's budget.
//   * Short rows with small budgets: a thread per row and column keeps its largest entries in
//     registers while it walks over the row once, columns next to each other.
//   * All others: a block per row and column takes the largest entries round by round (select.cuh),
//     sorts a round in shared memory and adds it up. Which rows these are is counted on the device,
//     so that nothing waits for the host; their order in the list does not matter to any value.
//
// Sums are float64. A column out of range gives NaN.
#include "interval.h"

#include "gather.cuh"
#include "pattern.cuh"
#include "select.cuh"

namespace graphlab::cuda {
namespace {

// A thread keeps this many entries, of rows of at most kWalked entries.
constexpr int kKept = 8;
constexpr int64_t kWalked = 512;

template <typename T>
struct Rules {
  const int8_t* kind;     // (entries,): 0 kept, 1 droppable, 2 own
  const T* positive;      // (columns,)
  const T* negative;      // (columns,)
  const T* size;          // (rows,)
  double power;
};

template <typename T>
struct BudgetArgs {
  Rows rows;
  const int32_t* col;
  int64_t columns, dim;
  Rules<T> rules;
  const int64_t* budget;  // (rows,)
  const T* value;         // (columns, dim)
  int64_t* number;        // of the rows that blocks take, counted on the device
  int64_t* selected;      // (rows,): which, in any order
  T* out;                 // (rows, dim)
  T* choice;              // (3, rows, dim)
};

__device__ inline double normaliser(double size, double count, double power) {
  const double left = size - count > 1.0 ? size - count : 1.0;
  if (power == 0.5) return 1.0 / sqrt(left);
  if (power == 1.0) return 1.0 / left;
  return power == 0.0 ? 1.0 : pow(left, -power);
}

template <typename T>
__device__ inline T scaled(const Rules<T>& rules, int64_t j, T value) {
  return value * (value >= 0 ? rules.positive[j] : rules.negative[j]);
}

// What an entry brings to one column.
template <typename T>
struct Share {
  T value;          // e, of an entry of kind 0 or 1
  double own;       // of an entry of kind 2
  bool droppable;
};

template <typename T>
__device__ inline Share<T> share_of(const BudgetArgs<T>& a, int64_t at, int64_t d) {
  const int64_t j = a.col[at];
  if (j < 0 || j >= a.columns) return {not_a_number<T>(), 0.0, false};
  const T value = a.value[j * a.dim + d];
  const int8_t kind = a.rules.kind[at];
  if (kind == 2) return {T(0), static_cast<double>(value), false};
  return {scaled(a.rules, j, value), 0.0, kind == 1};
}

// The sum of a row with `count` entries missing, of which `left` is what they leave.
template <typename T>
__device__ inline double sum_with(const Rules<T>& rules, int64_t row, double count, double left,
                                  double own) {
  const double size = static_cast<double>(rules.size[row]);
  return normaliser(size, count, rules.power) * left + normaliser(size, count, 1.0) * own;
}

// The best so far: `count` entries are missing, the last of them `threshold` at `place`.
template <typename T>
struct Best {
  double sum;
  int64_t count = 0, place = -1;
  T threshold = infinity<T>();
};

template <typename T>
__device__ inline void write_best(const BudgetArgs<T>& a, int64_t row, int64_t d,
                                  const Best<T>& best) {
  const int64_t plane = a.rows.rows * a.dim, at = row * a.dim + d;
  a.out[at] = static_cast<T>(best.sum);
  a.choice[at] = static_cast<T>(best.count);
  a.choice[plane + at] = best.threshold;
  a.choice[2 * plane + at] = static_cast<T>(best.place);
}

// Whether a thread does for a row; a budget below zero drops nothing.
template <typename T>
__device__ inline bool is_walked(const BudgetArgs<T>& a, int64_t row) {
  return row_border(a.rows, row + 1) - row_border(a.rows, row) <= kWalked &&
      a.budget[row] <= kKept;
}

template <typename T>
__global__ void __launch_bounds__(kThreads) row_choice_kernel(const BudgetArgs<T> a) {
  for (int64_t row = thread_id(); row < a.rows.rows; row += thread_count()) {
    if (is_walked(a, row)) continue;
    const auto place = atomicAdd(reinterpret_cast<unsigned long long*>(a.number), 1ull);
    a.selected[static_cast<int64_t>(place)] = row;
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads) row_walk_kernel(const BudgetArgs<T> a) {
  for (int64_t at = thread_id(); at < a.rows.rows * a.dim; at += thread_count()) {
    int64_t row, d;
    divide(at, a.dim, row, d);
    if (!is_walked(a, row)) continue;
    const int64_t begin = row_border(a.rows, row), end = row_border(a.rows, row + 1);
    const bool drops = a.budget[row] > 0;
    T top[kKept];
    int64_t place[kKept];
#pragma unroll
    for (int s = 0; s < kKept; ++s) {
      top[s] = -infinity<T>();
      place[s] = -1;
    }
    double left = 0.0, own = 0.0;
    int64_t droppable = 0;
#pragma unroll 4
    for (int64_t k = begin; k < end; ++k) {
      const Share<T> share = share_of(a, k, d);
      left += static_cast<double>(share.value);
      own += share.own;
      if (!share.droppable) continue;
      ++droppable;
      if (!drops) continue;
      // Those behind the new one move on; equal ones came first and stay before it.
      T value = share.value;
      int64_t from = k - begin;
      bool moved = false;
#pragma unroll
      for (int s = 0; s < kKept; ++s) {
        moved = moved || value > top[s];
        const T other = top[s];
        const int64_t other_place = place[s];
        top[s] = moved ? value : other;
        place[s] = moved ? from : other_place;
        value = moved ? other : value;
        from = moved ? other_place : from;
      }
    }
    const int64_t most = a.budget[row] < droppable ? a.budget[row] : droppable;
    Best<T> best{sum_with(a.rules, row, 0.0, left, own)};
#pragma unroll
    for (int s = 0; s < kKept; ++s) {
      if (s >= most || place[s] < 0) continue;
      left -= static_cast<double>(top[s]);
      const double sum = sum_with(a.rules, row, s + 1.0, left, own);
      if (sum < best.sum) best = {sum, s + 1, place[s], top[s]};
    }
    write_best(a, row, d, best);
  }
}

// One row and column per block at a time.
template <typename T>
__global__ void __launch_bounds__(kThreads, 2) row_select_kernel(const BudgetArgs<T> a) {
  __shared__ Selection<T> s;
  for (int64_t at = blockIdx.x; at < *a.number * a.dim; at += gridDim.x) {
    int64_t index, d;
    divide(at, a.dim, index, d);
    const int64_t row = a.selected[index];
    const int64_t begin = row_border(a.rows, row), length = row_border(a.rows, row + 1) - begin;
    double left = 0.0, own = 0.0, number = 0.0;
    for (int64_t k = threadIdx.x; k < length; k += kThreads) {
      const Share<T> share = share_of(a, begin + k, d);
      left += static_cast<double>(share.value);
      own += share.own;
      number += share.droppable ? 1.0 : 0.0;
    }
    left = block_sum(left, s.sums);
    own = block_sum(own, s.sums);
    const int64_t droppable = static_cast<int64_t>(block_sum(number, s.sums));
    const int64_t most = a.budget[row] < droppable ? a.budget[row] : droppable;
    Best<T> best{sum_with(a.rules, row, 0.0, left, own)};
    const auto key_at = [&](int64_t k) {
      const Share<T> share = share_of(a, begin + k, d);
      return share.droppable ? ordered(share.value) : Key<T>{0};
    };
    start_selection(s);
    // A sum that is NaN stays so, whatever is missing.
    const int64_t wanted = best.sum == best.sum ? most : 0;
    for (int64_t taken = 0; taken < wanted; taken += kRound) {
      const int count = static_cast<int>(wanted - taken < kRound ? wanted - taken : kRound);
      select_round(s, length, droppable - taken, count, key_at);
      double through[kShare];
      const double all = prefix_sums(s, count, through);
      Best<T> mine{infinity<double>()};
#pragma unroll
      for (int c = 0; c < kShare; ++c) {
        const int e = static_cast<int>(threadIdx.x) * kShare + c;
        if (e >= count) continue;
        const double missing = static_cast<double>(taken + e + 1);
        const double sum = sum_with(a.rules, row, missing, left - through[c], own);
        if (sum < mine.sum) mine = {sum, taken + e + 1, s.place[e], unordered<T>(s.key[e])};
      }
      left -= all;
      // Threads hold ascending numbers of missing entries: the fewest win.
      const Least least = block_least(mine.sum, s);
      if (least.value < best.sum) {
        if (static_cast<int>(threadIdx.x) == least.thread) {
          s.found_count = mine.count;
          s.found_place = mine.place;
          s.found_value = mine.threshold;
        }
        __syncthreads();
        best = {least.value, s.found_count, s.found_place, s.found_value};
      }
      __syncthreads();
    }
    if (threadIdx.x == 0) write_best(a, row, d, best);
    __syncthreads();
  }
}

// --- backward ------------------------------------------------------------------------------------

template <typename T>
struct BudgetBackwardArgs {
  Rows rows;  // of the transpose: the sources
  const int32_t* col;
  const int32_t* entry;
  int64_t columns;  // rows of the pattern
  const int64_t* rowptr;  // (columns + 1,)
  Rules<T> rules;
  const T* grad;    // (columns, dim)
  const T* value;   // (rows, dim)
  const T* choice;  // (3, columns, dim)
  double* partial;  // (slots, dim)
  T* out;           // (rows, dim)
};

template <typename T, int N, int W>
struct BudgetPiece {
  Pack<T, W> grad[N], count[N], threshold[N], last[N];
  double size;
  T place;      // of the entry in its row
  int8_t kind;  // -1: an entry that does not exist
};

template <typename T, int N, int W>
__global__ void __launch_bounds__(kThreads, 1)
    row_minimum_backward_kernel(const BudgetBackwardArgs<T> a, const Columns<N, W> columns) {
  const int64_t plane = a.columns * columns.dim;
  for (int64_t index = warp_id(); index < a.rows.spans(); index += warp_count()) {
    const Span span = span_at(a.rows, index);
    if (!span.valid) continue;
    Pack<T, W> value[N];
    columns.load(a.value + span.row * columns.dim, value);
    T sum[N * W] = {};
    const auto load = [&](int64_t at, int64_t i) {
      BudgetPiece<T, N, W> piece;
      const int64_t from = i * columns.dim;
      columns.load(a.grad + from, piece.grad);
      columns.load(a.choice + from, piece.count);
      columns.load(a.choice + plane + from, piece.threshold);
      columns.load(a.choice + 2 * plane + from, piece.last);
      const int64_t number = a.entry[at];
      const bool exists = number >= 0 && number < a.rows.entries;
      piece.size = static_cast<double>(a.rules.size[i]);
      piece.place = static_cast<T>(number - a.rowptr[i]);
      piece.kind = exists ? a.rules.kind[number] : int8_t{-1};
      return piece;
    };
    const auto add = [&](int64_t, bool inside, const BudgetPiece<T, N, W>& piece) {
#pragma unroll
      for (int c = 0; c < N * W; ++c) {
        if (!inside || piece.kind < 0) {
          sum[c] = not_a_number<T>();
          continue;
        }
        const int n = c / W, w = c % W;
        const T own = value[n].x[w], e = scaled(a.rules, span.row, own);
        const double count = static_cast<double>(piece.count[n].x[w]);
        const double g = static_cast<double>(piece.grad[n].x[w]);
        if (piece.kind == 2) {
          sum[c] += static_cast<T>(g * normaliser(piece.size, count, 1.0));
          continue;
        }
        const T threshold = piece.threshold[n].x[w];
        const bool missing = e > threshold || (e == threshold && piece.place <= piece.last[n].x[w]);
        if (piece.kind == 1 && missing) continue;
        const T factor = own >= 0 ? a.rules.positive[span.row] : a.rules.negative[span.row];
        sum[c] += factor * static_cast<T>(g * normaliser(piece.size, count, a.rules.power));
      }
    };
    for_each_gathered<2>(a.col, a.columns, span, load, add);
    write_sums(columns, span, sum, a.partial, a.out);
  }
}

// --- host ----------------------------------------------------------------------------------------

// The tensors of the rules, checked against the pattern and the number of its columns.
template <typename T>
struct RuleInputs {
  Input<int8_t> kind;
  Input<T> positive, negative, size;

  RuleInputs(const Context& context, const Rows& rows, int64_t columns, const Tensor& kind_,
             const Tensor& positive_, const Tensor& negative_, const Tensor& size_)
      : kind(context, kind_), positive(context, positive_), negative(context, negative_),
        size(context, size_) {
    check_length(kind_, rows.entries, "kind");
    check_length(positive_, columns, "positive");
    check_length(negative_, columns, "negative");
    check_length(size_, rows.rows, "size");
  }

  Rules<T> with(double power) const { return {kind, positive, negative, size, power}; }
};

}  // namespace
}  // namespace graphlab::cuda

namespace graphlab {

using namespace cuda;

std::tuple<Tensor, Tensor> budget_minimum(
    const Tensor& value, const Tensor& rowptr, const Tensor& col, const Tensor& kind,
    const Tensor& positive, const Tensor& negative, const Tensor& size, const Tensor& budget,
    double power, const Tensor&, const Tensor&, const Tensor&) {
  check_matrix(value, "value");
  const int64_t rows = rowptr.numel() - 1, dim = value.size(1);
  check_length(budget, rows, "budget");
  return by_dtype(value, [&](auto zero) {
    using T = decltype(zero);
    const Context context(value);
    const Pattern pattern(context, rowptr, col);
    const RuleInputs<T> rules(context, pattern.rows, value.size(0), kind, positive, negative, size);
    const Input<int64_t> drops(context, budget);
    const Input<T> v(context, value);
    Tensor out = scratch<T, 2>(value, {rows, dim}), choice = scratch<T, 3>(value, {3, rows, dim});
    // The number is counted from zero on, the list behind it is written before it is read.
    Tensor number = torch::stable::new_zeros(value, {1}, scalar_type<int64_t>());
    Tensor selected = scratch<int64_t, 1>(value, {rows});
    BudgetArgs<T> a{pattern.rows, pattern.col, value.size(0), dim,
                    rules.with(power), drops, v, output<int64_t>(number),
                    output<int64_t>(selected), output<T>(out), output<T>(choice)};
    context.launch("row_choice", row_choice_kernel<T>, blocks_for(rows, kThreads), kThreads, a);
    context.launch("row_walk", row_walk_kernel<T>, blocks_for(rows * dim, kThreads), kThreads, a);
    const int64_t blocks = std::min(rows * dim, 4 * kTargetBlocks);
    context.launch("row_select", row_select_kernel<T>, blocks_for(blocks, 1), kThreads, a);
    return std::make_tuple(out, choice);
  });
}

Tensor budget_minimum_backward(
    const Tensor& grad, const Tensor& value, const Tensor& choice, const Tensor& rowptr,
    const Tensor& kind, const Tensor& positive, const Tensor& negative, const Tensor& size,
    double power, const Tensor& rowptr_t, const Tensor& col_t, const Tensor& entry_t) {
  check_matrix(value, "value");
  const int64_t dim = value.size(1), rows = rowptr.numel() - 1;
  check_length(rowptr_t, value.size(0) + 1, "rowptr_t");
  check_length(entry_t, col_t.numel(), "entry_t");
  check_length(grad, rows * dim, "grad");
  check_length(choice, 3 * rows * dim, "choice");
  return by_dtype(value, [&](auto zero) {
    using T = decltype(zero);
    const Context context(value);
    // As many entries as the pattern itself, whose columns are not read.
    const Pattern pattern(context, rowptr, col_t), transpose(context, rowptr_t, col_t);
    const RuleInputs<T> rules(context, pattern.rows, value.size(0), kind, positive, negative, size);
    const Input<int32_t> entry(context, entry_t);
    const Input<T> g(context, grad), v(context, value), c(context, choice);
    Tensor out = scratch<T, 2>(value, {value.size(0), dim});
    const Rows& sources = transpose.rows;
    Tensor partial = scratch<double, 2>(value, {sources.slots(), dim});
    BudgetBackwardArgs<T> a{sources, transpose.col, entry, rows, pattern.rowptr,
                            rules.with(power), g, v, c,
                            output<double>(partial), output<T>(out)};
    by_columns<T>(dim, {a.grad, a.value, a.choice}, [&](auto columns) {
      constexpr int N = decltype(columns)::N, W = decltype(columns)::W;
      context.launch("row_minimum_backward", row_minimum_backward_kernel<T, N, W>,
                     span_grid(sources, columns), kThreads, a, columns);
    });
    add_windows(context, sources, a.partial, dim, a.out);
    return out;
  });
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CUDA, m) {
  m.impl("budget_minimum", TORCH_BOX(&budget_minimum));
  m.impl("budget_minimum_backward", TORCH_BOX(&budget_minimum_backward));
}

}  // namespace graphlab
