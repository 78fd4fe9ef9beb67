// CPU kernels of interval.h on plain arrays; all indices are checked by the caller.
#pragma once

#include <cstdint>

namespace graphlab::cpu {

struct Pattern {
  const int64_t* rowptr;
  const int32_t* col;
  int64_t rows, entries;
};

// out_i = sum_j (h_j >= 0 ? positive : negative)_ij h_j, `dim` columns each.
template <typename T>
void signed_sums(
    const Pattern& a, const T* positive, const T* negative, const T* h, int64_t dim, T* out);

// out_i = sum_j (h_i >= 0 ? positive : negative)_ij grad_j: the derivative, over the transpose.
template <typename T>
void chosen_sums(
    const Pattern& a, const T* positive, const T* negative, const T* h, const T* grad,
    int64_t dim, T* out);

// out_ij = <weight_i, center_j> - <|weight_i|, radius_j>; `radius` may be null.
template <typename T>
void entry_dots(
    const Pattern& a, const T* weight, const T* center, const T* radius, int64_t dim, T* out);

// out_i = sum_j grad_ij (center_j - sign(weight_i) radius_j).
template <typename T>
void entry_dots_weight(
    const Pattern& a, const T* grad, const T* weight, const T* center, const T* radius,
    int64_t dim, T* out);

// Over the transpose: out_j = sum_i grad_ij weight_i, spread_j = - sum_i grad_ij |weight_i|;
// `spread` may be null.
template <typename T>
void entry_dots_center(
    const Pattern& transpose, const int32_t* entry, const T* grad, const T* weight, int64_t dim,
    T* out, T* spread);

// What budget_minimum knows of entries, sources and rows.
template <typename T>
struct BudgetRows {
  const int8_t* kind;     // (entries,): 0 kept, 1 droppable, 2 own
  const T* positive;      // (columns,)
  const T* negative;      // (columns,)
  const T* size;          // (rows,)
  double power;
};

// Minima (rows, dim), and (3, rows, dim): missing entries, the smallest of them, its place.
template <typename T>
void row_minima(
    const Pattern& a, const BudgetRows<T>& rules, const int64_t* budget, const T* value,
    int64_t dim, T* out, T* choice);

template <typename T>
void row_minima_backward(
    const Pattern& transpose, const int32_t* entry, const int64_t* rowptr, int64_t rows,
    const BudgetRows<T>& rules, const T* grad, const T* value, const T* choice, int64_t dim,
    T* out);

}  // namespace graphlab::cpu
