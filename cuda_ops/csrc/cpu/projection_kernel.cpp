#include "cpu/projection_kernel.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "cpu/isa.h"
#include "cpu/parallel.h"

#if GRAPHLAB_X86
#include <immintrin.h>
#endif

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are stored lower half first");

// Entries are a format: a fused multiplication would change their last bit on some machines.
#if defined(__clang__)
#pragma clang fp contract(off)
#else
#pragma GCC optimize("fp-contract=off")
#endif

namespace graphlab::cpu {
namespace {

constexpr int kLanes32 = 16;  // counters at a time: 64 columns

constexpr double kRootHalf = 0.70710678118654757, kLog2 = 0.69314718055994529;

// 1 / (2 i + 1).
constexpr double kAtanh[] = {1.0,        1.0 / 3.0,  1.0 / 5.0,  1.0 / 7.0,  1.0 / 9.0, 1.0 / 11.0,
                             1.0 / 13.0, 1.0 / 15.0, 1.0 / 17.0, 1.0 / 19.0, 1.0 / 21.0};

// Wichura, algorithm AS 241: rational approximations of the normal quantile.
constexpr double kNearTop[] = {3.3871328727963666080e0, 1.3314166789178437745e2,
                               1.9715909503065514427e3, 1.3731693765509461125e4,
                               4.5921953931549871457e4, 6.7265770927008700853e4,
                               3.3430575583588128105e4, 2.5090809287301226727e3};
constexpr double kNearBottom[] = {1.0, 4.2313330701600911252e1, 6.8718700749205790830e2,
                                  5.3941960214247511077e3, 2.1213794301586595867e4,
                                  3.9307895800092710610e4, 2.8729085735721942674e4,
                                  5.2264952788528545610e3};
constexpr double kFarTop[] = {1.42343711074968357734e0, 4.63033784615654529590e0,
                              5.76949722146069140550e0, 3.64784832476320460504e0,
                              1.27045825245236838258e0, 2.41780725177450611770e-1,
                              2.27238449892691845833e-2, 7.74545014278341407640e-4};
constexpr double kFarBottom[] = {1.0, 2.05319162663775882187e0, 1.67638483018380384940e0,
                                 6.89767334985100004550e-1, 1.48103976427480074590e-1,
                                 1.51986665636164571966e-2, 5.47593808499534494600e-4,
                                 1.05075007164441684324e-9};

}  // namespace
}  // namespace graphlab::cpu

#define GRAPHLAB_LOOPS "cpu/projection_loops.h"
#include "cpu/for_each_isa.h"

namespace graphlab::cpu {

template <typename T>
void fill_random(const RandomMatrix& matrix, const T* factor, T* out) {
  const int64_t width = std::max<int64_t>(1, matrix.stop - matrix.start);
  const auto rows = GRAPHLAB_SELECT(random_rows<T>);
  prefer_huge_pages(out, static_cast<int64_t>(sizeof(T)) * matrix.rows * width);
  parallel_ranges(matrix.rows, std::max<int64_t>(1, 65536 / width), [&](int64_t begin, int64_t end) {
    rows(matrix, factor, begin, end, out);
  });
}

template void fill_random<float>(const RandomMatrix&, const float*, float*);
template void fill_random<double>(const RandomMatrix&, const double*, double*);

}  // namespace graphlab::cpu
