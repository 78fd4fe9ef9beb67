// The graph that the operators of cliques.h take.
#pragma once

#include "cpu/checks.h"
#include "cpu/interrupt.h"

namespace graphlab::cpu {

// Symmetric adjacency without self-loops.
struct CliqueGraph {
  const int64_t* rowptr;  // (nodes + 1,)
  const int32_t* col;     // strictly ascending within a row
  int64_t nodes;
};

// The tensors behind one, checked.
struct CheckedCliqueGraph {
  Tensor rowptr, col;

  CliqueGraph view() const {
    return {data<int64_t>(rowptr), data<int32_t>(col), rowptr.numel() - 1};
  }
};

inline CheckedCliqueGraph checked_clique_graph(const Tensor& rowptr_, const Tensor& col_) {
  const int64_t nodes = count_rows(rowptr_);
  CheckedCliqueGraph graph{
      checked_rowptr(rowptr_, nodes, col_.numel()),
      checked_vector(col_, "col", ScalarType::Int, col_.numel())};
  const CliqueGraph view = graph.view();
  for (int64_t v = 0; v < nodes; ++v) {
    if (v % 4096 == 0) check_interrupt();
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

}  // namespace graphlab::cpu
