#include "walk.h"

#include <cmath>

#include "cpu/overlap_kernel.h"  // the range check of int32 columns
#include "cpu/walk_kernel.h"

namespace graphlab {

Tensor random_walk(
    const Tensor& rowptr_, const Tensor& col_, const Tensor& start_, int64_t seed, int64_t stream,
    int64_t length, double restart) {
  check_dim(rowptr_, "rowptr", 1);
  STD_TORCH_CHECK(rowptr_.numel() >= 1, "rowptr must not be empty");
  STD_TORCH_CHECK(stream >= 0 && stream <= UINT32_MAX, "stream must lie in [0, 2^32)");
  STD_TORCH_CHECK(0 <= length && length <= int64_t{1} << 32, "length must lie in [0, 2^32]");
  STD_TORCH_CHECK(0 <= restart && restart < 1, "restart must lie in [0, 1), got ", restart);
  const int64_t nodes = rowptr_.numel() - 1;
  const Tensor rowptr = checked_rowptr(rowptr_, nodes, col_.numel());
  const Tensor col = checked_vector(col_, "col", ScalarType::Int, col_.numel());
  const int64_t position = cpu::find_outside(data<int32_t>(col), col.numel(), nodes);
  STD_TORCH_CHECK(
      position < 0,
      "col[", position, "] = ", data<int32_t>(col)[position], " is outside [0, ", nodes, ")");
  const int64_t count = start_.numel();
  const Tensor start = checked_index(start_, "start", count, nodes);
  Tensor out = torch::stable::new_empty(col, {count, length + 1});
  const cpu::Walks walks{
      data<int64_t>(rowptr),
      data<int32_t>(col),
      data<int64_t>(start),
      count,
      length,
      static_cast<uint64_t>(seed),
      static_cast<uint32_t>(stream),
      static_cast<uint64_t>(std::floor(restart * 0x1p32 + 0.5))};
  cpu::random_walk(walks, mutable_data<int32_t>(out));
  return out;
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) { m.impl("random_walk", TORCH_BOX(&random_walk)); }

}  // namespace graphlab
