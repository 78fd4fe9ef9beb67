// What the families on intervals and budgets read of a sparse pattern, checked once for all of them.
#pragma once

#include "segments.cuh"

namespace graphlab::cuda {

// Rows of a pattern are cut at this length: half of that of other sums, since an entry brings two rows.
constexpr int64_t kLongPatternRow = 256;

// The tensors of a pattern or of its transpose, checked as far as their sizes go.
struct Pattern {
  Input<int64_t> rowptr;
  Input<int32_t> col;
  Rows rows;

  Pattern(const Context& context, const Tensor& rowptr_, const Tensor& col_)
      : rowptr(context, rowptr_), col(context, col_) {
    STD_TORCH_CHECK(rowptr_.numel() > 0, "graphlab: rowptr must not be empty");
    rows = {rowptr, rowptr_.numel() - 1, col_.numel(), kLongPatternRow};
  }
};

}  // namespace graphlab::cuda
