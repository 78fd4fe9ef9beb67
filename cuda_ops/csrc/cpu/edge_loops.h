// Inner loops of edge.cpp; included once per instruction set.
//
// A chunk is a fixed range of CSR entries, whatever rows they belong to, so that hubs and short
// rows cost the same. It is worked off in blocks: cosines of a block of entries, their exponentials
// in one vector loop, then the sums over the row segments of the block.

namespace graphlab::cpu::GRAPHLAB_ISA {
namespace {

// One block of entries with everything the three operators need of it.
template <typename T>
struct EdgeBlock {
  alignas(64) T value[kEdgeBlock + 64];  // exp(tau cos), then whatever the operator makes of it
  alignas(64) int32_t row[kEdgeBlock + 64];
  alignas(64) int32_t col[kEdgeBlock + 64];
  T ones[kEdgeBlock];                   // weights where none are given
  T near[kEdgeBlock], far[kEdgeBlock];  // what the row's and the other node's sum pass back
  int64_t begin, count;
};

// Reads the columns of a block; false if one is out of range.
template <typename T>
GRAPHLAB_INLINE bool read_columns(const EdgeTask<T>& task, EdgeBlock<T>& block) {
  const int32_t* col = task.graph.col + block.begin;
  const uint32_t nodes = static_cast<uint32_t>(task.graph.nodes);
  uint32_t bad = 0;
  for (int64_t k = 0; k < block.count; ++k) {
    bad |= static_cast<uint32_t>(col[k]) >= nodes;
    block.col[k] = col[k];
  }
  for (int64_t k = block.count; k < block.count + kLanes<T>; ++k) block.col[k] = 0;
  return bad == 0;
}

// Writes the row of every entry, starting in `row`; returns the row of the last entry.
template <typename T>
GRAPHLAB_INLINE int64_t read_rows(const EdgeTask<T>& task, EdgeBlock<T>& block, int64_t row) {
  for (int64_t k = 0; k < block.count;) {
    while (task.graph.rowptr[row + 1] <= block.begin + k) ++row;
    const int64_t left = task.graph.rowptr[row + 1] - block.begin;
    const int64_t stop = left < block.count ? left : block.count;
    for (; k < stop; ++k) block.row[k] = static_cast<int32_t>(row);
  }
  for (int64_t k = block.count; k < block.count + kLanes<T>; ++k) block.row[k] = 0;
  return row;
}

// Products of two rows, still to be summed over lanes. NV vectors per row, 0 if known at run time.
template <typename T, int NV>
GRAPHLAB_INLINE Vec<T> products(const EdgeTask<T>& task, int64_t i, int64_t j) {
  const int64_t vectors = NV > 0 ? NV : task.vectors;
  const T* a = task.unit + i * vectors * kLanes<T>;
  const T* b = task.unit + j * vectors * kLanes<T>;
  Vec<T> sum = load(a) * load(b);
  for (int64_t v = 1; v < vectors; ++v) sum += load(a + v * kLanes<T>) * load(b + v * kLanes<T>);
  return sum;
}

template <typename T, int NV>
GRAPHLAB_INLINE void exponentials(const EdgeTask<T>& task, EdgeBlock<T>& block) {
  constexpr int L = kLanes<T>;
  for (int64_t k = 0; k < block.count; k += L) {
    Vec<T> parts[L];
    GRAPHLAB_UNROLL
    for (int lane = 0; lane < L; ++lane) {
      parts[lane] = products<T, NV>(task, block.row[k + lane], block.col[k + lane]);
    }
    store(block.value + k, sum_lanes_of<T, L / 2>(parts));
  }
  for (int64_t k = 0; k < block.count; ++k) {
    block.value[k] = block.row[k] == block.col[k] ? T(0) : block.value[k];
  }
  for (int64_t k = 0; k < block.count; k += L) {
    store(block.value + k, exp2_bounded<T>(load(block.value + k) * task.tau_log2e));
  }
}

// Runs use(block) on every block of a chunk; returns false if a column is out of range.
template <typename T, int NV, typename F>
GRAPHLAB_INLINE bool for_blocks(
    const EdgeTask<T>& task, const EdgeChunk& chunk, const F& use) {
  EdgeBlock<T> block;
  for (T& one : block.ones) one = 1;
  int64_t row = chunk.row;
  for (block.begin = chunk.begin; block.begin < chunk.end; block.begin += kEdgeBlock) {
    const int64_t left = chunk.end - block.begin;
    block.count = left < kEdgeBlock ? left : kEdgeBlock;
    if (!read_columns(task, block)) return false;
    row = read_rows(task, block, row);
    if (task.kept != nullptr) {
      for (int64_t k = 0; k < block.count; ++k) block.value[k] = task.kept[block.begin + k];
    } else {
      exponentials<T, NV>(task, block);
    }
    for (int64_t k = 0; task.keep != nullptr && k < block.count; ++k) {
      task.keep[block.begin + k] = block.value[k];
    }
    use(block);
  }
  return true;
}

// Runs use(row, begin, end) on every run of entries of one row in a block.
template <typename T, typename F>
GRAPHLAB_INLINE void for_segments(
    const EdgeTask<T>& task, const EdgeBlock<T>& block, const F& use) {
  for (int64_t k = 0; k < block.count;) {
    const int64_t row = block.row[k];
    const int64_t left = task.graph.rowptr[row + 1] - block.begin;
    const int64_t stop = left < block.count ? left : block.count;
    use(row, k, stop);
    k = stop;
  }
}

template <typename T>
GRAPHLAB_INLINE T sum_range(const T* value, int64_t count) {
  Vec<T> sum{};
  int64_t k = 0;
  for (; k + kLanes<T> <= count; k += kLanes<T>) sum += load(value + k);
  if (k < count) sum += first_lanes<T>(load(value + k), count - k);
  return sum_lanes<T>(sum);
}

// Whether a chunk holds all entries of a row; if not, where the part it has goes: to the carry of
// the chunk's first row (0) or last row (1).
template <typename T>
GRAPHLAB_INLINE bool is_whole(const EdgeTask<T>& task, const EdgeChunk& chunk, int64_t row) {
  return task.graph.rowptr[row] >= chunk.begin && task.graph.rowptr[row + 1] <= chunk.end;
}

template <typename T>
GRAPHLAB_INLINE int64_t carry_slot(const EdgeTask<T>& task, const EdgeChunk& chunk, int64_t row) {
  const int64_t slot = 2 * chunk.index + (task.graph.rowptr[row] >= chunk.begin);
  task.carry_row[slot] = row;
  return slot;
}

template <typename T, int NV>
bool edge_sum_chunk(const EdgeTask<T>& task, const EdgeChunk& chunk) {
  int64_t row = chunk.row;
  double sum = 0;
  const auto finish = [&]() GRAPHLAB_LAMBDA {
    if (is_whole(task, chunk, row)) {
      task.out[row] = static_cast<T>(sum);
    } else {
      task.carry_sum[carry_slot(task, chunk, row)] = sum;
    }
  };
  const T* weight = task.graph.weight;
  const bool good = for_blocks<T, NV>(task, chunk, [&](EdgeBlock<T>& block) GRAPHLAB_LAMBDA {
    if (weight != nullptr) {
      for (int64_t k = 0; k < block.count; ++k) block.value[k] *= weight[block.begin + k];
    }
    for_segments(task, block, [&](int64_t i, int64_t k, int64_t stop) GRAPHLAB_LAMBDA {
      if (i != row) {
        finish();
        row = i;
        sum = 0;
      }
      sum += sum_range(block.value + k, stop - k);
    });
  });
  if (good) finish();
  return good;
}

// Turns exponentials into the factors of the other node's unit row.
template <typename T>
GRAPHLAB_INLINE void edge_factors(const EdgeTask<T>& task, EdgeBlock<T>& block) {
  const EdgeGraph<T>& graph = task.graph;
  const T* weight = graph.weight == nullptr ? block.ones : graph.weight + block.begin;
  const T* back = graph.weight_t == nullptr ? weight : graph.weight_t + block.begin;
  const T *grad = task.grad, *other = task.other;
  const T* scale = graph.weight_t == nullptr ? graph.scale : nullptr;
  // Gathers and arithmetic in loops of their own, so that the latter works on whole vectors.
  for (int64_t k = 0; k < block.count; ++k) {
    block.near[k] = grad[block.row[k]];
    block.far[k] = other[block.col[k]];
  }
  for (int64_t k = 0; scale != nullptr && k < block.count; ++k) {
    block.far[k] *= scale[block.row[k]];
  }
  GRAPHLAB_INDEPENDENT
  for (int64_t k = 0; k < block.count; ++k) {
    const T factor = task.tau * (block.near[k] * weight[k] + block.far[k] * back[k]);
    // The cosine of a node to itself is a constant.
    block.value[k] = block.row[k] == block.col[k] ? T(0) : block.value[k] * factor;
  }
}

// sum[d] += sum_k factor[k] unit[col[k]][d] for NV vectors of a row (of `stride` values).
template <typename T, int NV>
GRAPHLAB_INLINE void add_rows(
    const T* unit, int64_t stride, const int32_t* col, const T* factor, int64_t count, T* sum) {
  constexpr int L = kLanes<T>;
  constexpr int ways = NV >= 4 ? 1 : 4 / NV;  // independent sums hide the latency of the addition
  Vec<T> parts[ways][NV] = {};
  int64_t k = 0;
  for (; k + ways <= count; k += ways) {
    GRAPHLAB_UNROLL
    for (int way = 0; way < ways; ++way) {
      const T* other = unit + col[k + way] * stride;
      GRAPHLAB_UNROLL
      for (int v = 0; v < NV; ++v) parts[way][v] += factor[k + way] * load(other + v * L);
    }
  }
  for (; k < count; ++k) {
    const T* other = unit + col[k] * stride;
    GRAPHLAB_UNROLL
    for (int v = 0; v < NV; ++v) parts[0][v] += factor[k] * load(other + v * L);
  }
  GRAPHLAB_UNROLL
  for (int v = 0; v < NV; ++v) {
    GRAPHLAB_UNROLL
    for (int way = 1; way < ways; ++way) parts[0][v] += parts[way][v];
    store(sum + v * L, load(sum + v * L) + parts[0][v]);
  }
}

// Adds the unit rows of a segment, times their factors, to a padded row.
template <typename T, int NV>
GRAPHLAB_INLINE void add_segment(
    const EdgeTask<T>& task, const int32_t* col, const T* factor, int64_t count, T* sum) {
  if constexpr (NV > 0) {
    add_rows<T, NV>(task.unit, NV * kLanes<T>, col, factor, count, sum);
  } else {
    const int64_t stride = task.vectors * kLanes<T>;
    int64_t d = 0;
    for (; d + 4 * kLanes<T> <= stride; d += 4 * kLanes<T>) {
      add_rows<T, 4>(task.unit + d, stride, col, factor, count, sum + d);
    }
    for (; d < stride; d += kLanes<T>) {
      add_rows<T, 1>(task.unit + d, stride, col, factor, count, sum + d);
    }
  }
}

// <a, b> in double precision, by four sums, whose additions do not wait for each other.
template <typename T>
GRAPHLAB_INLINE double double_dot(const T* a, const T* b, int64_t count) {
  double sum[4] = {};
  int64_t d = 0;
  for (; d + 4 <= count; d += 4) {
    GRAPHLAB_UNROLL
    for (int way = 0; way < 4; ++way) sum[way] += static_cast<double>(a[d + way]) * b[d + way];
  }
  for (; d < count; ++d) sum[0] += static_cast<double>(a[d]) * b[d];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

// Derivative of the normalisation: out = (sum - <sum, u> u) / norm. A zero row keeps gradient 0.
template <typename T>
void project_row(const EdgeTask<T>& task, int64_t row, const T* sum) {
  if (!(task.norm[row] > 0)) return;
  const T* unit = task.unit + row * task.vectors * kLanes<T>;
  const double dot = double_dot(sum, unit, task.dim), inverse = 1 / task.norm[row];
  T* out = task.out + row * task.dim;
  for (int64_t d = 0; d < task.dim; ++d) {
    out[d] = static_cast<T>((sum[d] - dot * unit[d]) * inverse);
  }
}

// `sum` is scratch for one padded row.
template <typename T, int NV>
bool edge_backward_chunk(const EdgeTask<T>& task, const EdgeChunk& chunk, T* sum) {
  const int64_t stride = task.vectors * kLanes<T>;
  int64_t row = chunk.row;
  const auto finish = [&]() GRAPHLAB_LAMBDA {
    if (is_whole(task, chunk, row)) {
      project_row(task, row, sum);
    } else {
      T* carry = task.carry_vector + carry_slot(task, chunk, row) * stride;
      for (int64_t d = 0; d < stride; ++d) carry[d] = sum[d];
    }
    for (int64_t d = 0; d < stride; ++d) sum[d] = 0;
  };
  const bool good = for_blocks<T, NV>(task, chunk, [&](EdgeBlock<T>& block) GRAPHLAB_LAMBDA {
    edge_factors(task, block);
    for_segments(task, block, [&](int64_t i, int64_t k, int64_t stop) GRAPHLAB_LAMBDA {
      if (i != row) finish();
      row = i;
      add_segment<T, NV>(task, block.col + k, block.value + k, stop - k, sum);
    });
  });
  if (good) finish();
  return good;
}

template <typename T, int NV>
bool edge_weight_chunk(const EdgeTask<T>& task, const EdgeChunk& chunk) {
  return for_blocks<T, NV>(task, chunk, [&](EdgeBlock<T>& block) GRAPHLAB_LAMBDA {
    for (int64_t k = 0; k < block.count; ++k) {
      task.out[block.begin + k] = task.grad[block.row[k]] * block.value[k];
    }
  });
}

// Unit rows, padded with zeros to whole vectors, and norms; zero rows stay zero.
template <typename T>
void normalise_rows(const EdgeTask<T>& task, const T* z, int64_t begin, int64_t end) {
  const int64_t stride = task.vectors * kLanes<T>;
  for (int64_t i = begin; i < end; ++i) {
    const T* from = z + i * task.dim;
    T* unit = task.unit + i * stride;
    const double norm = __builtin_sqrt(double_dot(from, from, task.dim));
    const double inverse = norm > 0 ? 1 / norm : 0;
    task.norm[i] = norm;
    for (int64_t d = 0; d < task.dim; ++d) unit[d] = static_cast<T>(from[d] * inverse);
    for (int64_t d = task.dim; d < stride; ++d) unit[d] = 0;
  }
}

}  // namespace
}  // namespace graphlab::cpu::GRAPHLAB_ISA
