// What the drivers of operators on pairs share: packed matrices, the order of work, and gradients to
// both sides. No include guard: included after the loops of an operator, which include
// pair_tile_loops.h.

namespace graphlab::cpu {
namespace {

constexpr double kLog2E = 1.4426950408889634074;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

int64_t padded(int64_t count) { return round_up(count, kPairUnit) + 64; }

// Zeros, written by all threads.
template <typename T>
Buffer<T> zeros(int64_t count) {
  Buffer<T> out(count);
  parallel_ranges(count, int64_t{1} << 18, [&](int64_t begin, int64_t end) {
    std::fill(out.get() + begin, out.get() + end, T(0));
  });
  return out;
}

// Rows as panels of a tile's rows, times a factor.
template <typename T>
Buffer<T> packed_rows(const T* rows, int64_t count, int64_t dim, T factor) {
  Buffer<T> out(padded(count) * dim);
  const auto pack = GRAPHLAB_SELECT(pack_row_panel<T>);
  parallel_ranges(divide_up(count, GRAPHLAB_SELECT(tile_rows)()), 8, [&](int64_t p, int64_t end) {
    for (; p < end; ++p) pack(rows, count, dim, factor, p, out.get());
  });
  return out;
}

// Rows as panels of a tile's columns.
template <typename T>
Buffer<T> packed_cols(const T* rows, int64_t count, int64_t dim) {
  Buffer<T> out(padded(count) * dim);
  const auto pack = GRAPHLAB_SELECT(pack_col_panel<T>);
  parallel_ranges(divide_up(count, 2 * lanes<T>()), 8, [&](int64_t p, int64_t end) {
    for (; p < end; ++p) pack(rows, count, dim, T(1), p, out.get());
  });
  return out;
}

// Rows that can be read up to whole vectors.
template <typename T>
class ReadableRows {
 public:
  ReadableRows(const T* rows, int64_t count, int64_t dim)
      : begin_(count == 0 ? 0 : (count - 1) / kPairUnit * kPairUnit),
        last_((count - begin_) * dim + 64, T(0)),
        view_{rows, dim, last_.get(), begin_} {
    std::copy(rows + begin_ * dim, rows + count * dim, last_.get());
  }
  const PairRows<T>& view() const { return view_; }

 private:
  int64_t begin_;
  Buffer<T> last_;
  PairRows<T> view_;
};

// Steps over left rows; within a step, tasks own groups of right rows, and hand in what they found
// for the step's rows, which is added in a fixed order. The number of steps and tasks is bounded,
// so that threads rarely meet and the parts stay small. `triangular`: both sides are the same
// matrix, and only pairs of units (i, j) with i <= j are visited. The right side should be the
// longer one: it is what the threads share.
class PairSteps {
 public:
  PairSteps(int64_t left, int64_t right, bool triangular)
      : left_(left),
        right_(right),
        step_(round_up(divide_up(std::max<int64_t>(1, left), kPairSteps), kPairUnit)),
        group_(group(divide_up(std::max<int64_t>(1, right), kPairTasks), triangular)),
        triangular_(triangular) {}

  // Left rows of a step, rounded up so that whole tiles fit.
  int64_t rows() const { return std::min(step_, round_up(std::max<int64_t>(1, left_), 96)); }
  int64_t max_tasks() const { return divide_up(right_, group_); }
  int64_t left() const { return left_; }
  int64_t right() const { return right_; }

  // Calls body(task, row, block, on_diagonal) for the pairs of units of every task, where the block
  // begins at `row` of the step, and end(i, i_end, tasks) after every step.
  template <typename F, typename G>
  void run(const F& body, const G& end) const {
    for (int64_t i = 0; i < left_; i += step_) {
      const int64_t i_end = std::min(i + step_, left_), first = triangular_ ? i : 0;
      const int64_t tasks = divide_up(right_ - first, group_);
      parallel_tasks(tasks, [&](int64_t task) {
        const int64_t begin = first + task * group_, stop = std::min(begin + group_, right_);
        for (int64_t j = begin; j < stop; j += kPairUnit) {
          const int64_t j_end = std::min(j + kPairUnit, stop);
          for (int64_t k = i; k < i_end && !(triangular_ && k > j); k += kPairUnit) {
            check_interrupt();
            const PairBlock block{k, std::min(k + kPairUnit, i_end), j, j_end};
            body(task, k - i, block, triangular_ && k == j);
          }
        }
      });
      end(i, i_end, tasks);
    }
  }

 private:
  // Whole units, or parts of one that are whole blocks of derivatives.
  static int64_t group(int64_t wanted, bool triangular) {
    if (!triangular && wanted <= kShareRows) return kShareRows;
    if (!triangular && wanted <= kShareCols) return kShareCols;
    return round_up(wanted, kPairUnit);
  }

  int64_t left_, right_, step_, group_;
  bool triangular_;
};

// Gradients to the rows of one side or of both, `factor` times what blocks add up; one that is null
// is not wanted. Of one matrix that is both sides (`triangular`) the right one's.
template <typename T>
class PairGradients {
 public:
  PairGradients(
      const PairSteps& steps, int64_t dim, double factor, T* left, T* right, bool triangular)
      : steps_(steps),
        dim_(dim),
        ld_(round_up(dim, lanes<T>())),
        factor_(static_cast<T>(factor)),
        left_out_(left),
        right_out_(right),
        triangular_(triangular),
        at_once_(!triangular && steps.left() > 0 && steps.left() <= kPairUnit),
        left_(zeros<T>(left != nullptr ? padded(steps.left()) * ld_ : 0)),
        right_(zeros<T>(right != nullptr && !at_once_ ? padded(steps.right()) * ld_ : 0)),
        parts_(zeros<T>(parts_wanted() ? steps.max_tasks() * steps.rows() * ld_ : 0)) {}

  // Calls block(block, left_grad, right_grad) for all blocks, which add to gradients that are wanted,
  // and writes the gradients.
  template <typename F>
  void run(const F& block) {
    const int64_t size = steps_.rows() * ld_;
    T* total = triangular_ ? right_.get() : left_.get();
    steps_.run(
        [&](int64_t task, int64_t row, const PairBlock& at, bool on_diagonal) {
          T* part = parts_wanted() ? parts_.get() + task * size + row * ld_ : nullptr;
          if (right_out_ == nullptr || on_diagonal) {
            block(at, part, nullptr);
          } else if (at_once_) {
            // All left rows are in this block: its right rows are done, and need not wait.
            const Buffer<T> right(kPairUnit * ld_, T(0));
            block(at, part, right.get());
            write_rows(right.get(), at.j, at.j_end, right_out_);
          } else {
            block(at, part, right_.get() + at.j * ld_);
          }
        },
        [&](int64_t i, int64_t i_end, int64_t tasks) {
          if (!parts_wanted()) return;
          parallel_ranges((i_end - i) * ld_, 65536, [&](int64_t begin, int64_t end) {
            for (int64_t task = 0; task < tasks; ++task) {
              T* part = parts_.get() + task * size;
              T* to = total + i * ld_;
              for (int64_t k = begin; k < end; ++k) {
                to[k] += part[k];
                part[k] = T(0);
              }
            }
          });
        });
    if (left_out_ != nullptr) write(left_.get(), steps_.left(), left_out_);
    if (right_out_ != nullptr && !at_once_) write(right_.get(), steps_.right(), right_out_);
  }

 private:
  bool parts_wanted() const { return left_out_ != nullptr || triangular_; }

  // Rows begin to end of `out`, the first of which stands at `grad`.
  void write_rows(const T* grad, int64_t begin, int64_t end, T* out) const {
    for (int64_t i = begin; i < end; ++i, grad += ld_) {
      T* to = out + i * dim_;
      for (int64_t d = 0; d < dim_; ++d) to[d] = factor_ * grad[d];
    }
  }

  void write(const T* grad, int64_t count, T* out) const {
    parallel_ranges(count, 1024, [&](int64_t begin, int64_t end) {
      write_rows(grad + begin * ld_, begin, end, out);
    });
  }

  const PairSteps steps_;
  const int64_t dim_, ld_;
  const T factor_;
  T *const left_out_, *const right_out_;
  const bool triangular_, at_once_;
  const Buffer<T> left_, right_, parts_;
};

}  // namespace
}  // namespace graphlab::cpu
