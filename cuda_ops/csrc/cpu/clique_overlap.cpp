#include <algorithm>
#include <atomic>
#include <cstddef>
#include <numeric>
#include <vector>

#include "cliques.h"
#include "cpu/clique_graph.h"
#include "cpu/parallel.h"

namespace graphlab::cpu {
namespace {

constexpr int64_t kPiece = int64_t{1} << 22;  // entries of a loop between two looks at signals

// Rows of node numbers, ascending within a row.
struct CliqueRows {
  const int64_t* ptr;
  const int64_t* idx;
  int64_t count;
};

// Cliques of every node: rows of clique numbers.
struct NodeRows {
  std::vector<int64_t> ptr, clique;

  NodeRows(const CliqueRows& rows, int64_t nodes)
      : ptr(nodes + 1, 0), clique(rows.ptr[rows.count]) {
    for_pieces(0, rows.ptr[rows.count], kPiece, [&](int64_t begin, int64_t end) {
      for (int64_t e = begin; e < end; ++e) ++ptr[rows.idx[e] + 1];
    });
    std::partial_sum(ptr.begin(), ptr.end(), ptr.begin());
    std::vector<int64_t> next(ptr.begin(), ptr.end() - 1);
    for (int64_t c = 0; c < rows.count; ++c) {
      if (c % (1 << 16) == 0) check_interrupt();
      for (int64_t e = rows.ptr[c]; e < rows.ptr[c + 1]; ++e) clique[next[rows.idx[e]]++] = c;
    }
  }
};

void add(int64_t& target, int64_t value) {
  std::atomic_ref<int64_t>(target).fetch_add(value, std::memory_order_relaxed);
}

// Everything about one clique and those that meet it; scratch of one thread.
class Overlaps {
 public:
  Overlaps(
      const CliqueRows& rows, const NodeRows& of_node, const CliqueGraph& graph, int64_t* node,
      int64_t* edge)
      : rows_(rows), of_node_(of_node), graph_(graph), node_(node), edge_(edge),
        entries_(graph.rowptr[graph.nodes]), shared_(rows.count, 0), holds_(graph.nodes, 0),
        met_(graph.nodes, 0) {}

  void operator()(int64_t clique) {
    const int64_t* const begin = rows_.idx + rows_.ptr[clique];
    const int64_t* const end = rows_.idx + rows_.ptr[clique + 1];
    count_shared(begin, end);
    for (const int64_t* v = begin; v < end; ++v) holds_[*v] = 1;
    count_met();
    for (const int64_t* v = begin; v < end; ++v) visit(*v, end - begin);
    for (const int64_t other : touched_) {
      if (other > clique && shared_[other] >= 3) link_pairs(other);
      if (++links_ % 1024 == 0) check_interrupt();
    }
    for (const int64_t* v = begin; v < end; ++v) holds_[*v] = 0;
    for (const int64_t other : touched_) shared_[other] = 0;
    for (const int64_t v : near_) met_[v] = 0;
  }

 private:
  void count_shared(const int64_t* begin, const int64_t* end) {
    touched_.clear();
    for (const int64_t* v = begin; v < end; ++v) {
      for (int64_t at = of_node_.ptr[*v]; at < of_node_.ptr[*v + 1]; ++at) {
        if (shared_[of_node_.clique[at]]++ == 0) touched_.push_back(of_node_.clique[at]);
      }
    }
  }

  // met_[v]: cliques at v that meet this one.
  void count_met() {
    near_.clear();
    for (const int64_t other : touched_) {
      for (int64_t e = rows_.ptr[other]; e < rows_.ptr[other + 1]; ++e) {
        if (met_[rows_.idx[e]]++ == 0) near_.push_back(rows_.idx[e]);
      }
    }
  }

  void visit(int64_t v, int64_t size) {
    int64_t twice = size > 1 ? -1 : 0;  // the clique itself does not count
    for (int64_t at = of_node_.ptr[v]; at < of_node_.ptr[v + 1]; ++at) {
      twice += shared_[of_node_.clique[at]] >= 2;
    }
    add(node_[v], twice);
    for (int64_t e = graph_.rowptr[v]; e < graph_.rowptr[v + 1]; ++e) {
      const int32_t u = graph_.col[e];
      if (holds_[u]) {
        add(edge_[e], 1);
        add(edge_[entries_ + e], twice);
      }
      add(edge_[2 * entries_ + e], met_[u]);
    }
  }

  void link_pairs(int64_t other) {
    both_.clear();
    for (int64_t e = rows_.ptr[other]; e < rows_.ptr[other + 1]; ++e) {
      if (holds_[rows_.idx[e]]) both_.push_back(static_cast<int32_t>(rows_.idx[e]));
    }
    for (size_t i = 0; i + 1 < both_.size(); ++i) {
      const int32_t* const row = graph_.col + graph_.rowptr[both_[i]];
      const int32_t* const stop = graph_.col + graph_.rowptr[both_[i] + 1];
      const int32_t* from = row;
      for (size_t j = i + 1; j < both_.size(); ++j) {
        from = std::lower_bound(from, stop, both_[j]);
        if (from == stop || *from != both_[j]) continue;
        add(edge_[3 * entries_ + graph_.rowptr[both_[i]] + (from - row)], 1);
      }
    }
  }

  const CliqueRows& rows_;
  const NodeRows& of_node_;
  const CliqueGraph& graph_;
  int64_t* node_;
  int64_t* edge_;
  int64_t entries_;
  Buffer<int64_t> shared_;  // nodes shared with every other clique
  Buffer<uint8_t> holds_;
  Buffer<int64_t> met_;
  std::vector<int64_t> touched_, near_;
  std::vector<int32_t> both_;
  uint32_t links_ = 0;
};

// `node` (nodes,) and `edge` (4, entries) receive sums; both must be zero before.
void clique_overlap(
    const CliqueRows& cliques, const CliqueGraph& graph, int64_t* node, int64_t* edge) {
  const NodeRows of_node(cliques, graph.nodes);
  std::atomic<int64_t> next{0};
  const int64_t workers = std::min<int64_t>(cliques.count, torch::stable::get_num_threads());
  parallel_workers(workers, [&](int64_t) {
    Overlaps overlaps(cliques, of_node, graph, node, edge);
    for (int64_t c = next.fetch_add(1); c < cliques.count; c = next.fetch_add(1)) {
      check_interrupt();
      overlaps(c);
    }
  });
}

}  // namespace
}  // namespace graphlab::cpu

namespace graphlab {

std::tuple<Tensor, Tensor> clique_overlap(
    const Tensor& ptr_, const Tensor& idx_, const Tensor& rowptr_, const Tensor& col_) {
  const cpu::CheckedCliqueGraph graph = cpu::checked_clique_graph(rowptr_, col_);
  const cpu::CliqueGraph view = graph.view();
  const int64_t cliques = count_rows(ptr_, "ptr");
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

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) { m.impl("clique_overlap", TORCH_BOX(&clique_overlap)); }

}  // namespace graphlab
