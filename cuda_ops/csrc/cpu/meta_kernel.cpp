#include "cpu/meta_kernel.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "cpu/parallel.h"

namespace graphlab::cpu {
namespace {

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

}  // namespace

template <typename T>
void meta_logsumexp(const MetaNodes<T>& nodes, T* lse) {
  const MetaRun<T> run(nodes);
  const auto rows = GRAPHLAB_SELECT(meta_rows<T>);
  parallel_ranges(nodes.rows, kMetaRows, [&](int64_t begin, int64_t end) {
    const Buffer<T> strip(strip_size<T>(nodes.dim));
    rows(run.task, begin, end, strip.get(), lse);
  });
}

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
      const int64_t stop = std::min(begin + kMetaRows, end);
      backward(run.task, grads, scratch.view(), begin, stop, mean_sum, cov_sum);
    }
  });
  add_up(sums, tasks, size, 0, mean_size, nodes.tau, grad_mean);
  add_up(sums, tasks, size, mean_size, cov_size, 0.5 * nodes.tau * nodes.tau, grad_cov);
}

#define GRAPHLAB_INSTANTIATE(T)                                        \
  template void meta_logsumexp<T>(const MetaNodes<T>&, T*);            \
  template void meta_logsumexp_backward<T>(                            \
      const MetaNodes<T>&, const T*, const T*, T*, T*, T*);
GRAPHLAB_INSTANTIATE(float)
GRAPHLAB_INSTANTIATE(double)
#undef GRAPHLAB_INSTANTIATE

}  // namespace graphlab::cpu
