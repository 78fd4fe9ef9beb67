// Inner loops of attention.cpp; included once per instruction set.
//
// Keys (and values, on the way back) of a segment are turned once, so that the logits of a query
// are whole vectors of rows; sums over rows are whole vectors of features. Padding is zero.

namespace graphlab::cpu::GRAPHLAB_ISA {
namespace {

template <typename T>
GRAPHLAB_INLINE int64_t whole(int64_t count) {
  return (count + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
}

// Rows `begin` to `end` into a padded table; rows beyond `count` are zero.
template <typename T>
GRAPHLAB_INLINE void read_rows(
    const T* from, int64_t stride, int64_t begin, int64_t end, int64_t count, int64_t width, T* to) {
  const int64_t columns = whole<T>(width);
  for (int64_t i = begin; i < end; ++i, to += columns) {
    const int64_t there = i < count ? width : 0;
    const T* row = from + i * stride;
    int64_t d = 0;
    for (; d + kLanes<T> <= there; d += kLanes<T>) store(to + d, load(row + d));
    for (; d < there; ++d) to[d] = row[d];
    for (; d < columns; ++d) to[d] = 0;
  }
}

// All rows, features first; rows that are not there are zero.
template <typename T>
GRAPHLAB_INLINE void turn_rows(
    const T* from, int64_t stride, int64_t rows, int64_t width, T* to) {
  constexpr int L = kLanes<T>;
  const int64_t places = whole<T>(rows);
  int64_t d = 0;
  for (; d + L <= width; d += L) {
    for (int64_t j = 0; j < places; j += L) {
      Vec<T> block[L];
      GRAPHLAB_UNROLL
      for (int k = 0; k < L; ++k) {
        block[k] = j + k < rows ? load(from + (j + k) * stride + d) : Vec<T>{};
      }
      transpose<T>(block);
      GRAPHLAB_UNROLL
      for (int k = 0; k < L; ++k) store(to + (d + k) * places + j, block[k]);
    }
  }
  for (; d < width; ++d) {
    for (int64_t j = 0; j < rows; ++j) to[d * places + j] = from[j * stride + d];
    for (int64_t j = rows; j < places; ++j) to[d * places + j] = 0;
  }
}

// <a, b> of two rows.
template <typename T>
GRAPHLAB_INLINE T dot(const T* a, const T* b, int64_t width) {
  Vec<T> sum{};
  int64_t d = 0;
  for (; d + kLanes<T> <= width; d += kLanes<T>) sum += load(a + d) * load(b + d);
  T rest = 0;
  for (; d < width; ++d) rest += a[d] * b[d];
  return sum_lanes<T>(sum) + rest;
}

// Products of kQueries padded rows with all turned rows, times a factor: (kQueries, places).
template <typename T>
GRAPHLAB_INLINE void multiply_turned(
    const T* rows, const T* turned, int64_t width, int64_t places, T factor, T* to) {
  const int64_t columns = whole<T>(width);
  for (int64_t j = 0; j < places; j += kLanes<T>) {
    Vec<T> sum[kQueries] = {};
    for (int64_t d = 0; d < width; ++d) {
      const Vec<T> other = load(turned + d * places + j);
      GRAPHLAB_UNROLL
      for (int q = 0; q < kQueries; ++q) sum[q] += rows[q * columns + d] * other;
    }
    GRAPHLAB_UNROLL
    for (int q = 0; q < kQueries; ++q) store(to + q * places + j, sum[q] * factor);
  }
}

// Sums of all padded rows of a table, weighted once per query: (kQueries, columns).
template <typename T>
GRAPHLAB_INLINE void add_rows(
    const T* weight, const T* table, int64_t count, int64_t width, int64_t places, T* to) {
  const int64_t columns = whole<T>(width);
  for (int64_t d = 0; d < columns; d += kLanes<T>) {
    Vec<T> sum[kQueries] = {};
    for (int64_t j = 0; j < count; ++j) {
      const Vec<T> row = load(table + j * columns + d);
      GRAPHLAB_UNROLL
      for (int q = 0; q < kQueries; ++q) sum[q] += weight[q * places + j] * row;
    }
    GRAPHLAB_UNROLL
    for (int q = 0; q < kQueries; ++q) store(to + q * columns + d, sum[q]);
  }
}

// Adds the padded rows of the queries to every row of a table, weighted.
template <typename T>
GRAPHLAB_INLINE void spread_rows(
    const T* weight, const T* rows, int64_t count, int64_t width, int64_t places, T* table) {
  const int64_t columns = whole<T>(width);
  for (int64_t d = 0; d < columns; d += kLanes<T>) {
    Vec<T> row[kQueries];
    GRAPHLAB_UNROLL
    for (int q = 0; q < kQueries; ++q) row[q] = load(rows + q * columns + d);
    for (int64_t j = 0; j < count; ++j) {
      Vec<T> sum = load(table + j * columns + d);
      GRAPHLAB_UNROLL
      for (int q = 0; q < kQueries; ++q) sum += weight[q * places + j] * row[q];
      store(table + j * columns + d, sum);
    }
  }
}

// Writes padded rows to where they belong.
template <typename T>
GRAPHLAB_INLINE void write_rows(const T* from, int64_t count, int64_t width, T* to, int64_t stride) {
  const int64_t columns = whole<T>(width);
  for (int64_t i = 0; i < count; ++i) {
    int64_t d = 0;
    for (; d + kLanes<T> <= width; d += kLanes<T>) store(to + i * stride + d, load(from + i * columns + d));
    for (; d < width; ++d) to[i * stride + d] = from[i * columns + d];
  }
}

// Lanes of rows that are there; the others get `other`.
template <typename T>
GRAPHLAB_INLINE Vec<T> present(Vec<T> value, int64_t j, int64_t rows, T other) {
  const auto limit = static_cast<typename Types<T>::Bits>(rows - j < kLanes<T> ? rows - j : kLanes<T>);
  return lane_numbers<T>() < limit ? value : splat<T>(other);
}

// Turns the logits (base 2) of kQueries rows into weights of sum 1; writes the log-sums (base e).
template <typename T>
GRAPHLAB_INLINE void softmax(T* logit, int64_t rows, int64_t places, T* lse) {
  const T nothing = -std::numeric_limits<T>::infinity();
  Vec<T> tops[kQueries], sums[kQueries];
  for (int q = 0; q < kQueries; ++q) tops[q] = splat<T>(nothing), sums[q] = Vec<T>{};
  for (int64_t j = 0; j < places; j += kLanes<T>) {
    GRAPHLAB_UNROLL
    for (int q = 0; q < kQueries; ++q) {
      tops[q] = maximum<T>(present<T>(load(logit + q * places + j), j, rows, nothing), tops[q]);
    }
  }
  T top[kQueries], share[kQueries];
  for (int q = 0; q < kQueries; ++q) top[q] = largest_lane<T>(tops[q]);
  for (int64_t j = 0; j < places; j += kLanes<T>) {
    GRAPHLAB_UNROLL
    for (int q = 0; q < kQueries; ++q) {
      T* at = logit + q * places + j;
      const Vec<T> power = exp2_any<T>(present<T>(load(at) - top[q], j, rows, nothing));
      store(at, power);
      sums[q] += power;
    }
  }
  for (int q = 0; q < kQueries; ++q) {
    const T sum = sum_lanes<T>(sums[q]);
    share[q] = 1 / sum;
    lse[q] = (top[q] + std::log2(sum)) / static_cast<T>(kLog2e);
  }
  for (int64_t j = 0; j < places; j += kLanes<T>) {
    GRAPHLAB_UNROLL
    for (int q = 0; q < kQueries; ++q) {
      store(logit + q * places + j, load(logit + q * places + j) * share[q]);
    }
  }
}

template <typename T>
void attention_forward(
    const AttentionTask<T>& task, const AttentionScratch<T>& scratch, T* out, int64_t step, T* lse,
    int64_t heads) {
  const int64_t rows = task.rows, width = task.width, places = whole<T>(rows);
  turn_rows(task.key, task.stride, rows, width, scratch.key_t);
  read_rows(task.value, task.stride, 0, rows, rows, width, scratch.value);
  const T factor = task.scale * static_cast<T>(kLog2e);
  for (int64_t i = 0; i < rows; i += kQueries) {
    if (i % 64 == 0) check_interrupt();
    const int64_t count = rows - i < kQueries ? rows - i : kQueries;
    read_rows(task.query, task.stride, i, i + kQueries, rows, width, scratch.query);
    multiply_turned(scratch.query, scratch.key_t, width, places, factor, scratch.weight);
    T top[kQueries];
    softmax(scratch.weight, rows, places, top);
    for (int64_t q = 0; q < count; ++q) lse[(i + q) * heads] = top[q];
    add_rows(scratch.weight, scratch.value, rows, width, places, scratch.sum);
    write_rows(scratch.sum, count, width, out + i * step, step);
  }
}

// Weights from logits (base 2), and the derivatives of the logits from those of the weights.
template <typename T>
GRAPHLAB_INLINE void softmax_backward(
    T* weight, T* slope, int64_t rows, int64_t places, const T* lse, const T* level, T scale) {
  for (int64_t j = 0; j < places; j += kLanes<T>) {
    GRAPHLAB_UNROLL
    for (int q = 0; q < kQueries; ++q) {
      const int64_t at = q * places + j;
      const Vec<T> power = exp2_any<T>(load(weight + at) - lse[q] * static_cast<T>(kLog2e));
      const Vec<T> share = present<T>(power, j, rows, T(0));
      store(weight + at, share);
      store(slope + at, share * (load(slope + at) - level[q]) * scale);
    }
  }
}

template <typename T>
void attention_backward(
    const AttentionTask<T>& task, const AttentionScratch<T>& scratch, const AttentionWay<T>& way) {
  const int64_t rows = task.rows, width = task.width, stride = task.stride;
  const int64_t places = whole<T>(rows), columns = whole<T>(width);
  turn_rows(task.key, stride, rows, width, scratch.key_t);
  turn_rows(task.value, stride, rows, width, scratch.value_t);
  read_rows(task.key, stride, 0, rows, rows, width, scratch.key);
  for (int64_t k = 0; k < rows * columns; ++k) scratch.grad_key[k] = scratch.grad_value[k] = 0;
  for (int64_t i = 0; i < rows; i += kQueries) {
    if (i % 64 == 0) check_interrupt();
    const int64_t count = rows - i < kQueries ? rows - i : kQueries;
    read_rows(task.query, stride, i, i + kQueries, rows, width, scratch.query);
    read_rows(way.grad, way.step, i, i + kQueries, rows, width, scratch.given);
    const T factor = task.scale * static_cast<T>(kLog2e);
    multiply_turned(scratch.query, scratch.key_t, width, places, factor, scratch.weight);
    multiply_turned(scratch.given, scratch.value_t, width, places, T(1), scratch.slope);
    T lse[kQueries] = {}, level[kQueries] = {};  // a query that is not there weighs its zeros
    for (int64_t q = 0; q < count; ++q) {
      level[q] = dot(scratch.given + q * columns, way.out + (i + q) * way.step, width) -
          way.grad_lse[(i + q) * way.heads];
      lse[q] = way.lse[(i + q) * way.heads];
    }
    softmax_backward(scratch.weight, scratch.slope, rows, places, lse, level, task.scale);
    add_rows(scratch.slope, scratch.key, rows, width, places, scratch.sum);
    write_rows(scratch.sum, count, width, way.grad_query + i * stride, stride);
    spread_rows(scratch.slope, scratch.query, rows, width, places, scratch.grad_key);
    spread_rows(scratch.weight, scratch.given, rows, width, places, scratch.grad_value);
  }
  write_rows(scratch.grad_key, rows, width, way.grad_key, stride);
  write_rows(scratch.grad_value, rows, width, way.grad_value, stride);
}

}  // namespace
}  // namespace graphlab::cpu::GRAPHLAB_ISA
