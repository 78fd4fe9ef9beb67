#include "propagate.h"

#include <utility>

#include "cpu/parallel.h"
#include "cpu/propagate_kernel.h"

namespace graphlab {
namespace {

// The contiguous, checked arguments that the operators share. A is (nodes, h.size(0)).
struct Arguments {
  Tensor h, rowptr, col;
  OptionalTensor weight, row_scale;
  int64_t rows, dim;

  Arguments(
      const Tensor& h_, const Tensor& rowptr_, const Tensor& col_, const OptionalTensor& weight_,
      const OptionalTensor& row_scale_)
      : h(checked_storage(h_)),
        rowptr(checked_rowptr(rowptr_, count_rows(rowptr_), col_.numel())),
        col(checked_vector(col_, "col", ScalarType::Int, col_.numel())),
        weight(checked_vector(weight_, "weight", wide(), col_.numel())),
        row_scale(checked_vector(row_scale_, "row_scale", wide(), count_rows(rowptr_))),
        rows(count_rows(rowptr_)),
        dim(h_.size(1)) {
    const int64_t position = cpu::find_bad_column(data<int32_t>(col), col.numel(), h.size(0));
    STD_TORCH_CHECK(
        position < 0,
        "col[", position, "] = ", data<int32_t>(col)[position], " is outside [0, ", h.size(0), ")");
  }

  ScalarType wide() const {
    return h.scalar_type() == ScalarType::BFloat16 ? ScalarType::Float : h.scalar_type();
  }

  template <typename T>
  cpu::SparseRows<T> graph() const {
    return {data<int64_t>(rowptr), data<int32_t>(col), data<T>(weight), data<T>(row_scale),
            rows, col.numel()};
  }

  Tensor empty(std::initializer_list<int64_t> size, ScalarType dtype) const {
    Tensor out = torch::stable::new_empty(h, {size.begin(), size.size()}, dtype);
    cpu::prefer_huge_pages(out.mutable_data_ptr(), out.numel() * out.element_size());
    return out;
  }

  void check_square() const {
    STD_TORCH_CHECK(
        rows == h.size(0), "start must have one row per row of the graph: ", rows, ", got ",
        h.size(0));
  }

 private:
  static int64_t count_rows(const Tensor& rowptr) {
    STD_TORCH_CHECK(rowptr.numel() > 0, "rowptr must not be empty");
    return rowptr.numel() - 1;
  }

  static Tensor checked_storage(const Tensor& h) {
    check_dim(h, "h", 2);
    const ScalarType dtype = h.scalar_type();
    STD_TORCH_CHECK(
        dtype == ScalarType::Float || dtype == ScalarType::Double || dtype == ScalarType::BFloat16,
        "h must be float32, float64 or bfloat16, got ", torch::headeronly::toString(dtype));
    return torch::stable::contiguous(h);
  }
};

// Calls body(S{}) with the storage type.
template <typename F>
void dispatch_storage(ScalarType dtype, const F& body) {
  if (dtype == ScalarType::BFloat16) {
    body(cpu::BFloat16{});
  } else {
    dispatch_floating(dtype, body);
  }
}

// Runs use(k, sinks) for the orders 0 .. last whose coefficient is not zero, where `use` completes
// the sinks; other orders are only propagated.
template <typename S, typename F>
void for_orders(const Arguments& args, const std::vector<double>& coefficients, const F& use) {
  int64_t last = static_cast<int64_t>(coefficients.size()) - 1;
  while (last >= 0 && coefficients[last] == 0) --last;
  const int64_t size = args.rows * args.dim;
  const auto graph = args.graph<cpu::Wide<S>>();
  // The state of the last order is not stored: one order needs no buffer, two need one.
  cpu::Buffer<S> buffers[2] = {cpu::Buffer<S>(last > 1 ? size : 0),
                               cpu::Buffer<S>(last > 2 ? size : 0)};
  const S* state = data<S>(args.h);
  for (int64_t k = 0; k <= last; ++k) {
    cpu::RowSinks<S> sinks;
    if (coefficients[k] != 0) use(k, sinks);
    if (k == 0) {
      if (coefficients[0] != 0) cpu::sink_rows(state, args.rows, args.dim, sinks);
      continue;
    }
    S* next = k < last ? buffers[k % 2 == 1 ? 0 : 1].get() : nullptr;
    sinks.out = next;
    if (k == 1) {
      cpu::propagate_start(graph, state, args.h.size(0), args.dim, sinks);
    } else {
      cpu::propagate_rows(graph, state, args.dim, sinks);
    }
    state = next;
  }
}

}  // namespace

Tensor propagate(
    const Tensor& h, const Tensor& rowptr, const Tensor& col, const OptionalTensor& weight,
    const OptionalTensor& row_scale) {
  const Arguments args(h, rowptr, col, weight, row_scale);
  Tensor out = args.empty({args.rows, args.dim}, h.scalar_type());
  dispatch_storage(h.scalar_type(), [&](auto type) {
    using S = decltype(type);
    cpu::RowSinks<S> sinks;
    sinks.out = mutable_data<S>(out);
    cpu::propagate_rows(args.graph<cpu::Wide<S>>(), data<S>(args.h), args.dim, sinks);
  });
  return out;
}

Tensor propagate_dot(
    const Tensor& h, const Tensor& other, const Tensor& rowptr, const Tensor& col,
    const OptionalTensor& weight, const OptionalTensor& row_scale) {
  const Arguments args(h, rowptr, col, weight, row_scale);
  const Tensor factors = checked_matrix(other, "other", h.scalar_type(), args.dim);
  check_size(other, "other", 0, args.rows);
  Tensor out = args.empty({args.rows}, args.wide());
  dispatch_storage(h.scalar_type(), [&](auto type) {
    using S = decltype(type);
    cpu::RowSinks<S> sinks;
    sinks.other = data<S>(factors);
    sinks.dot = mutable_data<cpu::Wide<S>>(out);
    cpu::propagate_rows(args.graph<cpu::Wide<S>>(), data<S>(args.h), args.dim, sinks);
  });
  return out;
}

Tensor propagate_merge(
    const Tensor& start, const Tensor& rowptr, const Tensor& col, const OptionalTensor& weight,
    const OptionalTensor& row_scale, const std::vector<double>& coefficients, bool normalize,
    const OptionalTensor& squares) {
  const Arguments args(start, rowptr, col, weight, row_scale);
  args.check_square();
  OptionalTensor norms;
  int64_t used = 0;
  for (const double c : coefficients) used += c != 0;
  if (squares.has_value()) {
    norms = checked_matrix(*squares, "squares", ScalarType::Double, args.rows);
    check_size(*squares, "squares", 0, used);
  }
  Tensor out = used == 0 ? torch::stable::new_zeros(args.h, {args.rows, args.dim}, args.wide())
                         : args.empty({args.rows, args.dim}, args.wide());
  dispatch_storage(start.scalar_type(), [&](auto type) {
    using S = decltype(type);
    int64_t seen = 0;
    for_orders<S>(args, coefficients, [&](int64_t k, cpu::RowSinks<S>& sinks) {
      sinks.merged = mutable_data<cpu::Wide<S>>(out);
      sinks.coefficient = coefficients[k];
      sinks.normalize = normalize;
      sinks.first = seen == 0;
      if (norms.has_value()) sinks.norms = data<double>(norms) + seen * args.rows;
      ++seen;
    });
  });
  return out;
}

Tensor propagate_squares(
    const Tensor& start, const Tensor& rowptr, const Tensor& col, const OptionalTensor& weight,
    const OptionalTensor& row_scale, const std::vector<double>& coefficients) {
  const Arguments args(start, rowptr, col, weight, row_scale);
  args.check_square();
  int64_t used = 0;
  for (const double c : coefficients) used += c != 0;
  const int64_t blocks = cpu::divide_up(args.dim, cpu::kSquareBlock);
  Tensor out = args.empty({used, args.rows, blocks}, ScalarType::Double);
  dispatch_storage(start.scalar_type(), [&](auto type) {
    using S = decltype(type);
    int64_t seen = 0;
    for_orders<S>(args, coefficients, [&](int64_t, cpu::RowSinks<S>& sinks) {
      sinks.squares = mutable_data<double>(out) + seen++ * args.rows * blocks;
    });
  });
  return out;
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) {
  m.impl("propagate", TORCH_BOX(&propagate));
  m.impl("propagate_dot", TORCH_BOX(&propagate_dot));
  m.impl("propagate_merge", TORCH_BOX(&propagate_merge));
  m.impl("propagate_squares", TORCH_BOX(&propagate_squares));
}

}  // namespace graphlab
