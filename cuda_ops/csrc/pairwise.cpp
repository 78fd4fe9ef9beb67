#include "pairwise.h"

#include "cpu/pairwise_kernel.h"

namespace graphlab {
namespace {

cpu::Diagonal checked_diagonal(int64_t diagonal) {
  STD_TORCH_CHECK(diagonal >= 0 && diagonal <= 2, "diagonal must be 0, 1 or 2, got ", diagonal);
  return static_cast<cpu::Diagonal>(diagonal);
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
  const cpu::Diagonal mode = checked_diagonal(diagonal);
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
  const cpu::Diagonal mode = checked_diagonal(diagonal);
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
  const cpu::Diagonal mode = checked_diagonal(diagonal);
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
