// segment_attention and its gradient on CUDA.
//
// Work. A block owns 64 consecutive rows, whatever segments they belong to, and one head. It walks
// over the rows of those segments, first to last, in tiles of 64; pairs of different segments get no
// weight. So 64 rows of many tiny segments share the tiles that one long segment fills, blocks have
// alike work, and a segment of 1000 rows is spread over 16 blocks a head. The price is pairs that
// are computed in vain. Eight rows belong to a warp, which multiplies only where they have partners:
// segments of 11 rows cost 81 products with keys and 34 with values a row, 14 operations per byte of
// qkv and out, less than these devices do in the time of the reading; segments of 64 rows cost 1.7
// times their pairs, those of 1000 rows 1.02 times. One block per segment and head would leave 53 of
// 64 tile rows empty in the first case, and the longest segment to one block in the last.
//
// A first kernel finds the segment of every row in ptr once: 16 bytes a row for all heads. A row
// that no segment holds (pointers that do not span the rows) becomes NaN.
//
// Forward. Logits of a tile in registers (4 x 4 a thread, tile.cuh), a running maximum per row,
// shares through shared memory, times the tile of values. Sums of weights run in float64.
//
// Backward. level_i = <grad_i, out_i> - grad_lse_i first. Then one pass by query for dQ and one by
// key for dK and dV, which compute the weights again from lse: seven products where five would do
// with atomics. Every sum has one owner; it runs in T over a segment.
//
// D > 128 repeats the logits for every 128 columns of a result. An infinity or NaN stays in its
// segment: a slice of rows that has one is multiplied pair by pair.
//
// Resources (nvcc 13.0; most registers of sm_80 and sm_90, float / double; no spills) for D <= 16,
// D <= 64 and wider, with 26.5 / 43.5 KiB shared: forward 128 / 188, 127 / 196, 128 / 230; by query
// 128 / 198, 121 / 214, 157 / 244; by key 128 / 212, 127 / 244, 193 / 255. Two blocks fit a
// multiprocessor in float32, one in the wide gradients and in float64. Borders 32, level 32 / 40.
#include "attention.h"

#include "attention_tile.cuh"

namespace graphlab::cuda {
namespace {

__global__ void __launch_bounds__(kThreads)
    attention_borders_kernel(const Rows segments, Border* borders) {
  for (int64_t row = thread_id(); row < segments.entries; row += thread_count()) {
    Border border{row, row};
    if (segments.rows > 0) {
      const int64_t segment = row_of(segments, row);
      const Border found{row_border(segments, segment), row_border(segments, segment + 1)};
      if (found.begin <= row && row < found.end) border = found;
    }
    borders[row] = border;
  }
}

template <int Width, typename T>
__device__ inline T group_max(T value) {
#pragma unroll
  for (int step = Width / 2; step > 0; step /= 2) {
    const T other = __shfl_xor_sync(kAllLanes, value, step);
    value = other > value ? other : value;
  }
  return value;
}

// Online softmax of a tile: logits become shares relative to the new maximum of the row.
template <typename T, int C>
__device__ inline void weigh_tile(const AttentionArgs<T>& a, const AttentionShared<T, C>& shared,
                                  int64_t column0, T (&value)[kRows][kVec], T (&peak)[kRows],
                                  double (&mass)[kRows], T (&factor)[kRows]) {
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    const Border border = shared.border[tile_y() * kRows + r];
    bool own[kVec];
    T top = peak[r];
#pragma unroll
    for (int c = 0; c < kVec; ++c) {
      const int64_t other = column0 + tile_column<kVec>(c);
      own[c] = other >= border.begin && other < border.end;
      value[r][c] *= a.scale;
      if (own[c] && value[r][c] > top) top = value[r][c];
    }
    top = group_max<kSide>(top);
    factor[r] = rescale(peak[r], top);
    peak[r] = top;
    const T base = base_of(top);
    T sum = T(0);
#pragma unroll
    for (int c = 0; c < kVec; ++c) {
      value[r][c] = own[c] ? exp(value[r][c] - base) : T(0);
      sum += value[r][c];
    }
    mass[r] = mass[r] * static_cast<double>(factor[r]) + static_cast<double>(sum);
  }
}

template <typename T, int C>
__global__ void __launch_bounds__(kThreads, sizeof(T) == 4 ? 2 : 1)
    attention_forward_kernel(const AttentionArgs<T> a) {
  __shared__ AttentionShared<T, C> shared;
  if (threadIdx.x == 0) shared.odd = 0;
  unsigned slices = 0;
  for (int64_t number = blockIdx.x; number < a.tasks(); number += gridDim.x) {
    const Task task = task_at(a, number, kSide * C);
    const Side<T> query = a.part(0, task.head), key = a.part(1, task.head);
    const Side<T> value = a.part(2, task.head);
    const Reach reach = read_borders(a, task.row0, shared);
    T total[kRows][C], peak[kRows], factor[kRows];
    double mass[kRows];
    clear(total);
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      peak[r] = -infinity<T>();
      mass[r] = 0.0;
    }
    for (int64_t column0 = reach.begin; column0 < reach.end; column0 += kTile) {
      T share[kRows][kVec];
      segment_products(a, query, task.row0, key, column0, reach, shared.tile, share);
      if (reach.meets(column0, kTile)) {
        weigh_tile(a, shared, column0, share, peak, mass, factor);
        put_shares(share, shared.share);
#pragma unroll
        for (int r = 0; r < kRows; ++r) {
#pragma unroll
          for (int c = 0; c < C; ++c) total[r][c] *= factor[r];
        }
      }
      add_shares(a, value, column0, task.first, reach, slices, shared, total);
    }
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int place = tile_y() * kRows + r;
      const int64_t row = task.row0 + place;
      const double sum = group_sum<kSide>(mass[r]);
      factor[r] = static_cast<T>(1.0 / sum);
      if (tile_x() != 0 || row >= a.rows || task.first != 0) continue;
      const bool held = shared.border[place].begin < shared.border[place].end;
      a.out_lse[row * a.heads + task.head] =
          held ? static_cast<T>(base_of(peak[r]) + log(sum)) : not_a_number<T>();
    }
    write_rows(a, task, shared.border, total, factor, a.out, a.channels());
  }
}

// level = <grad, out> - grad_lse of every row and head; eight lanes each.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    attention_level_kernel(const T* grad, const T* grad_lse, const T* out, int64_t pairs,
                           int64_t width, T* level) {
  constexpr int kLanes = 8, kPairs = kWarp / kLanes;
  for (int64_t base = warp_id() * kPairs; base < pairs; base += warp_count() * kPairs) {
    const int64_t pair = base + lane_id() / kLanes;
    double sum = 0.0;
    if (pair < pairs) {
      for (int64_t column = lane_id() % kLanes; column < width; column += kLanes) {
        sum += static_cast<double>(grad[pair * width + column]) *
               static_cast<double>(out[pair * width + column]);
      }
    }
    sum = group_sum<kLanes>(sum);
    if (pair < pairs && lane_id() % kLanes == 0) {
      level[pair] = static_cast<T>(sum - static_cast<double>(grad_lse[pair]));
    }
  }
}

// Numbers of four rows under one head, zero beyond the last.
template <typename T>
__device__ inline void read_four(const AttentionArgs<T>& a, const T* from, int64_t row,
                                 int64_t head, T (&to)[kVec]) {
#pragma unroll
  for (int c = 0; c < kVec; ++c) to[c] = row + c < a.rows ? from[(row + c) * a.heads + head] : T(0);
}

// Logits become weights, products of grad and value the derivatives of the logits.
template <bool Keys, typename T, int C>
__device__ inline void weigh_back(const AttentionArgs<T>& a, const AttentionShared<T, C>& shared,
                                  int64_t column0, const T (&lse)[kVec], const T (&level)[kVec],
                                  T (&weight)[kRows][kVec], T (&slope)[kRows][kVec]) {
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    const Border border = shared.border[tile_y() * kRows + r];
#pragma unroll
    for (int c = 0; c < kVec; ++c) {
      const int64_t other = column0 + tile_column<kVec>(c);
      const bool own = other >= border.begin && other < border.end;
      const int q = Keys ? c : r;  // which of the two is the query
      weight[r][c] = own ? exp(a.scale * weight[r][c] - lse[q]) : T(0);
      slope[r][c] = own ? weight[r][c] * (slope[r][c] - level[q]) : T(0);
    }
  }
}

// Whose gradients the rows of a block collect: dQ, or dK and dV.
enum Owner : int { kQueries = 0, kKeys = 1 };

template <typename T, int C, int Of>
__global__ void __launch_bounds__(kThreads, sizeof(T) == 4 && C < 8 ? 2 : 1)
    attention_backward_kernel(const AttentionArgs<T> a) {
  static_assert(kRows == kVec);
  constexpr bool Keys = Of == kKeys;
  __shared__ AttentionShared<T, C> shared;
  if (threadIdx.x == 0) shared.odd = 0;
  unsigned slices = 0;
  for (int64_t number = blockIdx.x; number < a.tasks(); number += gridDim.x) {
    const Task task = task_at(a, number, kSide * C);
    const Side<T> mine = a.part(Of, task.head), theirs = a.part(1 - Of, task.head);
    const Side<T> value = a.part(2, task.head), given = a.given(task.head);
    const Reach reach = read_borders(a, task.row0, shared);
    T grad[kRows][C], grad_value[kRows][C];  // the second one for keys alone
    clear(grad);
    clear(grad_value);
    for (int64_t column0 = reach.begin; column0 < reach.end; column0 += kTile) {
      T weight[kRows][kVec], slope[kRows][kVec];
      segment_products(a, mine, task.row0, theirs, column0, reach, shared.tile, weight);
      segment_products(a, Keys ? value : given, task.row0, Keys ? given : value, column0, reach,
                       shared.tile, slope);
      const bool wanted = reach.meets(column0, kTile);
      if (wanted) {
        // Read again per tile: they come from L1, and eight registers would spill.
        const int64_t query = Keys ? column0 + tile_x() * kVec : task.row0 + tile_y() * kRows;
        T lse[kVec], level[kVec];
        read_four(a, a.lse, query, task.head, lse);
        read_four(a, a.level, query, task.head, level);
        weigh_back<Keys>(a, shared, column0, lse, level, weight, slope);
      }
      if constexpr (Keys) {
        if (wanted) put_shares(weight, shared.share);
        add_shares(a, given, column0, task.first, reach, slices, shared, grad_value);
        __syncwarp();  // the weights have been read
      }
      if (wanted) put_shares(slope, shared.share);
      add_shares(a, theirs, column0, task.first, reach, slices, shared, grad);
    }
    const T scale[kRows] = {a.scale, a.scale, a.scale, a.scale}, one[kRows] = {1, 1, 1, 1};
    const int64_t stride = 3 * a.channels();
    write_rows(a, task, shared.border, grad, scale, a.out + (Keys ? a.channels() : 0), stride);
    if constexpr (Keys) {
      write_rows(a, task, shared.border, grad_value, one, a.out + 2 * a.channels(), stride);
    }
  }
}

// --- host ----------------------------------------------------------------------------------------

// Calls f with the columns per thread as a constant.
template <typename F>
void by_columns(int64_t width, F&& f) {
  if (width <= kSide) {
    f(std::integral_constant<int, 1>{});
  } else if (width <= kTile) {
    f(std::integral_constant<int, kVec>{});
  } else {
    f(std::integral_constant<int, 2 * kVec>{});
  }
}

// The segments and the sizes, ready for the kernels; owns the scratch.
template <typename T>
struct AttentionProblem {
  Context context;
  Input<T> qkv;
  Input<int64_t> ptr;
  Tensor borders;
  AttentionArgs<T> args{};

  AttentionProblem(const Tensor& qkv_in, const Tensor& ptr_in, int64_t heads)
      : context(qkv_in),
        qkv(context, qkv_in),
        ptr(context, ptr_in),
        borders(scratch<int64_t, 2>(ptr_in, {qkv_in.size(0), 2})) {
    args.qkv = qkv;
    args.borders = reinterpret_cast<const Border*>(output<int64_t>(borders));
    args.rows = qkv_in.size(0);
    args.heads = heads;
    args.width = qkv_in.size(1) / 3 / heads;
    args.scale = static_cast<T>(1.0 / std::sqrt(static_cast<double>(args.width)));
    const Rows segments{ptr, ptr_in.numel() - 1, args.rows, 0};
    context.launch("attention_borders", attention_borders_kernel,
                   blocks_for(args.rows, kThreads), kThreads, segments,
                   reinterpret_cast<Border*>(output<int64_t>(borders)));
  }

  // Starts a kernel that gives `columns` columns of a head and 64 rows per block.
  void launch(const char* name, void (*kernel)(AttentionArgs<T>), int64_t columns) {
    args.chunks = ceil_div(args.width, columns);
    context.launch(name, kernel, blocks_for(args.tasks(), 1), kThreads, args);
  }
};

void check_attention(const Tensor& qkv, const Tensor& ptr, int64_t heads) {
  check_matrix(qkv, "qkv");
  STD_TORCH_CHECK(ptr.dim() == 1 && ptr.numel() > 0,
                  "graphlab: ptr must have 1 dimension and not be empty");
  STD_TORCH_CHECK(heads > 0 && qkv.size(1) > 0 && qkv.size(1) % (3 * heads) == 0,
                  "graphlab: qkv must have a multiple of 3 * heads columns, got ", qkv.size(1),
                  " with heads = ", heads);
}

}  // namespace
}  // namespace graphlab::cuda

namespace graphlab {

using namespace cuda;

std::tuple<Tensor, Tensor> segment_attention(const Tensor& qkv, const Tensor& ptr, int64_t heads) {
  check_attention(qkv, ptr, heads);
  return by_dtype(qkv, [&](auto zero) -> std::tuple<Tensor, Tensor> {
    using T = decltype(zero);
    AttentionProblem<T> p(qkv, ptr, heads);
    Tensor out = scratch<T, 2>(qkv, {p.args.rows, p.args.channels()});
    Tensor lse = scratch<T, 2>(qkv, {p.args.rows, heads});
    p.args.out = output<T>(out);
    p.args.out_lse = output<T>(lse);
    by_columns(p.args.width, [&](auto c) {
      constexpr int C = decltype(c)::value;
      p.launch("attention_forward", attention_forward_kernel<T, C>, kSide * C);
    });
    return {out, lse};
  });
}

Tensor segment_attention_backward(const Tensor& grad, const Tensor& grad_lse, const Tensor& qkv,
                                  const Tensor& ptr, const Tensor& out, const Tensor& lse,
                                  int64_t heads) {
  check_attention(qkv, ptr, heads);
  const int64_t rows = qkv.size(0), channels = qkv.size(1) / 3;
  check_length(grad, rows * channels, "grad");
  check_length(grad_lse, rows * heads, "grad_lse");
  check_length(out, rows * channels, "out");
  check_length(lse, rows * heads, "lse");
  return by_dtype(qkv, [&](auto zero) {
    using T = decltype(zero);
    AttentionProblem<T> p(qkv, ptr, heads);
    const Input<T> g(p.context, grad), gl(p.context, grad_lse), o(p.context, out);
    const Input<T> l(p.context, lse);
    const Tensor level = scratch<T, 2>(qkv, {rows, heads});
    Tensor result = scratch<T, 2>(qkv, {rows, 3 * channels});
    p.args.grad = g;
    p.args.lse = l;
    p.args.level = output<T>(level);
    p.args.out = output<T>(result);
    const int64_t pairs = rows * heads;
    p.context.launch("attention_level", attention_level_kernel<T>, blocks_for(pairs, kThreads / 8),
                     kThreads, g, gl, o, pairs, p.args.width, output<T>(level));
    by_columns(p.args.width, [&](auto c) {
      constexpr int C = decltype(c)::value;
      p.launch("attention_queries", attention_backward_kernel<T, C, kQueries>, kSide * C);
      p.launch("attention_keys", attention_backward_kernel<T, C, kKeys>, kSide * C);
    });
    return result;
  });
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CUDA, m) {
  m.impl("segment_attention", TORCH_BOX(&segment_attention));
  m.impl("segment_attention_backward", TORCH_BOX(&segment_attention_backward));
}

}  // namespace graphlab
