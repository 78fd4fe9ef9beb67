// Inner loops of interval.cpp; included once per instruction set. Every column is one sum in
// the order of the entries, in pieces of kPiece that are added in float64 where a row has several.

namespace graphlab::cpu::GRAPHLAB_ISA {
namespace {

// Runs add(k, sum) on every entry of a row; leaves the sums in `out`.
template <typename T, typename F>
GRAPHLAB_INLINE void sum_row(
    int64_t begin, int64_t end, int64_t dim, T* sum, double* total, T* out, const F& add) {
  const bool several = end - begin > kPiece;
  for (int64_t d = 0; several && d < dim; ++d) total[d] = 0;
  int64_t k = begin;
  do {
    const int64_t stop = k + kPiece < end ? k + kPiece : end;
    for (int64_t d = 0; d < dim; ++d) sum[d] = 0;
    for (; k < stop; ++k) add(k, sum);
    for (int64_t d = 0; several && d < dim; ++d) total[d] += static_cast<double>(sum[d]);
  } while (k < end);
  for (int64_t d = 0; d < dim; ++d) out[d] = several ? static_cast<T>(total[d]) : sum[d];
}

template <typename T>
void signed_range(
    const Pattern& a, const T* positive, const T* negative, const T* h, int64_t dim,
    int64_t begin, int64_t end, T* sum, double* total, T* out) {
  for (int64_t i = begin; i < end; ++i) {
    const auto add = [&](int64_t k, T* to) GRAPHLAB_LAMBDA {
      const T p = positive[k], n = negative[k];
      const T* from = h + a.col[k] * dim;
      GRAPHLAB_INDEPENDENT
      for (int64_t d = 0; d < dim; ++d) to[d] += from[d] * (from[d] >= 0 ? p : n);
    };
    sum_row(a.rowptr[i], a.rowptr[i + 1], dim, sum, total, out + i * dim, add);
  }
}

template <typename T>
void chosen_range(
    const Pattern& a, const T* positive, const T* negative, const T* h, const T* grad,
    int64_t dim, int64_t begin, int64_t end, T* sum, double* total, T* out) {
  for (int64_t i = begin; i < end; ++i) {
    const T* own = h + i * dim;
    const auto add = [&](int64_t k, T* to) GRAPHLAB_LAMBDA {
      const T p = positive[k], n = negative[k];
      const T* from = grad + a.col[k] * dim;
      GRAPHLAB_INDEPENDENT
      for (int64_t d = 0; d < dim; ++d) to[d] += from[d] * (own[d] >= 0 ? p : n);
    };
    sum_row(a.rowptr[i], a.rowptr[i + 1], dim, sum, total, out + i * dim, add);
  }
}

template <typename T, bool spread>
GRAPHLAB_INLINE T dot(const T* w, const T* c, const T* r, int64_t dim) {
  constexpr int L = kLanes<T>;
  Vec<T> sum{};
  int64_t d = 0;
  for (; d + L <= dim; d += L) {
    const Vec<T> x = load(w + d);
    sum += x * load(c + d);
    if constexpr (spread) sum -= (x < 0 ? -x : x) * load(r + d);
  }
  T rest = 0;
  for (; d < dim; ++d) {
    rest += w[d] * c[d];
    if constexpr (spread) rest -= (w[d] < 0 ? -w[d] : w[d]) * r[d];
  }
  return sum_lanes<T>(sum) + rest;
}

template <typename T>
void dots_range(
    const Pattern& a, const T* weight, const T* center, const T* radius, int64_t dim,
    int64_t begin, int64_t end, T* out) {
  for (int64_t i = begin; i < end; ++i) {
    for (int64_t k = a.rowptr[i]; k < a.rowptr[i + 1]; ++k) {
      const int64_t at = a.col[k] * dim;
      out[k] = radius != nullptr
          ? dot<T, true>(weight + i * dim, center + at, radius + at, dim)
          : dot<T, false>(weight + i * dim, center + at, nullptr, dim);
    }
  }
}

template <typename T>
void dots_weight_range(
    const Pattern& a, const T* grad, const T* weight, const T* center, const T* radius,
    int64_t dim, int64_t begin, int64_t end, T* sum, double* total, T* out) {
  for (int64_t i = begin; i < end; ++i) {
    const T* w = weight + i * dim;
    const auto add = [&](int64_t k, T* to) GRAPHLAB_LAMBDA {
      const T g = grad[k];
      const T* c = center + a.col[k] * dim;
      if (radius == nullptr) {
        GRAPHLAB_INDEPENDENT
        for (int64_t d = 0; d < dim; ++d) to[d] += g * c[d];
        return;
      }
      const T* r = radius + a.col[k] * dim;
      GRAPHLAB_INDEPENDENT
      for (int64_t d = 0; d < dim; ++d) {
        const T side = w[d] > 0 ? T(1) : (w[d] < 0 ? T(-1) : T(0));
        to[d] += g * (c[d] - side * r[d]);
      }
    };
    sum_row(a.rowptr[i], a.rowptr[i + 1], dim, sum, total, out + i * dim, add);
  }
}

// The gradient of the radius is a sum like that of the center, over |weight|.
template <typename T, bool absolute>
void dots_center_range(
    const Pattern& a, const int32_t* entry, const T* grad, const T* weight, int64_t dim,
    int64_t begin, int64_t end, T* sum, double* total, T* out) {
  for (int64_t j = begin; j < end; ++j) {
    const auto add = [&](int64_t k, T* to) GRAPHLAB_LAMBDA {
      const T g = absolute ? -grad[entry[k]] : grad[entry[k]];
      const T* w = weight + a.col[k] * dim;
      GRAPHLAB_INDEPENDENT
      for (int64_t d = 0; d < dim; ++d) to[d] += g * (absolute && w[d] < 0 ? -w[d] : w[d]);
    };
    sum_row(a.rowptr[j], a.rowptr[j + 1], dim, sum, total, out + j * dim, add);
  }
}

// Puts the larger value first in every column; of equal ones that of the lower place.
template <typename T>
GRAPHLAB_INLINE void exchange(const BudgetRow<T>& row, int64_t i, int64_t j) {
  using Mask = typename Types<T>::Mask;
  static_assert(sizeof(typename BudgetRow<T>::Place) == sizeof(typename Types<T>::Bits));
  for (int64_t c = 0; c < kColumns; c += kLanes<T>) {
    T *above = row.value + i * kColumns + c, *below = row.value + j * kColumns + c;
    auto *first = row.place + i * kColumns + c, *second = row.place + j * kColumns + c;
    const Vec<T> a = load(above), b = load(below);
    Mask p, q;
    __builtin_memcpy(&p, first, sizeof(Mask));
    __builtin_memcpy(&q, second, sizeof(Mask));
    const Mask swap = (a < b) | ((a == b) & (p > q));
    store(above, swap ? b : a);
    store(below, swap ? a : b);
    const Mask low = swap ? q : p, high = swap ? p : q;
    __builtin_memcpy(first, &low, sizeof(Mask));
    __builtin_memcpy(second, &high, sizeof(Mask));
  }
}

// Batcher's merge exchange (Knuth, The Art of Computer Programming 3, algorithm 5.2.2M): which rows
// meet does not depend on values, so that all columns of a block sort side by side.
template <typename T>
GRAPHLAB_INLINE void sort_columns(const BudgetRow<T>& row) {
  const int64_t count = row.droppable;
  int64_t half = 1;
  while (2 * half < count) half *= 2;
  for (int64_t p = half; count > 1 && p > 0; p /= 2) {
    int64_t q = half, r = 0, distance = p;
    while (true) {
      for (int64_t i = 0; i < count - distance; ++i) {
        if ((i & p) == r) exchange(row, i, i + distance);
      }
      if (q == p) break;
      distance = q - p;
      q /= 2;
      r = p;
    }
  }
}

// Minima of up to kColumns columns of a row; columns beyond `width` hold zeros.
template <typename T>
void minimum_columns(
    const BudgetRow<T>& row, const BudgetRows<T>& rules, const T* value, int64_t dim,
    int64_t width, T* out, T* choice, int64_t plane) {
  double kept[kColumns] = {}, own[kColumns] = {}, best[kColumns], left[kColumns];
  T padded[kColumns] = {}, count[kColumns] = {}, least[kColumns], place[kColumns];
  int64_t seen = 0;
  for (int64_t k = 0; k < row.length; ++k) {
    const int64_t j = row.col[k];
    const T* from = value + j * dim;
    if (width < kColumns) {
      for (int64_t c = 0; c < width; ++c) padded[c] = from[c];
      from = padded;
    }
    if (row.kind[k] == 2) {
      for (int64_t c = 0; c < kColumns; ++c) own[c] += static_cast<double>(from[c]);
      continue;
    }
    const T positive = rules.positive[j], negative = rules.negative[j];
    T scaled[kColumns];
    for (int64_t c = 0; c < kColumns; ++c) scaled[c] = from[c] * (from[c] >= 0 ? positive : negative);
    for (int64_t c = 0; c < kColumns; ++c) kept[c] += static_cast<double>(scaled[c]);
    if (row.kind[k] != 1) continue;
    for (int64_t c = 0; c < kColumns; ++c) {
      row.value[seen * kColumns + c] = scaled[c];
      row.place[seen * kColumns + c] = static_cast<typename BudgetRow<T>::Place>(k);
    }
    ++seen;
  }
  if (row.most > 0) sort_columns(row);
  for (int64_t c = 0; c < kColumns; ++c) {
    left[c] = kept[c];
    best[c] = row.shared[0] * left[c] + row.alone[0] * own[c];
    least[c] = std::numeric_limits<T>::infinity();
    place[c] = T(-1);
  }
  for (int64_t n = 1; n <= row.most; ++n) {
    const T* gone = row.value + (n - 1) * kColumns;
    const auto* where = row.place + (n - 1) * kColumns;
    const double shared = row.shared[n], alone = row.alone[n];
    for (int64_t c = 0; c < kColumns; ++c) {
      left[c] -= static_cast<double>(gone[c]);
      const double sum = shared * left[c] + alone * own[c];
      const bool better = sum < best[c];
      best[c] = better ? sum : best[c];
      count[c] = better ? static_cast<T>(n) : count[c];
      least[c] = better ? gone[c] : least[c];
      place[c] = better ? static_cast<T>(where[c]) : place[c];
    }
  }
  for (int64_t c = 0; c < width; ++c) {
    out[c] = static_cast<T>(best[c]);
    choice[c] = count[c];
    choice[plane + c] = least[c];
    choice[2 * plane + c] = place[c];
  }
}

template <typename T>
void minima_backward_range(
    const Pattern& a, const int32_t* entry, const int64_t* rowptr, const BudgetRows<T>& rules,
    const T* shared, const T* alone, const T* threshold, const T* place, const T* value,
    int64_t dim, int64_t begin, int64_t end, T* sum, double* total, T* out) {
  for (int64_t j = begin; j < end; ++j) {
    const T* own = value + j * dim;
    const T p = rules.positive[j], n = rules.negative[j];
    const auto add = [&](int64_t k, T* to) GRAPHLAB_LAMBDA {
      const int64_t row = a.col[k], at = row * dim;
      const int8_t kind = rules.kind[entry[k]];
      if (kind == 2) {
        GRAPHLAB_INDEPENDENT
        for (int64_t d = 0; d < dim; ++d) to[d] += alone[at + d];
        return;
      }
      const T position = kind == 1 ? static_cast<T>(entry[k] - rowptr[row]) : T(-1);
      GRAPHLAB_INDEPENDENT
      for (int64_t d = 0; d < dim; ++d) {
        const T factor = own[d] >= 0 ? p : n;
        const T scaled = own[d] * factor;
        const bool above = scaled > threshold[at + d];
        const bool tie = scaled == threshold[at + d] && position <= place[at + d];
        to[d] += kind == 1 && (above || tie) ? T(0) : factor * shared[at + d];
      }
    };
    sum_row(a.rowptr[j], a.rowptr[j + 1], dim, sum, total, out + j * dim, add);
  }
}

}  // namespace
}  // namespace graphlab::cpu::GRAPHLAB_ISA
