#include "edge.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "cpu/checks.h"
#include "cpu/parallel.h"

namespace graphlab::cpu {
namespace {

template <typename T>
struct EdgeGraph {
  const int64_t* rowptr;  // (nodes + 1,)
  const int32_t* col;     // (edges,)
  const T* weight;        // (edges,) or null
  const T* weight_t;      // (edges,) or null
  const T* scale;         // (nodes,) or null
  int64_t nodes, edges;
};

constexpr int64_t kEdgeBlock = 256;
constexpr int64_t kEdgeChunk = 4096;

// What the inner loops read and write; some parts are missing in some operators.
template <typename T>
struct EdgeTask {
  EdgeGraph<T> graph;
  int64_t dim, vectors;  // features of a row, and vectors of a padded row
  T tau, tau_log2e;
  T* unit;       // (nodes, vectors * lanes)
  double* norm;  // (nodes,)
  const T *grad, *other;  // other is grad, divided by scale where the reverse weights need that
  T* out;
  T* keep;        // (edges,), receives the exponentials, or null
  const T* kept;  // (edges,), the exponentials of the forward pass, or null
  // Sums of the rows that a chunk has a part of: its first row at 2c, its last one at 2c + 1.
  int64_t* carry_row;
  double* carry_sum;
  T* carry_vector;
};

// Entries [begin, end), the first of which belongs to `row`.
struct EdgeChunk {
  int64_t index, begin, end, row;
};

}  // namespace
}  // namespace graphlab::cpu

#define GRAPHLAB_LOOPS "cpu/edge_loops.h"
#include "cpu/for_each_isa.h"

namespace graphlab::cpu {
namespace {

// Picks the copy of an inner loop for the padded width of a row.
#define GRAPHLAB_SELECT_WIDTH(vectors, f)           \
  ((vectors) == 1       ? GRAPHLAB_SELECT(f<T, 1>) \
       : (vectors) == 2 ? GRAPHLAB_SELECT(f<T, 2>) \
       : (vectors) == 4 ? GRAPHLAB_SELECT(f<T, 4>) \
                        : GRAPHLAB_SELECT(f<T, 0>))

// The memory an operator needs, and the loop over chunks.
template <typename T>
class EdgeRun {
 public:
  EdgeRun(const EdgeGraph<T>& graph, const T* z, int64_t dim, double tau)
      : task{},
        chunks_(divide_up(graph.edges, kEdgeChunk)),
        unit_(graph.nodes * padded(dim)),
        norm_(graph.nodes),
        carry_row_(2 * chunks_, -1) {
    task.graph = graph;
    task.dim = dim;
    task.vectors = padded(dim) / lanes<T>();
    task.tau = static_cast<T>(tau);
    task.tau_log2e = static_cast<T>(tau * 1.4426950408889634074);
    task.unit = unit_.get();
    task.norm = norm_.get();
    task.carry_row = carry_row_.get();
    const auto normalise = GRAPHLAB_SELECT(normalise_rows<T>);
    parallel_ranges(graph.nodes, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, dim)),
                    [&](int64_t begin, int64_t end) { normalise(task, z, begin, end); });
  }

  int64_t carries() const { return 2 * chunks_; }
  int64_t stride() const { return task.vectors * lanes<T>(); }

  // Runs body(task, chunk) on every chunk; returns the first column out of range, or -1.
  template <typename F>
  int64_t for_chunks(const F& body) const {
    const EdgeGraph<T>& graph = task.graph;
    if (graph.edges > 0 && graph.nodes == 0) return 0;
    std::atomic<bool> bad{false};
    parallel_tasks(chunks_, [&](int64_t index) {
      const int64_t begin = index * kEdgeChunk;
      const int64_t* after = std::upper_bound(graph.rowptr, graph.rowptr + graph.nodes, begin);
      const int64_t end = std::min(begin + kEdgeChunk, graph.edges);
      if (!body(task, EdgeChunk{index, begin, end, after - graph.rowptr - 1})) bad = true;
    });
    if (!bad) return -1;
    const auto outside = [&](int32_t j) { return j < 0 || j >= graph.nodes; };
    return std::find_if(graph.col, graph.col + graph.edges, outside) - graph.col;
  }

  // Runs add(slot, row) and then, at the last part of every row, finish(row); in a fixed order.
  template <typename F, typename G>
  void for_carries(const F& add, const G& finish) const {
    int64_t open = -1;
    for (int64_t slot = 0; slot < carries(); ++slot) {
      const int64_t row = task.carry_row[slot];
      if (row < 0) continue;
      if (open >= 0 && row != open) finish(open);
      open = row;
      add(slot);
    }
    if (open >= 0) finish(open);
  }

  EdgeTask<T> task;

 private:
  // Features of a row of whole vectors; one, two, four of them, or any larger number.
  static int64_t padded(int64_t dim) {
    const int64_t vectors = std::max<int64_t>(1, divide_up(dim, lanes<T>()));
    return (vectors == 3 ? 4 : vectors) * lanes<T>();
  }

  int64_t chunks_;
  Buffer<T> unit_;
  Buffer<double> norm_;
  Buffer<int64_t> carry_row_;
};

// Each function returns the position of the first entry of `col` that is out of range, or -1. `out`
// is (nodes,), (nodes, dim), (edges,), and must be zero for the first two.
template <typename T>
int64_t edge_sum(
    const EdgeGraph<T>& graph, const T* z, int64_t dim, double tau, T* out, T* keep) {
  EdgeRun<T> run(graph, z, dim, tau);
  run.task.keep = keep;
  const Buffer<double> carry(run.carries());
  run.task.out = out;
  run.task.carry_sum = carry.get();
  const int64_t bad = run.for_chunks(GRAPHLAB_SELECT_WIDTH(run.task.vectors, edge_sum_chunk));
  if (bad >= 0) return bad;
  double sum = 0;
  run.for_carries([&](int64_t slot) { sum += carry[slot]; },
                  [&](int64_t row) { out[row] = static_cast<T>(std::exchange(sum, 0.0)); });
  return -1;
}

template <typename T>
int64_t edge_sum_backward(
    const EdgeGraph<T>& graph, const T* grad, const T* kept, const T* z, int64_t dim, double tau,
    T* out) {
  EdgeRun<T> run(graph, z, dim, tau);
  run.task.kept = kept;
  const bool scaled = graph.scale != nullptr && graph.weight_t == nullptr;
  const Buffer<T> other(scaled ? graph.nodes : 0);
  for (int64_t i = 0; scaled && i < graph.nodes; ++i) other[i] = grad[i] / graph.scale[i];
  const Buffer<T> carry(run.carries() * run.stride());
  run.task.grad = grad;
  run.task.other = scaled ? other.get() : grad;
  run.task.out = out;
  run.task.carry_vector = carry.get();
  const auto chunk = GRAPHLAB_SELECT_WIDTH(run.task.vectors, edge_backward_chunk);
  const int64_t bad = run.for_chunks([&](const EdgeTask<T>& task, const EdgeChunk& range) {
    const Buffer<T> sum(run.stride(), T(0));
    return chunk(task, range, sum.get());
  });
  if (bad >= 0) return bad;
  const Buffer<double> total(run.stride(), 0.0);
  const Buffer<T> sum(run.stride());
  const auto project = GRAPHLAB_SELECT(project_row<T>);
  run.for_carries(
      [&](int64_t slot) {
        for (int64_t d = 0; d < run.stride(); ++d) total[d] += carry[slot * run.stride() + d];
      },
      [&](int64_t row) {
        for (int64_t d = 0; d < run.stride(); ++d) {
          sum[d] = static_cast<T>(std::exchange(total[d], 0.0));
        }
        project(run.task, row, sum.get());
      });
  return -1;
}

template <typename T>
int64_t edge_weight_grad(
    const EdgeGraph<T>& graph, const T* grad, const T* kept, const T* z, int64_t dim, double tau,
    T* out) {
  EdgeRun<T> run(graph, z, dim, tau);
  run.task.grad = grad;
  run.task.kept = kept;
  run.task.out = out;
  return run.for_chunks(GRAPHLAB_SELECT_WIDTH(run.task.vectors, edge_weight_chunk));
}

}  // namespace
}  // namespace graphlab::cpu

namespace graphlab {
namespace {

// The values of a tensor, null if it has none.
template <typename T>
const T* values_of(const Tensor& tensor) {
  return tensor.numel() == 0 ? nullptr : data<T>(tensor);
}

// The contiguous, checked arguments that the three operators share.
struct Arguments {
  Tensor z, rowptr, col;
  OptionalTensor weight, weight_t, scale;

  Arguments(
      const Tensor& z_, const Tensor& rowptr_, const Tensor& col_, const OptionalTensor& weight_,
      const OptionalTensor& weight_t_, const OptionalTensor& scale_)
      : z(checked_matrix(z_, "z")),
        rowptr(checked_rowptr(rowptr_, z_.size(0), col_.numel())),
        col(checked_vector(col_, "col", ScalarType::Int, col_.numel())),
        weight(checked_vector(weight_, "weight", z.scalar_type(), col_.numel())),
        weight_t(checked_vector(weight_t_, "weight_t", z.scalar_type(), col_.numel())),
        scale(checked_vector(scale_, "scale", z.scalar_type(), z_.size(0))) {}

  template <typename T>
  cpu::EdgeGraph<T> graph() const {
    return {data<int64_t>(rowptr), data<int32_t>(col), data<T>(weight), data<T>(weight_t),
            data<T>(scale), z.size(0), col.numel()};
  }

  // What the forward pass kept: nothing, or a value of every entry.
  Tensor checked_kept(const Tensor& kept) const {
    return kept.numel() == 0 ? kept
                             : checked_vector(kept, "kept", z.scalar_type(), col.numel());
  }

  void check_position(int64_t position) const {
    STD_TORCH_CHECK(
        position < 0,
        "col[", position, "] = ", data<int32_t>(col)[position], " is outside [0, ", z.size(0), ")");
  }
};

}  // namespace

std::tuple<Tensor, Tensor> edge_cosine_sum(
    const Tensor& z, const Tensor& rowptr, const Tensor& col, const OptionalTensor& weight,
    const OptionalTensor& weight_t, const OptionalTensor& scale, double tau, bool keep) {
  const Arguments args(z, rowptr, col, weight, weight_t, scale);
  Tensor out = torch::stable::new_zeros(args.z, {z.size(0)});
  Tensor kept = torch::stable::new_empty(args.z, {keep ? col.numel() : 0});
  dispatch_floating(args.z.scalar_type(), [&](auto type) {
    using T = decltype(type);
    args.check_position(cpu::edge_sum(
        args.graph<T>(), data<T>(args.z), z.size(1), tau, mutable_data<T>(out),
        keep ? mutable_data<T>(kept) : nullptr));
  });
  return {out, kept};
}

Tensor edge_cosine_sum_backward(
    const Tensor& grad, const Tensor& kept_, const Tensor& z, const Tensor& rowptr,
    const Tensor& col, const OptionalTensor& weight, const OptionalTensor& weight_t,
    const OptionalTensor& scale, double tau) {
  const Arguments args(z, rowptr, col, weight, weight_t, scale);
  const Tensor kept = args.checked_kept(kept_);
  const Tensor grad_sum = checked_vector(grad, "grad", args.z.scalar_type(), z.size(0));
  Tensor out = torch::stable::new_zeros(args.z, {z.size(0), z.size(1)});
  dispatch_floating(args.z.scalar_type(), [&](auto type) {
    using T = decltype(type);
    args.check_position(cpu::edge_sum_backward(
        args.graph<T>(), data<T>(grad_sum), values_of<T>(kept), data<T>(args.z), z.size(1), tau,
        mutable_data<T>(out)));
  });
  return out;
}

Tensor edge_cosine_weight_grad(
    const Tensor& grad, const Tensor& kept_, const Tensor& z, const Tensor& rowptr,
    const Tensor& col, double tau) {
  const Arguments args(z, rowptr, col, std::nullopt, std::nullopt, std::nullopt);
  const Tensor kept = args.checked_kept(kept_);
  const Tensor grad_sum = checked_vector(grad, "grad", args.z.scalar_type(), z.size(0));
  Tensor out = torch::stable::new_empty(args.z, {col.numel()});
  dispatch_floating(args.z.scalar_type(), [&](auto type) {
    using T = decltype(type);
    args.check_position(cpu::edge_weight_grad(
        args.graph<T>(), data<T>(grad_sum), values_of<T>(kept), data<T>(args.z), z.size(1), tau,
        mutable_data<T>(out)));
  });
  return out;
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) {
  m.impl("edge_cosine_sum", TORCH_BOX(&edge_cosine_sum));
  m.impl("edge_cosine_sum_backward", TORCH_BOX(&edge_cosine_sum_backward));
  m.impl("edge_cosine_weight_grad", TORCH_BOX(&edge_cosine_weight_grad));
}

}  // namespace graphlab
