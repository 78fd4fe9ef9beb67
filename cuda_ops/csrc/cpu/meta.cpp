#include "meta.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "cpu/checks.h"
#include "cpu/parallel.h"

namespace graphlab::cpu {
namespace {

template <typename T>
struct MetaNodes {
  const T* u;      // (rows, dim)
  const T* count;  // (clusters,)
  const T* mean;   // (clusters, dim)
  const T* cov;    // (clusters, dim, dim) or null
  int64_t rows, dim, clusters;
  double tau;
};

constexpr int64_t kMetaRows = 256;        // rows per block
constexpr int64_t kMetaTasks = 32;        // tasks with sums of their own, on any machine
constexpr int64_t kMetaValues = 1 << 22;  // largest number of those sums, 32 MiB
constexpr int kFormRows = 4;              // rows of a quadratic form per pass over a strip

// What the inner loops read: logit = log2e (<mean, u> + u^T form u) + bias.
template <typename T>
struct MetaTask {
  int64_t dim, padded_dim, clusters;  // padded_dim is a multiple of kFormRows
  const T *u, *bias;
  const T* mean;       // (clusters, padded_dim)
  const T* form;       // (clusters, dim, padded_dim), one triangle with the other added, or null
  const T* full_form;  // the same, symmetric
  T log2e = static_cast<T>(1.4426950408889634074);
  double ln2 = 0.69314718055994530942;
  T infinity = std::numeric_limits<T>::infinity();
  T floor = -std::numeric_limits<T>::max() / 4;
};

template <typename T>
struct MetaGrads {
  const T *lse_grad, *lse;
  T* u;
};

template <typename T>
struct MetaScratch {
  int64_t width;  // dim in whole vectors
  T *strip, *slope, *grad;  // (padded_dim, rows of a strip)
  T* share;                 // (clusters, kMetaRows)
  T *plain, *weighted;      // (kMetaRows, width)
  T *product, *column;      // (dim, width), (width,)
};

}  // namespace
}  // namespace graphlab::cpu

#define GRAPHLAB_LOOPS "cpu/meta_loops.h"
#include "cpu/for_each_isa.h"

namespace graphlab::cpu {
namespace {

// The constants of the clusters, scaled once.
template <typename T>
class MetaRun {
 public:
  explicit MetaRun(const MetaNodes<T>& nodes)
      : task{},
        padded_dim_(round_up(nodes.dim, kFormRows)),
        mean_(nodes.clusters * padded_dim_, T(0)),
        bias_(nodes.clusters),
        form_(nodes.cov == nullptr ? 0 : nodes.clusters * nodes.dim * padded_dim_, T(0)),
        full_form_(nodes.cov == nullptr ? 0 : nodes.clusters * nodes.dim * padded_dim_, T(0)) {
    const int64_t dim = nodes.dim;
    task.dim = dim;
    task.padded_dim = padded_dim_;
    task.clusters = nodes.clusters;
    task.u = nodes.u;
    task.mean = mean_.get();
    task.bias = bias_.get();
    for (int64_t b = 0; b < nodes.clusters; ++b) {
      bias_[b] = static_cast<T>(std::log2(static_cast<double>(nodes.count[b])));
      for (int64_t d = 0; d < dim; ++d) {
        mean_[b * padded_dim_ + d] = static_cast<T>(nodes.tau * nodes.mean[b * dim + d]);
      }
      if (nodes.cov != nullptr) set_form(nodes, b);
    }
    task.form = nodes.cov == nullptr ? nullptr : form_.get();
    task.full_form = nodes.cov == nullptr ? nullptr : full_form_.get();
  }

  MetaTask<T> task;

 private:
  void set_form(const MetaNodes<T>& nodes, int64_t b) {
    const int64_t dim = nodes.dim, at = b * dim * dim;
    const double half = 0.5 * nodes.tau * nodes.tau;
    for (int64_t d = 0; d < dim; ++d) {
      for (int64_t e = 0; e < dim; ++e) {
        const double both = half *
            (static_cast<double>(nodes.cov[at + d * dim + e]) + nodes.cov[at + e * dim + d]);
        const int64_t to = (b * dim + d) * padded_dim_ + e;
        form_[to] = static_cast<T>(d == e ? both / 2 : d > e ? both : 0.0);
        full_form_[to] = static_cast<T>(both / 2);
      }
    }
  }

  int64_t padded_dim_;
  Buffer<T> mean_, bias_, form_, full_form_;
};

// Values of a strip of rows, feature by feature.
template <typename T>
int64_t strip_size(int64_t dim) {
  return 2 * lanes<T>() * round_up(dim, kFormRows);
}

// Scratch of one task.
template <typename T>
class ScratchMemory {
 public:
  ScratchMemory(int64_t dim, int64_t clusters)
      : width_(round_up(std::max<int64_t>(1, dim), lanes<T>())),
        strip_(strip_size<T>(dim)),
        slope_(strip_size<T>(dim)),
        grad_(strip_size<T>(dim)),
        share_(clusters * kMetaRows),
        plain_(kMetaRows * width_ + 64, T(0)),
        weighted_(kMetaRows * width_ + 64, T(0)),
        product_((dim + 64) * width_),
        column_(width_) {}

  MetaScratch<T> view() const {
    return {width_,       strip_.get(),    slope_.get(),   grad_.get(), share_.get(),
            plain_.get(), weighted_.get(), product_.get(), column_.get()};
  }

 private:
  int64_t width_;
  Buffer<T> strip_, slope_, grad_, share_, plain_, weighted_, product_, column_;
};

// out[k] = factor * sum over tasks of sums[task][offset + k].
template <typename T>
void add_up(
    const Buffer<double>& sums, int64_t tasks, int64_t stride, int64_t offset, int64_t size,
    double factor, T* out) {
  parallel_ranges(size, 8192, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      double sum = 0;
      for (int64_t task = 0; task < tasks; ++task) sum += sums[task * stride + offset + k];
      out[k] = static_cast<T>(factor * sum);
    }
  });
}

template <typename T>
void meta_logsumexp(const MetaNodes<T>& nodes, T* lse) {
  const MetaRun<T> run(nodes);
  const auto rows = GRAPHLAB_SELECT(meta_rows<T>);
  parallel_ranges(nodes.rows, kMetaRows, [&](int64_t begin, int64_t end) {
    const Buffer<T> strip(strip_size<T>(nodes.dim));
    rows(run.task, begin, end, strip.get(), lse);
  });
}

// Gradients to u, mean and, unless null, cov.
template <typename T>
void meta_logsumexp_backward(
    const MetaNodes<T>& nodes, const T* grad, const T* lse, T* grad_u, T* grad_mean, T* grad_cov) {
  const MetaRun<T> run(nodes);
  const int64_t mean_size = nodes.clusters * nodes.dim;
  const int64_t cov_size = grad_cov == nullptr ? 0 : mean_size * nodes.dim;
  const int64_t size = mean_size + cov_size;
  const int64_t most =
      std::clamp<int64_t>(kMetaValues / std::max<int64_t>(1, size), 1, kMetaTasks);
  const int64_t length = round_up(std::max<int64_t>(1, divide_up(nodes.rows, most)), kMetaRows);
  const int64_t tasks = divide_up(nodes.rows, length);
  const Buffer<double> sums(tasks * size, 0.0);
  const MetaGrads<T> grads{grad, lse, grad_u};
  const auto backward = GRAPHLAB_SELECT(meta_backward_rows<T>);
  parallel_ranges(nodes.rows, length, [&](int64_t begin, int64_t end) {
    const ScratchMemory<T> scratch(nodes.dim, nodes.clusters);
    double* mean_sum = sums.get() + begin / length * size;
    double* cov_sum = grad_cov == nullptr ? nullptr : mean_sum + mean_size;
    for (; begin < end; begin += kMetaRows) {
      check_interrupt();
      const int64_t stop = std::min(begin + kMetaRows, end);
      backward(run.task, grads, scratch.view(), begin, stop, mean_sum, cov_sum);
    }
  });
  add_up(sums, tasks, size, 0, mean_size, nodes.tau, grad_mean);
  add_up(sums, tasks, size, mean_size, cov_size, 0.5 * nodes.tau * nodes.tau, grad_cov);
}

}  // namespace
}  // namespace graphlab::cpu

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
