#include "softplus.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "cpu/checks.h"
#include "cpu/pairwise_task.h"
#include "cpu/parallel.h"

#define GRAPHLAB_LOOPS "cpu/softplus_loops.h"
#include "cpu/for_each_isa.h"
#include "cpu/pair_driver.h"

namespace graphlab::cpu {
namespace {

// Both matrices as the loops take them: the shorter one is the left one, whose rows every task sees.
// `rows`: the sums are those of the left rows.
template <typename T>
class SoftplusRun {
 public:
  SoftplusRun(const Tensor& x, const Tensor& y)
      : rows(x.size(0) <= y.size(0)),
        dim(x.size(1)),
        left(rows ? x : y),
        right(rows ? y : x),
        steps(left.size(0), right.size(0), false),
        task{},
        row_panels_(packed_rows(data<T>(left), left.size(0), dim, static_cast<T>(kLog2E))),
        col_panels_(packed_cols(data<T>(right), right.size(0), dim)) {
    task.dim = dim;
    task.row_panels = row_panels_.get();
    task.col_panels = col_panels_.get();
  }

  const bool rows;
  const int64_t dim;
  const Tensor left, right;
  const PairSteps steps;
  PairTask<T> task;

 private:
  const Buffer<T> row_panels_, col_panels_;
};

template <typename T>
void softplus(const Tensor& x, const Tensor& y, T* out) {
  const SoftplusRun<T> run(x, y);
  const int64_t part_rows = run.steps.rows(), count = x.size(0);
  const Buffer<double> sums(count, 0.0);
  const Buffer<double> parts(run.rows ? run.steps.max_tasks() * part_rows : 0, 0.0);
  const auto block = run.rows ? GRAPHLAB_SELECT(softplus_block<T, true>)
                              : GRAPHLAB_SELECT(softplus_block<T, false>);
  run.steps.run(
      [&](int64_t task, int64_t row, const PairBlock& at, bool) {
        double* part = parts.get() + task * part_rows + row;
        block(run.task, at, run.rows ? part : sums.get() + at.j);
      },
      [&](int64_t i, int64_t i_end, int64_t tasks) {
        for (int64_t task = 0; run.rows && task < tasks; ++task) {
          double* part = parts.get() + task * part_rows;
          for (int64_t k = 0; k < i_end - i; ++k) {
            sums[i + k] += part[k];
            part[k] = 0;
          }
        }
      });
  for (int64_t i = 0; i < count; ++i) out[i] = static_cast<T>(sums[i] / kLog2E);
}

// Gradients to x and to y; either may be null.
template <typename T>
void softplus_backward(
    const Tensor& grad, const Tensor& x, const Tensor& y, T* x_grad, T* y_grad) {
  SoftplusRun<T> run(x, y);
  const ReadableRows<T> left(data<T>(run.left), run.left.size(0), run.dim);
  const ReadableRows<T> right(data<T>(run.right), run.right.size(0), run.dim);
  const Buffer<T> factor = zeros<T>(padded(x.size(0)));
  std::copy_n(data<T>(grad), x.size(0), factor.get());
  run.task.padded_dim = round_up(run.dim, lanes<T>());
  run.task.left = left.view();
  run.task.right = right.view();
  (run.rows ? run.task.row_factors : run.task.col_factors).grad = factor.get();
  const auto block = run.rows ? GRAPHLAB_SELECT(softplus_backward_block<T, true>)
                              : GRAPHLAB_SELECT(softplus_backward_block<T, false>);
  PairGradients<T> grads(
      run.steps, run.dim, 1.0, run.rows ? x_grad : y_grad, run.rows ? y_grad : x_grad, false);
  grads.run([&](const PairBlock& at, T* to_left, T* to_right) {
    block(run.task, at, to_left, to_right);
  });
}

}  // namespace
}  // namespace graphlab::cpu

namespace graphlab {

Tensor pairwise_softplus(const Tensor& x, const Tensor& y) {
  const Tensor a = checked_matrix(x, "x");
  const Tensor b = checked_matrix(y, "y", a.scalar_type(), a.size(1));
  Tensor out = torch::stable::new_empty(a, {a.size(0)});
  dispatch_floating(a.scalar_type(), [&](auto type) {
    using T = decltype(type);
    cpu::softplus<T>(a, b, mutable_data<T>(out));
  });
  return out;
}

std::tuple<Tensor, Tensor> pairwise_softplus_backward(
    const Tensor& grad, const Tensor& x, const Tensor& y, bool x_side, bool y_side) {
  const Tensor a = checked_matrix(x, "x");
  const Tensor b = checked_matrix(y, "y", a.scalar_type(), a.size(1));
  const Tensor g = checked_vector(grad, "grad", a.scalar_type(), a.size(0));
  Tensor x_grad = torch::stable::new_empty(a, {x_side ? a.size(0) : 0, a.size(1)});
  Tensor y_grad = torch::stable::new_empty(a, {y_side ? b.size(0) : 0, a.size(1)});
  dispatch_floating(a.scalar_type(), [&](auto type) {
    using T = decltype(type);
    cpu::softplus_backward<T>(
        g, a, b, x_side ? mutable_data<T>(x_grad) : nullptr,
        y_side ? mutable_data<T>(y_grad) : nullptr);
  });
  return {x_grad, y_grad};
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) {
  m.impl("pairwise_softplus", TORCH_BOX(&pairwise_softplus));
  m.impl("pairwise_softplus_backward", TORCH_BOX(&pairwise_softplus_backward));
}

}  // namespace graphlab
