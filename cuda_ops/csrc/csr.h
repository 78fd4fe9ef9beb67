// Edges to compressed rows: sorted by row, then column, repeated edges merged.
#pragma once

#include <tuple>

#include "tensor.h"

namespace graphlab {

// (rowptr, col, entry, colptr, transpose, facts) of int64 `edge_index` (2, E):
//   rowptr     int64 (num_rows + 1)
//   col        int32 (M), ascending within a row
//   entry      int64 (E), the entry that every edge went into; empty where edge k is entry k, and
//              without `numbers`
//   colptr     int64 (num_cols + 1), row pointers of the transpose
//   transpose  int64 (M): entry p of the transpose (by column, then row) is entry transpose[p]. Where the
//              pattern is symmetric, it is its own inverse: the entry of the reverse edge. Empty
//              without `numbers`
//   facts      int64 (2): whether the pattern is symmetric; the first edge outside of the matrix (then
//              everything else is empty), or -1
// Nothing depends on the number of threads.
std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> csr_from_edges(
    const Tensor& edge_index, int64_t num_rows, int64_t num_cols, bool numbers);

// (pointers, order) of int32 or int64 `index` (E), values in [0, size): a stable sort by counting.
//   pointers  int64 (size + 1), beginnings of the values
//   order     int64 (E): positions, by value and then as they were given
// One pass checks the range. Nothing depends on the number of threads.
std::tuple<Tensor, Tensor> sort_by_index(const Tensor& index, int64_t size);

}  // namespace graphlab
