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
#include "cpu/pair_driver.h"

namespace graphlab::cpu {
namespace {

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
  constexpr int64_t kRows = 256;
  const Buffer<double> squares(divide_up(side.count, kRows));
  const auto largest = GRAPHLAB_SELECT(largest_square<T>);
  parallel_ranges(side.count, kRows, [&](int64_t begin, int64_t end) {
    squares[begin / kRows] = largest(side.rows + begin * dim, end - begin, dim);
  });
  double square = 0;
  for (int64_t k = 0; k * kRows < side.count; ++k) square = std::max(square, squares[k]);
  return std::sqrt(square);
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
        row_panels_(packed_rows(left.rows, left.count, dim, static_cast<T>(scale * kLog2E))),
        col_panels_(packed_cols(right.rows, right.count, dim)),
        row_weight_(weights(left)),
        col_weight_(weights(right)) {
    task.dim = dim;
    task.diagonal = diagonal;
    task.diagonal_logit = diagonal == Diagonal::zero ? T(0) : static_cast<T>(-kInfinity);
    task.row_panels = row_panels_.get();
    task.col_panels = col_panels_.get();
    task.row_weight = row_weight_.get();
    task.col_weight = col_weight_.get();
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

// Adds up, and clears, what the tasks of a step found for its rows.
template <typename T>
void merge_parts(
    const PairSums<T>& parts, int64_t part_rows, int64_t tasks, const PairSums<T>& rows,
    int64_t count) {
  for (int64_t task = 0; task < tasks; ++task) {
    const PairSums<T> part = parts + task * part_rows;
    for (int64_t k = 0; k < count; ++k) {
      baseline::merge_sums<T>(rows.max[k], rows.sum[k], part.max[k], part.sum[k]);
      part.sum[k] = 0;
      part.max[k] = PairLimits<T>::floor;
    }
  }
}

// Sums over the right rows for every left row: tasks own groups of right rows.
template <typename T>
void sum_rows(const PairRun<T>& run, T* lse) {
  const PairSteps steps(run.left.count, run.right.count, false);
  const SumBuffers<T> rows(padded(run.left.count)), parts(steps.max_tasks() * steps.rows());
  const auto sum = select_sum_block<T, true, false>(run.shift);
  steps.run(
      [&](int64_t task, int64_t row, const PairBlock& block, bool) {
        sum(run.task, block, parts.view() + (task * steps.rows() + row), {});
      },
      [&](int64_t i, int64_t i_end, int64_t tasks) {
        merge_parts(parts.view(), steps.rows(), tasks, rows.view() + i, i_end - i);
      });
  finish(rows.view(), run.left.count, run.shift, lse);
}

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
        merge_parts(parts.view(), steps.rows(), tasks, rows + i, i_end - i);
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

// The matrices and the factors of the derivatives.
template <typename T>
class PairBackward {
 public:
  PairBackward(
      const PairSide<T>& left, const PairSide<T>& right, int64_t dim, double scale,
      Diagonal diagonal)
      : run(left, right, dim, scale, diagonal),
        shift(run.shift || !moderate(left, right) || !moderate(right, left)),
        left_factors_(left, shift),
        right_factors_(right, shift),
        left_rows_(left.rows, left.count, dim),
        right_rows_(right.rows, right.count, dim) {
    run.task.padded_dim = round_up(dim, lanes<T>());
    run.task.left = left_rows_.view();
    run.task.right = right_rows_.view();
    run.task.row_factors = left_factors_.view();
    run.task.col_factors = right_factors_.view();
    if (!shift) {
      block = GRAPHLAB_SELECT(backward_block<T, false, false>);
    } else if (right.grad == nullptr) {
      block = GRAPHLAB_SELECT(backward_block<T, true, false>);
    } else if (left.grad == nullptr) {
      block = GRAPHLAB_SELECT(backward_block<T, false, true>);
    } else {
      block = GRAPHLAB_SELECT(backward_block<T, true, true>);
    }
  }

  PairRun<T> run;
  const bool shift;
  void (*block)(const PairTask<T>&, const PairBlock&, T*, T*);

 private:
  static bool moderate(const PairSide<T>& a, const PairSide<T>& b) {
    using Factors = SideFactors<T>;
    return Factors::largest_weight(a) * Factors::largest_grad(b) <= PairLimits<T>::product;
  }

  const SideFactors<T> left_factors_, right_factors_;
  const ReadableRows<T> left_rows_, right_rows_;
};

// Log-sum-exps of x's rows (over y) and of y's rows (over x); either output may be null.
template <typename T>
void pair_logsumexp(
    const PairSide<T>& x, const PairSide<T>& y, int64_t dim, double scale, Diagonal diagonal,
    T* row_lse, T* col_lse) {
  if (col_lse == nullptr) {
    if (x.count < y.count) {
      sum_rows(PairRun<T>(x, y, dim, scale, diagonal), row_lse);
    } else {
      sum_columns(PairRun<T>(y, x, dim, scale, diagonal), row_lse);
    }
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

// Gradients to a's rows and to b's, (count, dim), of the normalisers on both sides; either may be
// null.
template <typename T>
void pair_logsumexp_backward(
    const PairSide<T>& a, const PairSide<T>& b, int64_t dim, double scale, Diagonal diagonal,
    T* a_grad, T* b_grad) {
  if (a.count > b.count) {
    pair_logsumexp_backward(b, a, dim, scale, diagonal, b_grad, a_grad);
    return;
  }
  const PairBackward<T> backward(a, b, dim, scale, diagonal);
  const PairSteps steps(a.count, b.count, false);
  PairGradients<T> grads(steps, dim, scale, a_grad, b_grad, false);
  grads.run([&](const PairBlock& block, T* left, T* right) {
    backward.block(backward.run.task, block, left, right);
  });
}

// The gradient to both roles of one matrix, using the symmetry.
template <typename T>
void self_pair_logsumexp_backward(
    const PairSide<T>& a, int64_t dim, double scale, Diagonal diagonal, T* out) {
  const PairBackward<T> backward(a, a, dim, scale, diagonal);
  const PairSteps steps(a.count, a.count, true);
  PairGradients<T> grads(steps, dim, scale, nullptr, out, true);
  grads.run([&](const PairBlock& block, T* left, T* right) {
    backward.block(backward.run.task, block, left, right);
  });
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

namespace {

// The arguments of a backward: contiguous tensors, and both sides as the loops take them.
class BackwardInputs {
 public:
  BackwardInputs(
      const Tensor& a, const Tensor& b, const OptionalTensor& row_grad,
      const OptionalTensor& row_lse, const OptionalTensor& b_weight,
      const OptionalTensor& col_grad, const OptionalTensor& col_lse,
      const OptionalTensor& a_weight)
      : left(checked_matrix(a, "a")),
        right(checked_matrix(b, "b", left.scalar_type(), left.size(1))),
        grad_a_(vector(row_grad, "row_grad", left)),
        lse_a_(vector(row_lse, "row_lse", left)),
        weight_a_(vector(a_weight, "a_weight", left)),
        grad_b_(vector(col_grad, "col_grad", right)),
        lse_b_(vector(col_lse, "col_lse", right)),
        weight_b_(vector(b_weight, "b_weight", right)) {
    check_pair(row_grad, row_lse, "row");
    check_pair(col_grad, col_lse, "col");
  }

  template <typename T>
  cpu::PairSide<T> side_a() const {
    return {data<T>(left), left.size(0), data<T>(weight_a_), data<T>(grad_a_), data<T>(lse_a_)};
  }
  template <typename T>
  cpu::PairSide<T> side_b() const {
    return {data<T>(right), right.size(0), data<T>(weight_b_), data<T>(grad_b_), data<T>(lse_b_)};
  }

  const Tensor left, right;

 private:
  static OptionalTensor vector(const OptionalTensor& tensor, const char* name, const Tensor& side) {
    return checked_vector(tensor, name, side.scalar_type(), side.size(0));
  }

  const OptionalTensor grad_a_, lse_a_, weight_a_, grad_b_, lse_b_, weight_b_;
};

}  // namespace

Tensor pairwise_logsumexp_backward(
    const Tensor& a, const Tensor& b, const OptionalTensor& row_grad, const OptionalTensor& row_lse,
    const OptionalTensor& b_weight, const OptionalTensor& col_grad, const OptionalTensor& col_lse,
    const OptionalTensor& a_weight, double scale, int64_t diagonal) {
  const bool symmetric = a.const_data_ptr() == b.const_data_ptr() && a.size(0) == b.size(0) &&
      a.stride(0) == b.stride(0) && a.stride(1) == b.stride(1) && same(row_grad, col_grad) &&
      same(row_lse, col_lse) && same(a_weight, b_weight) && row_grad.has_value();
  const BackwardInputs inputs(a, b, row_grad, row_lse, b_weight, col_grad, col_lse, a_weight);
  const Diagonal mode = checked_diagonal(diagonal);
  const int64_t dim = inputs.left.size(1);
  Tensor out = torch::stable::new_empty(inputs.left, {inputs.left.size(0), dim});
  dispatch_floating(inputs.left.scalar_type(), [&](auto type) {
    using T = decltype(type);
    const auto side_a = inputs.side_a<T>(), side_b = inputs.side_b<T>();
    T* grad = mutable_data<T>(out);
    if (symmetric) {
      cpu::self_pair_logsumexp_backward<T>(side_a, dim, scale, mode, grad);
    } else {
      cpu::pair_logsumexp_backward<T>(side_a, side_b, dim, scale, mode, grad, nullptr);
    }
  });
  return out;
}

std::tuple<Tensor, Tensor> pairwise_logsumexp_gradients(
    const Tensor& a, const Tensor& b, const OptionalTensor& row_grad, const OptionalTensor& row_lse,
    const OptionalTensor& b_weight, const OptionalTensor& col_grad, const OptionalTensor& col_lse,
    const OptionalTensor& a_weight, double scale, int64_t diagonal) {
  const BackwardInputs inputs(a, b, row_grad, row_lse, b_weight, col_grad, col_lse, a_weight);
  const Diagonal mode = checked_diagonal(diagonal);
  const int64_t dim = inputs.left.size(1);
  Tensor a_grad = torch::stable::new_empty(inputs.left, {inputs.left.size(0), dim});
  Tensor b_grad = torch::stable::new_empty(inputs.left, {inputs.right.size(0), dim});
  dispatch_floating(inputs.left.scalar_type(), [&](auto type) {
    using T = decltype(type);
    cpu::pair_logsumexp_backward<T>(
        inputs.side_a<T>(), inputs.side_b<T>(), dim, scale, mode, mutable_data<T>(a_grad),
        mutable_data<T>(b_grad));
  });
  return {a_grad, b_grad};
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
  m.impl("pairwise_logsumexp_gradients", TORCH_BOX(&pairwise_logsumexp_gradients));
  m.impl("self_logsumexp", TORCH_BOX(&self_logsumexp));
}

}  // namespace graphlab
