// pairwise_logsumexp, self_logsumexp and their gradient on CUDA; the tiles are in pair_tile.cuh.
//
// The column sums are the row sums of the transposed problem: a second pass costs as many
// exponentials as merging column partials would, and needs no (N / 64, M) buffer. A symmetric
// self_logsumexp could read half the tiles at the price of that buffer; left to tuning.
//
// Resources (nvcc 13.0; most registers of sm_80 and sm_90, float / double; no spills): forward
// 117 / 128 with 8.5 KiB shared; backward, D <= 16: 95 / 124, D <= 64: 128 / 128, with 25.5 / 42.5
// KiB; wider: 238 / 206 with 33.3 / 42.5 KiB and one block a multiprocessor, whose 64 (32)
// accumulators a thread give the multipliers enough independent work.
#include "pairwise.h"

#include "pair_tile.cuh"

namespace graphlab::cuda {
namespace {

Diagonal checked_pair(const Tensor& a, const Tensor& b, int64_t diagonal) {
  check_pair_sides(a, b);
  STD_TORCH_CHECK(diagonal >= 0 && diagonal <= 2, "graphlab: diagonal must be 0, 1 or 2");
  return static_cast<Diagonal>(diagonal);
}

template <typename T>
PairArgs<T> pair_args(const Tensor& a_shape, const Tensor& b_shape, const T* a, const T* b,
                      double scale, Diagonal diagonal) {
  PairArgs<T> p = pair_sides<T>(a_shape, b_shape, a, b);
  p.scale = static_cast<T>(scale);
  p.diagonal = diagonal;
  return p;
}

}  // namespace
}  // namespace graphlab::cuda

namespace graphlab {

using namespace cuda;

std::tuple<Tensor, Tensor> pairwise_logsumexp(const Tensor& x, const Tensor& y,
                                              const OptionalTensor& x_weight,
                                              const OptionalTensor& y_weight, double scale,
                                              int64_t diagonal, bool columns) {
  const Diagonal mode = checked_pair(x, y, diagonal);
  check_length(x_weight, x.size(0), "x_weight");
  check_length(y_weight, y.size(0), "y_weight");
  return by_dtype(x, [&](auto zero) -> std::tuple<Tensor, Tensor> {
    using T = decltype(zero);
    const Context context(x);
    const Input<T> a(context, x), b(context, y), aw(context, x_weight), bw(context, y_weight);
    PairArgs<T> rows = pair_args<T>(x, y, a, b, scale, mode);
    rows.b_weight = bw;
    Tensor row_lse = pair_forward(context, x, rows);
    if (!columns) return {row_lse, scratch<T, 1>(x, {0})};
    PairArgs<T> cols = pair_args<T>(y, x, b, a, scale, mode);
    cols.b_weight = aw;
    return {row_lse, pair_forward(context, x, cols)};
  });
}

Tensor self_logsumexp(const Tensor& x, const OptionalTensor& weight, double scale,
                      int64_t diagonal) {
  const Diagonal mode = checked_pair(x, x, diagonal);
  check_length(weight, x.size(0), "weight");
  return by_dtype(x, [&](auto zero) {
    using T = decltype(zero);
    const Context context(x);
    const Input<T> a(context, x), w(context, weight);
    PairArgs<T> p = pair_args<T>(x, x, a, a, scale, mode);
    p.b_weight = w;
    return pair_forward(context, x, p);
  });
}

Tensor pairwise_logsumexp_backward(const Tensor& a, const Tensor& b, const OptionalTensor& row_grad,
                                   const OptionalTensor& row_lse, const OptionalTensor& b_weight,
                                   const OptionalTensor& col_grad, const OptionalTensor& col_lse,
                                   const OptionalTensor& a_weight, double scale,
                                   int64_t diagonal) {
  const Diagonal mode = checked_pair(a, b, diagonal);
  check_length(row_grad, a.size(0), "row_grad");
  check_length(row_lse, a.size(0), "row_lse");
  check_length(a_weight, a.size(0), "a_weight");
  check_length(col_grad, b.size(0), "col_grad");
  check_length(col_lse, b.size(0), "col_lse");
  check_length(b_weight, b.size(0), "b_weight");
  return by_dtype(a, [&](auto zero) {
    using T = decltype(zero);
    const Context context(a);
    const Input<T> ap(context, a), bp(context, b);
    const Input<T> rg(context, row_grad), rl(context, row_lse), bw(context, b_weight);
    const Input<T> cg(context, col_grad), cl(context, col_lse), aw(context, a_weight);
    PairArgs<T> p = pair_args<T>(a, b, ap, bp, scale, mode);
    // A side counts when both its gradient and its log-sum-exp are given.
    p.row_grad = row_lse.has_value() ? static_cast<const T*>(rg) : nullptr;
    p.row_lse = rl;
    p.col_grad = col_lse.has_value() ? static_cast<const T*>(cg) : nullptr;
    p.col_lse = cl;
    p.b_weight = bw;
    p.a_weight = aw;
    return pair_backward(context, a, p, LogsumexpShare{});
  });
}

// A pass for each side: a thread block owns rows of one, and shares of a tile for both would need
// sums across blocks.
std::tuple<Tensor, Tensor> pairwise_logsumexp_gradients(
    const Tensor& a, const Tensor& b, const OptionalTensor& row_grad, const OptionalTensor& row_lse,
    const OptionalTensor& b_weight, const OptionalTensor& col_grad, const OptionalTensor& col_lse,
    const OptionalTensor& a_weight, double scale, int64_t diagonal) {
  return {pairwise_logsumexp_backward(a, b, row_grad, row_lse, b_weight, col_grad, col_lse, a_weight,
                                      scale, diagonal),
          pairwise_logsumexp_backward(b, a, col_grad, col_lse, a_weight, row_grad, row_lse, b_weight,
                                      scale, diagonal)};
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CUDA, m) {
  m.impl("pairwise_logsumexp", TORCH_BOX(&pairwise_logsumexp));
  m.impl("pairwise_logsumexp_backward", TORCH_BOX(&pairwise_logsumexp_backward));
  m.impl("pairwise_logsumexp_gradients", TORCH_BOX(&pairwise_logsumexp_gradients));
  m.impl("self_logsumexp", TORCH_BOX(&self_logsumexp));
}

}  // namespace graphlab
