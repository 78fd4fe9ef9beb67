// The walk over the entries of a graph that all edge kernels share: unit rows, and groups of lanes
// that compute exp(tau cos) of an entry. The design is told in edge.cu.
#pragma once

#include "segments.cuh"

namespace graphlab::cuda {

// Blocks to keep on a multiprocessor: as many as leave every variant the registers it needs.
template <typename T, int V>
constexpr int kResident = V == 1 ? (sizeof(T) == 4 ? 4 : 3) : (sizeof(T) == 4 ? 2 : 1);

template <typename T>
struct EdgeArgs {
  Rows rows;
  int64_t nodes;
  int64_t dim;           // columns of z
  int64_t vecs;          // 16-byte vectors per padded row, one at least
  const T* z;            // (N, dim)
  const Vec4<T>* unit;   // (N, vecs)
  const double* norm;    // (N,)
  const int32_t* col;    // (E,)
  const T* weight;       // (E,) or null: ones
  const T* weight_t;     // (E,) or null
  const T* scale;        // (N,) or null
  const T* grad;         // (N,), backward only
  T tau;
  double* partial_sum;   // (slots,), forward
  Vec4<T>* partial_dir;  // (slots, vecs), backward
  T* out;
};

// Unit rows and norms; G lanes per row. Zero rows become zero, as do those with a norm of NaN.
template <typename T, int G>
__global__ void __launch_bounds__(kThreads, 4)
    unit_rows_kernel(const T* z, int64_t nodes, int64_t dim, int64_t vecs, T* unit, double* norm) {
  constexpr int kRows = kWarp / G;
  const int sub = lane_id() % G;
  for (int64_t base = warp_id() * kRows; base < nodes; base += warp_count() * kRows) {
    const int64_t row = base + lane_id() / G;
    const bool active = row < nodes;
    const T* from = z + (active ? row : 0) * dim;
    double sum = 0.0;
    for (int64_t c = sub; active && c < dim; c += G) {
      const double value = static_cast<double>(from[c]);
      sum += value * value;
    }
    const double length = sqrt(group_sum<G>(sum));
    if (!active) continue;
    if (sub == 0) norm[row] = length;
    T* to = unit + row * vecs * kVec;
    for (int64_t c = sub; c < vecs * kVec; c += G) {
      const bool filled = c < dim && length > 0.0;
      to[c] = filled ? static_cast<T>(static_cast<double>(from[c]) / length) : T(0);
    }
  }
}

// The first G * V vectors of a row, spread over the G lanes of a group. Beyond the row the last vector
// stands: a load that depends on nothing can wait with others, and the other factor is zero there.
template <typename T, int G, int V>
__device__ inline void load_row(const EdgeArgs<T>& a, int64_t row, int sub, Vec4<T> (&to)[V]) {
#pragma unroll
  for (int v = 0; v < V; ++v) {
    const int64_t at = sub + v * G;
    to[v] = a.unit[row * a.vecs + (at < a.vecs ? at : a.vecs - 1)];
  }
}

// The same of the row that a span belongs to, zero beyond it.
template <typename T, int G, int V>
__device__ inline void load_own(const EdgeArgs<T>& a, int64_t row, int sub, Vec4<T> (&to)[V]) {
  load_row<T, G, V>(a, row, sub, to);
#pragma unroll
  for (int v = 0; v < V; ++v) {
    if (sub + v * G >= a.vecs) to[v] = Vec4<T>{};
  }
}

template <typename T>
__device__ inline T dot(const Vec4<T>& p, const Vec4<T>& q) {
  return (p.x[0] * q.x[0] + p.x[1] * q.x[1]) + (p.x[2] * q.x[2] + p.x[3] * q.x[3]);
}

// One entry as a group of lanes sees it.
template <typename T, int V>
struct Entry {
  int64_t at;         // position in col
  int64_t j;          // other node; the row itself where col is out of range
  bool active;        // false: beyond the end of the span
  bool loop;          // self loop
  T value;            // exp(tau cos), NaN where col is out of range
  Vec4<T> other[V];   // this lane's first vectors of row j
};

// Fills an entry but for its value; the loads depend on nothing but the name `col`.
template <typename T, int G, int V>
__device__ inline void load_entry(const EdgeArgs<T>& a, const Span& span, int64_t at, int64_t col,
                                  Entry<T, V>& entry) {
  entry.at = at;
  entry.active = at < span.end;
  const bool inside = col >= 0 && col < a.nodes;
  entry.j = inside ? col : span.row;
  entry.loop = inside && entry.j == span.row;
  entry.value = inside ? T(0) : not_a_number<T>();
  load_row<T, G, V>(a, entry.j, lane_id() % G, entry.other);
}

// The value of an entry whose row is there; all lanes of a group get it.
template <typename T, int G, int V>
__device__ inline void finish_entry(const EdgeArgs<T>& a, const Span& span, const Vec4<T> (&own)[V],
                                    Entry<T, V>& entry) {
  T cosine = T(0);
#pragma unroll
  for (int v = 0; v < V; ++v) cosine += dot(own[v], entry.other[v]);
#pragma unroll 1
  for (int64_t at = lane_id() % G + V * G; V > 1 && at < a.vecs; at += G) {
    cosine += dot(a.unit[span.row * a.vecs + at], a.unit[entry.j * a.vecs + at]);
  }
  cosine = group_sum<G>(cosine);
  // An entry out of range stays NaN.
  entry.value += exp(a.tau * (entry.loop ? T(0) : cosine));
}

// Calls f(entry) for all entries of a span, 32 / G at a time; all lanes of the warp stay together.
//
// The name of an entry and its row are loads that wait for each other. So the lanes fetch 32 names at
// once, and the rows of two steps are asked for before the first is used; a row of float64 or of more
// than 128 columns is several loads by itself. Steps are used in their order: a lane adds the same
// entries one after the other as it would with one row in flight.
template <typename T, int G, int V, typename F>
__device__ inline void for_each_entry(const EdgeArgs<T>& a, const Span& span, F&& f) {
  constexpr int kEntries = kWarp / G, kInFlight = V == 1 && sizeof(T) == 4 ? 2 : 1;
  Vec4<T> own[V];
  load_own<T, G, V>(a, span.row, lane_id() % G, own);
  for (int64_t base = span.begin; base < span.end; base += kWarp) {
    const int64_t left = span.end - base;
    const int count = left < kWarp ? static_cast<int>(left) : kWarp;
    const int32_t name = a.col[base + (lane_id() < count ? lane_id() : count - 1)];
    // Unrolled any further, double spills.
#pragma unroll 1
    for (int e = 0; e < count; e += kInFlight * kEntries) {
      Entry<T, V> entry[kInFlight];
#pragma unroll
      for (int u = 0; u < kInFlight; ++u) {
        // Beyond the end the last row is loaded again and not used.
        const int of = e + u * kEntries + lane_id() / G;
        const int64_t col = __shfl_sync(kAllLanes, name, of < count ? of : count - 1);
        load_entry<T, G, V>(a, span, base + of, col, entry[u]);
      }
#pragma unroll
      for (int u = 0; u < kInFlight; ++u) {
        if (e + u * kEntries >= count) break;
        finish_entry<T, G, V>(a, span, own, entry[u]);
        f(entry[u]);
      }
    }
  }
}

}  // namespace graphlab::cuda
