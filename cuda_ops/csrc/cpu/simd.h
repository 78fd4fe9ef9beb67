// Vectors of one instruction set, on the vector types of GCC and Clang. No include guard: this file
// is included once per instruction set, see for_each_isa.h.

#ifndef GRAPHLAB_INLINE
#define GRAPHLAB_INLINE inline __attribute__((always_inline))
#define GRAPHLAB_LAMBDA __attribute__((always_inline))
#define GRAPHLAB_UNROLL _Pragma("GCC unroll 16")
#if defined(__clang__)
#define GRAPHLAB_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define GRAPHLAB_INDEPENDENT _Pragma("GCC ivdep")
#endif
#endif

namespace graphlab::cpu::GRAPHLAB_ISA {
namespace {

template <typename T>
struct Types;

template <>
struct Types<float> {
  using Bits = int32_t;
  static constexpr int mantissa = 23;
  static constexpr float magic = 12582912.0f + 127.0f;  // 1.5 * 2^23, plus the exponent bias
  static constexpr float lowest = -126.0f, highest = 127.0f;
  typedef float Vector __attribute__((vector_size(GRAPHLAB_VECTOR_BYTES)));
  typedef int32_t Mask __attribute__((vector_size(GRAPHLAB_VECTOR_BYTES)));
  typedef float Memory __attribute__((vector_size(GRAPHLAB_VECTOR_BYTES), aligned(4), may_alias));
};

template <>
struct Types<double> {
  using Bits = int64_t;
  static constexpr int mantissa = 52;
  static constexpr double magic = 6755399441055744.0 + 1023.0;  // 1.5 * 2^52, plus the bias
  static constexpr double lowest = -1022.0, highest = 1023.0;
  typedef double Vector __attribute__((vector_size(GRAPHLAB_VECTOR_BYTES)));
  typedef int64_t Mask __attribute__((vector_size(GRAPHLAB_VECTOR_BYTES)));
  typedef double Memory __attribute__((vector_size(GRAPHLAB_VECTOR_BYTES), aligned(8), may_alias));
};

template <typename T>
using Vec = typename Types<T>::Vector;

template <typename T>
constexpr int kLanes = GRAPHLAB_VECTOR_BYTES / static_cast<int>(sizeof(T));

template <typename T>
GRAPHLAB_INLINE Vec<T> load(const T* from) {
  return *reinterpret_cast<const typename Types<T>::Memory*>(from);
}

template <typename T>
GRAPHLAB_INLINE void store(T* to, Vec<T> value) {
  *reinterpret_cast<typename Types<T>::Memory*>(to) = value;
}

template <typename T>
GRAPHLAB_INLINE Vec<T> splat(T value) {
  return value - Vec<T>{};  // x - 0 is x for every x, so that this costs a broadcast alone
}

template <typename T>
GRAPHLAB_INLINE Vec<T> maximum(Vec<T> a, Vec<T> b) {
  return a > b ? a : b;
}

// Lane numbers 0, 1, 2, ...
template <typename T, int... K>
GRAPHLAB_INLINE typename Types<T>::Mask lane_numbers(std::integer_sequence<int, K...>) {
  return typename Types<T>::Mask{K...};
}

template <typename T>
GRAPHLAB_INLINE typename Types<T>::Mask lane_numbers() {
  return lane_numbers<T>(std::make_integer_sequence<int, kLanes<T>>());
}

// The first `count` lanes of value, zero in the others.
template <typename T>
GRAPHLAB_INLINE Vec<T> first_lanes(Vec<T> value, int64_t count) {
  const auto limit = static_cast<typename Types<T>::Bits>(count);
  return lane_numbers<T>() < limit ? value : Vec<T>{};
}

GRAPHLAB_INLINE Vec<float> exp2_polynomial(Vec<float> r) {
  // Minimax in relative error on [-1/2, 1/2]: 2e-9, and exactly 1 at 0.
  Vec<float> p = r * 1.53458118e-4f + 1.33999312e-3f;
  p = p * r + 9.61848896e-3f;
  p = p * r + 5.55032878e-2f;
  p = p * r + 2.40226469e-1f;
  p = p * r + 6.93147206e-1f;
  return p * r + 1.0f;
}

GRAPHLAB_INLINE Vec<double> exp2_polynomial(Vec<double> r) {
  // ln(2)^k / k!; the first term left out is below 2e-17 on [-1/2, 1/2].
  Vec<double> p = r * 2.5678435993488196e-11 + 4.4455382718708101e-10;
  p = p * r + 7.0549116208011209e-09;
  p = p * r + 1.0178086009239696e-07;
  p = p * r + 1.3215486790144305e-06;
  p = p * r + 1.5252733804059838e-05;
  p = p * r + 0.00015403530393381606;
  p = p * r + 0.0013333558146428441;
  p = p * r + 0.0096181291076284769;
  p = p * r + 0.055504108664821576;
  p = p * r + 0.24022650695910069;
  p = p * r + 0.69314718055994529;
  return p * r + 1.0;
}

// 2^x for x within the range of normal numbers (float32: -126 <= x <= 127).
template <typename T>
GRAPHLAB_INLINE Vec<T> exp2_bounded(Vec<T> x) {
  using Mask = typename Types<T>::Mask;
  // Adding the magic number rounds x to an integer n and leaves n + bias in the lowest bits, from
  // where a shift makes them the exponent of 2^n.
  const Vec<T> shifted = x + Types<T>::magic;
  const Vec<T> r = x - (shifted - Types<T>::magic);
  const Vec<T> power = (Vec<T>)((Mask)shifted << Types<T>::mantissa);
  return exp2_polynomial(r) * power;
}

// 2^x for every x: 0 below the normal numbers (and at -inf), the largest power above, NaN for NaN.
template <typename T>
GRAPHLAB_INLINE Vec<T> exp2_any(Vec<T> x) {
  const Vec<T> low = splat<T>(Types<T>::lowest), high = splat<T>(Types<T>::highest);
  const Vec<T> clamped = x < low ? low : (x > high ? high : x);
  return x < low ? Vec<T>{} : exp2_bounded<T>(clamped);
}

// One step of reducing lanes: lane k of the result sums two lanes of a where bit D of k is 0, of b
// where it is 1.
template <typename T, int D, int... K>
GRAPHLAB_INLINE Vec<T> fold(Vec<T> a, Vec<T> b, std::integer_sequence<int, K...>) {
  constexpr int L = kLanes<T>;
  return __builtin_shufflevector(a, b, ((K & D) ? L + K : K)...) +
      __builtin_shufflevector(a, b, ((K & D) ? L + (K ^ D) : (K ^ D))...);
}

// Vector whose lane k is the sum of the lanes of v[k]; 2 * D vectors are read.
template <typename T, int D>
GRAPHLAB_INLINE Vec<T> sum_lanes_of(const Vec<T>* v) {
  if constexpr (D == 0) {
    return v[0];
  } else {
    return fold<T, D>(
        sum_lanes_of<T, D / 2>(v), sum_lanes_of<T, D / 2>(v + D),
        std::make_integer_sequence<int, kLanes<T>>());
  }
}

template <typename T, int D = kLanes<T> / 2>
GRAPHLAB_INLINE T sum_lanes(Vec<T> v) {
  if constexpr (D == 0) {
    return v[0];
  } else {
    return sum_lanes<T, D / 2>(
        fold<T, D>(v, v, std::make_integer_sequence<int, kLanes<T>>()));
  }
}

// One step of a transpose: swaps what stands off the diagonal in two rows that are D apart.
template <typename T, int D, int... K>
GRAPHLAB_INLINE void swap_blocks(Vec<T>& a, Vec<T>& b, std::integer_sequence<int, K...>) {
  constexpr int L = kLanes<T>;
  const Vec<T> first = __builtin_shufflevector(a, b, ((K & D) ? L + (K ^ D) : K)...);
  b = __builtin_shufflevector(a, b, ((K & D) ? L + K : (K ^ D))...);
  a = first;
}

// Lane k of v[i] becomes lane i of v[k], for as many vectors as they have lanes.
template <typename T, int D = kLanes<T> / 2>
GRAPHLAB_INLINE void transpose(Vec<T>* v) {
  if constexpr (D > 0) {
    GRAPHLAB_UNROLL
    for (int k = 0; k < kLanes<T>; ++k) {
      if (!(k & D)) {
        swap_blocks<T, D>(v[k], v[k + D], std::make_integer_sequence<int, kLanes<T>>());
      }
    }
    transpose<T, D / 2>(v);
  }
}

// Every lane beside the one whose number differs by D.
template <typename T, int D, int... K>
GRAPHLAB_INLINE Vec<T> swap_lanes(Vec<T> v, std::integer_sequence<int, K...>) {
  return __builtin_shufflevector(v, v, (K ^ D)...);
}

// The largest lane; which one of NaN and a number is not said.
template <typename T, int D = kLanes<T> / 2>
GRAPHLAB_INLINE T largest_lane(Vec<T> v) {
  if constexpr (D == 0) {
    return v[0];
  } else {
    const Vec<T> other = swap_lanes<T, D>(v, std::make_integer_sequence<int, kLanes<T>>());
    return largest_lane<T, D / 2>(maximum<T>(v, other));
  }
}

}  // namespace
}  // namespace graphlab::cpu::GRAPHLAB_ISA
