// pairwise_rank and pairwise_topk on CUDA; the products of tiles are those of pair_tile.cuh.
//
// A block owns 64 rows of x and walks over tiles of 64 rows of y. The columns of a tile that do not
// count for a row are bits of one word in shared memory: 64 threads own a row each and move along
// its filter, which ascends, tile by tile.
//
// Ranks: the truths' own products come first, from tiles of the rows of y that were gathered for
// them. All products come from pair_products, in one order of additions: equal rows of y tie to the
// last bit. Best rows: a tile whose products exceed the least of its rows' lists goes through shared
// memory, and the thread that owns a row inserts them there in order.
//
// Few rows and many columns: columns are split over grid.z, and counts or lists are merged in order.
#include "ranking.h"

#include "pair_tile.cuh"

namespace graphlab::cuda {
namespace {

// Columns that do not count, by rows; ascending within a row.
struct NamedColumns {
  const int64_t* ptr;     // (rows + 1,) or null
  const int64_t* column;  // (entries,)
  int64_t entries;
  const int64_t* truth;   // (rows,) one more for each row, or null
  bool diagonal;          // or the row's own number
};

// One row's way through the columns that are named for it.
class NamedWalk {
 public:
  __device__ NamedWalk(const NamedColumns& named, int64_t rows, int64_t row, int64_t column) {
    if (threadIdx.x >= kTile || row >= rows) return;
    own_ = named.truth ? named.truth[row] : named.diagonal ? row : -1;
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

template <typename T>
struct RankArgs {
  PairArgs<T> pair;
  NamedColumns named;
  T* own;           // (rows,) the truths' products
  int64_t* counts;  // (2, splits, rows)
};

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

template <typename T>
__global__ void __launch_bounds__(kThreads, 2) rank_kernel(const RankArgs<T> args) {
  const PairArgs<T>& p = args.pair;
  __shared__ PairShared<T, kVec> shared;
  __shared__ uint64_t blocked[kTile];
  const int64_t row0 = static_cast<int64_t>(blockIdx.x) * kTile;
  int64_t above[kRows], same[kRows];
  T own[kRows];
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    const int64_t i = row0 + tile_y() * kRows + r;
    above[r] = same[r] = 0;
    own[r] = i < p.rows ? args.own[i] : not_a_number<T>();
  }
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
      const uint64_t bits = blocked[tile_y() * kRows + r];
#pragma unroll
      for (int c = 0; c < kVec; ++c) {
        const int place = tile_column<kVec>(c);
        const bool out = column0 + place >= p.columns || (bits >> place & 1) != 0;
        above[r] += !out && sum[r][c] > own[r];
        same[r] += !out && sum[r][c] == own[r];
      }
    }
  }
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    const int64_t i = row0 + tile_y() * kRows + r;
    const int64_t greater = group_sum<kSide>(above[r]), equal = group_sum<kSide>(same[r]);
    if (tile_x() != 0 || i >= p.rows) continue;
    args.counts[blockIdx.z * p.rows + i] = greater;
    args.counts[(static_cast<int64_t>(gridDim.z) + blockIdx.z) * p.rows + i] = equal;
  }
}

// Adds the counts of the splits; a truth out of range has rank -1.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    rank_merge_kernel(const RankArgs<T> args, int64_t splits, int64_t* greater, int64_t* equal) {
  const int64_t rows = args.pair.rows;
  for (int64_t i = thread_id(); i < rows; i += thread_count()) {
    int64_t above = 0, same = 0;
    for (int64_t s = 0; s < splits; ++s) {
      above += args.counts[s * rows + i];
      same += args.counts[(splits + s) * rows + i];
    }
    const int64_t truth = args.named.truth[i];
    const bool known = truth >= 0 && truth < args.pair.columns;
    greater[i] = known ? above : -1;
    equal[i] = known ? same : -1;
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
  return {ptr, column, filter.has_value() ? filter->numel() : 0, nullptr, false};
}

dim3 grid_of(int64_t blocks, int64_t splits) {
  return dim3(static_cast<unsigned>(blocks), 1, static_cast<unsigned>(splits));
}

}  // namespace
}  // namespace graphlab::cuda

namespace graphlab {

using namespace cuda;

std::tuple<Tensor, Tensor> pairwise_rank(const Tensor& x, const Tensor& y, const Tensor& truth,
                                         const OptionalTensor& filter_ptr,
                                         const OptionalTensor& filter) {
  check_sides(x, y, filter_ptr, filter);
  check_length(truth, x.size(0), "truth");
  return by_dtype(x, [&](auto zero) -> std::tuple<Tensor, Tensor> {
    using T = decltype(zero);
    const Context context(x);
    const Input<T> a(context, x), b(context, y);
    const Input<int64_t> t(context, truth), ptr(context, filter_ptr), column(context, filter);
    const int64_t rows = x.size(0), dim = x.size(1), blocks = ceil_div(rows, kTile);
    RankArgs<T> args{};
    args.pair = pair_sides<T>(x, y, a, b);
    args.named = named_columns(ptr, column, filter);
    args.named.truth = t;
    Tensor gathered = scratch<T, 2>(x, {rows, dim}), own = scratch<T, 1>(x, {rows});
    context.launch("gather_rows", gather_rows_kernel<T>, blocks_for(rows * dim, kThreads), kThreads,
                   args.pair.b, args.pair.columns, dim, args.named.truth, rows,
                   output<T>(gathered));
    PairArgs<T> truths = args.pair;
    truths.b = output<T>(gathered);
    truths.columns = rows;
    args.own = output<T>(own);
    context.launch("own_product", own_product_kernel<T>, grid_of(blocks, 1), kThreads, truths,
                   args.own);
    const int64_t splits = split_columns(args.pair, blocks);
    Tensor counts = scratch<int64_t, 1>(x, {2 * splits * rows});
    args.counts = output<int64_t>(counts);
    context.launch("rank", rank_kernel<T>, grid_of(blocks, splits), kThreads, args);
    Tensor greater = scratch<int64_t, 1>(x, {rows}), equal = scratch<int64_t, 1>(x, {rows});
    context.launch("rank_merge", rank_merge_kernel<T>, blocks_for(rows, kThreads), kThreads, args,
                   splits, output<int64_t>(greater), output<int64_t>(equal));
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
