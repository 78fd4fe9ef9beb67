#include "cliques.h"

#include <algorithm>

#include "cpu/cliques_kernel.h"

namespace graphlab {
namespace {

struct Graph {
  Tensor rowptr, col;

  cpu::CliqueGraph view() const {
    return {data<int64_t>(rowptr), data<int32_t>(col), rowptr.numel() - 1};
  }
};

Graph checked_graph(const Tensor& rowptr_, const Tensor& col_) {
  check_dim(rowptr_, "rowptr", 1);
  STD_TORCH_CHECK(rowptr_.numel() >= 1, "rowptr must not be empty");
  const int64_t nodes = rowptr_.numel() - 1;
  Graph graph{
      checked_rowptr(rowptr_, nodes, col_.numel()),
      checked_vector(col_, "col", ScalarType::Int, col_.numel())};
  const cpu::CliqueGraph view = graph.view();
  for (int64_t v = 0; v < nodes; ++v) {
    for (int64_t e = view.rowptr[v]; e < view.rowptr[v + 1]; ++e) {
      const int64_t u = view.col[e];
      STD_TORCH_CHECK(
          u >= 0 && u < nodes && u != v, "col[", e, "] = ", u, " is outside or a self-loop");
      STD_TORCH_CHECK(
          e == view.rowptr[v] || view.col[e - 1] < u, "col must ascend within a row, see ", e);
    }
  }
  return graph;
}

}  // namespace

std::tuple<Tensor, Tensor, Tensor> maximal_cliques(
    const Tensor& rowptr, const Tensor& col, int64_t max_cliques, double time_limit) {
  const Graph graph = checked_graph(rowptr, col);
  const cpu::CliqueResult found =
      cpu::maximal_cliques(graph.view(), {max_cliques, time_limit});
  return {
      to_tensor(rowptr, found.ptr), to_tensor(rowptr, found.idx),
      to_tensor<int64_t>(rowptr, {static_cast<int64_t>(found.status)})};
}

std::tuple<Tensor, Tensor> clique_overlap(
    const Tensor& ptr_, const Tensor& idx_, const Tensor& rowptr_, const Tensor& col_) {
  const Graph graph = checked_graph(rowptr_, col_);
  const cpu::CliqueGraph view = graph.view();
  check_dim(ptr_, "ptr", 1);
  STD_TORCH_CHECK(ptr_.numel() >= 1, "ptr must not be empty");
  const int64_t cliques = ptr_.numel() - 1;
  const Tensor ptr = checked_rowptr(ptr_, cliques, idx_.numel());
  const Tensor idx = checked_index(idx_, "idx", idx_.numel(), view.nodes);
  Tensor node = torch::stable::new_empty(ptr, {view.nodes}, ScalarType::Long);
  Tensor edge = torch::stable::new_empty(ptr, {4, col_.numel()}, ScalarType::Long);
  std::fill_n(mutable_data<int64_t>(node), node.numel(), int64_t{0});
  std::fill_n(mutable_data<int64_t>(edge), edge.numel(), int64_t{0});
  const cpu::CliqueRows rows{data<int64_t>(ptr), data<int64_t>(idx), cliques};
  cpu::clique_overlap(rows, view, mutable_data<int64_t>(node), mutable_data<int64_t>(edge));
  return {node, edge};
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) {
  m.impl("maximal_cliques", TORCH_BOX(&maximal_cliques));
  m.impl("clique_overlap", TORCH_BOX(&clique_overlap));
}

}  // namespace graphlab
