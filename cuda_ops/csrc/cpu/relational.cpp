#include "relational.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "cpu/checks.h"
#include "cpu/parallel.h"
#include "relational_message.h"

namespace graphlab::cpu {
namespace {

// Entries compressed by what they are sorted by: by target with source and type, by source with target
// and type, by type with source and target.
struct Entries {
  const int64_t* pointers;  // (rows + 1)
  const int32_t* first;     // (count)
  const int32_t* second;
  int64_t rows, count;
};

template <typename T>
struct MessageRows {
  const T* x;      // (sources, batch, dim)
  const T* table;  // (types, dim)
  const T* share;  // (targets, batch, dim); null where a pass does not read it
  const T* out;
  int64_t batch, dim;
};

constexpr int64_t kTaskWork = int64_t{1} << 17;  // messages times columns of a task
constexpr int64_t kLeastEntries = 64, kMostEntries = 512;  // of a task; longer rows are cut
constexpr int64_t kTypeWindow = 32;              // entries of a type between additions in float64
constexpr int64_t kRowsAhead = 6;                // entries between the prefetch of a row and its use
constexpr int64_t kPrefetchBytes = 2048;

}  // namespace
}  // namespace graphlab::cpu

#define GRAPHLAB_LOOPS "cpu/relational_loops.h"
#include "cpu/for_each_isa.h"

namespace graphlab::cpu {
namespace {

template <typename T>
using Accumulate = void (*)(
    const Entries&, const MessageRows<T>&, int64_t, int64_t, int64_t, T*);

template <typename T, Pass pass, Message message>
Accumulate<T> select_reduction(int64_t reduce) {
  if constexpr (pass == Pass::ties) {
    return GRAPHLAB_SELECT(accumulate<T, pass, message, kMax>);
  } else {
    switch (reduce) {
      case kMax: return GRAPHLAB_SELECT(accumulate<T, pass, message, kMax>);
      case kMin: return GRAPHLAB_SELECT(accumulate<T, pass, message, kMin>);
      case kSquareMean: return GRAPHLAB_SELECT(accumulate<T, pass, message, kSquareMean>);
      default: return GRAPHLAB_SELECT(accumulate<T, pass, message, kSum>);
    }
  }
}

template <typename T, Pass pass>
Accumulate<T> select_accumulate(int64_t message, int64_t reduce) {
  return message == kDistMult ? select_reduction<T, pass, kDistMult>(reduce)
                              : select_reduction<T, pass, kTransE>(reduce);
}

// The first row whose entries and predecessors cost at least `cost`.
int64_t row_at_cost(const Entries& entries, int64_t cost) {
  int64_t low = 0, high = entries.rows;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (entries.pointers[middle] + middle < cost) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// Calls row(r, begin, end) for every row of at most `limit` entries, and pieces(long rows) once for the
// others; a task costs about `limit` entries.
template <typename Row, typename Pieces>
void for_rows(const Entries& entries, int64_t limit, const Row& row, const Pieces& pieces) {
  const int64_t tasks = divide_up(entries.count + entries.rows, limit);
  std::vector<int64_t> late(tasks, -1);  // a row above the limit ends its task
  parallel_tasks(tasks, [&](int64_t task) {
    const int64_t end = row_at_cost(entries, (task + 1) * limit);
    for (int64_t r = row_at_cost(entries, task * limit); r < end; ++r) {
      const int64_t from = entries.pointers[r], to = entries.pointers[r + 1];
      if (to - from > limit) {
        late[task] = r;
      } else {
        row(r, from, to);
      }
    }
  });
  late.erase(std::remove(late.begin(), late.end(), -1), late.end());
  if (!late.empty()) pieces(late);
}

// Entries of a piece of a row: what a task should cost, whatever the number of columns.
int64_t piece_entries(int64_t width) {
  return std::clamp(kTaskWork / std::max<int64_t>(width, 1), kLeastEntries, kMostEntries);
}

// Sums of the pieces of long rows: sum(row, begin, end, into) for every piece (of `width` values), then
// finish(row, parts, number of parts).
template <typename T, typename Sum, typename Finish>
void for_long_rows(
    const Entries& entries, int64_t limit, int64_t width, const std::vector<int64_t>& rows,
    const Sum& sum, const Finish& finish) {
  std::vector<int64_t> first{0};  // number of the first piece of every row
  for (const int64_t r : rows) {
    first.push_back(first.back() + divide_up(entries.pointers[r + 1] - entries.pointers[r], limit));
  }
  const Buffer<T> parts(first.back() * width);
  parallel_tasks(first.back(), [&](int64_t piece) {
    const int64_t at = std::upper_bound(first.begin(), first.end(), piece) - first.begin() - 1;
    const int64_t begin = entries.pointers[rows[at]] + (piece - first[at]) * limit;
    const int64_t end = std::min(begin + limit, entries.pointers[rows[at] + 1]);
    sum(rows[at], begin, end, parts.get() + piece * width);
  });
  parallel_tasks(static_cast<int64_t>(rows.size()), [&](int64_t at) {
    finish(rows[at], parts.get() + first[at] * width, first[at + 1] - first[at]);
  });
}

// What a row begins with; the beginning of a piece changes nothing.
template <typename T>
T identity(int64_t reduce) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  return reduce == kMax ? -infinity : reduce == kMin ? infinity : T(0);
}

template <typename T>
T larger(T a, T b, bool max) {  // NaN wins
  if (a != a || b != b) return a != a ? a : b;
  return max == (a > b) ? a : b;
}

// Adds the columns of the pieces of a row, or takes their extreme; `out` holds the boundary's part.
template <typename T>
void add_pieces(const T* parts, int64_t count, int64_t width, int64_t reduce, T* out) {
  for (int64_t d = 0; d < width; ++d) {
    double total = static_cast<double>(out[d]);
    for (int64_t piece = 0; piece < count; ++piece) {
      const auto part = static_cast<double>(parts[piece * width + d]);
      total = reduce == kMax || reduce == kMin ? larger(total, part, reduce == kMax) : total + part;
    }
    out[d] = static_cast<T>(total);
  }
}

template <typename T>
void propagate_messages(
    const Entries& entries, const MessageRows<T>& rows, const T* boundary, int64_t message,
    int64_t reduce, T* out) {
  const int64_t width = rows.batch * rows.dim, limit = piece_entries(width);
  const auto accumulate = select_accumulate<T, Pass::forward>(message, reduce);
  const auto begin_row = [&](int64_t row) {
    const T *from = boundary + row * width;
    T* to = out + row * width;
    if (reduce == kSquareMean) {
      for (int64_t d = 0; d < width; ++d) to[d] = from[d] * from[d];
    } else {
      std::copy(from, from + width, to);
    }
    return to;
  };
  const auto end_row = [&](int64_t row, T* to) {
    if (reduce != kMean && reduce != kSquareMean) return;
    const T count = static_cast<T>(entries.pointers[row + 1] - entries.pointers[row] + 1);
    for (int64_t d = 0; d < width; ++d) to[d] /= count;
  };
  for_rows(
      entries, limit,
      [&](int64_t row, int64_t begin, int64_t end) {
        T* to = begin_row(row);
        accumulate(entries, rows, row, begin, end, to);
        end_row(row, to);
      },
      [&](const std::vector<int64_t>& late) {
        for_long_rows<T>(
            entries, limit, width, late,
            [&](int64_t row, int64_t begin, int64_t end, T* part) {
              std::fill_n(part, width, identity<T>(reduce));
              accumulate(entries, rows, row, begin, end, part);
            },
            [&](int64_t row, const T* parts, int64_t count) {
              T* to = begin_row(row);
              add_pieces(parts, count, width, reduce, to);
              end_row(row, to);
            });
      });
}

template <typename T>
void share_extremes(
    const Entries& entries, const MessageRows<T>& rows, const T* grad, const T* boundary,
    int64_t message, bool even, T* share, T* own) {
  const int64_t width = rows.batch * rows.dim, limit = piece_entries(width);
  const auto accumulate = select_accumulate<T, Pass::ties>(message, kMax);
  const auto share_one = GRAPHLAB_SELECT(share_row<T>);
  const auto end_row = [&](int64_t row) {
    const int64_t at = row * width;  // the ties have been counted in `share`
    share_one(grad + at, rows.out + at, boundary + at, share + at, width, even, share + at, own + at);
  };
  for_rows(
      entries, limit,
      [&](int64_t row, int64_t begin, int64_t end) {
        std::fill_n(share + row * width, width, T(0));
        accumulate(entries, rows, row, begin, end, share + row * width);
        end_row(row);
      },
      [&](const std::vector<int64_t>& late) {
        for_long_rows<T>(
            entries, limit, width, late,
            [&](int64_t row, int64_t begin, int64_t end, T* part) {
              std::fill_n(part, width, T(0));
              accumulate(entries, rows, row, begin, end, part);
            },
            [&](int64_t row, const T* parts, int64_t count) {
              std::fill_n(share + row * width, width, T(0));
              add_pieces(parts, count, width, kSum, share + row * width);
              end_row(row);
            });
      });
}

template <typename T>
void source_gradient(
    const Entries& entries, const MessageRows<T>& rows, int64_t message, int64_t reduce, T* grad) {
  const int64_t width = rows.batch * rows.dim, limit = piece_entries(width);
  const auto accumulate = select_accumulate<T, Pass::source>(message, reduce);
  const auto sum = [&](int64_t row, int64_t begin, int64_t end, T* into) {
    std::fill_n(into, width, T(0));
    accumulate(entries, rows, row, begin, end, into);
  };
  for_rows(
      entries, limit,
      [&](int64_t row, int64_t begin, int64_t end) { sum(row, begin, end, grad + row * width); },
      [&](const std::vector<int64_t>& late) {
        for_long_rows<T>(
            entries, limit, width, late, sum, [&](int64_t row, const T* parts, int64_t count) {
              std::fill_n(grad + row * width, width, T(0));
              add_pieces(parts, count, width, kSum, grad + row * width);
            });
      });
}

template <typename T>
void table_gradient(
    const Entries& entries, const MessageRows<T>& rows, int64_t message, int64_t reduce, T* grad) {
  const int64_t dim = rows.dim, limit = piece_entries(rows.batch * dim);
  const auto accumulate = select_accumulate<T, Pass::type>(message, reduce);
  // Sums of a window of entries are of the tensors' type, sums of windows are float64.
  const auto sum = [&](int64_t row, int64_t begin, int64_t end, T* window, double* into) {
    std::fill_n(into, dim, 0.0);
    for (; begin < end; begin += kTypeWindow) {
      std::fill_n(window, dim, T(0));
      accumulate(entries, rows, row, begin, std::min(begin + kTypeWindow, end), window);
      for (int64_t d = 0; d < dim; ++d) into[d] += static_cast<double>(window[d]);
    }
  };
  for_rows(
      entries, limit,
      [&](int64_t row, int64_t begin, int64_t end) {
        T* to = grad + row * dim;
        if (end - begin <= kTypeWindow) {
          std::fill_n(to, dim, T(0));
          accumulate(entries, rows, row, begin, end, to);
          return;
        }
        const Buffer<double> total(dim);
        sum(row, begin, end, to, total.get());
        for (int64_t d = 0; d < dim; ++d) to[d] = static_cast<T>(total[d]);
      },
      [&](const std::vector<int64_t>& late) {
        for_long_rows<double>(
            entries, limit, dim, late,
            [&](int64_t row, int64_t begin, int64_t end, double* part) {
              const Buffer<T> window(dim);
              sum(row, begin, end, window.get(), part);
            },
            [&](int64_t row, const double* parts, int64_t count) {
              for (int64_t d = 0; d < dim; ++d) {
                double total = 0;
                for (int64_t piece = 0; piece < count; ++piece) total += parts[piece * dim + d];
                grad[row * dim + d] = static_cast<T>(total);
              }
            });
      });
}

}  // namespace
}  // namespace graphlab::cpu

namespace graphlab {
namespace {

// A contiguous (rows, batch, dim) tensor of a dtype.
Tensor checked_cube(
    const Tensor& tensor, const char* name, ScalarType dtype, int64_t batch, int64_t dim) {
  check_dtype(tensor, name, dtype);
  check_dim(tensor, name, 3);
  check_size(tensor, name, 1, batch);
  check_size(tensor, name, 2, dim);
  return torch::stable::contiguous(tensor);
}

// The contiguous, checked tensors that the operators share.
struct Messages {
  Tensor x, table;
  int64_t batch, dim;

  Messages(const Tensor& x_, const Tensor& table_, int64_t message)
      : x(checked(x_)),
        table(checked_matrix(table_, "table", x_.scalar_type(), x_.size(2))),
        batch(x_.size(1)),
        dim(x_.size(2)) {
    STD_TORCH_CHECK(
        message == kDistMult || message == kTransE, "message must be 0 or 1, got ", message);
  }

  ScalarType dtype() const { return x.scalar_type(); }

  Tensor cube(const Tensor& tensor, const char* name, int64_t rows) const {
    Tensor out = checked_cube(tensor, name, dtype(), batch, dim);
    check_size(tensor, name, 0, rows);
    return out;
  }

  Tensor empty(int64_t rows) const { return empty({rows, batch, dim}); }
  Tensor empty(std::initializer_list<int64_t> size) const {
    Tensor out = torch::stable::new_empty(x, {size.begin(), size.size()});
    cpu::prefer_huge_pages(out.mutable_data_ptr(), out.numel() * out.element_size());
    return out;
  }

  template <typename T>
  cpu::MessageRows<T> rows(const T* share = nullptr, const T* out = nullptr) const {
    return {data<T>(x), data<T>(table), share, out, batch, dim};
  }

 private:
  static Tensor checked(const Tensor& x) {
    check_dim(x, "x", 3);
    const ScalarType dtype = x.scalar_type();
    STD_TORCH_CHECK(
        dtype == ScalarType::Float || dtype == ScalarType::Double,
        "x must be float32 or float64, got ", torch::headeronly::toString(dtype));
    return torch::stable::contiguous(x);
  }
};

// Entries in one order, contiguous and checked: both of their indices are in range.
struct CheckedEntries {
  Tensor pointers, first, second;

  CheckedEntries(
      const Tensor& pointers_, int64_t rows, const char* name, const Tensor& first_,
      int64_t first_size, const char* first_name, const Tensor& second_, int64_t second_size,
      const char* second_name)
      : pointers(checked_rowptr(pointers_, rows, first_.numel(), name)),
        first(checked_columns(first_, first_name, first_.numel(), first_size)),
        second(checked_columns(second_, second_name, first_.numel(), second_size)) {}

  cpu::Entries entries() const {
    return {data<int64_t>(pointers), data<int32_t>(first), data<int32_t>(second),
            pointers.numel() - 1, first.numel()};
  }
};

void check_reduce(int64_t reduce) {
  STD_TORCH_CHECK(kSum <= reduce && reduce <= kSquareMean, "reduce must be 0 to 4, got ", reduce);
}

}  // namespace

Tensor relational_propagate(
    const Tensor& x, const Tensor& table, const Tensor& boundary, const Tensor& rowptr,
    const Tensor& source, const Tensor& type, const OptionalTensor&, const OptionalTensor&,
    const OptionalTensor&, const OptionalTensor&, const OptionalTensor&, const OptionalTensor&,
    int64_t message, int64_t reduce, bool) {
  const Messages messages(x, table, message);
  check_reduce(reduce);
  const int64_t rows = count_rows(rowptr);
  const Tensor start = messages.cube(boundary, "boundary", rows);
  const CheckedEntries graph(
      rowptr, rows, "rowptr", source, x.size(0), "source", type, table.size(0), "type");
  Tensor out = messages.empty(rows);
  dispatch_floating(messages.dtype(), [&](auto scalar) {
    using T = decltype(scalar);
    cpu::propagate_messages(
        graph.entries(), messages.rows<T>(), data<T>(start), message, reduce,
        mutable_data<T>(out));
  });
  return out;
}

std::tuple<Tensor, Tensor> relational_shares(
    const Tensor& grad, const Tensor& out, const Tensor& x, const Tensor& table,
    const Tensor& boundary, const Tensor& rowptr, const Tensor& source, const Tensor& type,
    int64_t message, bool even) {
  const Messages messages(x, table, message);
  const int64_t rows = count_rows(rowptr);
  const Tensor grad_ = messages.cube(grad, "grad", rows), out_ = messages.cube(out, "out", rows);
  const Tensor start = messages.cube(boundary, "boundary", rows);
  const CheckedEntries graph(
      rowptr, rows, "rowptr", source, x.size(0), "source", type, table.size(0), "type");
  Tensor share = messages.empty(rows), own = messages.empty(rows);
  dispatch_floating(messages.dtype(), [&](auto scalar) {
    using T = decltype(scalar);
    cpu::share_extremes(
        graph.entries(), messages.rows<T>(nullptr, data<T>(out_)), data<T>(grad_), data<T>(start),
        message, even, mutable_data<T>(share), mutable_data<T>(own));
  });
  return {share, own};
}

Tensor relational_source_grad(
    const Tensor& share, const Tensor& out, const Tensor& x, const Tensor& table,
    const Tensor& rowptr_t, const Tensor& target_t, const Tensor& type_t, int64_t message,
    int64_t reduce) {
  const Messages messages(x, table, message);
  check_reduce(reduce);
  check_dim(share, "share", 3);
  const int64_t targets = share.size(0);
  const Tensor share_ = messages.cube(share, "share", targets);
  const Tensor out_ = messages.cube(out, "out", targets);
  const CheckedEntries graph(
      rowptr_t, x.size(0), "rowptr_t", target_t, targets, "target_t", type_t, table.size(0),
      "type_t");
  Tensor grad = messages.empty(x.size(0));
  dispatch_floating(messages.dtype(), [&](auto scalar) {
    using T = decltype(scalar);
    cpu::source_gradient(
        graph.entries(), messages.rows<T>(data<T>(share_), data<T>(out_)), message, reduce,
        mutable_data<T>(grad));
  });
  return grad;
}

Tensor relational_table_grad(
    const Tensor& share, const Tensor& out, const Tensor& x, const Tensor& table,
    const Tensor& typeptr, const Tensor& type_source, const Tensor& type_target, int64_t message,
    int64_t reduce) {
  const Messages messages(x, table, message);
  check_reduce(reduce);
  check_dim(share, "share", 3);
  const int64_t targets = share.size(0);
  const Tensor share_ = messages.cube(share, "share", targets);
  const Tensor out_ = messages.cube(out, "out", targets);
  const CheckedEntries graph(
      typeptr, table.size(0), "typeptr", type_source, x.size(0), "type_source", type_target,
      targets, "type_target");
  Tensor grad = messages.empty({table.size(0), table.size(1)});
  dispatch_floating(messages.dtype(), [&](auto scalar) {
    using T = decltype(scalar);
    cpu::table_gradient(
        graph.entries(), messages.rows<T>(data<T>(share_), data<T>(out_)), message, reduce,
        mutable_data<T>(grad));
  });
  return grad;
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) {
  m.impl("relational_propagate", TORCH_BOX(&relational_propagate));
  m.impl("relational_shares", TORCH_BOX(&relational_shares));
  m.impl("relational_source_grad", TORCH_BOX(&relational_source_grad));
  m.impl("relational_table_grad", TORCH_BOX(&relational_table_grad));
}

}  // namespace graphlab
