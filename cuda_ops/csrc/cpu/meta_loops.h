// Inner loops of meta.cpp; included once per instruction set. Rows of u lie across lanes: a
// strip is two vectors of rows, stored feature by feature.

#include "cpu/gemm.h"

namespace graphlab::cpu::GRAPHLAB_ISA {
namespace {

template <typename T>
constexpr int kStrip = 2 * kLanes<T>;

// Transposes up to kStrip rows of u; missing rows and features are zero.
template <typename T>
GRAPHLAB_INLINE void read_strip(const MetaTask<T>& task, int64_t begin, int64_t rows, T* strip) {
  constexpr int S = kStrip<T>;
  for (int64_t k = rows; k < S; ++k) {
    for (int64_t d = 0; d < task.dim; ++d) strip[d * S + k] = 0;
  }
  for (int64_t k = 0; k < rows; ++k) {
    for (int64_t d = 0; d < task.dim; ++d) strip[d * S + k] = task.u[(begin + k) * task.dim + d];
  }
  for (int64_t k = task.dim * S; k < task.padded_dim * S; ++k) strip[k] = 0;
}

// Logits of a strip against cluster b, in units of log 2; half of the symmetric form suffices.
template <typename T>
GRAPHLAB_INLINE void strip_logits(
    const MetaTask<T>& task, int64_t b, const T* strip, Vec<T> (&logit)[2]) {
  constexpr int L = kLanes<T>, S = kStrip<T>;
  const int64_t dim = task.dim, ld = task.padded_dim;
  const T* mean = task.mean + b * ld;
  logit[0] = logit[1] = Vec<T>{};
  for (int64_t d = 0; d < dim; d += kFormRows) {
    Vec<T> slope[kFormRows][2] = {};
    if (task.form != nullptr) {
      const T* form = task.form + b * dim * ld + d * ld + d;
      multiply<T, kFormRows, 2, 1>(dim - d, form, ld, strip + d * S, S, slope);
    }
    GRAPHLAB_UNROLL
    for (int m = 0; m < kFormRows; ++m) {
      logit[0] += (slope[m][0] + mean[d + m]) * load(strip + (d + m) * S);
      logit[1] += (slope[m][1] + mean[d + m]) * load(strip + (d + m) * S + L);
    }
  }
  logit[0] = logit[0] * task.log2e + task.bias[b];
  logit[1] = logit[1] * task.log2e + task.bias[b];
}

// Log-sum-exps of rows [begin, end); `strip` holds kStrip * padded_dim values.
template <typename T>
void meta_rows(const MetaTask<T>& task, int64_t begin, int64_t end, T* strip, T* lse) {
  constexpr int L = kLanes<T>;
  for (; begin < end; begin += kStrip<T>) {
    const int64_t rows = end - begin < kStrip<T> ? end - begin : kStrip<T>;
    read_strip(task, begin, rows, strip);
    Vec<T> max[2] = {splat<T>(task.floor), splat<T>(task.floor)}, sum[2] = {};
    for (int64_t b = 0; b < task.clusters; ++b) {
      Vec<T> logit[2];
      strip_logits(task, b, strip, logit);
      GRAPHLAB_UNROLL
      for (int v = 0; v < 2; ++v) {
        const Vec<T> top = maximum<T>(logit[v], max[v]);
        sum[v] = sum[v] * exp2_any<T>(max[v] - top) + exp2_any<T>(logit[v] - top);
        max[v] = top;
      }
    }
    for (int64_t k = 0; k < rows; ++k) {
      const double total = sum[k / L][k % L], top = max[k / L][k % L];
      const double value = __builtin_log(total) + (total > 0 ? top * task.ln2 : 0.0);
      lse[begin + k] = static_cast<T>(value);
    }
  }
}

// Shares of a strip in cluster b, and their pull on grad (like strip); `slope` is scratch.
template <typename T>
GRAPHLAB_INLINE void strip_backward(
    const MetaTask<T>& task, int64_t b, const T* strip, const Vec<T> (&grad_lse)[2],
    const Vec<T> (&shift)[2], T* slope, T* grad, T* share) {
  constexpr int L = kLanes<T>, S = kStrip<T>;
  const int64_t dim = task.dim, ld = task.padded_dim;
  const T* mean = task.mean + b * ld;
  Vec<T> logit[2] = {};
  for (int64_t d = 0; d < dim; d += kFormRows) {
    Vec<T> pull[kFormRows][2] = {};
    if (task.full_form != nullptr) {
      const T* form = task.full_form + b * dim * ld + d;
      multiply<T, kFormRows, 2, 1>(dim, form, ld, strip, S, pull);
    }
    GRAPHLAB_UNROLL
    for (int m = 0; m < kFormRows; ++m) {
      GRAPHLAB_UNROLL
      for (int v = 0; v < 2; ++v) {
        const int64_t at = (d + m) * S + v * L;
        logit[v] += (pull[m][v] + mean[d + m]) * load(strip + at);
        store(slope + at, pull[m][v] + pull[m][v] + mean[d + m]);
      }
    }
  }
  Vec<T> part[2];
  for (int v = 0; v < 2; ++v) {
    part[v] = grad_lse[v] * exp2_any<T>(logit[v] * task.log2e + task.bias[b] - shift[v]);
    store(share + v * L, part[v]);
  }
  for (int64_t d = 0; d < dim; ++d) {
    GRAPHLAB_UNROLL
    for (int v = 0; v < 2; ++v) {
      T* to = grad + d * S + v * L;
      store(to, load(to) + part[v] * load(slope + d * S + v * L));
    }
  }
}

// Sums over a block of rows: share times row, and share times outer product, of every cluster.
// `plain` and `weighted` hold kMetaRows padded rows, `product` a padded (dim, width) matrix.
template <typename T>
void block_moments(
    const MetaTask<T>& task, const T* share, const MetaScratch<T>& scratch, int64_t rows,
    double* mean_sum, double* cov_sum) {
  const int64_t dim = task.dim, width = scratch.width;
  for (int64_t b = 0; b < task.clusters; ++b, share += kMetaRows) {
    for (int64_t d = 0; d < width; d += kLanes<T>) {
      Vec<T> sum[4] = {};  // four, to hide the latency of the addition
      for (int64_t k = 0; k < kMetaRows; k += 4) {
        GRAPHLAB_UNROLL
        for (int m = 0; m < 4; ++m) {
          const int64_t at = (k + m) * width + d;
          const Vec<T> value = share[k + m] * load(scratch.plain + at);
          store(scratch.weighted + at, value);
          sum[m] += value;
        }
      }
      store(scratch.column + d, (sum[0] + sum[1]) + (sum[2] + sum[3]));
    }
    for (int64_t d = 0; d < dim; ++d) mean_sum[b * dim + d] += scratch.column[d];
    if (cov_sum == nullptr) continue;
    for (int64_t k = 0; k < (dim + kTileRows) * width; ++k) scratch.product[k] = 0;
    add_product<T, 1>(
        dim, width, rows, scratch.weighted, width, scratch.plain, width, scratch.product, width);
    for (int64_t d = 0; d < dim; ++d) {
      double* to = cov_sum + (b * dim + d) * dim;
      for (int64_t e = 0; e < dim; ++e) to[e] += scratch.product[d * width + e];
    }
  }
}

// Zero shares for the rows that a last block lacks, so that all blocks are worked off alike.
template <typename T>
GRAPHLAB_INLINE void clear_shares(const MetaTask<T>& task, int64_t rows, T* share) {
  for (int64_t b = 0; rows < kMetaRows && b < task.clusters; ++b) {
    for (int64_t k = rows; k < kMetaRows; ++k) share[b * kMetaRows + k] = 0;
  }
}

// Gradients of rows [begin, end), at most kMetaRows of them: written to grad_u, added to the sums.
template <typename T>
void meta_backward_rows(
    const MetaTask<T>& task, const MetaGrads<T>& grads, const MetaScratch<T>& scratch,
    int64_t begin, int64_t end, double* mean_sum, double* cov_sum) {
  constexpr int L = kLanes<T>, S = kStrip<T>;
  const int64_t dim = task.dim, rows = end - begin;
  for (int64_t r = 0; r < rows; r += S) {
    const int64_t count = rows - r < S ? rows - r : S;
    read_strip(task, begin + r, count, scratch.strip);
    alignas(64) T weight[S], shift[S];
    for (int64_t k = 0; k < S; ++k) {
      const bool used = k < count && grads.lse[begin + r + k] != -task.infinity;
      weight[k] = used ? grads.lse_grad[begin + r + k] : T(0);
      shift[k] = used ? grads.lse[begin + r + k] * task.log2e : T(0);
    }
    const Vec<T> weights[2] = {load(weight), load(weight + L)};
    const Vec<T> shifts[2] = {load(shift), load(shift + L)};
    for (int64_t k = 0; k < task.padded_dim * S; ++k) scratch.grad[k] = 0;
    for (int64_t b = 0; b < task.clusters; ++b) {
      strip_backward(
          task, b, scratch.strip, weights, shifts, scratch.slope, scratch.grad,
          scratch.share + b * kMetaRows + r);
    }
    for (int64_t k = 0; k < count; ++k) {
      for (int64_t d = 0; d < dim; ++d) {
        grads.u[(begin + r + k) * dim + d] = scratch.grad[d * S + k];
        scratch.plain[(r + k) * scratch.width + d] = scratch.strip[d * S + k];
      }
    }
  }
  clear_shares(task, rows, scratch.share);
  block_moments(task, scratch.share, scratch, rows, mean_sum, cov_sum);
}

}  // namespace
}  // namespace graphlab::cpu::GRAPHLAB_ISA
