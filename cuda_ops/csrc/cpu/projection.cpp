#include "projection.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "cpu/checks.h"
#include "cpu/isa.h"
#include "cpu/parallel.h"
#include "normal_quantile.h"
#include "philox.h"

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

struct RandomMatrix {
  const int64_t* node;  // (rows), or null: 0, 1, ...
  int64_t rows;
  uint64_t seed;
  uint32_t stream;
  int64_t start, stop;  // columns
  double sparsity;      // 0: normal
  double scale;
};

constexpr int kLanes32 = 16;  // counters at a time: 64 columns

}  // namespace
}  // namespace graphlab::cpu

#define GRAPHLAB_LOOPS "cpu/projection_loops.h"
#include "cpu/for_each_isa.h"

namespace graphlab::cpu {
namespace {

template <typename T>
void fill_random(const RandomMatrix& matrix, const T* factor, T* out) {
  const int64_t width = std::max<int64_t>(1, matrix.stop - matrix.start);
  const auto rows = GRAPHLAB_SELECT(random_rows<T>);
  prefer_huge_pages(out, static_cast<int64_t>(sizeof(T)) * matrix.rows * width);
  parallel_ranges(matrix.rows, std::max<int64_t>(1, 65536 / width), [&](int64_t begin, int64_t end) {
    rows(matrix, factor, begin, end, out);
  });
}

}  // namespace
}  // namespace graphlab::cpu

namespace graphlab {

Tensor random_projection(
    const Tensor& factor, const OptionalTensor& node, int64_t seed, int64_t stream, int64_t start,
    int64_t stop, double sparsity, double scale) {
  const ScalarType dtype = factor.scalar_type();
  STD_TORCH_CHECK(
      dtype == ScalarType::Float || dtype == ScalarType::Double,
      "factor must be float32 or float64, got ", torch::headeronly::toString(dtype));
  const int64_t rows = factor.numel();
  const Tensor factors = checked_vector(factor, "factor", dtype, rows);
  OptionalTensor nodes;
  if (node.has_value()) nodes = checked_index(*node, "node", rows, INT64_MAX);
  STD_TORCH_CHECK(stream >= 0 && stream <= UINT32_MAX, "stream must lie in [0, 2^32)");
  STD_TORCH_CHECK(
      0 <= start && start <= stop && stop <= (int64_t{1} << 34),
      "start and stop must satisfy 0 <= start <= stop <= 2^34, got ", start, " and ", stop);
  STD_TORCH_CHECK(sparsity == 0 || sparsity >= 1, "sparsity must be 0 or at least 1");
  Tensor out = torch::stable::new_empty(factor, {rows, stop - start});
  const cpu::RandomMatrix matrix{
      data<int64_t>(nodes), rows,  static_cast<uint64_t>(seed), static_cast<uint32_t>(stream),
      start,                stop,  sparsity,                    scale};
  dispatch_floating(dtype, [&](auto type) {
    using T = decltype(type);
    cpu::fill_random<T>(matrix, data<T>(factors), mutable_data<T>(out));
  });
  return out;
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) { m.impl("random_projection", TORCH_BOX(&random_projection)); }

}  // namespace graphlab
