// Sparse row sums on the CPU; see propagate.h. Arguments are checked, all but `col`.
#pragma once

#include <cstdint>

namespace graphlab::cpu {

// Columns whose squares are added up before others are; panels start at its multiples.
constexpr int64_t kSquareBlock = 16;

// The upper half of a float32.
struct BFloat16 {
  uint16_t bits;
};

// Type of the sums over values of type S.
template <typename S>
struct Accumulator {
  using Type = S;
};
template <>
struct Accumulator<BFloat16> {
  using Type = float;
};
template <typename S>
using Wide = typename Accumulator<S>::Type;

template <typename T>
struct SparseRows {
  const int64_t* rowptr;
  const int32_t* col;
  const T* weight;     // (entries), or null: ones
  const T* row_scale;  // (rows), or null: ones
  int64_t rows, entries;
};

// What becomes of a finished row; null: nothing.
template <typename S>
struct RowSinks {
  using T = Wide<S>;
  S* out = nullptr;             // (rows, dim)
  const S* other = nullptr;     // (rows, dim): factors of `dot`
  T* dot = nullptr;             // (rows)
  double* squares = nullptr;    // (rows, blocks)
  T* merged = nullptr;          // (rows, dim)
  const double* norms = nullptr;  // (rows): squared norms to divide by; null: the row's own
  double coefficient = 0;
  bool normalize = false, first = false;  // first: nothing is merged yet
};

// What is summed: the rows of a matrix.
template <typename S>
struct DenseRows {
  const S* rows;  // (columns of A, dim)
};

// The same, of which few entries are not zero.
template <typename S>
struct NonZeros {
  const int64_t* rowptr;  // (columns of A + 1)
  const int32_t* place;   // of the entry in its row
  const Wide<S>* value;
};

// Position of the first column outside [0, size), or -1.
int64_t find_bad_column(const int32_t* col, int64_t entries, int64_t size);

// Every row of row_scale o (A h) into the sinks.
template <typename S>
void propagate_rows(
    const SparseRows<Wide<S>>& graph, const S* h, int64_t dim, const RowSinks<S>& sinks);

// The same with the same bits for finite weights, faster where most entries of h are zero.
template <typename S>
void propagate_start(
    const SparseRows<Wide<S>>& graph, const S* h, int64_t rows, int64_t dim,
    const RowSinks<S>& sinks);

// Every row of h itself into the sinks.
template <typename S>
void sink_rows(const S* h, int64_t rows, int64_t dim, const RowSinks<S>& sinks);

}  // namespace graphlab::cpu
