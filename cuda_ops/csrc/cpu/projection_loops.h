// Inner loops of projection.cpp; included once per instruction set. Words of counters are stored
// pairwise, the lower half first: little-endian machines only.

namespace graphlab::cpu::GRAPHLAB_ISA {
namespace {

// Lanes hold words of 32 bits; what is above them is arbitrary.
typedef uint64_t Lanes __attribute__((vector_size(GRAPHLAB_VECTOR_BYTES)));
typedef uint64_t Pairs __attribute__((vector_size(GRAPHLAB_VECTOR_BYTES), aligned(8), may_alias));
constexpr int kWordLanes = GRAPHLAB_VECTOR_BYTES / 8;

// Products of the words with a constant, 64 bits each.
GRAPHLAB_INLINE Lanes multiply_words(Lanes a, uint32_t b) {
#if GRAPHLAB_X86 && GRAPHLAB_VECTOR_BYTES == 64
  return (Lanes)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(b));
#elif GRAPHLAB_X86 && GRAPHLAB_VECTOR_BYTES == 32
  return (Lanes)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(b));
#elif GRAPHLAB_X86
  return (Lanes)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(b));
#else
  return (a & 0xFFFFFFFF) * b;
#endif
}

// Words of 16 counters that differ in their first word: word q of counter l is words[4 * l + q].
GRAPHLAB_INLINE void philox_lanes(
    uint32_t first, uint32_t stream, uint64_t node, uint64_t seed, uint32_t* words) {
  constexpr Lanes zero = {};
  for (int begin = 0; begin < kLanes32; begin += kWordLanes) {
    Lanes c0 = zero + first + static_cast<uint64_t>(begin), c1 = zero + stream, c2 = zero + node;
    Lanes c3 = zero + (node >> 32);
    for (int l = 0; l < kWordLanes; ++l) c0[l] += static_cast<uint64_t>(l);
    uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
    GRAPHLAB_UNROLL
    for (int round = 0; round < kPhiloxRounds; ++round) {
      const Lanes p0 = multiply_words(c0, kPhiloxFactor0);
      const Lanes p1 = multiply_words(c2, kPhiloxFactor1);
      c0 = (p1 >> 32) ^ c1 ^ k0;
      c1 = p1;
      c2 = (p0 >> 32) ^ c3 ^ k1;
      c3 = p0;
      k0 += kPhiloxStep0;
      k1 += kPhiloxStep1;
    }
    alignas(64) uint64_t front[kWordLanes], back[kWordLanes];
    *reinterpret_cast<Pairs*>(front) = (c0 & 0xFFFFFFFF) | (c1 << 32);
    *reinterpret_cast<Pairs*>(back) = (c2 & 0xFFFFFFFF) | (c3 << 32);
    for (int l = 0; l < kWordLanes; ++l) {
      uint32_t* to = words + 4 * (begin + l);
      __builtin_memcpy(to, front + l, 8);
      __builtin_memcpy(to + 2, back + l, 8);
    }
  }
}

template <int N>
GRAPHLAB_INLINE double polynomial(const Polynomial<N>& p, double x) {
  double sum = p.coefficient[N - 1];
  for (int i = N - 2; i >= 0; --i) sum = sum * x + p.coefficient[i];
  return sum;
}

// Natural logarithm of a normal number in (0, 1): mantissa and exponent, then the series of
// 2 atanh((m - 1) / (m + 1)) for m in [sqrt(1/2), sqrt(2)).
GRAPHLAB_INLINE double logarithm(double x) {
  const int64_t bits = __builtin_bit_cast(int64_t, x);
  const double mantissa =
      __builtin_bit_cast(double, (bits & 0x000FFFFFFFFFFFFF) | 0x3FE0000000000000);
  const double exponent = static_cast<double>(static_cast<int32_t>(bits >> 52) - 1022);
  const bool low = mantissa < kRootHalf;
  const double m = low ? mantissa + mantissa : mantissa;
  const double e = low ? exponent - 1.0 : exponent;
  const double f = (m - 1.0) / (m + 1.0);
  return e * kLog2 + (f + f) * polynomial(kAtanh, f * f);
}

// Quantile of (u + 1/2) / 2^32.
GRAPHLAB_INLINE double normal_quantile(uint32_t u) {
  const double q = (static_cast<double>(u) + 0.5) * 0x1p-32 - 0.5;
  const double size = q < 0 ? -q : q;
  const double inner = 0.180625 - q * q;
  const double near = q * (polynomial(kNearTop, inner) / polynomial(kNearBottom, inner));
  const double outer = __builtin_sqrt(-logarithm(0.5 - size)) - 1.6;
  const double far = polynomial(kFarTop, outer) / polynomial(kFarBottom, outer);
  return size <= 0.425 ? near : (q < 0 ? -far : far);
}

template <typename T>
GRAPHLAB_INLINE void ternary_entries(const uint32_t* words, uint32_t limit, T value, T* to) {
  for (int c = 0; c < 4 * kLanes32; ++c) {
    const T minus = words[c] - limit < limit ? -value : T(0);
    to[c] = words[c] < limit ? value : minus;
  }
}

template <typename T>
GRAPHLAB_INLINE void normal_entries(const uint32_t* words, double scale, double factor, T* to) {
  for (int c = 0; c < 4 * kLanes32; ++c) {
    to[c] = static_cast<T>(normal_quantile(words[c]) * scale * factor);
  }
}

template <typename T>
void random_rows(
    const RandomMatrix& matrix, const T* factor, int64_t begin, int64_t end, T* out) {
  const int64_t width = matrix.stop - matrix.start, first = matrix.start / 4;
  const bool normal = matrix.sparsity == 0;
  const auto limit =
      static_cast<uint32_t>(normal ? 0.0 : __builtin_floor(0x1p31 / matrix.sparsity + 0.5));
  alignas(64) uint32_t words[4 * kLanes32];
  alignas(64) T entries[4 * kLanes32];
  for (int64_t i = begin; i < end; ++i) {
    const auto node = static_cast<uint64_t>(matrix.node != nullptr ? matrix.node[i] : i);
    const double scaled = matrix.scale * static_cast<double>(factor[i]);
    for (int64_t block = first; 4 * block < matrix.stop; block += kLanes32) {
      philox_lanes(static_cast<uint32_t>(block), matrix.stream, node, matrix.seed, words);
      if (normal) {
        normal_entries(words, matrix.scale, static_cast<double>(factor[i]), entries);
      } else {
        ternary_entries(words, limit, static_cast<T>(scaled), entries);
      }
      const int64_t from = 4 * block < matrix.start ? matrix.start : 4 * block;
      const int64_t to = 4 * (block + kLanes32) < matrix.stop ? 4 * (block + kLanes32) : matrix.stop;
      for (int64_t j = from; j < to; ++j) {
        out[i * width + j - matrix.start] = entries[j - 4 * block];
      }
    }
  }
}

}  // namespace
}  // namespace graphlab::cpu::GRAPHLAB_ISA
