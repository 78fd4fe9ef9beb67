// random_projection on CUDA: one thread draws four neighbouring columns, the four words of a counter.
//
// The numbers are a format (projection.h): products and sums are rounded one by one, as the compiler
// would otherwise fuse them; quotients and roots are correctly rounded by themselves.
#include "common.cuh"

namespace graphlab::cuda {
namespace {

#ifdef __CUDA_ARCH__
__device__ inline double times(double a, double b) { return __dmul_rn(a, b); }
__device__ inline double plus(double a, double b) { return __dadd_rn(a, b); }
#else
__device__ inline double times(double a, double b) { return a * b; }
__device__ inline double plus(double a, double b) { return a + b; }
#endif

template <int N>
struct Polynomial {
  double coefficient[N];

  __device__ double operator()(double x) const {
    double sum = coefficient[N - 1];
#pragma unroll
    for (int i = N - 2; i >= 0; --i) sum = plus(times(sum, x), coefficient[i]);
    return sum;
  }
};

union DoubleBits {
  double value;
  int64_t bits;
};

// Natural logarithm of a normal number in (0, 1).
__device__ inline double logarithm(double x) {
  constexpr Polynomial<11> kAtanh{{1.0, 1.0 / 3.0, 1.0 / 5.0, 1.0 / 7.0, 1.0 / 9.0, 1.0 / 11.0,
                                   1.0 / 13.0, 1.0 / 15.0, 1.0 / 17.0, 1.0 / 19.0, 1.0 / 21.0}};
  DoubleBits word;
  word.value = x;
  const double exponent = static_cast<double>((word.bits >> 52) - 1022);
  word.bits = (word.bits & 0x000FFFFFFFFFFFFF) | 0x3FE0000000000000;
  const bool low = word.value < 0.70710678118654757;
  const double m = low ? word.value + word.value : word.value;
  const double e = low ? exponent - 1.0 : exponent;
  const double f = (m - 1.0) / (m + 1.0);
  return plus(times(e, 0.69314718055994529), times(f + f, kAtanh(times(f, f))));
}

// Quantile of (u + 1/2) / 2^32 (Wichura, algorithm AS 241).
__device__ inline double normal_quantile(uint32_t u) {
  constexpr Polynomial<8> kNearTop{{3.3871328727963666080e0, 1.3314166789178437745e2,
                                    1.9715909503065514427e3, 1.3731693765509461125e4,
                                    4.5921953931549871457e4, 6.7265770927008700853e4,
                                    3.3430575583588128105e4, 2.5090809287301226727e3}};
  constexpr Polynomial<8> kNearBottom{{1.0, 4.2313330701600911252e1, 6.8718700749205790830e2,
                                       5.3941960214247511077e3, 2.1213794301586595867e4,
                                       3.9307895800092710610e4, 2.8729085735721942674e4,
                                       5.2264952788528545610e3}};
  constexpr Polynomial<8> kFarTop{{1.42343711074968357734e0, 4.63033784615654529590e0,
                                   5.76949722146069140550e0, 3.64784832476320460504e0,
                                   1.27045825245236838258e0, 2.41780725177450611770e-1,
                                   2.27238449892691845833e-2, 7.74545014278341407640e-4}};
  constexpr Polynomial<8> kFarBottom{{1.0, 2.05319162663775882187e0, 1.67638483018380384940e0,
                                      6.89767334985100004550e-1, 1.48103976427480074590e-1,
                                      1.51986665636164571966e-2, 5.47593808499534494600e-4,
                                      1.05075007164441684324e-9}};
  const double q = plus(times(static_cast<double>(u) + 0.5, 0x1p-32), -0.5);
  const double size = q < 0.0 ? -q : q;
  if (size <= 0.425) {
    const double inner = plus(0.180625, -times(q, q));
    return times(q, kNearTop(inner) / kNearBottom(inner));
  }
  const double outer = plus(sqrt(-logarithm(0.5 - size)), -1.6);
  const double far = kFarTop(outer) / kFarBottom(outer);
  return q < 0.0 ? -far : far;
}

__device__ inline void philox(uint32_t (&c)[4], uint64_t seed) {
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c[0], p1 = uint64_t{0xCD9E8D57} * c[2];
    c[0] = static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0;
    c[1] = static_cast<uint32_t>(p1);
    c[2] = static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1;
    c[3] = static_cast<uint32_t>(p0);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
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
    uint32_t words[4] = {static_cast<uint32_t>(block), a.stream, static_cast<uint32_t>(node),
                         static_cast<uint32_t>(node >> 32)};
    philox(words, a.seed);
    const double factor = static_cast<double>(a.factor[row]);
    const T value = static_cast<T>(times(a.scale, factor));
#pragma unroll
    for (int c = 0; c < 4; ++c) {
      const int64_t column = 4 * block + c;
      if (column < a.start || column >= a.stop) continue;
      const uint32_t u = words[c];
      T entry = u < a.limit ? value : (u - a.limit < a.limit ? -value : T(0));
      if (a.normal) entry = static_cast<T>(times(times(normal_quantile(u), a.scale), factor));
      a.out[row * width + column - a.start] = entry;
    }
  }
}

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

}  // namespace
}  // namespace graphlab::cuda

STABLE_TORCH_LIBRARY_IMPL(graphlab, CUDA, m) {
  m.impl("random_projection", TORCH_BOX(&graphlab::cuda::random_projection));
}
