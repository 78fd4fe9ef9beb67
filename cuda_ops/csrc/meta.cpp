#include "meta.h"

#include "cpu/meta_kernel.h"

namespace graphlab {
namespace {

// The contiguous, checked arguments that both operators share.
struct Arguments {
  Tensor u, count, mean;
  OptionalTensor cov;
  double tau;

  Arguments(
      const Tensor& u_, const Tensor& count_, const Tensor& mean_, const OptionalTensor& cov_,
      double tau_)
      : u(checked_matrix(u_, "u")),
        count(checked_vector(count_, "count", u.scalar_type(), count_.numel())),
        mean(checked_matrix(mean_, "mean", u.scalar_type(), u_.size(1))),
        tau(tau_) {
    check_size(mean, "mean", 0, count.size(0));
    if (!cov_.has_value()) return;
    check_dtype(*cov_, "cov", u.scalar_type());
    check_dim(*cov_, "cov", 3);
    check_size(*cov_, "cov", 0, mean.size(0));
    check_size(*cov_, "cov", 1, mean.size(1));
    check_size(*cov_, "cov", 2, mean.size(1));
    cov = torch::stable::contiguous(*cov_);
  }

  template <typename T>
  cpu::MetaNodes<T> nodes() const {
    return {data<T>(u), data<T>(count), data<T>(mean), data<T>(cov),
            u.size(0),  u.size(1),      mean.size(0),  tau};
  }
};

}  // namespace

Tensor meta_logsumexp(
    const Tensor& u, const Tensor& count, const Tensor& mean, const OptionalTensor& cov,
    double tau) {
  const Arguments args(u, count, mean, cov, tau);
  Tensor lse = torch::stable::new_empty(args.u, {u.size(0)});
  dispatch_floating(args.u.scalar_type(), [&](auto type) {
    using T = decltype(type);
    cpu::meta_logsumexp<T>(args.nodes<T>(), mutable_data<T>(lse));
  });
  return lse;
}

std::tuple<Tensor, Tensor, Tensor> meta_logsumexp_backward(
    const Tensor& grad, const Tensor& lse, const Tensor& u, const Tensor& count,
    const Tensor& mean, const OptionalTensor& cov, double tau) {
  const Arguments args(u, count, mean, cov, tau);
  const ScalarType dtype = args.u.scalar_type();
  const int64_t clusters = mean.size(0), dim = u.size(1);
  const Tensor grad_lse = checked_vector(grad, "grad", dtype, u.size(0));
  const Tensor values = checked_vector(lse, "lse", dtype, u.size(0));
  Tensor grad_u = torch::stable::new_empty(args.u, {u.size(0), dim});
  Tensor grad_mean = torch::stable::new_empty(args.u, {clusters, dim});
  Tensor grad_cov = cov.has_value() ? torch::stable::new_empty(args.u, {clusters, dim, dim})
                                    : torch::stable::new_empty(args.u, {0});
  dispatch_floating(dtype, [&](auto type) {
    using T = decltype(type);
    cpu::meta_logsumexp_backward<T>(
        args.nodes<T>(), data<T>(grad_lse), data<T>(values), mutable_data<T>(grad_u),
        mutable_data<T>(grad_mean), cov.has_value() ? mutable_data<T>(grad_cov) : nullptr);
  });
  return {grad_u, grad_mean, grad_cov};
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) {
  m.impl("meta_logsumexp", TORCH_BOX(&meta_logsumexp));
  m.impl("meta_logsumexp_backward", TORCH_BOX(&meta_logsumexp_backward));
}

}  // namespace graphlab
