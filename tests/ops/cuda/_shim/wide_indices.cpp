// Index arithmetic of the CUDA kernels with more than 2^31 elements, called on the CPU. Memory is
// mapped and not reserved: only the pages that are touched exist.
#define STABLE_TORCH_LIBRARY_IMPL(space, key, m) [[maybe_unused]] static void unused(auto& m)
#include "cluster.cu"

#include <sys/mman.h>

#include <type_traits>

using namespace graphlab::cuda;

static void expect(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "wrong: %s\n", what);
  std::exit(1);
}

template <typename T>
static T* reserve(int64_t count) {
  void* at = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  expect(at != MAP_FAILED, "address space could not be mapped");
  return static_cast<T*>(at);
}

static_assert(std::is_same_v<decltype(thread_id()), int64_t>);
static_assert(std::is_same_v<decltype(thread_count()), int64_t>);
static_assert(std::is_same_v<decltype(warp_id()), int64_t>);
static_assert(std::is_same_v<decltype(warp_count()), int64_t>);
static_assert(ceil_div((int64_t{1} << 40) + 1, 256) == (int64_t{1} << 32) + 1);

static void numbers_of_threads() {
  blockDim = dim3(kThreads);
  gridDim = dim3(0x7fffffff);
  blockIdx = dim3(0x7ffffffe);
  threadIdx = dim3(kThreads - 1);
  expect(thread_id() == int64_t{0x7fffffff} * kThreads - 1, "thread_id");
  expect(thread_count() == int64_t{0x7fffffff} * kThreads, "thread_count");
  expect(warp_id() == int64_t{0x7fffffff} * kWarpsPerBlock - 1, "warp_id");
  expect(blocks_for(int64_t{1} << 45, kThreads).x == kMaxBlocks, "blocks_for, many");
  expect(blocks_for(257, 256).x == 2 && blocks_for(0, 256).x == 0, "blocks_for, few");
}

static void divisions() {
  const int64_t big = int64_t{1} << 32;
  for (const int64_t value : {int64_t{0}, big - 1, big, big + 1, big * 77 + 5, 3 * big - 1}) {
    for (const int64_t by : {int64_t{1}, int64_t{7}, int64_t{128}, big - 1, big, big + 3}) {
      int64_t quotient, remainder;
      divide(value, by, quotient, remainder);
      expect(quotient == value / by && remainder == value % by, "divide");
    }
  }
}

// Spans of rows with 2^35 entries cover every entry once, and their slots are those of the sums.
static void spans() {
  const int64_t big = int64_t{1} << 33, limit = int64_t{1} << 27;
  const int64_t rowptr[] = {0, big + 3, big + 3, big + 9, 3 * big, 4 * big - 1, 4 * big};
  const Rows rows{rowptr, 6, 4 * big, limit};
  int64_t covered = 0;
  for (int64_t index = 0; index < rows.spans(); ++index) {
    const Span span = span_at(rows, index);
    if (!span.valid) continue;
    expect(span.begin >= rowptr[span.row] && span.end <= rowptr[span.row + 1], "span in its row");
    expect(span.end - span.begin <= limit, "span not too long");
    covered += span.end - span.begin;
    if (span.slot < 0) continue;
    const int64_t window = span.begin / limit;
    expect(slot_of(rows, span.row, window) == span.slot, "slot_of");
    expect(first_window(rows, span.row) <= window && window <= last_window(rows, span.row),
           "windows of a row");
  }
  expect(covered == 4 * big, "every entry once");
  expect(row_of(rows, 4 * big - 1) == 5 && row_of(rows, big + 3) == 2, "row_of");
}

// Tiles at the far corner of a matrix of 2^33 elements.
static void tiles() {
  const int64_t rows = (int64_t{1} << 26) + 5, columns = 128;
  float* matrix = reserve<float>(rows * columns);
  const int64_t row0 = rows - 3, column0 = columns - 2;
  for (int64_t i = row0; i < rows; ++i) {
    for (int64_t k = 0; k < columns; ++k) {
      matrix[i * columns + k] = static_cast<float>((i - row0) * columns + k + 1);
    }
  }
  static Slice<float, kTile> slice;
  const auto stage = [&](auto&& f) {
    for (unsigned t = 0; t < kThreads; ++t) {
      threadIdx = dim3(t);
      f();
    }
  };
  stage([&] { stage_rows(slice, matrix, rows, columns, row0, column0); });
  for (int64_t i = 0; i < kTile; ++i) {
    for (int64_t k = 0; k < kSlice<float>; ++k) {
      const bool inside = i < 3 && k < 2;
      const float want = inside ? static_cast<float>(i * columns + column0 + k + 1) : 0.0f;
      expect(slice.at[k][i] == want, "stage_rows");
    }
  }
  stage([&] { stage_columns(slice, matrix, rows, columns, row0, column0); });
  for (int64_t k = 0; k < kSlice<float>; ++k) {
    for (int64_t i = 0; i < kTile; ++i) {
      const bool inside = k < 3 && i < 2;
      const float want = inside ? static_cast<float>(k * columns + column0 + i + 1) : 0.0f;
      expect(slice.at[k][i] == want, "stage_columns");
    }
  }
  // The right half of every row.
  const int64_t half = columns / 2, last = row0 * columns + half;
  stage([&] { stage_rows(slice, matrix + half, rows, half, row0, half - 2, columns); });
  for (int64_t i = 0; i < 3; ++i) {
    expect(slice.at[1][i] == matrix[last + i * columns + half - 1], "stage_rows with a stride");
    expect(slice.at[2][i] == 0.0f, "stage_rows with a stride ends with the columns");
  }
  matrix[last] = std::numeric_limits<float>::infinity();
  bool finite = true;
  stage([&] {
    finite = stage_columns(slice, matrix + half, rows, half, row0, 0, columns) && finite;
  });
  expect(slice.at[1][1] == matrix[last + columns + 1], "stage_columns with a stride");
  expect(!finite, "stage_columns tells of an infinity");
  munmap(matrix, rows * columns * sizeof(float));
}

// The last thread of a full grid writes 2^28 apart, up to 2^33 elements.
static void gather() {
  const int64_t nodes = (int64_t{1} << 31) + 64, dim = 4, size = nodes * dim;
  int64_t* cluster = reserve<int64_t>(nodes);
  float* out = reserve<float>(size);
  const float x[] = {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f, 7.0f, 8.0f};
  gridDim = dim3(kMaxBlocks);
  blockDim = dim3(kThreads);
  blockIdx = dim3(kMaxBlocks - 1);
  threadIdx = dim3(kThreads - 1);
  int64_t last = 0;
  for (int64_t at = thread_id(); at < size; at += thread_count()) last = at;
  expect(last > int64_t{1} << 32, "the test itself is too small");
  cluster[last / dim] = 1;
  gather_kernel<float>(x, cluster, nodes, dim, 2, out);
  for (int64_t at = thread_id(); at < size; at += thread_count()) {
    expect(out[at] == x[(at == last ? dim : 0) + at % dim], "gather");
    expect(at == 0 || out[at - 1] == 0.0f, "gather writes its own elements alone");
  }
  munmap(cluster, nodes * sizeof(int64_t));
  munmap(out, size * sizeof(float));
}

int main() {
  numbers_of_threads();
  divisions();
  spans();
  tiles();
  gather();
  std::puts("all indices are right");
  return 0;
}
