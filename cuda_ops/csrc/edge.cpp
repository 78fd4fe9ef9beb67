#include "edge.h"

#include "cpu/edge_kernel.h"

namespace graphlab {
namespace {

// The contiguous, checked arguments that the three operators share.
struct Arguments {
  Tensor z, rowptr, col;
  OptionalTensor weight, weight_t, scale;

  Arguments(
      const Tensor& z_, const Tensor& rowptr_, const Tensor& col_, const OptionalTensor& weight_,
      const OptionalTensor& weight_t_, const OptionalTensor& scale_)
      : z(checked_matrix(z_, "z")),
        rowptr(checked_rowptr(rowptr_, z_.size(0), col_.numel())),
        col(checked_vector(col_, "col", ScalarType::Int, col_.numel())),
        weight(checked_vector(weight_, "weight", z.scalar_type(), col_.numel())),
        weight_t(checked_vector(weight_t_, "weight_t", z.scalar_type(), col_.numel())),
        scale(checked_vector(scale_, "scale", z.scalar_type(), z_.size(0))) {}

  template <typename T>
  cpu::EdgeGraph<T> graph() const {
    return {data<int64_t>(rowptr), data<int32_t>(col), data<T>(weight), data<T>(weight_t),
            data<T>(scale), z.size(0), col.numel()};
  }

  void check_position(int64_t position) const {
    STD_TORCH_CHECK(
        position < 0,
        "col[", position, "] = ", data<int32_t>(col)[position], " is outside [0, ", z.size(0), ")");
  }
};

}  // namespace

Tensor edge_cosine_sum(
    const Tensor& z, const Tensor& rowptr, const Tensor& col, const OptionalTensor& weight,
    const OptionalTensor& weight_t, const OptionalTensor& scale, double tau) {
  const Arguments args(z, rowptr, col, weight, weight_t, scale);
  Tensor out = torch::stable::new_zeros(args.z, {z.size(0)});
  dispatch_floating(args.z.scalar_type(), [&](auto type) {
    using T = decltype(type);
    args.check_position(
        cpu::edge_sum(args.graph<T>(), data<T>(args.z), z.size(1), tau, mutable_data<T>(out)));
  });
  return out;
}

Tensor edge_cosine_sum_backward(
    const Tensor& grad, const Tensor& z, const Tensor& rowptr, const Tensor& col,
    const OptionalTensor& weight, const OptionalTensor& weight_t, const OptionalTensor& scale,
    double tau) {
  const Arguments args(z, rowptr, col, weight, weight_t, scale);
  const Tensor grad_sum = checked_vector(grad, "grad", args.z.scalar_type(), z.size(0));
  Tensor out = torch::stable::new_zeros(args.z, {z.size(0), z.size(1)});
  dispatch_floating(args.z.scalar_type(), [&](auto type) {
    using T = decltype(type);
    args.check_position(cpu::edge_sum_backward(
        args.graph<T>(), data<T>(grad_sum), data<T>(args.z), z.size(1), tau, mutable_data<T>(out)));
  });
  return out;
}

Tensor edge_cosine_weight_grad(
    const Tensor& grad, const Tensor& z, const Tensor& rowptr, const Tensor& col, double tau) {
  const Arguments args(z, rowptr, col, std::nullopt, std::nullopt, std::nullopt);
  const Tensor grad_sum = checked_vector(grad, "grad", args.z.scalar_type(), z.size(0));
  Tensor out = torch::stable::new_empty(args.z, {col.numel()});
  dispatch_floating(args.z.scalar_type(), [&](auto type) {
    using T = decltype(type);
    args.check_position(cpu::edge_weight_grad(
        args.graph<T>(), data<T>(grad_sum), data<T>(args.z), z.size(1), tau, mutable_data<T>(out)));
  });
  return out;
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) {
  m.impl("edge_cosine_sum", TORCH_BOX(&edge_cosine_sum));
  m.impl("edge_cosine_sum_backward", TORCH_BOX(&edge_cosine_sum_backward));
  m.impl("edge_cosine_weight_grad", TORCH_BOX(&edge_cosine_weight_grad));
}

}  // namespace graphlab
