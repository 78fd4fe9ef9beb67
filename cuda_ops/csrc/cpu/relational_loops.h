// Inner loops of relational.cpp; included once per instruction set.

namespace graphlab::cpu::GRAPHLAB_ISA {
namespace {

// Rows of several cache lines: the first of them; the machine fetches what follows by itself.
template <typename T>
GRAPHLAB_INLINE void prefetch_row(const T* row, int64_t width) {
  const auto* from = reinterpret_cast<const char*>(row);
  const int64_t bytes = width * static_cast<int64_t>(sizeof(T));
  for (int64_t at = 0; at < bytes && at < kPrefetchBytes; at += 64) __builtin_prefetch(from + at);
}

// Adds the messages of entries [begin, end) of a row to a sum: (batch, dim), for a type (dim).
template <typename T, Pass pass, Message message, Reduction reduce>
void accumulate(
    const Entries& entries, const MessageRows<T>& rows, int64_t row, int64_t begin, int64_t end,
    T* sum) {
  const int64_t dim = rows.dim, width = rows.batch * dim, last = entries.count - 1;
  const T* far = pass == Pass::forward || pass == Pass::ties ? rows.x : rows.share;
  for (int64_t k = begin; k < end; ++k) {
    const int64_t ahead = k + kRowsAhead < last ? k + kRowsAhead : last;
    const int64_t first = entries.first[k], second = entries.second[k];
    if constexpr (pass == Pass::type) {
      prefetch_row(far + entries.second[ahead] * width, width);
      if (message == kDistMult) prefetch_row(rows.x + entries.first[ahead] * width, width);
    } else {
      prefetch_row(far + entries.first[ahead] * width, width);
      prefetch_row(rows.table + entries.second[ahead] * dim, dim);
    }
    const int64_t target = pass == Pass::source ? first : pass == Pass::type ? second : row;
    const T* x = rows.x + (pass == Pass::source ? row : first) * width;
    const T* t = rows.table + (pass == Pass::type ? row : second) * dim;
    // Where a pass does not read them, they are any row.
    const T* share = pass == Pass::forward || pass == Pass::ties ? x : rows.share + target * width;
    const T* out = pass == Pass::forward ? x : rows.out + target * width;
    for (int64_t b = 0; b < rows.batch; ++b, x += dim, share += dim, out += dim) {
      T* to = pass == Pass::type ? sum : sum + b * dim;
      GRAPHLAB_INDEPENDENT
      for (int64_t d = 0; d < dim; ++d) {
        add_message<pass, message, reduce>(x[d], t[d], share, out, d, to[d]);
      }
    }
  }
}

// Shares of a row from the number of messages that tie (width), see relational.h.
template <typename T>
void share_row(
    const T* grad, const T* out, const T* boundary, const T* ties, int64_t width, bool even,
    T* share, T* own) {
  GRAPHLAB_INDEPENDENT
  for (int64_t d = 0; d < width; ++d) {
    const T tied = even ? ties[d] : (ties[d] > 0 ? T(1) : T(0));
    const T self = boundary[d] == out[d] ? T(1) : T(0);
    const T parts = tied + self;
    const T each = parts > 0 ? grad[d] / (parts > 0 ? parts : T(1)) : T(0);
    share[d] = each;
    own[d] = self > 0 ? each : T(0);
  }
}

}  // namespace
}  // namespace graphlab::cpu::GRAPHLAB_ISA
