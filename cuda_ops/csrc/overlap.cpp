#include "overlap.h"

#include "cpu/overlap_kernel.h"

namespace graphlab {
namespace {

void check_columns(const Tensor& col, const char* name, int64_t nodes) {
  const int32_t* values = data<int32_t>(col);
  const int64_t position = cpu::find_outside(values, col.numel(), nodes);
  STD_TORCH_CHECK(
      position < 0,
      name, "[", position, "] = ", values[position], " is outside [0, ", nodes, ")");
}

}  // namespace

Tensor walk_overlap(
    const Tensor& rowptr_, const Tensor& col_, const OptionalTensor& weight_,
    const Tensor& pair_rowptr_, const Tensor& pair_col_, int64_t num_hops, double beta,
    bool distinct) {
  STD_TORCH_CHECK(num_hops >= 1, "num_hops must be at least 1, got ", num_hops);
  STD_TORCH_CHECK(!(distinct && weight_.has_value()), "distinct walk ends have no weights");
  check_dim(rowptr_, "rowptr", 1);
  check_size(rowptr_, "rowptr", 0, pair_rowptr_.numel());
  STD_TORCH_CHECK(rowptr_.numel() >= 1, "rowptr must not be empty");
  const int64_t nodes = rowptr_.numel() - 1;
  const Tensor rowptr = checked_rowptr(rowptr_, nodes, col_.numel());
  const Tensor col = checked_vector(col_, "col", ScalarType::Int, col_.numel());
  const Tensor pair_rowptr = checked_rowptr(pair_rowptr_, nodes, pair_col_.numel());
  const Tensor pair_col =
      checked_vector(pair_col_, "pair_col", ScalarType::Int, pair_col_.numel());
  check_columns(col, "col", nodes);
  check_columns(pair_col, "pair_col", nodes);
  const ScalarType dtype = weight_.has_value() ? weight_->scalar_type() : ScalarType::Double;
  STD_TORCH_CHECK(
      dtype == ScalarType::Float || dtype == ScalarType::Double,
      "weight must be float32 or float64, got ", torch::headeronly::toString(dtype));
  const OptionalTensor weight = checked_vector(weight_, "weight", dtype, col.numel());
  Tensor out = torch::stable::new_empty(pair_col, {pair_col.numel()}, ScalarType::Double);
  const cpu::OverlapPairs pairs{data<int64_t>(pair_rowptr), data<int32_t>(pair_col)};
  const cpu::WalkRule rule{num_hops, beta, distinct};
  dispatch_floating(dtype, [&](auto type) {
    using T = decltype(type);
    const cpu::OverlapGraph<T> graph{
        data<int64_t>(rowptr), data<int32_t>(col), data<T>(weight), nodes};
    cpu::walk_overlap(graph, pairs, rule, mutable_data<double>(out));
  });
  return out;
}

Tensor distinct_ends(const Tensor& rowptr_, const Tensor& col_, int64_t num_hops) {
  STD_TORCH_CHECK(num_hops >= 1, "num_hops must be at least 1, got ", num_hops);
  check_dim(rowptr_, "rowptr", 1);
  STD_TORCH_CHECK(rowptr_.numel() >= 1, "rowptr must not be empty");
  const int64_t nodes = rowptr_.numel() - 1;
  const Tensor rowptr = checked_rowptr(rowptr_, nodes, col_.numel());
  const Tensor col = checked_vector(col_, "col", ScalarType::Int, col_.numel());
  check_columns(col, "col", nodes);
  Tensor out = torch::stable::new_empty(rowptr, {nodes, num_hops});
  const cpu::OverlapGraph<double> graph{
      data<int64_t>(rowptr), data<int32_t>(col), nullptr, nodes};
  cpu::distinct_ends(graph, num_hops, mutable_data<int64_t>(out));
  return out;
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) {
  m.impl("walk_overlap", TORCH_BOX(&walk_overlap));
  m.impl("distinct_ends", TORCH_BOX(&distinct_ends));
}

}  // namespace graphlab
