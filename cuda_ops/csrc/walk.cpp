#include "walk.h"

#include <algorithm>
#include <cmath>

#include "cpu/overlap_kernel.h"  // the range check of int32 columns
#include "cpu/walk_kernel.h"
#include "cpu/walk_subgraphs_kernel.h"

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

namespace {

void check_places(const cpu::WalkRows& walks) {
  for (int64_t row = 0; row < walks.count; ++row) {
    const int32_t* place = walks.place + row * walks.width;
    const int32_t lowest = *std::min_element(place, place + walks.width);
    STD_TORCH_CHECK(
        place[0] >= 0 && lowest >= -1,
        "walks must start at a node and hold nothing below -1, see row ", row);
  }
}

}  // namespace

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor> walk_subgraphs(
    const Tensor& walks_, int64_t max_nodes) {
  check_dim(walks_, "walks", 2);
  const int64_t width = walks_.size(1);
  STD_TORCH_CHECK(width >= 1, "walks must have at least one column");
  STD_TORCH_CHECK(max_nodes != 0, "max_nodes must not be 0");
  const Tensor walks = checked_matrix(walks_, "walks", ScalarType::Int, width);
  const cpu::WalkRows rows{data<int32_t>(walks), walks.size(0), width, max_nodes};
  check_places(rows);
  const cpu::Subgraphs found = cpu::walk_subgraphs(rows);
  const bool narrow = width <= 1 << 15;
  Tensor node = torch::stable::new_empty(walks, {found.node_ptr.back()}, ScalarType::Int);
  Tensor edge = torch::stable::new_empty(
      walks, {2, found.edge_ptr.back()}, narrow ? ScalarType::Short : ScalarType::Int);
  if (narrow) {
    cpu::join_subgraphs(found, mutable_data<int32_t>(node), mutable_data<int16_t>(edge));
  } else {
    cpu::join_subgraphs(found, mutable_data<int32_t>(node), mutable_data<int32_t>(edge));
  }
  return {
      to_tensor(walks, found.node_ptr), node,
      to_tensor(walks, found.edge_ptr), edge,
      to_tensor(walks, found.root)};
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) {
  m.impl("random_walk", TORCH_BOX(&random_walk));
  m.impl("walk_subgraphs", TORCH_BOX(&walk_subgraphs));
}

}  // namespace graphlab
