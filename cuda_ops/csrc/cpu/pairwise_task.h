// What the drivers of the pairwise kernels tell the inner loops.
#pragma once

#include <cstdint>
#include <limits>

#include "pairwise.h"

namespace graphlab::cpu {

// One of the two matrices, and what belongs to its rows.
template <typename T>
struct PairSide {
  const T* rows;    // (count, dim)
  int64_t count;
  const T* weight;  // (count,) or null for ones
  const T* grad;    // (count,) gradient to the normalisers of these rows, or null
  const T* lse;     // (count,) their values, or null
};

// Rows that are worked on together: a multiple of the rows and columns of every register tile.
constexpr int64_t kPairUnit = 384;
// The block of derivatives that waits in the second cache between the two products of the backward.
constexpr int kShareRows = 96, kShareCols = 192, kShareStride = kShareCols + 16;
// Work is cut into at most this many steps of at most this many tasks, on any machine.
constexpr int64_t kPairSteps = 16, kPairTasks = 32;

template <typename T>
struct PairLimits {
  static constexpr T cap = std::numeric_limits<T>::max() / 4, floor = -cap;
  // Largest logit whose exponential is summed without subtracting a maximum.
  static constexpr double logit = sizeof(T) == 4 ? 30 : 300;
  // Range of the weights, and of the product of the factors of a derivative, for that.
  static constexpr double weight = sizeof(T) == 4 ? 1e10 : 1e100;
  static constexpr double product = sizeof(T) == 4 ? 1e25 : 1e150;
  // How far (units of log 2) a logit may pass the maximum that is subtracted before that is raised.
  static constexpr T slack = sizeof(T) == 4 ? 64 : 512;
};

// Running sums of rows; `max` (units of log 2) only matters where a maximum is subtracted.
template <typename T>
struct PairSums {
  double* sum;
  T* max;

  PairSums operator+(int64_t i) const { return {sum + i, max + i}; }
};

// Factors of d objective / d logit(i, j) = weight_i grad_j + grad_i weight_j. Without `shift` the
// exponential is exp(logit), and grad carries exp(-lse); with it, it is exp(logit - shift).
template <typename T>
struct PairFactors {
  const T *weight, *grad, *shift;
};

// Plain rows whose numbers can be read up to whole vectors: those of the last unit in a copy, behind
// which something follows. A block lies in the copy or before it.
template <typename T>
struct PairRows {
  const T* rows;
  int64_t stride;
  const T* last;
  int64_t last_begin;

  const T* at(int64_t i) const {
    return i < last_begin ? rows + i * stride : last + (i - last_begin) * stride;
  }
};

// What the inner loops read. All arrays are padded to whole tiles.
template <typename T>
struct PairTask {
  int64_t dim;
  const T *row_panels, *col_panels;
  const T *row_weight, *col_weight;  // their log2 where a maximum is subtracted
  Diagonal diagonal;
  T diagonal_logit;
  PairFactors<T> row_factors, col_factors;
  PairRows<T> left, right;
  int64_t padded_dim;
};

struct PairBlock {
  int64_t i, i_end, j, j_end;
};

}  // namespace graphlab::cpu
