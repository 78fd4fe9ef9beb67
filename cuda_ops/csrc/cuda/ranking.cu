// pairwise_rank and pairwise_topk on CUDA; the products of tiles are those of pair_tile.cuh.
//
// A block owns 64 rows of x and walks over tiles of 64 rows of y. The columns of a tile that do not
// count for a row are bits of one word in shared memory: 64 threads own a row each and move along
// its filter, which ascends, tile by tile.
//
// Ranks: the truths' own products come first, from tiles of the rows of x and y that were gathered for
// them. Then every product of a row is held against all truths of the row; counts are integers, so that
// the order in which atomics add them leaves no trace. All products come from pair_products, in one
// order of additions: equal rows of y tie to the last bit. Best rows: a tile whose products exceed the
// least of its rows' lists goes through shared memory, and the thread that owns a row inserts them there
// in order.
//
// Few rows and many columns: columns are split over grid.z, and lists are merged in order.
#include "ranking.h"

#include "pair_tile.cuh"

namespace graphlab::cuda {
namespace {

// Columns that do not count, by rows; ascending within a row.
struct NamedColumns {
  const int64_t* ptr;     // (rows + 1,) or null
  const int64_t* column;  // (entries,)
  int64_t entries;
  bool diagonal;          // and the row's own number
};

// One row's way through the columns that are named for it.
class NamedWalk {
 public:
  __device__ NamedWalk(const NamedColumns& named, int64_t rows, int64_t row, int64_t column) {
    if (threadIdx.x >= kTile || row >= rows) return;
    if (named.diagonal) own_ = row;
    if (named.ptr == nullptr) return;
    at_ = named.ptr[row] > 0 ? named.ptr[row] : 0;
    end_ = named.ptr[row + 1] < named.entries ? named.ptr[row + 1] : named.entries;
    for (int64_t stop = end_; at_ < stop;) {
      const int64_t middle = at_ + (stop - at_) / 2;
      if (named.column[middle] < column) {
        at_ = middle + 1;
      } else {
        stop = middle;
      }
    }
  }

  // Bits of the columns from column0 on.
  __device__ uint64_t next_tile(const NamedColumns& named, int64_t column0) {
    uint64_t bits = bit_of(own_ - column0);
    for (; at_ < end_ && named.column[at_] < column0 + kTile; ++at_) {
      bits |= bit_of(named.column[at_] - column0);
    }
    return bits;
  }

 private:
  static __device__ uint64_t bit_of(int64_t place) {
    return place >= 0 && place < kTile ? uint64_t{1} << place : 0;
  }

  int64_t at_ = 0, end_ = 0, own_ = -1;
};

// Columns to be ranked, by rows of x: those of a row lie side by side.
struct Truths {
  const int64_t* ptr;     // (rows + 1,) or null where every row has one
  const int64_t* column;  // (count,)
  int64_t count;

  // Where those of a row begin.
  __device__ int64_t begin(int64_t row) const {
    if (ptr == nullptr) return row;
    const int64_t at = ptr[row];
    return at < 0 ? 0 : at < count ? at : count;
  }
};

template <typename T>
struct RankArgs {
  PairArgs<T> pair;
  NamedColumns named;
  Truths truths;
  const T* own;  // (truths,) their products
  int64_t *greater, *equal;
};

// Counts before the first tile, and the row of every truth (`row` may be null). A truth out of range has
// rank -1: its product is NaN, above and equal to nothing.
template <typename T>
__global__ void __launch_bounds__(kThreads) rank_begin_kernel(const RankArgs<T> args, int64_t* row) {
  for (int64_t t = thread_id(); t < args.truths.count; t += thread_count()) {
    const int64_t column = args.truths.column[t];
    args.greater[t] = args.equal[t] = column >= 0 && column < args.pair.columns ? 0 : -1;
    if (row == nullptr) continue;
    int64_t low = 0, high = args.pair.rows;  // the last row that begins at t or before
    while (high - low > 1) {
      const int64_t middle = low + (high - low) / 2;
      if (args.truths.begin(middle) <= t) {
        low = middle;
      } else {
        high = middle;
      }
    }
    row[t] = low;
  }
}

// Rows of a matrix by number; a number out of range gives NaN.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    gather_rows_kernel(const T* matrix, int64_t rows, int64_t dim, const int64_t* number,
                       int64_t count, T* out) {
  for (int64_t at = thread_id(); at < count * dim; at += thread_count()) {
    int64_t row, feature;
    divide(at, dim, row, feature);
    const int64_t from = number[row];
    out[at] = from >= 0 && from < rows ? matrix[from * dim + feature] : not_a_number<T>();
  }
}

// Products of every row with the row of b of the same number.
template <typename T>
__global__ void __launch_bounds__(kThreads, 2) own_product_kernel(const PairArgs<T> p, T* own) {
  __shared__ PairShared<T, kVec> shared;
  const int64_t row0 = static_cast<int64_t>(blockIdx.x) * kTile;
  T sum[kRows][kVec];
  pair_products(p, row0, row0, shared, sum);
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    const int place = tile_y() * kRows + r;
#pragma unroll
    for (int c = 0; c < kVec; ++c) {
      if (tile_column<kVec>(c) == place && row0 + place < p.rows) own[row0 + place] = sum[r][c];
    }
  }
}

// Adds one thread's products of a row to the counts of the row's truths; `bits` are the columns of the
// tile that do not count. The two rows that a warp works on take as many turns as the longer one needs.
template <typename T>
__device__ inline void count_row(
    const RankArgs<T>& args, int64_t row, int64_t column0, uint64_t bits, const T (&score)[kVec]) {
  const bool there = row < args.pair.rows;
  const int64_t begin = there ? args.truths.begin(row) : 0;
  const int64_t mine = there ? args.truths.begin(row + 1) - begin : 0;
  const int64_t other = __shfl_xor_sync(kAllLanes, mine, kSide);
  const int64_t turns = mine > other ? mine : other;
  for (int64_t turn = 0; turn < turns; ++turn) {
    const int64_t t = begin + turn;
    const bool counts = turn < mine;
    const T own = counts ? args.own[t] : not_a_number<T>();
    const int64_t own_place = counts ? args.truths.column[t] - column0 : 0;
    int found = 0;  // above in the upper half, equal in the lower one
#pragma unroll
    for (int c = 0; c < kVec; ++c) {
      const int place = tile_column<kVec>(c);
      const bool out = column0 + place >= args.pair.columns || (bits >> place & 1) != 0;
      found += (!out && score[c] > own) << 16;
      found += !out && score[c] == own && place != own_place;
    }
    found = group_sum<kSide>(found);
    if (tile_x() != 0 || found == 0) continue;
    using Count = unsigned long long;
    atomicAdd(reinterpret_cast<Count*>(args.greater + t), static_cast<Count>(found >> 16));
    atomicAdd(reinterpret_cast<Count*>(args.equal + t), static_cast<Count>(found & 0xffff));
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads, 2) rank_kernel(const RankArgs<T> args) {
  const PairArgs<T>& p = args.pair;
  __shared__ PairShared<T, kVec> shared;
  __shared__ uint64_t blocked[kTile];
  const int64_t row0 = static_cast<int64_t>(blockIdx.x) * kTile;
  const int64_t begin = blockIdx.z * p.tiles * kTile;
  const int64_t limit = begin + p.tiles * kTile;
  const int64_t end = limit < p.columns ? limit : p.columns;
  NamedWalk walk(args.named, p.rows, row0 + threadIdx.x, begin);
  for (int64_t column0 = begin; column0 < end; column0 += kTile) {
    T sum[kRows][kVec];
    __syncthreads();  // the bits have been read
    if (threadIdx.x < kTile) blocked[threadIdx.x] = walk.next_tile(args.named, column0);
    pair_products(p, row0, column0, shared, sum);
    __syncthreads();
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int line = tile_y() * kRows + r;
      count_row(args, row0 + line, column0, blocked[line], sum[r]);
    }
  }
}

// --- best rows -----------------------------------------------------------------------------------

template <typename T>
struct TopArgs {
  PairArgs<T> pair;
  NamedColumns named;
  int64_t size;    // entries of a list
  T* value;        // (splits, rows, size), descending
  int64_t* index;
};

// A list in descending order, of which `count` entries are there.
template <typename T>
struct TopList {
  T* value;
  int64_t* index;
  int64_t size;
  int64_t count = 0;

  // What a value must exceed.
  __device__ T bar() const { return count < size ? -infinity<T>() : value[size - 1]; }

  // Behind all that are as large: columns come in ascending order.
  __device__ void insert(T score, int64_t column) {
    int64_t at = count < size ? count++ : size - 1;
    for (; at > 0 && value[at - 1] < score; --at) {
      value[at] = value[at - 1];
      index[at] = index[at - 1];
    }
    value[at] = score;
    index[at] = column;
  }

  __device__ void fill_up() {
    for (int64_t at = count; at < size; ++at) {
      value[at] = -infinity<T>();
      index[at] = -1;
    }
  }
};

template <typename T>
__device__ inline TopList<T> top_list(T* value, int64_t* index, int64_t row, int64_t size) {
  return {value + row * size, index + row * size, size};
}

template <typename T>
__global__ void __launch_bounds__(kThreads, 2) topk_kernel(const TopArgs<T> args) {
  const PairArgs<T>& p = args.pair;
  __shared__ PairShared<T, kVec> shared;
  __shared__ ShareTile<T> score;  // [row][column] here
  __shared__ T bar[kTile];
  __shared__ uint64_t blocked[kTile];
  __shared__ int found;
  const int64_t row0 = static_cast<int64_t>(blockIdx.x) * kTile;
  const int64_t row = row0 + threadIdx.x;  // of the threads that own one
  const bool owner = threadIdx.x < kTile && row < p.rows;
  TopList<T> list{};
  if (owner) list = top_list(args.value, args.index, blockIdx.z * p.rows + row, args.size);
  const int64_t begin = blockIdx.z * p.tiles * kTile;
  const int64_t limit = begin + p.tiles * kTile;
  const int64_t end = limit < p.columns ? limit : p.columns;
  NamedWalk walk(args.named, p.rows, row, begin);
  for (int64_t column0 = begin; column0 < end; column0 += kTile) {
    T sum[kRows][kVec];
    __syncthreads();  // bits, bars and scores have been read
    if (threadIdx.x < kTile) {
      blocked[threadIdx.x] = walk.next_tile(args.named, column0);
      bar[threadIdx.x] = owner ? list.bar() : infinity<T>();
    }
    if (threadIdx.x == 0) found = 0;
    pair_products(p, row0, column0, shared, sum);
    __syncthreads();
    bool any = false;
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int line = tile_y() * kRows + r;
      const uint64_t bits = blocked[line];
#pragma unroll
      for (int c = 0; c < kVec; ++c) {
        const int place = tile_column<kVec>(c);
        const bool out = column0 + place >= p.columns || (bits >> place & 1) != 0;
        score.at[line][place] = out ? -infinity<T>() : sum[r][c];
        any = any || (!out && sum[r][c] > bar[line]);
      }
    }
    if (any) found = 1;  // whoever writes, writes the same
    __syncthreads();
    if (found == 0 || !owner) continue;
    for (int place = 0; place < kTile; ++place) {
      const T value = score.at[threadIdx.x][place];
      if (value > list.bar()) list.insert(value, column0 + place);
    }
  }
  if (owner) list.fill_up();
}

// Lists of the splits, in their order, into that of the row.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    topk_merge_kernel(const TopArgs<T> args, int64_t splits, int64_t k, T* value, int64_t* index) {
  const int64_t rows = args.pair.rows;
  for (int64_t i = thread_id(); i < rows; i += thread_count()) {
    TopList<T> list = top_list(value, index, i, k);
    for (int64_t s = 0; s < splits; ++s) {
      const TopList<T> from = top_list(args.value, args.index, s * rows + i, args.size);
      for (int64_t m = 0; m < args.size && from.value[m] > list.bar(); ++m) {
        list.insert(from.value[m], from.index[m]);
      }
    }
    list.fill_up();
  }
}

// --- host ----------------------------------------------------------------------------------------

void check_sides(const Tensor& x, const Tensor& y, const OptionalTensor& filter_ptr,
                 const OptionalTensor& filter) {
  check_pair_sides(x, y);
  STD_TORCH_CHECK(filter_ptr.has_value() == filter.has_value(),
                  "graphlab: filter_ptr and filter must come together");
  check_length(filter_ptr, x.size(0) + 1, "filter_ptr");
}

NamedColumns named_columns(const int64_t* ptr, const int64_t* column,
                           const OptionalTensor& filter) {
  return {ptr, column, filter.has_value() ? filter->numel() : 0, false};
}

dim3 grid_of(int64_t blocks, int64_t splits) {
  return dim3(static_cast<unsigned>(blocks), 1, static_cast<unsigned>(splits));
}

}  // namespace
}  // namespace graphlab::cuda

namespace graphlab {

using namespace cuda;

std::tuple<Tensor, Tensor> pairwise_rank(const Tensor& x, const Tensor& y, const Tensor& truth,
                                         const OptionalTensor& truth_ptr,
                                         const OptionalTensor& filter_ptr,
                                         const OptionalTensor& filter) {
  check_sides(x, y, filter_ptr, filter);
  check_length(truth_ptr, x.size(0) + 1, "truth_ptr");
  if (!truth_ptr.has_value()) check_length(truth, x.size(0), "truth");
  return by_dtype(x, [&](auto zero) -> std::tuple<Tensor, Tensor> {
    using T = decltype(zero);
    const Context context(x);
    const Input<T> a(context, x), b(context, y);
    const Input<int64_t> t(context, truth), t_ptr(context, truth_ptr), ptr(context, filter_ptr),
        column(context, filter);
    const bool several = truth_ptr.has_value();
    const int64_t total = truth.numel(), dim = x.size(1), blocks = ceil_div(x.size(0), kTile);
    Tensor greater = scratch<int64_t, 1>(x, {total}), equal = scratch<int64_t, 1>(x, {total});
    Tensor row = scratch<int64_t, 1>(x, {several ? total : 0}), own = scratch<T, 1>(x, {total});
    Tensor query = scratch<T, 2>(x, {several ? total : 0, dim}), answer = scratch<T, 2>(x, {total, dim});
    RankArgs<T> args{};
    args.pair = pair_sides<T>(x, y, a, b);
    args.named = named_columns(ptr, column, filter);
    args.truths = {t_ptr, t, total};
    args.own = output<T>(own);
    args.greater = output<int64_t>(greater);
    args.equal = output<int64_t>(equal);
    context.launch("rank_begin", rank_begin_kernel<T>, blocks_for(total, kThreads), kThreads, args,
                   several ? output<int64_t>(row) : nullptr);
    const auto gather = [&](const T* matrix, int64_t rows, const int64_t* number, Tensor& to) {
      context.launch("gather_rows", gather_rows_kernel<T>, blocks_for(total * dim, kThreads),
                     kThreads, matrix, rows, dim, number, total, output<T>(to));
    };
    PairArgs<T> truths = args.pair;
    gather(args.pair.b, args.pair.columns, args.truths.column, answer);
    truths.b = output<T>(answer);
    if (several) {
      gather(args.pair.a, args.pair.rows, output<int64_t>(row), query);
      truths.a = output<T>(query);
    }
    truths.rows = truths.columns = total;
    context.launch("own_product", own_product_kernel<T>, grid_of(ceil_div(total, kTile), 1), kThreads,
                   truths, output<T>(own));
    const int64_t splits = split_columns(args.pair, blocks);
    context.launch("rank", rank_kernel<T>, grid_of(blocks, splits), kThreads, args);
    return {greater, equal};
  });
}

std::tuple<Tensor, Tensor> pairwise_topk(const Tensor& x, const Tensor& y, int64_t k,
                                         int64_t diagonal, const OptionalTensor& filter_ptr,
                                         const OptionalTensor& filter) {
  check_sides(x, y, filter_ptr, filter);
  STD_TORCH_CHECK(k >= 0, "graphlab: k must not be negative, got ", k);
  STD_TORCH_CHECK(diagonal == 0 || diagonal == 1, "graphlab: diagonal must be 0 or 1");
  return by_dtype(x, [&](auto zero) -> std::tuple<Tensor, Tensor> {
    using T = decltype(zero);
    const Context context(x);
    const Input<T> a(context, x), b(context, y);
    const Input<int64_t> ptr(context, filter_ptr), column(context, filter);
    const int64_t rows = x.size(0), blocks = ceil_div(rows, kTile);
    TopArgs<T> args{};
    args.pair = pair_sides<T>(x, y, a, b);
    args.named = named_columns(ptr, column, filter);
    args.named.diagonal = diagonal == 1;
    args.size = std::min(k, args.pair.columns);
    Tensor value = scratch<T, 2>(x, {rows, k}), index = scratch<int64_t, 2>(x, {rows, k});
    if (k == 0) return {value, index};
    const int64_t splits = split_columns(args.pair, blocks);
    Tensor values = scratch<T, 1>(x, {splits * rows * args.size});
    Tensor indices = scratch<int64_t, 1>(x, {splits * rows * args.size});
    args.value = output<T>(values);
    args.index = output<int64_t>(indices);
    if (args.size > 0) {
      context.launch("topk", topk_kernel<T>, grid_of(blocks, splits), kThreads, args);
    }
    context.launch("topk_merge", topk_merge_kernel<T>, blocks_for(rows, kThreads), kThreads, args,
                   splits, k, output<T>(value), output<int64_t>(index));
    return {value, index};
  });
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CUDA, m) {
  m.impl("pairwise_rank", TORCH_BOX(&pairwise_rank));
  m.impl("pairwise_topk", TORCH_BOX(&pairwise_topk));
}

}  // namespace graphlab
