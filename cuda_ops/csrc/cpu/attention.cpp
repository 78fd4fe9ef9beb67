#include "attention.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <utility>

#include "cpu/checks.h"
#include "cpu/parallel.h"

namespace graphlab::cpu {
namespace {

template <typename T>
struct Segments {
  const T* qkv;        // (ptr[segments], 3 * heads * width)
  const int64_t* ptr;  // (segments + 1,)
  int64_t segments, heads, width;
};

template <typename T>
struct AttentionGrads {
  const T* grad;      // (rows, heads * width)
  const T* grad_lse;  // (rows, heads)
  const T* out;       // as the forward gave it
  const T* lse;
};

// Queries that are worked on together: independent sums that hide the latency of each other.
constexpr int kQueries = 4;
constexpr double kLog2e = 1.4426950408889634074;

// One segment under one head.
template <typename T>
struct AttentionTask {
  const T *query, *key, *value;  // of the first row; the next one is `stride` further
  int64_t rows, stride, width;
  T scale;
};

// Rows of one segment and head in the way back, all of the layout of the forward's results.
template <typename T>
struct AttentionWay {
  const T *grad, *out;           // `step` apart
  const T *grad_lse, *lse;       // `heads` apart
  int64_t step, heads;
  T *grad_query, *grad_key, *grad_value;  // `stride` apart
};

// Scratch of one thread. `places` and `columns` are rows and width, rounded up to whole vectors.
template <typename T>
struct AttentionScratch {
  T *key_t, *value_t;            // (width, places): features by rows
  T *key, *value;                // (rows, columns)
  T *grad_key, *grad_value;      // (rows, columns)
  T *weight, *slope;             // (kQueries, places)
  T *query, *given, *sum;        // (kQueries, columns)
};

}  // namespace
}  // namespace graphlab::cpu

#define GRAPHLAB_LOOPS "cpu/attention_loops.h"
#include "cpu/for_each_isa.h"

namespace graphlab::cpu {
namespace {

// Memory for the largest segment.
template <typename T>
class AttentionMemory {
 public:
  AttentionMemory(int64_t rows, int64_t width)
      : places_(round_up(rows, lanes<T>())),
        columns_(round_up(width, lanes<T>())),
        turned_(2 * width * places_),
        tables_(4 * rows * columns_),
        logits_(2 * kQueries * places_),
        block_(3 * kQueries * columns_) {}

  AttentionScratch<T> view(int64_t rows, int64_t width) const {
    const int64_t table = rows * columns_, turned = width * places_;
    T *tables = tables_.get(), *block = block_.get();
    return {turned_.get(), turned_.get() + turned,
            tables, tables + table, tables + 2 * table, tables + 3 * table,
            logits_.get(), logits_.get() + kQueries * places_,
            block, block + kQueries * columns_, block + 2 * kQueries * columns_};
  }

 private:
  int64_t places_, columns_;
  Buffer<T> turned_, tables_, logits_, block_;
};

template <typename T>
int64_t largest(const Segments<T>& s) {
  int64_t most = 0;
  for (int64_t i = 0; i < s.segments; ++i) most = std::max(most, s.ptr[i + 1] - s.ptr[i]);
  return most;
}

// Rows that segments read: `columns` values each, one after the other.
template <typename T>
struct Rows {
  const T* from;
  int64_t columns;
};

// Asks for a head's part of the rows of a segment. Heads read short parts of long rows, too far
// apart for a processor to foresee, while the rows of a segment lie side by side.
template <typename T>
void fetch(const Rows<T>& rows, int64_t first, int64_t count, int64_t head, int64_t heads) {
  const int64_t line = 64 / static_cast<int64_t>(sizeof(T)), values = count * rows.columns;
  const T* from = rows.from + first * rows.columns;
  const int64_t end = (head + 1) * values / heads;
  for (int64_t k = head * values / heads; k < end; k += line) __builtin_prefetch(from + k, 0, 2);
}

// Runs body(task, scratch, first row, head) on every segment that has rows, under every head; asks
// for the rows of the next segment in `read` meanwhile.
template <typename T, typename F>
void for_pairs(const Segments<T>& s, std::initializer_list<Rows<T>> read, const F& body) {
  const int64_t most = largest(s), channels = s.heads * s.width;
  // Ranges of about 2^14 multiply-adds and more; what a range does never depends on its length.
  const int64_t length = std::max<int64_t>(1, 64 / std::max<int64_t>(1, most));
  parallel_ranges(s.segments * s.heads, length * s.heads, [&](int64_t begin, int64_t end) {
    const AttentionMemory<T> memory(most, s.width);
    for (int64_t pair = begin; pair < end; ++pair) {
      const int64_t segment = pair / s.heads, head = pair % s.heads;
      const int64_t first = s.ptr[segment], rows = s.ptr[segment + 1] - first;
      if (rows == 0) continue;
      const int64_t after = pair + s.heads < end ? s.ptr[segment + 2] - s.ptr[segment + 1] : 0;
      for (const Rows<T>& next : read) fetch(next, first + rows, after, head, s.heads);
      const T* query = s.qkv + first * 3 * channels + head * s.width;
      const AttentionTask<T> task{
          query, query + channels, query + 2 * channels, rows, 3 * channels, s.width,
          static_cast<T>(1 / std::sqrt(static_cast<double>(s.width)))};
      body(task, memory.view(rows, s.width), first, head);
    }
  });
}

template <typename T>
void segment_attention(const Segments<T>& s, T* out, T* lse) {
  const int64_t channels = s.heads * s.width;
  const auto forward = GRAPHLAB_SELECT(attention_forward<T>);
  const std::initializer_list<Rows<T>> read = {{s.qkv, 3 * channels}};
  for_pairs(s, read, [&](const AttentionTask<T>& task, const AttentionScratch<T>& scratch,
                         int64_t first, int64_t head) {
    forward(task, scratch, out + first * channels + head * s.width, channels,
            lse + first * s.heads + head, s.heads);
  });
}

template <typename T>
void segment_attention_backward(
    const Segments<T>& s, const AttentionGrads<T>& g, T* grad_qkv) {
  const int64_t channels = s.heads * s.width;
  const auto backward = GRAPHLAB_SELECT(attention_backward<T>);
  const std::initializer_list<Rows<T>> read = {
      {s.qkv, 3 * channels}, {g.grad, channels}, {g.out, channels}};
  for_pairs(s, read, [&](const AttentionTask<T>& task, const AttentionScratch<T>& scratch,
                         int64_t first, int64_t head) {
    const int64_t at = first * channels + head * s.width, top = first * s.heads + head;
    T* to = grad_qkv + first * 3 * channels + head * s.width;
    backward(task, scratch,
             {g.grad + at, g.out + at, g.grad_lse + top, g.lse + top, channels, s.heads,
              to, to + channels, to + 2 * channels});
  });
}

}  // namespace
}  // namespace graphlab::cpu

namespace graphlab {
namespace {

// The contiguous, checked arguments that both operators share.
struct Arguments {
  Tensor qkv, ptr;
  int64_t heads;

  Arguments(const Tensor& qkv_, const Tensor& ptr_, int64_t heads_)
      : qkv(checked_matrix(qkv_, "qkv")),
        ptr(checked_rowptr(ptr_, count_rows(ptr_, "ptr"), qkv_.size(0), "ptr")),
        heads(heads_) {
    STD_TORCH_CHECK(
        heads > 0 && qkv.size(1) > 0 && qkv.size(1) % (3 * heads) == 0,
        "qkv must have a multiple of 3 * heads columns, got ", qkv.size(1), " with heads = ", heads);
  }

  int64_t channels() const { return qkv.size(1) / 3; }

  template <typename T>
  cpu::Segments<T> segments() const {
    return {data<T>(qkv), data<int64_t>(ptr), ptr.numel() - 1, heads, channels() / heads};
  }
};

}  // namespace

std::tuple<Tensor, Tensor> segment_attention(const Tensor& qkv, const Tensor& ptr, int64_t heads) {
  const Arguments args(qkv, ptr, heads);
  Tensor out = torch::stable::new_empty(args.qkv, {qkv.size(0), args.channels()});
  Tensor lse = torch::stable::new_empty(args.qkv, {qkv.size(0), heads});
  dispatch_floating(args.qkv.scalar_type(), [&](auto type) {
    using T = decltype(type);
    cpu::segment_attention(args.segments<T>(), mutable_data<T>(out), mutable_data<T>(lse));
  });
  return {out, lse};
}

Tensor segment_attention_backward(
    const Tensor& grad, const Tensor& grad_lse, const Tensor& qkv, const Tensor& ptr,
    const Tensor& out, const Tensor& lse, int64_t heads) {
  const Arguments args(qkv, ptr, heads);
  const ScalarType dtype = args.qkv.scalar_type();
  const int64_t rows = qkv.size(0);
  const auto checked = [&](const Tensor& tensor, const char* name, int64_t columns) {
    Tensor matrix = checked_matrix(tensor, name, dtype, columns);
    check_size(matrix, name, 0, rows);
    return matrix;
  };
  const Tensor grad_out = checked(grad, "grad", args.channels());
  const Tensor grad_top = checked(grad_lse, "grad_lse", heads);
  const Tensor found = checked(out, "out", args.channels()), top = checked(lse, "lse", heads);
  Tensor grad_qkv = torch::stable::new_empty(args.qkv, {rows, qkv.size(1)});
  dispatch_floating(dtype, [&](auto type) {
    using T = decltype(type);
    cpu::segment_attention_backward<T>(
        args.segments<T>(),
        {data<T>(grad_out), data<T>(grad_top), data<T>(found), data<T>(top)},
        mutable_data<T>(grad_qkv));
  });
  return grad_qkv;
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) {
  m.impl("segment_attention", TORCH_BOX(&segment_attention));
  m.impl("segment_attention_backward", TORCH_BOX(&segment_attention_backward));
}

}  // namespace graphlab
