// Inner loops of propagate.cpp; included once per instruction set.

namespace graphlab::cpu::GRAPHLAB_ISA {
namespace {

// --- storage formats -----------------------------------------------------------------------------

typedef uint16_t Halves
    __attribute__((vector_size(GRAPHLAB_VECTOR_BYTES / 2), aligned(2), may_alias));
typedef uint32_t Words __attribute__((vector_size(GRAPHLAB_VECTOR_BYTES)));

GRAPHLAB_INLINE Vec<float> load_wide(const float* from) { return load(from); }
GRAPHLAB_INLINE Vec<double> load_wide(const double* from) { return load(from); }
GRAPHLAB_INLINE Vec<float> load_wide(const BFloat16* from) {
  const Words words = __builtin_convertvector(*reinterpret_cast<const Halves*>(from), Words);
  return (Vec<float>)(words << 16);
}

// --- sums ----------------------------------------------------------------------------------------

// sum[0 .. NV vectors) = sum over entries of weight * h[col], columns from `d` on.
template <typename S, int NV, bool weighted>
GRAPHLAB_INLINE void gather_block(
    const SparseRows<Wide<S>>& graph, const S* h, int64_t dim, int64_t begin, int64_t end,
    int64_t d, Wide<S>* sum) {
  using T = Wide<S>;
  constexpr int L = kLanes<T>;
  constexpr int bytes = NV * L * static_cast<int>(sizeof(S));
  Vec<T> part[NV] = {};
  const int64_t last = graph.entries - 1;
  for (int64_t k = begin; k < end; ++k) {
    // The rows ahead belong to the next rows of the task where this one ends.
    const int64_t ahead = k + kAhead < last ? k + kAhead : last;
    const char* next = reinterpret_cast<const char*>(h + graph.col[ahead] * dim + d);
    GRAPHLAB_UNROLL
    for (int at = 0; at < bytes; at += 64) __builtin_prefetch(next + at);
    const S* from = h + graph.col[k] * dim + d;
    GRAPHLAB_UNROLL
    for (int v = 0; v < NV; ++v) {
      const Vec<T> value = load_wide(from + v * L);
      part[v] += weighted ? graph.weight[k] * value : value;
    }
  }
  GRAPHLAB_UNROLL
  for (int v = 0; v < NV; ++v) store(sum + d + v * L, part[v]);
}

// The same for fewer columns than a vector has lanes: D is known, so that sums stay in registers.
template <typename S, int D, bool weighted>
GRAPHLAB_INLINE void gather_columns(
    const SparseRows<Wide<S>>& graph, const S* h, int64_t begin, int64_t end, Wide<S>* sum) {
  using T = Wide<S>;
  T part[D] = {};
  const int64_t last = graph.entries - 1;
  for (int64_t k = begin; k < end; ++k) {
    const int64_t ahead = k + kAhead < last ? k + kAhead : last;
    __builtin_prefetch(h + static_cast<int64_t>(graph.col[ahead]) * D);
    const S* from = h + static_cast<int64_t>(graph.col[k]) * D;
    const T w = weighted ? graph.weight[k] : T(1);
    GRAPHLAB_UNROLL
    for (int d = 0; d < D; ++d) part[d] += weighted ? w * widen(from[d]) : widen(from[d]);
  }
  GRAPHLAB_UNROLL
  for (int d = 0; d < D; ++d) sum[d] = part[d];
}

template <typename S, int D = kLanes<Wide<S>> - 1>
GRAPHLAB_INLINE void gather_narrow(
    const SparseRows<Wide<S>>& graph, const S* h, int64_t dim, int64_t begin, int64_t end,
    Wide<S>* sum) {
  if constexpr (D > 0) {
    if (dim != D) {
      gather_narrow<S, D - 1>(graph, h, dim, begin, end, sum);
    } else if (graph.weight != nullptr) {
      gather_columns<S, D, true>(graph, h, begin, end, sum);
    } else {
      gather_columns<S, D, false>(graph, h, begin, end, sum);
    }
  }
}

template <typename S, bool weighted>
GRAPHLAB_INLINE void gather_wide(
    const SparseRows<Wide<S>>& graph, const S* h, int64_t dim, int64_t begin, int64_t end,
    Wide<S>* sum) {
  constexpr int L = kLanes<Wide<S>>;
  int64_t d = 0;
  for (; d + 8 * L <= dim; d += 8 * L) {
    gather_block<S, 8, weighted>(graph, h, dim, begin, end, d, sum);
  }
  if (d + 4 * L <= dim) {
    gather_block<S, 4, weighted>(graph, h, dim, begin, end, d, sum);
    d += 4 * L;
  }
  for (; d + L <= dim; d += L) gather_block<S, 1, weighted>(graph, h, dim, begin, end, d, sum);
  // The last vector may overlap the one before: its columns come out the same.
  if (d < dim) gather_block<S, 1, weighted>(graph, h, dim, begin, end, dim - L, sum);
}

// sum = sum over entries [begin, end) of weight * h[col].
template <typename S>
void gather(
    const SparseRows<Wide<S>>& graph, const DenseRows<S>& from, int64_t dim, int64_t begin,
    int64_t end, Wide<S>* sum) {
  const S* h = from.rows;
  if (dim < kLanes<Wide<S>>) {
    gather_narrow(graph, h, dim, begin, end, sum);
  } else if (begin == end) {
    for (int64_t d = 0; d < dim; ++d) sum[d] = 0;
  } else if (graph.weight != nullptr) {
    gather_wide<S, true>(graph, h, dim, begin, end, sum);
  } else {
    gather_wide<S, false>(graph, h, dim, begin, end, sum);
  }
}

template <typename S>
void gather(
    const SparseRows<Wide<S>>& graph, const NonZeros<S>& h, int64_t dim, int64_t begin,
    int64_t end, Wide<S>* sum) {
  for (int64_t d = 0; d < dim; ++d) sum[d] = 0;
  const int64_t last = graph.entries - 1;
  for (int64_t k = begin; k < end; ++k) {
    __builtin_prefetch(h.rowptr + graph.col[k + kAhead < last ? k + kAhead : last]);
    const int64_t at = graph.col[k];
    const Wide<S> w = graph.weight != nullptr ? graph.weight[k] : 1;
    for (int64_t e = h.rowptr[at]; e < h.rowptr[at + 1]; ++e) sum[h.place[e]] += w * h.value[e];
  }
}

template <typename S, typename Rows>
void gather_rows(
    const SparseRows<Wide<S>>& graph, const Rows& h, int64_t dim, int64_t begin, int64_t end,
    Wide<S>* sum) {
  gather(graph, h, dim, begin, end, sum);
}

// --- non-zero entries ----------------------------------------------------------------------------

template <typename S>
int64_t count_nonzeros(const S* x, int64_t count) {
  int32_t total = 0;
  for (int64_t d = 0; d < count; ++d) total += widen(x[d]) != 0;  // NaN counts
  return total;
}

template <typename S>
void list_nonzeros(const S* x, int64_t dim, int32_t* place, Wide<S>* value) {
  for (int64_t d = 0; d < dim; ++d) {
    if (widen(x[d]) == 0) continue;
    *place++ = static_cast<int32_t>(d);
    *value++ = widen(x[d]);
  }
}

// --- finished rows -------------------------------------------------------------------------------

// Sum of up to 16 products in float64, by a fixed tree.
template <typename T, typename F>
GRAPHLAB_INLINE double block_sum(int64_t count, const F& factor, const T* x) {
  double part[kSquareBlock] = {};
  if (count >= kSquareBlock) {
    for (int64_t c = 0; c < kSquareBlock; ++c) part[c] = static_cast<double>(x[c]) * factor(c);
  } else {
    for (int64_t c = 0; c < count; ++c) part[c] = static_cast<double>(x[c]) * factor(c);
  }
  for (int width = kSquareBlock / 2; width > 0; width /= 2) {
    for (int c = 0; c < width; ++c) part[c] += part[c + width];
  }
  return part[0];
}

// Squares of a row per block of columns, and their sum in the order of the blocks.
template <typename T>
GRAPHLAB_INLINE double row_squares(const T* x, int64_t dim, double* blocks) {
  double total = 0;
  for (int64_t d = 0; d < dim; d += kSquareBlock) {
    const T* part = x + d;
    const double sum = block_sum(
        dim - d, [&](int64_t c) GRAPHLAB_LAMBDA { return static_cast<double>(part[c]); }, part);
    if (blocks != nullptr) blocks[d / kSquareBlock] = sum;
    total += sum;
  }
  return total;
}

template <typename S>
void merge_row(const RowSinks<S>& sinks, int64_t row, int64_t dim, const Wide<S>* x) {
  using T = Wide<S>;
  double scale = sinks.coefficient;
  if (sinks.normalize) {
    const double square =
        sinks.norms != nullptr ? sinks.norms[row] : row_squares(x, dim, nullptr);
    scale = square > 0 ? scale / __builtin_sqrt(square) : 0;
  }
  const T factor = static_cast<T>(scale);
  T* to = sinks.merged + row * dim;
  if (sinks.first) {
    for (int64_t d = 0; d < dim; ++d) to[d] = factor * x[d];
  } else {
    for (int64_t d = 0; d < dim; ++d) to[d] += factor * x[d];
  }
}

// Hands a finished row to the sinks.
template <typename S>
void sink_row(const RowSinks<S>& sinks, int64_t row, int64_t dim, const Wide<S>* x) {
  if (sinks.out != nullptr) {
    for (int64_t d = 0; d < dim; ++d) narrow(x[d], sinks.out[row * dim + d]);
  }
  if (sinks.squares != nullptr) {
    row_squares(x, dim, sinks.squares + row * ((dim + kSquareBlock - 1) / kSquareBlock));
  }
  if (sinks.dot != nullptr) {
    double total = 0;
    for (int64_t d = 0; d < dim; d += kSquareBlock) {
      const S* other = sinks.other + row * dim + d;
      total += block_sum(
          dim - d,
          [&](int64_t c) GRAPHLAB_LAMBDA { return static_cast<double>(widen(other[c])); }, x + d);
    }
    sinks.dot[row] = static_cast<Wide<S>>(total);
  }
  if (sinks.merged != nullptr) merge_row(sinks, row, dim, x);
}

template <typename S>
void finish_row(
    const SparseRows<Wide<S>>& graph, const RowSinks<S>& sinks, int64_t row, int64_t dim,
    Wide<S>* sum) {
  if (graph.row_scale != nullptr) {
    const Wide<S> scale = graph.row_scale[row];
    for (int64_t d = 0; d < dim; ++d) sum[d] *= scale;
  }
  sink_row(sinks, row, dim, sum);
}

// Rows [begin, end) but those of more than `limit` entries; returns the last such row, or -1.
template <typename S, typename Rows>
int64_t propagate_range(
    const SparseRows<Wide<S>>& graph, const Rows& h, int64_t dim, const RowSinks<S>& sinks,
    int64_t begin, int64_t end, int64_t limit, Wide<S>* sum) {
  int64_t late = -1;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t from = graph.rowptr[row], to = graph.rowptr[row + 1];
    if (to - from > limit) {
      late = row;
      continue;
    }
    gather(graph, h, dim, from, to, sum);
    finish_row(graph, sinks, row, dim, sum);
  }
  return late;
}

template <typename S>
void sink_range(
    const S* h, int64_t dim, const RowSinks<S>& sinks, int64_t begin, int64_t end, Wide<S>* row) {
  for (int64_t i = begin; i < end; ++i) {
    for (int64_t d = 0; d < dim; ++d) row[d] = widen(h[i * dim + d]);
    sink_row(sinks, i, dim, row);
  }
}

}  // namespace
}  // namespace graphlab::cpu::GRAPHLAB_ISA
