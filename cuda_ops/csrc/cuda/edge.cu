// edge_cosine_sum and its derivatives on CUDA.
//
// Work. A warp takes a span of a row (segments.cuh): hubs are cut into windows of at least 256
// entries. G lanes share an entry, so that 32 / G entries are in flight, twice as many in float32 up
// to D = 128; G is 4 (D <= 16), 8 (D <= 32) or 32, so that a lane reads one 16-byte vector per entry
// up to D = 128. Larger D: a lane holds four vectors (512 columns a warp) and reads the rest from L1.
//
// Memory. A first kernel writes unit rows, padded to whole 16-byte vectors: (N, D) of scratch saves
// a multiplication and the read of a norm per entry, and rounds as the definition does: the
// division happens in float64, so rows of 1e38 or 1e-38 are no special case. Nothing of size E is
// kept, as the rows are read anyhow; the partial results of hubs take at most E / 2 elements.
//
// Sums. P_i is added in float64 (one addition per entry and lane; the exponential costs more). The
// direction of the gradient is added in T over the entries of a window, in float64 over windows and
// for the projection.
//
// Backward reads a row once: the entry (i, j) knows the weight of (j, i), so that the row collects
// what node i receives as anchor and as neighbour. D > 512 repeats the dot products for every 512
// columns.
//
// Resources (nvcc 13.0; most registers of sm_80 and sm_90, float / double; no spills, no shared
// memory): unit rows 48 / 52, sum 55 / 56 (D > 128: 72 / 102), direction 63 / 74 (100 / 158),
// projection 56 / 64, weight gradient 56 / 54 (64 / 96).
#include "edge.h"

#include "edge_entries.cuh"

namespace graphlab::cuda {
namespace {

template <typename T, int G, int V>
__global__ void __launch_bounds__(kThreads, kResident<T, V>)
    edge_sum_kernel(const EdgeArgs<T> a) {
  const int64_t spans = a.rows.spans();
  for (int64_t index = warp_id(); index < spans; index += warp_count()) {
    const Span span = span_at(a.rows, index);
    if (!span.valid) continue;
    double sum = 0.0;
    for_each_entry<T, G, V>(a, span, [&](const Entry<T, V>& e) {
      if (!e.active) return;
      sum += static_cast<double>(a.weight ? a.weight[e.at] * e.value : e.value);
    });
    // All lanes of a group hold the same sum: one of them counts.
    sum = group_sum<kWarp>(lane_id() % G == 0 ? sum : 0.0);
    if (lane_id() != 0) continue;
    if (span.slot < 0) {
      a.out[span.row] = static_cast<T>(sum);
    } else {
      a.partial_sum[span.slot] = sum;
    }
  }
}

// Sums of long rows, from their windows in order (lanes take every 32nd; the tree is fixed).
template <typename T>
__global__ void __launch_bounds__(kThreads) edge_sum_long_kernel(const EdgeArgs<T> a) {
  for (int64_t row = warp_id(); row < a.rows.rows; row += warp_count()) {
    if (!is_long(a.rows, row)) continue;
    double sum = 0.0;
    const int64_t last = last_window(a.rows, row);
    for (int64_t w = first_window(a.rows, row) + lane_id(); w <= last; w += kWarp) {
      sum += a.partial_sum[slot_of(a.rows, row, w)];
    }
    sum = group_sum<kWarp>(sum);
    if (lane_id() == 0) a.out[row] = static_cast<T>(sum);
  }
}

// What the pair (i, j) adds to the direction of row i, before multiplication with u_j.
template <typename T, int V>
__device__ inline T pull(const EdgeArgs<T>& a, int64_t i, const Entry<T, V>& e) {
  if (!e.active || e.loop) return T(0);
  const T w = a.weight ? a.weight[e.at] : T(1);
  T back = w;
  if (a.weight_t) {
    back = a.weight_t[e.at];
  } else if (a.scale) {
    back = w * a.scale[i] / a.scale[e.j];
  }
  return a.tau * e.value * (a.grad[i] * w + a.grad[e.j] * back);
}

// Directions, before the projection: grid.y counts blocks of G * V vectors of columns.
template <typename T, int G, int V>
__global__ void __launch_bounds__(kThreads, kResident<T, V>)
    edge_direction_kernel(const EdgeArgs<T> a) {
  const int64_t spans = a.rows.spans(), first = static_cast<int64_t>(blockIdx.y) * G * V;
  const int sub = lane_id() % G;
  for (int64_t index = warp_id(); index < spans; index += warp_count()) {
    const Span span = span_at(a.rows, index);
    if (!span.valid) continue;
    Vec4<T> sum[V] = {};
    for_each_entry<T, G, V>(a, span, [&](const Entry<T, V>& e) {
      const T value = pull(a, span.row, e);
#pragma unroll
      for (int v = 0; v < V; ++v) {
        const int64_t at = first + sub + v * G;
        if (at >= a.vecs) continue;
        const Vec4<T> other = first == 0 ? e.other[v] : a.unit[e.j * a.vecs + at];
#pragma unroll
        for (int c = 0; c < kVec; ++c) sum[v].x[c] += value * other.x[c];
      }
    });
#pragma unroll
    for (int v = 0; v < V; ++v) {
      const int64_t at = first + sub + v * G;
#pragma unroll
      for (int c = 0; c < kVec; ++c) {
#pragma unroll
        for (int step = kWarp / 2; step >= G; step /= 2) {
          sum[v].x[c] += __shfl_xor_sync(kAllLanes, sum[v].x[c], step);
        }
        const int64_t column = at * kVec + c;
        if (lane_id() >= G || column >= a.dim) continue;
        if (span.slot < 0) a.out[span.row * a.dim + column] = sum[v].x[c];
      }
      if (span.slot >= 0 && lane_id() < G && at < a.vecs) {
        a.partial_dir[span.slot * a.vecs + at] = sum[v];
      }
    }
  }
}

// Adds the windows of long rows in order, then projects and divides: one warp per row, each lane
// reads and writes its own columns.
template <typename T>
__global__ void __launch_bounds__(kThreads, 4) edge_project_kernel(const EdgeArgs<T> a) {
  const T* unit = reinterpret_cast<const T*>(a.unit);
  const T* partial = reinterpret_cast<const T*>(a.partial_dir);
  const int64_t width = a.vecs * kVec;
  for (int64_t row = warp_id(); row < a.nodes; row += warp_count()) {
    T* out = a.out + row * a.dim;
    const bool gather = is_long(a.rows, row);
    const int64_t last = gather ? last_window(a.rows, row) : 0;
    double along = 0.0;
    for (int64_t c = lane_id(); c < a.dim; c += kWarp) {
      if (gather) {
        double sum = 0.0;
        for (int64_t w = first_window(a.rows, row); w <= last; ++w) {
          sum += static_cast<double>(partial[slot_of(a.rows, row, w) * width + c]);
        }
        out[c] = static_cast<T>(sum);
      }
      along += static_cast<double>(out[c]) * static_cast<double>(unit[row * width + c]);
    }
    along = group_sum<kWarp>(along);
    const double norm = a.norm[row];
    for (int64_t c = lane_id(); c < a.dim; c += kWarp) {
      const double tangent = static_cast<double>(out[c]) - along * unit[row * width + c];
      out[c] = norm > 0.0 ? static_cast<T>(tangent / norm) : T(0);
    }
  }
}

template <typename T, int G, int V>
__global__ void __launch_bounds__(kThreads, kResident<T, V>)
    edge_weight_grad_kernel(const EdgeArgs<T> a) {
  const int64_t spans = a.rows.spans();
  for (int64_t index = warp_id(); index < spans; index += warp_count()) {
    const Span span = span_at(a.rows, index);
    if (!span.valid) continue;
    const T grad = a.grad[span.row];
    for_each_entry<T, G, V>(a, span, [&](const Entry<T, V>& e) {
      if (e.active && lane_id() % G == 0) a.out[e.at] = grad * e.value;
    });
  }
}

// --- host ----------------------------------------------------------------------------------------

// Calls f with the lanes per entry and the vectors per lane as constants.
template <typename F>
void by_width(int64_t vecs, F&& f) {
  if (vecs <= 4) {
    f(std::integral_constant<int, 4>{}, std::integral_constant<int, 1>{});
  } else if (vecs <= 8) {
    f(std::integral_constant<int, 8>{}, std::integral_constant<int, 1>{});
  } else if (vecs <= 32) {
    f(std::integral_constant<int, 32>{}, std::integral_constant<int, 1>{});
  } else {
    f(std::integral_constant<int, 32>{}, std::integral_constant<int, 4>{});
  }
}

// The graph, the unit rows and the norms, ready for the kernels; owns the scratch.
template <typename T>
struct EdgeProblem {
  Context context;
  Input<T> z;
  Input<int64_t> rowptr;
  Input<int32_t> col;
  Tensor unit, norm;
  EdgeArgs<T> args{};

  EdgeProblem(const Tensor& z_in, const Tensor& rowptr_in, const Tensor& col_in, double tau)
      : context(z_in), z(context, z_in), rowptr(context, rowptr_in), col(context, col_in) {
    const int64_t nodes = z_in.size(0), dim = z_in.size(1), entries = col_in.numel();
    STD_TORCH_CHECK(rowptr_in.numel() == nodes + 1, "graphlab: rowptr must have ", nodes + 1,
                    " elements, got ", rowptr_in.numel());
    // A row without columns has a vector of zeros: loads need a place.
    const int64_t vecs = std::max<int64_t>(1, ceil_div(dim, kVec));
    unit = scratch<T, 2>(z_in, {nodes, vecs * kVec});
    norm = scratch<double, 1>(z_in, {nodes});
    // Windows grow with D, so that partial directions stay below E / 2 elements.
    const int64_t limit = std::max<int64_t>(256, 4 * vecs * kVec);
    args.rows = {rowptr, nodes, nodes == 0 ? 0 : entries, limit};
    args.nodes = nodes;
    args.dim = dim;
    args.vecs = vecs;
    args.z = z;
    args.unit = reinterpret_cast<const Vec4<T>*>(output<T>(unit));
    args.norm = output<double>(norm);
    args.col = col;
    args.tau = static_cast<T>(tau);
    const auto kernel = vecs <= 8 ? unit_rows_kernel<T, 8> : unit_rows_kernel<T, 32>;
    context.launch("unit_rows", kernel, blocks_for(nodes, kWarpsPerBlock * (vecs <= 8 ? 4 : 1)),
                   kThreads, args.z, nodes, dim, vecs, output<T>(unit), output<double>(norm));
  }

  dim3 span_blocks() const { return blocks_for(args.rows.spans(), kWarpsPerBlock); }
  dim3 row_blocks() const { return blocks_for(args.nodes, kWarpsPerBlock); }
};

}  // namespace
}  // namespace graphlab::cuda

namespace graphlab {

using namespace cuda;

std::tuple<Tensor, Tensor> edge_cosine_sum(
    const Tensor& z, const Tensor& rowptr, const Tensor& col, const OptionalTensor& weight,
    const OptionalTensor& /*weight_t*/, const OptionalTensor& /*scale*/, double tau,
    bool /*keep*/) {
  check_matrix(z, "z");
  check_length(weight, col.numel(), "weight");
  return by_dtype(z, [&](auto zero) -> std::tuple<Tensor, Tensor> {
    using T = decltype(zero);
    EdgeProblem<T> p(z, rowptr, col, tau);
    const Input<T> w(p.context, weight);
    Tensor out = scratch<T, 1>(z, {z.size(0)});
    Tensor partial = scratch<double, 1>(z, {p.args.rows.slots()});
    p.args.weight = w;
    p.args.partial_sum = output<double>(partial);
    p.args.out = output<T>(out);
    by_width(p.args.vecs, [&](auto g, auto v) {
      const auto kernel = edge_sum_kernel<T, decltype(g)::value, decltype(v)::value>;
      p.context.launch("edge_sum", kernel, p.span_blocks(), kThreads, p.args);
    });
    if (p.args.rows.windows() > 0) {
      p.context.launch("edge_sum_long", edge_sum_long_kernel<T>, p.row_blocks(), kThreads, p.args);
    }
    return {out, scratch<T, 1>(z, {0})};
  });
}

Tensor edge_cosine_sum_backward(const Tensor& grad, const Tensor& /*kept*/, const Tensor& z,
                                const Tensor& rowptr, const Tensor& col,
                                const OptionalTensor& weight, const OptionalTensor& weight_t,
                                const OptionalTensor& scale, double tau) {
  check_matrix(z, "z");
  check_length(grad, z.size(0), "grad");
  check_length(weight, col.numel(), "weight");
  check_length(weight_t, col.numel(), "weight_t");
  check_length(scale, z.size(0), "scale");
  return by_dtype(z, [&](auto zero) {
    using T = decltype(zero);
    EdgeProblem<T> p(z, rowptr, col, tau);
    const Input<T> g_in(p.context, grad), s(p.context, scale);
    const Input<T> w(p.context, weight), wt(p.context, weight_t);
    Tensor out = scratch<T, 2>(z, {z.size(0), z.size(1)});
    Tensor partial = scratch<T, 2>(z, {p.args.rows.slots(), p.args.vecs * kVec});
    p.args.grad = g_in;
    p.args.weight = w;
    p.args.weight_t = wt;
    p.args.scale = s;
    p.args.partial_dir = reinterpret_cast<Vec4<T>*>(output<T>(partial));
    p.args.out = output<T>(out);
    by_width(p.args.vecs, [&](auto g, auto v) {
      constexpr int kG = decltype(g)::value, kV = decltype(v)::value;
      dim3 grid = p.span_blocks();
      grid.y = static_cast<unsigned>(ceil_div(p.args.vecs, kG * kV));
      p.context.launch("edge_direction", edge_direction_kernel<T, kG, kV>, grid, kThreads, p.args);
    });
    p.context.launch("edge_project", edge_project_kernel<T>, p.row_blocks(), kThreads, p.args);
    return out;
  });
}

Tensor edge_cosine_weight_grad(const Tensor& grad, const Tensor& /*kept*/, const Tensor& z,
                               const Tensor& rowptr, const Tensor& col, double tau) {
  check_matrix(z, "z");
  check_length(grad, z.size(0), "grad");
  return by_dtype(z, [&](auto zero) {
    using T = decltype(zero);
    EdgeProblem<T> p(z, rowptr, col, tau);
    const Input<T> g_in(p.context, grad);
    Tensor out = scratch<T, 1>(z, {col.numel()});
    p.args.grad = g_in;
    p.args.out = output<T>(out);
    by_width(p.args.vecs, [&](auto g, auto v) {
      const auto kernel = edge_weight_grad_kernel<T, decltype(g)::value, decltype(v)::value>;
      p.context.launch("edge_weight_grad", kernel, p.span_blocks(), kThreads, p.args);
    });
    return out;
  });
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CUDA, m) {
  m.impl("edge_cosine_sum", TORCH_BOX(&edge_cosine_sum));
  m.impl("edge_cosine_sum_backward", TORCH_BOX(&edge_cosine_sum_backward));
  m.impl("edge_cosine_weight_grad", TORCH_BOX(&edge_cosine_weight_grad));
}

}  // namespace graphlab
