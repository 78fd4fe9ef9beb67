// random_projection on CUDA: one thread draws four neighbouring columns, the four words of a counter.
//
// The numbers are a format (projection.h): products and sums are rounded one by one, as the compiler
// would otherwise fuse them; quotients and roots are correctly rounded by themselves.
#include "projection.h"

#include "common.cuh"
#include "normal_quantile.h"
#include "philox.h"

namespace graphlab::cuda {
namespace {

#ifdef __CUDA_ARCH__
__device__ inline double times(double a, double b) { return __dmul_rn(a, b); }
__device__ inline double plus(double a, double b) { return __dadd_rn(a, b); }
#else
__device__ inline double times(double a, double b) { return a * b; }
__device__ inline double plus(double a, double b) { return a + b; }
#endif

// By Horner's rule. A device reads coefficients that its own function holds.
template <int N>
__device__ inline double polynomial(const Polynomial<N> p, double x) {
  double sum = p.coefficient[N - 1];
#pragma unroll
  for (int i = N - 2; i >= 0; --i) sum = plus(times(sum, x), p.coefficient[i]);
  return sum;
}

union DoubleBits {
  double value;
  int64_t bits;
};

// Natural logarithm of a normal number in (0, 1).
__device__ inline double logarithm(double x) {
  constexpr Polynomial<11> series = kAtanh;
  DoubleBits word;
  word.value = x;
  const double exponent = static_cast<double>((word.bits >> 52) - 1022);
  word.bits = (word.bits & 0x000FFFFFFFFFFFFF) | 0x3FE0000000000000;
  const bool low = word.value < kRootHalf;
  const double m = low ? word.value + word.value : word.value;
  const double e = low ? exponent - 1.0 : exponent;
  const double f = (m - 1.0) / (m + 1.0);
  return plus(times(e, kLog2), times(f + f, polynomial(series, times(f, f))));
}

// Quantile of (u + 1/2) / 2^32 (Wichura, algorithm AS 241).
__device__ inline double normal_quantile(uint32_t u) {
  constexpr Polynomial<8> near_top = kNearTop;
  constexpr Polynomial<8> near_bottom = kNearBottom;
  constexpr Polynomial<8> far_top = kFarTop;
  constexpr Polynomial<8> far_bottom = kFarBottom;
  const double q = plus(times(static_cast<double>(u) + 0.5, 0x1p-32), -0.5);
  const double size = q < 0.0 ? -q : q;
  if (size <= 0.425) {
    const double inner = plus(0.180625, -times(q, q));
    return times(q, polynomial(near_top, inner) / polynomial(near_bottom, inner));
  }
  const double outer = plus(sqrt(-logarithm(0.5 - size)), -1.6);
  const double far = polynomial(far_top, outer) / polynomial(far_bottom, outer);
  return q < 0.0 ? -far : far;
}

template <typename T>
struct ProjectionArgs {
  const T* factor;      // (rows,)
  const int64_t* node;  // (rows,) or null: 0, 1, ...
  int64_t rows;
  uint64_t seed;
  uint32_t stream, limit;  // limit: t of the ternary entries
  int64_t start, stop;     // columns
  bool normal;
  double scale;
  T* out;  // (rows, stop - start)
};

template <typename T>
__global__ void __launch_bounds__(kThreads) projection_kernel(const ProjectionArgs<T> a) {
  const int64_t first = a.start / 4, blocks = ceil_div(a.stop, 4) - first;
  const int64_t width = a.stop - a.start;
  for (int64_t at = thread_id(); at < a.rows * blocks; at += thread_count()) {
    int64_t row, block;
    divide(at, blocks, row, block);
    block += first;
    const auto node = static_cast<uint64_t>(a.node ? a.node[row] : row);
    const PhiloxWords words = philox(static_cast<uint32_t>(block), a.stream, node, a.seed);
    const double factor = static_cast<double>(a.factor[row]);
    const T value = static_cast<T>(times(a.scale, factor));
#pragma unroll
    for (int c = 0; c < 4; ++c) {
      const int64_t column = 4 * block + c;
      if (column < a.start || column >= a.stop) continue;
      const uint32_t u = words.word[c];
      T entry = u < a.limit ? value : (u - a.limit < a.limit ? -value : T(0));
      if (a.normal) entry = static_cast<T>(times(times(normal_quantile(u), a.scale), factor));
      a.out[row * width + column - a.start] = entry;
    }
  }
}

}  // namespace
}  // namespace graphlab::cuda

namespace graphlab {

using namespace cuda;

Tensor random_projection(const Tensor& factor, const OptionalTensor& node, int64_t seed,
                         int64_t stream, int64_t start, int64_t stop, double sparsity,
                         double scale) {
  STD_TORCH_CHECK(0 <= start && start <= stop, "graphlab: start must lie in [0, stop]");
  check_length(node, factor.numel(), "node");
  return by_dtype(factor, [&](auto zero) {
    using T = decltype(zero);
    const Context context(factor);
    const Input<T> factors(context, factor);
    const Input<int64_t> nodes(context, node);
    const int64_t rows = factor.numel();
    Tensor out = scratch<T, 2>(factor, {rows, stop - start});
    const bool normal = sparsity == 0;
    ProjectionArgs<T> a{};
    a.factor = factors;
    a.node = nodes;
    a.rows = rows;
    a.seed = static_cast<uint64_t>(seed);
    a.stream = static_cast<uint32_t>(stream);
    a.limit = normal ? 0 : static_cast<uint32_t>(std::floor(0x1p31 / sparsity + 0.5));
    a.start = start;
    a.stop = stop;
    a.normal = normal;
    a.scale = scale;
    a.out = output<T>(out);
    if (start == stop) return out;
    context.launch("random_projection", projection_kernel<T>,
                   blocks_for(rows * (ceil_div(stop, 4) - start / 4), kThreads), kThreads, a);
    return out;
  });
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CUDA, m) {
  m.impl("random_projection", TORCH_BOX(&random_projection));
}

}  // namespace graphlab
