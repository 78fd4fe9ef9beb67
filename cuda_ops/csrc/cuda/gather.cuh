// Rows of a table that the entries of a span name, read by a warp with several loads in flight.
//
// What bounds these sums is the latency of two dependent loads, the name and then the row. So the
// lanes fetch 32 names at once, and rows are loaded in batches whose loads depend on nothing but
// these names: unconditional, with names, entries and columns out of range clamped to some that are
// not. What was clamped is dropped when values are used, entry after entry in their order.
//
// A lane holds N packs of W neighbouring columns; packs are 32 W columns apart. The batch, the packs
// and the width change no sum: a column is one sum in the order of the entries.
#pragma once

#include "segments.cuh"

namespace graphlab::cuda {

// W neighbouring values, loaded together: at most 16 bytes an instruction.
template <typename S, int W>
struct alignas(W * sizeof(S) < 16 ? W * sizeof(S) : 16) Pack {
  S x[W];
};

// The columns of one lane; the blocks of grid.y share the rest.
template <int N_, int W_>
struct Columns {
  static constexpr int N = N_, W = W_, kPerLane = N_ * W_, kPerWarp = kWarp * kPerLane;
  int64_t dim;

  __device__ int64_t first(int n) const {
    const int64_t lane = static_cast<int64_t>(blockIdx.y) * kPerWarp + int64_t{kWarp} * n * W +
        int64_t{lane_id()} * W;
    return lane;
  }
  __device__ bool inside(int n) const { return first(n) < dim; }
  // Where to load: of packs beyond the row, the last one, whose values are not used.
  __device__ int64_t clamped(int n) const {
    const int64_t at = first(n);
    return at < dim ? at : dim - W;
  }
  template <typename S>
  __device__ void load(const S* row, Pack<S, W> (&to)[N]) const {
#pragma unroll
    for (int n = 0; n < N; ++n) to[n] = *reinterpret_cast<const Pack<S, W>*>(row + clamped(n));
  }
};

// Calls add(entry, inside, piece) for the entries of a span in their order; load(entry, name) makes
// the piece, U of them at a time. Names out of range load row 0; where there is none, Piece{}. All
// lanes of the warp stay together.
template <int U, typename Load, typename Add>
__device__ inline void for_each_gathered(const int32_t* col, int64_t columns, const Span& span,
                                         Load&& load, Add&& add) {
  using Piece = decltype(load(int64_t{}, int64_t{}));
  for (int64_t base = span.begin; base < span.end; base += kWarp) {
    const int64_t left = span.end - base;
    const int count = left < kWarp ? static_cast<int>(left) : kWarp;
    const int32_t name = col[base + (lane_id() < count ? lane_id() : count - 1)];
    for (int e = 0; e < count; e += U) {
      Piece piece[U];
      bool inside[U];
#pragma unroll
      for (int u = 0; u < U; ++u) {
        const int of = e + u < count ? e + u : count - 1;
        const int64_t j = __shfl_sync(kAllLanes, name, of);
        inside[u] = j >= 0 && j < columns;
        if (columns > 0) {
          piece[u] = load(base + of, inside[u] ? j : 0);
        } else {
          piece[u] = Piece{};
        }
      }
#pragma unroll
      for (int u = 0; u < U; ++u) {
        if (e + u < count) add(base + e + u, inside[u], piece[u]);
      }
    }
  }
}

// The sums of a lane, to the row or to the slot of a window.
template <typename C, typename T>
__device__ inline void write_sums(const C& columns, const Span& span, const T (&sum)[C::kPerLane],
                                  double* partial, T* out) {
#pragma unroll
  for (int n = 0; n < C::N; ++n) {
    if (!columns.inside(n)) continue;
    const int64_t first = columns.first(n);
#pragma unroll
    for (int w = 0; w < C::W; ++w) {
      const T value = sum[n * C::W + w];
      if (span.slot < 0) {
        out[span.row * columns.dim + first + w] = value;
      } else {
        partial[span.slot * columns.dim + first + w] = static_cast<double>(value);
      }
    }
  }
}

// Whether rows of `dim` values can be read in packs of W.
template <typename S>
bool packs_of(int width, int64_t dim, std::initializer_list<const S*> tables) {
  const size_t unit = std::min<size_t>(16, width * sizeof(S));
  return dim % width == 0 && std::all_of(tables.begin(), tables.end(), [&](const S* table) {
           return reinterpret_cast<uintptr_t>(table) % unit == 0;
         });
}

// Calls f(Columns<N, W>) so that a warp covers the row, or 128 columns of it, in the widest loads.
template <typename S, typename F>
void by_columns(int64_t dim, std::initializer_list<const S*> tables, F&& f) {
  if (dim > 2 * kWarp && packs_of(4, dim, tables)) {
    f(Columns<1, 4>{dim});
  } else if (dim > kWarp && dim <= 2 * kWarp && packs_of(2, dim, tables)) {
    f(Columns<1, 2>{dim});
  } else if (dim <= kWarp) {
    f(Columns<1, 1>{dim});
  } else {
    f(Columns<4, 1>{dim});
  }
}

// The grid of a kernel with a warp per span and Columns<N, W> per lane.
template <typename C>
dim3 span_grid(const Rows& rows, const C& columns) {
  dim3 grid = blocks_for(rows.spans(), kWarpsPerBlock);
  grid.y = static_cast<unsigned>(ceil_div(columns.dim, C::kPerWarp));
  return grid;
}

}  // namespace graphlab::cuda
