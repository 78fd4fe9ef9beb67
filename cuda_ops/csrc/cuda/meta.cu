// meta_logsumexp and its gradients on CUDA.
//
// Without covariances the operator is a weighted log-sum-exp over pairs (rows of u, rows of mean),
// and so are its gradients: pair_tile.cuh does the work, with linear memory.
//
// With covariances a logit costs D^2, too much to compute twice. Rows are therefore taken in chunks
// of at most 2^22 logits (16 MiB of float32, which stay in the L2 cache of large devices), and a
// chunk goes through small kernels, one after the other:
//   logits   a block of 64 rows and one cluster: tiles of U C_b times U, summed in float64. The
//            linear term joins at no cost: l = <u, tau^2/2 C u + tau m>. Backward: shares at once.
//   lse      a warp per row: maximum, then sum in float64.
//   grad_u   a block of 64 rows and 16 or 64 columns walks over the clusters.
//   moments  a block of one cluster, one tile of grad_cov and one part of the rows; 64 products are
//            added in T, then in float64; parts are added in order. The tiles of the first column
//            also sum grad_mean.
// Chunks follow one another on the stream, so that adding to the gradients is ordered as well.
//
// Many clusters leave few rows a chunk, and grad_u few blocks (K = 10^4: 7); splitting its clusters
// is left to tuning.
//
// Resources (nvcc 13.0; most registers of sm_80 and sm_90, float / double; no spills), D <= 16 with
// 5.5 KiB shared: logits 89 / 118, grad_u 103 / 130, moments 128 / 119; wider with 8.5 KiB: 91 /
// 124, 122 / 168, 210 / 190; lse 31 / 54, combine 32 / 32.
#include "meta.h"

#include "meta_tile.cuh"

// Logits of one chunk of rows; tests set fewer, to see several chunks on small inputs.
#ifndef GRAPHLAB_CHUNK_LOGITS
#define GRAPHLAB_CHUNK_LOGITS (int64_t{1} << 22)
#endif

namespace graphlab::cuda {
namespace {

// --- host ----------------------------------------------------------------------------------------

void check_meta(const Tensor& u, const Tensor& count, const Tensor& mean,
                const OptionalTensor& cov) {
  check_matrix(u, "u");
  check_matrix(mean, "mean");
  const int64_t clusters = mean.size(0), dim = u.size(1);
  STD_TORCH_CHECK(mean.size(1) == dim, "graphlab: u and mean must have as many columns");
  check_length(count, clusters, "count");
  check_length(cov, clusters * dim * dim, "cov");
}

// Inputs as pointers; `args` describes all rows at once.
template <typename T>
struct MetaProblem {
  Context context;
  Input<T> u, count, mean, cov;
  MetaArgs<T> args{};
  int64_t rows;
  double tau;

  MetaProblem(const Tensor& u_in, const Tensor& count_in, const Tensor& mean_in,
              const OptionalTensor& cov_in, double tau_in)
      : context(u_in),
        u(context, u_in),
        count(context, count_in),
        mean(context, mean_in),
        cov(context, cov_in),
        rows(u_in.size(0)),
        tau(tau_in) {
    args.count = count;
    args.mean = mean;
    args.cov = cov;
    args.dim = u_in.size(1);
    args.clusters = mean_in.size(0);
    args.tau = static_cast<T>(tau);
    args.half = static_cast<T>(0.5 * tau * tau);
  }

  // Pairs of rows of u with rows of mean.
  PairArgs<T> pairs() const {
    PairArgs<T> p{};
    p.a = u;
    p.b = mean;
    p.rows = rows;
    p.columns = args.clusters;
    p.dim = args.dim;
    p.scale = args.tau;
    p.diagonal = Diagonal::keep;
    p.b_weight = count;
    return p;
  }

  int64_t chunk() const {
    return std::max<int64_t>(kTile, GRAPHLAB_CHUNK_LOGITS / std::max<int64_t>(1, args.clusters));
  }

  // The description of rows [begin, begin + chunk).
  MetaArgs<T> part(int64_t begin, T* table) const {
    MetaArgs<T> a = args;
    a.u = u + begin * a.dim;
    a.rows = std::min(chunk(), rows - begin);
    a.table = table;
    return a;
  }
};

template <typename T, int C>
void meta_logits(const Context& context, const MetaArgs<T>& a) {
  const dim3 grid(static_cast<unsigned>(ceil_div(a.rows, kTile)),
                  static_cast<unsigned>(std::min<int64_t>(a.clusters, 65535)));
  context.launch("meta_logits", meta_logits_kernel<T, C>, grid, kThreads, a);
}

template <typename T, int C>
void meta_forward(const MetaProblem<T>& p, const Tensor& like, T* out) {
  const Tensor table = scratch<T, 1>(like, {std::min(p.chunk(), p.rows) * p.args.clusters});
  for (int64_t begin = 0; begin < p.rows; begin += p.chunk()) {
    MetaArgs<T> a = p.part(begin, output<T>(table));
    a.out = out + begin;
    meta_logits<T, C>(p.context, a);
    p.context.launch("meta_lse", meta_lse_kernel<T>, blocks_for(a.rows, kWarpsPerBlock), kThreads,
                     a);
  }
}

template <typename T>
struct MetaGrads {
  const T* grad;
  const T* lse;
  T* u;
  T* mean;
  T* cov;
};

template <typename T, int C>
void meta_backward(const MetaProblem<T>& p, const Tensor& like, const MetaGrads<T>& g) {
  const int64_t dim = p.args.dim, clusters = p.args.clusters, size = clusters * dim;
  const int64_t chunk = std::min(p.chunk(), std::max<int64_t>(1, p.rows));
  const int64_t tiles = ceil_div(dim, kTile) * ceil_div(dim, kSide * C);
  const int64_t blocks = std::max<int64_t>(1, clusters * tiles);
  const int64_t most = std::clamp<int64_t>(kTargetBlocks / blocks, 1, ceil_div(chunk, 256));
  const int64_t part = ceil_div(chunk, most), parts = ceil_div(chunk, part);
  const Tensor table = scratch<T, 1>(like, {chunk * clusters});
  const Tensor sums = scratch<double, 1>(like, {parts * size * (dim + 1)});
  // No rows: one empty chunk sets the moments to zero.
  for (int64_t begin = 0; begin == 0 || begin < p.rows; begin += p.chunk()) {
    MetaArgs<T> a = p.part(begin, output<T>(table));
    a.grad = g.grad + begin;
    a.lse = g.lse + begin;
    a.out = g.u + begin * dim;
    a.part = part;
    a.partial_cov = output<double>(sums);
    a.partial_mean = a.partial_cov + parts * size * dim;
    meta_logits<T, C>(p.context, a);
    const dim3 grid_u(static_cast<unsigned>(ceil_div(a.rows, kTile)),
                      static_cast<unsigned>(ceil_div(dim, kSide * C)));
    p.context.launch("meta_grad_u", meta_grad_u_kernel<T, C>, grid_u, kThreads, a);
    const dim3 grid(static_cast<unsigned>(clusters * tiles), 1, static_cast<unsigned>(parts));
    p.context.launch("meta_moments", meta_moments_kernel<T, C>, grid, kThreads, a);
    p.context.launch("meta_combine", meta_combine_kernel<T>, blocks_for(size * dim, kThreads),
                     kThreads, a.partial_cov, parts, size * dim, 0.5 * p.tau * p.tau, begin == 0,
                     g.cov);
    p.context.launch("meta_combine", meta_combine_kernel<T>, blocks_for(size, kThreads), kThreads,
                     a.partial_mean, parts, size, p.tau, begin == 0, g.mean);
  }
}

}  // namespace
}  // namespace graphlab::cuda

namespace graphlab {

using namespace cuda;

Tensor meta_logsumexp(const Tensor& u, const Tensor& count, const Tensor& mean,
                      const OptionalTensor& cov, double tau) {
  check_meta(u, count, mean, cov);
  return by_dtype(u, [&](auto zero) {
    using T = decltype(zero);
    const MetaProblem<T> p(u, count, mean, cov, tau);
    // Without columns the covariances add nothing, and the pairs know that case.
    if (!cov.has_value() || u.size(1) == 0) return pair_forward(p.context, u, p.pairs());
    Tensor out = scratch<T, 1>(u, {u.size(0)});
    if (u.size(1) <= kSide) {
      meta_forward<T, 1>(p, u, output<T>(out));
    } else {
      meta_forward<T, kVec>(p, u, output<T>(out));
    }
    return out;
  });
}

std::tuple<Tensor, Tensor, Tensor> meta_logsumexp_backward(
    const Tensor& grad, const Tensor& lse, const Tensor& u, const Tensor& count, const Tensor& mean,
    const OptionalTensor& cov, double tau) {
  check_meta(u, count, mean, cov);
  check_length(grad, u.size(0), "grad");
  check_length(lse, u.size(0), "lse");
  return by_dtype(u, [&](auto zero) -> std::tuple<Tensor, Tensor, Tensor> {
    using T = decltype(zero);
    const MetaProblem<T> p(u, count, mean, cov, tau);
    const Input<T> g(p.context, grad), l(p.context, lse);
    const int64_t dim = u.size(1), clusters = mean.size(0);
    if (!cov.has_value()) {
      PairArgs<T> rows = p.pairs();
      rows.row_grad = g;
      rows.row_lse = l;
      // The means are the rows of the transposed problem; u's sums are its column sums.
      PairArgs<T> means = p.pairs();
      std::swap(means.a, means.b);
      std::swap(means.rows, means.columns);
      means.a_weight = std::exchange(means.b_weight, nullptr);
      means.col_grad = g;
      means.col_lse = l;
      return {pair_backward(p.context, u, rows, LogsumexpShare{}),
              pair_backward(p.context, u, means, LogsumexpShare{}),
              scratch<T, 1>(u, {0})};
    }
    Tensor grad_u = scratch<T, 2>(u, {u.size(0), dim});
    Tensor grad_mean = scratch<T, 2>(u, {clusters, dim});
    Tensor grad_cov = scratch<T, 3>(u, {clusters, dim, dim});
    const MetaGrads<T> grads{g, l, output<T>(grad_u), output<T>(grad_mean), output<T>(grad_cov)};
    if (dim > 0 && dim <= kSide) meta_backward<T, 1>(p, u, grads);
    if (dim > kSide) meta_backward<T, kVec>(p, u, grads);
    return {grad_u, grad_mean, grad_cov};
  });
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CUDA, m) {
  m.impl("meta_logsumexp", TORCH_BOX(&meta_logsumexp));
  m.impl("meta_logsumexp_backward", TORCH_BOX(&meta_logsumexp_backward));
}

}  // namespace graphlab
