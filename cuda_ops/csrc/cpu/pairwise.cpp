#include "pairwise.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "cpu/checks.h"
#include "cpu/pairwise_task.h"
#include "cpu/parallel.h"

#define GRAPHLAB_LOOPS "cpu/pairwise_loops.h"
#include "cpu/for_each_isa.h"

namespace graphlab::cpu {
namespace {

constexpr double kLog2E = 1.4426950408889634074;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

int64_t padded(int64_t count) { return round_up(count, kPairUnit) + 64; }

// A padded array of value(i).
template <typename T, typename F>
Buffer<T> padded_array(int64_t count, T pad, const F& value) {
  Buffer<T> out(padded(count));
  for (int64_t i = 0; i < count; ++i) out[i] = static_cast<T>(value(i));
  std::fill(out.get() + count, out.get() + padded(count), pad);
  return out;
}

template <typename T>
double largest_norm(const PairSide<T>& side, int64_t dim) {
  double largest = 0;
  for (int64_t i = 0; i < side.count; ++i) {
    double square = 0;
    for (int64_t d = 0; d < dim; ++d) {
      const double value = side.rows[i * dim + d];
      square += value * value;
    }
    if (!(square <= largest)) largest = square;  // lets NaN through
  }
  return std::sqrt(largest);
}

template <typename T>
bool moderate_weights(const PairSide<T>& side) {
  constexpr double limit = PairLimits<T>::weight;
  for (int64_t i = 0; side.weight != nullptr && i < side.count; ++i) {
    const double w = side.weight[i];
    if (!(w == 0 || (w >= 1 / limit && w <= limit))) return false;
  }
  return true;
}

// Whether both sides are one matrix; a part that starts where the other one does is not.
template <typename T>
bool same_rows(const PairSide<T>& a, const PairSide<T>& b) {
  return a.rows == b.rows && a.count == b.count;
}

template <typename T>
bool needs_shift(const PairSide<T>& a, const PairSide<T>& b, int64_t dim, double scale) {
  const double norm_a = largest_norm(a, dim);
  const double norm_b = same_rows(a, b) ? norm_a : largest_norm(b, dim);
  const double bound = std::abs(scale) * norm_a * norm_b;
  return !(bound <= PairLimits<T>::logit && moderate_weights(a) && moderate_weights(b));
}

template <typename T>
double weight_at(const PairSide<T>& side, int64_t i) {
  return side.weight == nullptr ? 1.0 : static_cast<double>(side.weight[i]);
}

// The packed matrices and weights.
template <typename T>
class PairRun {
 public:
  PairRun(
      const PairSide<T>& left_, const PairSide<T>& right_, int64_t dim, double scale,
      Diagonal diagonal)
      : left(left_),
        right(right_),
        shift(needs_shift(left, right, dim, scale)),
        task{},
        row_panels_(padded(left.count) * dim),
        col_panels_(padded(right.count) * dim),
        row_weight_(weights(left)),
        col_weight_(weights(right)) {
    task.dim = dim;
    task.diagonal = diagonal;
    task.diagonal_logit = diagonal == Diagonal::zero ? T(0) : static_cast<T>(-kInfinity);
    task.row_panels = row_panels_.get();
    task.col_panels = col_panels_.get();
    task.row_weight = row_weight_.get();
    task.col_weight = col_weight_.get();
    const int64_t rows = GRAPHLAB_SELECT(tile_rows)(), cols = 2 * lanes<T>();
    const T factor = static_cast<T>(scale * kLog2E);
    const auto pack_rows = GRAPHLAB_SELECT(pack_row_panel<T>);
    const auto pack_cols = GRAPHLAB_SELECT(pack_col_panel<T>);
    parallel_tasks(divide_up(left.count, rows), [&](int64_t panel) {
      pack_rows(left.rows, left.count, dim, factor, panel, row_panels_.get());
    });
    parallel_tasks(divide_up(right.count, cols), [&](int64_t panel) {
      pack_cols(right.rows, right.count, dim, T(1), panel, col_panels_.get());
    });
  }

  const PairSide<T> left, right;
  const bool shift;
  PairTask<T> task;

 private:
  Buffer<T> weights(const PairSide<T>& side) const {
    return padded_array<T>(side.count, shift ? static_cast<T>(-kInfinity) : T(0), [&](int64_t i) {
      const double w = weight_at(side, i);
      return shift ? std::log2(w) : w;
    });
  }

  Buffer<T> row_panels_, col_panels_, row_weight_, col_weight_;
};

// Columns per task: multiples of 96, so that whole tiles of rows and of columns fit.
int64_t task_columns(int64_t count) {
  return std::clamp<int64_t>(round_up(divide_up(count, kPairTasks), 96), 96, kPairUnit);
}

// --- forward -------------------------------------------------------------------------------------

template <typename T>
struct SumBuffers {
  explicit SumBuffers(int64_t count) : sum(count, 0.0), max(count, PairLimits<T>::floor) {}
  PairSums<T> view() const { return {sum.get(), max.get()}; }
  Buffer<double> sum;
  Buffer<T> max;
};

template <typename T>
void finish(const PairSums<T>& sums, int64_t count, bool shift, T* lse) {
  for (int64_t i = 0; i < count; ++i) {
    double value = std::log(sums.sum[i]);
    if (shift && sums.sum[i] > 0) {
      value = sums.max[i] >= PairLimits<T>::cap ? kInfinity : value + sums.max[i] / kLog2E;
    }
    lse[i] = static_cast<T>(value);
  }
}

template <typename T, bool Rows, bool Cols>
auto select_sum_block(bool shift) {
  return shift ? GRAPHLAB_SELECT(shifted_sum_block<T, Rows, Cols>)
               : GRAPHLAB_SELECT(sum_block<T, Rows, Cols>);
}

// Sums over the left rows for every right row: tasks own their columns.
template <typename T>
void sum_columns(const PairRun<T>& run, T* lse) {
  const int64_t count = run.right.count, width = task_columns(count);
  const SumBuffers<T> sums(padded(count));
  const auto block = select_sum_block<T, false, true>(run.shift);
  parallel_ranges(count, width, [&](int64_t j, int64_t j_end) {
    for (int64_t i = 0; i < run.left.count; i += kPairUnit) {
      check_interrupt();
      const int64_t i_end = std::min(i + kPairUnit, run.left.count);
      block(run.task, {i, i_end, j, j_end}, {}, sums.view() + j);
    }
  });
  finish(sums.view(), count, run.shift, lse);
}

// Steps over left rows; within a step, tasks own groups of right rows, and hand in what they found
// for the step's rows, which is added in a fixed order. The number of steps and tasks is bounded,
// so that threads rarely meet and the parts stay small. `triangular`: both sides are the same
// matrix, and only pairs of units (i, j) with i <= j are visited.
class PairSteps {
 public:
  PairSteps(int64_t left, int64_t right, bool triangular)
      : left_(left),
        right_(right),
        step_(round_up(divide_up(std::max<int64_t>(1, left), kPairSteps), kPairUnit)),
        group_(round_up(divide_up(std::max<int64_t>(1, right), kPairTasks), kPairUnit)),
        triangular_(triangular) {}

  int64_t rows() const { return step_; }
  int64_t max_tasks() const { return divide_up(right_, group_); }

  // Calls body(task, row, block, on_diagonal) for the pairs of units of every task, where the block
  // begins at `row` of the step, and end(i, i_end, tasks) after every step.
  template <typename F, typename G>
  void run(const F& body, const G& end) const {
    for (int64_t i = 0; i < left_; i += step_) {
      const int64_t i_end = std::min(i + step_, left_), first = triangular_ ? i : 0;
      const int64_t tasks = divide_up(right_ - first, group_);
      parallel_tasks(tasks, [&](int64_t task) {
        const int64_t begin = first + task * group_, stop = std::min(begin + group_, right_);
        for (int64_t j = begin; j < stop; j += kPairUnit) {
          const int64_t j_end = std::min(j + kPairUnit, stop);
          for (int64_t k = i; k < i_end && !(triangular_ && k > j); k += kPairUnit) {
            check_interrupt();
            const PairBlock block{k, std::min(k + kPairUnit, i_end), j, j_end};
            body(task, k - i, block, triangular_ && k == j);
          }
        }
      });
      end(i, i_end, tasks);
    }
  }

 private:
  int64_t left_, right_, step_, group_;
  bool triangular_;
};

// Sums over both sides at once. For a triangular run `cols` and `rows` are the same sums.
template <typename T>
void sum_both(
    const PairRun<T>& run, bool triangular, const PairSums<T>& rows, const PairSums<T>& cols) {
  const PairSteps steps(run.left.count, run.right.count, triangular);
  const SumBuffers<T> parts(steps.max_tasks() * steps.rows());
  const auto both = select_sum_block<T, true, true>(run.shift);
  const auto diagonal = select_sum_block<T, true, false>(run.shift);
  steps.run(
      [&](int64_t task, int64_t row, const PairBlock& block, bool on_diagonal) {
        const PairSums<T> part = parts.view() + (task * steps.rows() + row);
        (on_diagonal ? diagonal : both)(run.task, block, part, cols + block.j);
      },
      [&](int64_t i, int64_t i_end, int64_t tasks) {
        for (int64_t task = 0; task < tasks; ++task) {
          const PairSums<T> part = parts.view() + task * steps.rows();
          for (int64_t k = 0; k < i_end - i; ++k) {
            baseline::merge_sums<T>(rows.max[i + k], rows.sum[i + k], part.max[k], part.sum[k]);
            part.sum[k] = 0;
            part.max[k] = PairLimits<T>::floor;
          }
        }
      });
}

// --- backward ------------------------------------------------------------------------------------

// Weights, gradients and normalisers of one side, as the inner loops want them.
template <typename T>
class SideFactors {
 public:
  SideFactors(const PairSide<T>& side, bool shift)
      : weight_(padded_array<T>(side.count, T(0), [&](int64_t i) { return weight_at(side, i); })),
        grad_(padded_array<T>(side.count, T(0), [&](int64_t i) {
          return shift ? grad_at(side, i) : scaled(side, i);
        })),
        shift_(padded_array<T>(shift ? side.count : 0, T(0), [&](int64_t i) {
          return side.lse == nullptr || std::isinf(side.lse[i]) ? 0.0 : side.lse[i] * kLog2E;
        })) {}

  PairFactors<T> view() const { return {weight_.get(), grad_.get(), shift_.get()}; }

  static double largest_weight(const PairSide<T>& side) {
    double largest = 0;
    for (int64_t i = 0; i < side.count; ++i) largest = std::max(largest, weight_at(side, i));
    return largest;
  }

  static double largest_grad(const PairSide<T>& side) {
    double largest = 0;
    for (int64_t i = 0; i < side.count; ++i) {
      const double value = std::abs(scaled(side, i));
      if (!(value <= largest)) largest = value;  // lets NaN through
    }
    return largest;
  }

 private:
  static double grad_at(const PairSide<T>& side, int64_t i) {
    return side.grad == nullptr || side.lse[i] == -kInfinity ? 0.0 : side.grad[i];
  }
  static double scaled(const PairSide<T>& side, int64_t i) {
    const double grad = grad_at(side, i);
    return grad == 0 ? 0.0 : grad * std::exp(-static_cast<double>(side.lse[i]));
  }

  Buffer<T> weight_, grad_, shift_;
};

// The matrices, the factors and the padded gradient to the right rows.
template <typename T>
class PairBackward {
 public:
  PairBackward(
      const PairSide<T>& left, const PairSide<T>& right, int64_t dim, double scale,
      Diagonal diagonal)
      : run(left, right, dim, scale, diagonal),
        shift(run.shift || !moderate(left, right) || !moderate(right, left)),
        padded_dim(round_up(dim, lanes<T>())),
        grad(padded(right.count) * padded_dim, T(0)),
        left_factors_(left, shift),
        right_factors_(right, shift),
        left_rows_(padded_rows(left, dim)),
        right_rows_(same_rows(left, right) ? Buffer<T>(0) : padded_rows(right, dim)) {
    const bool copied = padded_dim != dim, same = same_rows(left, right);
    run.task.padded_dim = run.task.left_stride = run.task.right_stride = padded_dim;
    run.task.left = copied ? left_rows_.get() : left.rows;
    run.task.right = same ? run.task.left : copied ? right_rows_.get() : right.rows;
    run.task.row_factors = left_factors_.view();
    run.task.col_factors = right_factors_.view();
    block = shift ? GRAPHLAB_SELECT(backward_block<T, true>)
                  : GRAPHLAB_SELECT(backward_block<T, false>);
  }

  void write(double scale, T* out) const {
    const int64_t dim = run.task.dim;
    parallel_ranges(run.right.count, 1024, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        for (int64_t d = 0; d < dim; ++d) {
          out[i * dim + d] = static_cast<T>(scale * grad[i * padded_dim + d]);
        }
      }
    });
  }

  PairRun<T> run;
  const bool shift;
  const int64_t padded_dim;
  const Buffer<T> grad;
  void (*block)(const PairTask<T>&, const PairBlock&, T*, T*);

 private:
  static bool moderate(const PairSide<T>& a, const PairSide<T>& b) {
    using Factors = SideFactors<T>;
    return Factors::largest_weight(a) * Factors::largest_grad(b) <= PairLimits<T>::product;
  }

  Buffer<T> padded_rows(const PairSide<T>& side, int64_t dim) const {
    if (padded_dim == dim) return Buffer<T>(0);
    Buffer<T> out(side.count * padded_dim, T(0));
    for (int64_t i = 0; i < side.count; ++i) {
      std::copy_n(side.rows + i * dim, dim, out.get() + i * padded_dim);
    }
    return out;
  }

  const SideFactors<T> left_factors_, right_factors_;
  const Buffer<T> left_rows_, right_rows_;
};

// Log-sum-exps of x's rows (over y) and of y's rows (over x); either output may be null.
template <typename T>
void pair_logsumexp(
    const PairSide<T>& x, const PairSide<T>& y, int64_t dim, double scale, Diagonal diagonal,
    T* row_lse, T* col_lse) {
  if (col_lse == nullptr) {
    sum_columns(PairRun<T>(y, x, dim, scale, diagonal), row_lse);
    return;
  }
  const PairRun<T> run(x, y, dim, scale, diagonal);
  const SumBuffers<T> rows(padded(x.count)), cols(padded(y.count));
  sum_both(run, false, rows.view(), cols.view());
  finish(rows.view(), x.count, run.shift, row_lse);
  finish(cols.view(), y.count, run.shift, col_lse);
}

// The same for y = x: only pairs on one side of the diagonal are computed.
template <typename T>
void self_pair_logsumexp(
    const PairSide<T>& x, int64_t dim, double scale, Diagonal diagonal, T* lse) {
  const PairRun<T> run(x, x, dim, scale, diagonal);
  const SumBuffers<T> sums(padded(x.count));
  sum_both(run, true, sums.view(), sums.view());
  finish(sums.view(), x.count, run.shift, lse);
}

// Gradient to a's rows, (a.count, dim), of the normalisers on both sides.
template <typename T>
void pair_logsumexp_backward(
    const PairSide<T>& a, const PairSide<T>& b, int64_t dim, double scale, Diagonal diagonal,
    T* out) {
  const PairBackward<T> backward(b, a, dim, scale, diagonal);
  parallel_ranges(a.count, task_columns(a.count), [&](int64_t j, int64_t j_end) {
    for (int64_t i = 0; i < b.count; i += kPairUnit) {
      check_interrupt();
      const PairBlock block{i, std::min(i + kPairUnit, b.count), j, j_end};
      backward.block(backward.run.task, block, nullptr,
                     backward.grad.get() + j * backward.padded_dim);
    }
  });
  backward.write(scale, out);
}

// The same for b = a, using the symmetry.
template <typename T>
void self_pair_logsumexp_backward(
    const PairSide<T>& a, int64_t dim, double scale, Diagonal diagonal, T* out) {
  const PairBackward<T> backward(a, a, dim, scale, diagonal);
  const PairSteps steps(a.count, a.count, true);
  const int64_t ld = backward.padded_dim, part_size = steps.rows() * ld;
  const Buffer<T> parts(steps.max_tasks() * part_size, T(0));
  steps.run(
      [&](int64_t task, int64_t row, const PairBlock& block, bool on_diagonal) {
        T* part = parts.get() + task * part_size + row * ld;
        T* right = on_diagonal ? nullptr : backward.grad.get() + block.j * ld;
        backward.block(backward.run.task, block, part, right);
      },
      [&](int64_t i, int64_t i_end, int64_t tasks) {
        parallel_ranges((i_end - i) * ld, 65536, [&](int64_t begin, int64_t end) {
          T* to = backward.grad.get() + i * ld;
          for (int64_t task = 0; task < tasks; ++task) {
            T* part = parts.get() + task * part_size;
            for (int64_t k = begin; k < end; ++k) to[k] += std::exchange(part[k], T(0));
          }
        });
      });
  backward.write(scale, out);
}

}  // namespace
}  // namespace graphlab::cpu

namespace graphlab {
namespace {

Diagonal checked_diagonal(int64_t diagonal) {
  STD_TORCH_CHECK(diagonal >= 0 && diagonal <= 2, "diagonal must be 0, 1 or 2, got ", diagonal);
  return static_cast<Diagonal>(diagonal);
}

bool same(const OptionalTensor& a, const OptionalTensor& b) {
  if (!a.has_value() || !b.has_value()) return a.has_value() == b.has_value();
  return a->const_data_ptr() == b->const_data_ptr();
}

// A gradient needs the values it belongs to.
void check_pair(const OptionalTensor& grad, const OptionalTensor& lse, const char* name) {
  STD_TORCH_CHECK(
      grad.has_value() == lse.has_value(), name, "_grad and ", name, "_lse must come together");
}

}  // namespace

std::tuple<Tensor, Tensor> pairwise_logsumexp(
    const Tensor& x, const Tensor& y, const OptionalTensor& x_weight,
    const OptionalTensor& y_weight, double scale, int64_t diagonal, bool columns) {
  const Tensor a = checked_matrix(x, "x");
  const ScalarType dtype = a.scalar_type();
  const Tensor b = checked_matrix(y, "y", dtype, x.size(1));
  const OptionalTensor a_weight = checked_vector(x_weight, "x_weight", dtype, a.size(0));
  const OptionalTensor b_weight = checked_vector(y_weight, "y_weight", dtype, b.size(0));
  const Diagonal mode = checked_diagonal(diagonal);
  Tensor row_lse = torch::stable::new_empty(a, {a.size(0)});
  Tensor col_lse = torch::stable::new_empty(a, {columns ? b.size(0) : 0});
  dispatch_floating(dtype, [&](auto type) {
    using T = decltype(type);
    const cpu::PairSide<T> left{data<T>(a), a.size(0), data<T>(a_weight), nullptr, nullptr};
    const cpu::PairSide<T> right{data<T>(b), b.size(0), data<T>(b_weight), nullptr, nullptr};
    cpu::pair_logsumexp<T>(
        left, right, a.size(1), scale, mode, mutable_data<T>(row_lse),
        columns ? mutable_data<T>(col_lse) : nullptr);
  });
  return {row_lse, col_lse};
}

Tensor pairwise_logsumexp_backward(
    const Tensor& a, const Tensor& b, const OptionalTensor& row_grad, const OptionalTensor& row_lse,
    const OptionalTensor& b_weight, const OptionalTensor& col_grad, const OptionalTensor& col_lse,
    const OptionalTensor& a_weight, double scale, int64_t diagonal) {
  check_pair(row_grad, row_lse, "row");
  check_pair(col_grad, col_lse, "col");
  const bool symmetric = a.const_data_ptr() == b.const_data_ptr() && a.size(0) == b.size(0) &&
      a.stride(0) == b.stride(0) && a.stride(1) == b.stride(1) && same(row_grad, col_grad) &&
      same(row_lse, col_lse) && same(a_weight, b_weight) && row_grad.has_value();
  const Tensor left = checked_matrix(a, "a");
  const ScalarType dtype = left.scalar_type();
  const int64_t rows = left.size(0), dim = left.size(1);
  const Tensor right = checked_matrix(b, "b", dtype, dim);
  const auto vector = [&](const OptionalTensor& tensor, const char* name, int64_t length) {
    return checked_vector(tensor, name, dtype, length);
  };
  const OptionalTensor grad_a = vector(row_grad, "row_grad", rows);
  const OptionalTensor lse_a = vector(row_lse, "row_lse", rows);
  const OptionalTensor weight_a = vector(a_weight, "a_weight", rows);
  const OptionalTensor grad_b = vector(col_grad, "col_grad", right.size(0));
  const OptionalTensor lse_b = vector(col_lse, "col_lse", right.size(0));
  const OptionalTensor weight_b = vector(b_weight, "b_weight", right.size(0));
  const Diagonal mode = checked_diagonal(diagonal);
  Tensor out = torch::stable::new_empty(left, {rows, dim});
  dispatch_floating(dtype, [&](auto type) {
    using T = decltype(type);
    const cpu::PairSide<T> side_a{
        data<T>(left), rows, data<T>(weight_a), data<T>(grad_a), data<T>(lse_a)};
    const cpu::PairSide<T> side_b{
        data<T>(right), right.size(0), data<T>(weight_b), data<T>(grad_b), data<T>(lse_b)};
    if (symmetric) {
      cpu::self_pair_logsumexp_backward<T>(side_a, dim, scale, mode, mutable_data<T>(out));
    } else {
      cpu::pair_logsumexp_backward<T>(side_a, side_b, dim, scale, mode, mutable_data<T>(out));
    }
  });
  return out;
}

Tensor self_logsumexp(
    const Tensor& x, const OptionalTensor& weight, double scale, int64_t diagonal) {
  const Tensor a = checked_matrix(x, "x");
  const OptionalTensor w = checked_vector(weight, "weight", a.scalar_type(), a.size(0));
  const Diagonal mode = checked_diagonal(diagonal);
  Tensor lse = torch::stable::new_empty(a, {a.size(0)});
  dispatch_floating(a.scalar_type(), [&](auto type) {
    using T = decltype(type);
    const cpu::PairSide<T> side{data<T>(a), a.size(0), data<T>(w), nullptr, nullptr};
    cpu::self_pair_logsumexp<T>(side, a.size(1), scale, mode, mutable_data<T>(lse));
  });
  return lse;
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) {
  m.impl("pairwise_logsumexp", TORCH_BOX(&pairwise_logsumexp));
  m.impl("pairwise_logsumexp_backward", TORCH_BOX(&pairwise_logsumexp_backward));
  m.impl("self_logsumexp", TORCH_BOX(&self_logsumexp));
}

}  // namespace graphlab
