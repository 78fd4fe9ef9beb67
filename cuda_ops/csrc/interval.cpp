#include "interval.h"

#include "cpu/interval_kernel.h"
#include "cpu/propagate_kernel.h"

namespace graphlab {
namespace {

int64_t count_rows(const Tensor& rowptr) {
  STD_TORCH_CHECK(rowptr.numel() > 0, "rowptr must not be empty");
  return rowptr.numel() - 1;
}

// Checked rows whose columns lie in [0, columns).
struct CheckedRows {
  Tensor rowptr, col;
  int64_t rows, entries;

  CheckedRows(const Tensor& rowptr_, const Tensor& col_, int64_t columns)
      : rowptr(checked_rowptr(rowptr_, count_rows(rowptr_), col_.numel())),
        col(checked_vector(col_, "col", ScalarType::Int, col_.numel())),
        rows(count_rows(rowptr_)),
        entries(col_.numel()) {
    check_column(col, columns);
  }

  static void check_column(const Tensor& col, int64_t columns) {
    const int64_t position = cpu::find_bad_column(data<int32_t>(col), col.numel(), columns);
    STD_TORCH_CHECK(
        position < 0,
        "col[", position, "] = ", data<int32_t>(col)[position], " is outside [0, ", columns, ")");
  }

  cpu::Pattern pattern() const {
    return {data<int64_t>(rowptr), data<int32_t>(col), rows, entries};
  }
};

Tensor checked_entries(const Tensor& entry, int64_t entries) {
  Tensor checked = checked_vector(entry, "entry_t", ScalarType::Int, entries);
  CheckedRows::check_column(checked, entries);
  return checked;
}

Tensor empty(const Tensor& like, std::initializer_list<int64_t> size) {
  return torch::stable::new_empty(like, {size.begin(), size.size()});
}

}  // namespace

std::tuple<Tensor, Tensor> interval_propagate(
    const Tensor& low, const Tensor& high, const Tensor& rowptr, const Tensor& col,
    const Tensor& entry_low, const Tensor& entry_high, const Tensor&, const Tensor&,
    const Tensor&, const Tensor&) {
  const Tensor l = checked_matrix(low, "low");
  const Tensor h = checked_matrix(high, "high", l.scalar_type(), l.size(1));
  check_size(h, "high", 0, l.size(0));
  const CheckedRows rows(rowptr, col, l.size(0));
  const Tensor el = checked_vector(entry_low, "entry_low", l.scalar_type(), rows.entries);
  const Tensor eh = checked_vector(entry_high, "entry_high", l.scalar_type(), rows.entries);
  Tensor out_low = empty(l, {rows.rows, l.size(1)}), out_high = empty(l, {rows.rows, l.size(1)});
  dispatch_floating(l.scalar_type(), [&](auto type) {
    using T = decltype(type);
    cpu::signed_sums(rows.pattern(), data<T>(el), data<T>(eh), data<T>(l), l.size(1),
                     mutable_data<T>(out_low));
    cpu::signed_sums(rows.pattern(), data<T>(eh), data<T>(el), data<T>(h), l.size(1),
                     mutable_data<T>(out_high));
  });
  return {out_low, out_high};
}

std::tuple<Tensor, Tensor> interval_propagate_backward(
    const Tensor& grad_low, const Tensor& grad_high, const Tensor& low, const Tensor& high,
    const Tensor& rowptr_t, const Tensor& col_t, const Tensor& entry_low_t,
    const Tensor& entry_high_t) {
  const Tensor l = checked_matrix(low, "low");
  const ScalarType dtype = l.scalar_type();
  const Tensor h = checked_matrix(high, "high", dtype, l.size(1));
  const Tensor gl = checked_matrix(grad_low, "grad_low", dtype, l.size(1));
  const Tensor gh = checked_matrix(grad_high, "grad_high", dtype, l.size(1));
  check_size(h, "high", 0, l.size(0));
  check_size(gh, "grad_high", 0, gl.size(0));
  const CheckedRows rows(rowptr_t, col_t, gl.size(0));
  check_size(l, "low", 0, rows.rows);
  const Tensor el = checked_vector(entry_low_t, "entry_low_t", dtype, rows.entries);
  const Tensor eh = checked_vector(entry_high_t, "entry_high_t", dtype, rows.entries);
  Tensor out_low = empty(l, {rows.rows, l.size(1)}), out_high = empty(l, {rows.rows, l.size(1)});
  dispatch_floating(dtype, [&](auto type) {
    using T = decltype(type);
    cpu::chosen_sums(rows.pattern(), data<T>(el), data<T>(eh), data<T>(l), data<T>(gl), l.size(1),
                     mutable_data<T>(out_low));
    cpu::chosen_sums(rows.pattern(), data<T>(eh), data<T>(el), data<T>(h), data<T>(gh), l.size(1),
                     mutable_data<T>(out_high));
  });
  return {out_low, out_high};
}

Tensor edge_bound(
    const Tensor& weight, const Tensor& center, const OptionalTensor& radius,
    const Tensor& rowptr, const Tensor& col, const Tensor&, const Tensor&, const Tensor&) {
  const Tensor w = checked_matrix(weight, "weight");
  const Tensor c = checked_matrix(center, "center", w.scalar_type(), w.size(1));
  OptionalTensor r;
  if (radius.has_value()) {
    r = checked_matrix(*radius, "radius", w.scalar_type(), w.size(1));
    check_size(*r, "radius", 0, c.size(0));
  }
  const CheckedRows rows(rowptr, col, c.size(0));
  check_size(w, "weight", 0, rows.rows);
  Tensor out = empty(w, {rows.entries});
  dispatch_floating(w.scalar_type(), [&](auto type) {
    using T = decltype(type);
    cpu::entry_dots(rows.pattern(), data<T>(w), data<T>(c), data<T>(r), w.size(1),
                    mutable_data<T>(out));
  });
  return out;
}

std::tuple<Tensor, Tensor, Tensor> edge_bound_backward(
    const Tensor& grad, const Tensor& weight, const Tensor& center, const OptionalTensor& radius,
    const Tensor& rowptr, const Tensor& col, const Tensor& rowptr_t, const Tensor& col_t,
    const Tensor& entry_t) {
  const Tensor w = checked_matrix(weight, "weight");
  const ScalarType dtype = w.scalar_type();
  const int64_t dim = w.size(1);
  const Tensor c = checked_matrix(center, "center", dtype, dim);
  OptionalTensor r;
  if (radius.has_value()) {
    r = checked_matrix(*radius, "radius", dtype, dim);
    check_size(*r, "radius", 0, c.size(0));
  }
  const CheckedRows rows(rowptr, col, c.size(0)), transpose(rowptr_t, col_t, w.size(0));
  check_size(w, "weight", 0, rows.rows);
  check_size(c, "center", 0, transpose.rows);
  check_size(col_t, "col_t", 0, rows.entries);
  const Tensor g = checked_vector(grad, "grad", dtype, rows.entries);
  const Tensor entry = checked_entries(entry_t, rows.entries);
  Tensor grad_weight = empty(w, {rows.rows, dim}), grad_center = empty(w, {c.size(0), dim});
  Tensor grad_radius = r.has_value() ? empty(w, {c.size(0), dim}) : empty(w, {0});
  dispatch_floating(dtype, [&](auto type) {
    using T = decltype(type);
    cpu::entry_dots_weight(rows.pattern(), data<T>(g), data<T>(w), data<T>(c), data<T>(r), dim,
                           mutable_data<T>(grad_weight));
    cpu::entry_dots_center(transpose.pattern(), data<int32_t>(entry), data<T>(g), data<T>(w), dim,
                           mutable_data<T>(grad_center),
                           r.has_value() ? mutable_data<T>(grad_radius) : nullptr);
  });
  return {grad_weight, grad_center, grad_radius};
}

namespace {

struct BudgetArguments {
  Tensor kind, positive, negative, size;
  double power;

  BudgetArguments(
      const Tensor& kind_, const Tensor& positive_, const Tensor& negative_, const Tensor& size_,
      ScalarType dtype, int64_t entries, int64_t columns, int64_t rows, double power_)
      : kind(checked_vector(kind_, "kind", ScalarType::Char, entries)),
        positive(checked_vector(positive_, "positive", dtype, columns)),
        negative(checked_vector(negative_, "negative", dtype, columns)),
        size(checked_vector(size_, "size", dtype, rows)),
        power(power_) {}

  template <typename T>
  cpu::BudgetRows<T> rules() const {
    return {data<int8_t>(kind), data<T>(positive), data<T>(negative), data<T>(size), power};
  }
};

}  // namespace

std::tuple<Tensor, Tensor> budget_minimum(
    const Tensor& value, const Tensor& rowptr, const Tensor& col, const Tensor& kind,
    const Tensor& positive, const Tensor& negative, const Tensor& size, const Tensor& budget,
    double power, const Tensor&, const Tensor&, const Tensor&) {
  const Tensor v = checked_matrix(value, "value");
  const CheckedRows rows(rowptr, col, v.size(0));
  const BudgetArguments args(
      kind, positive, negative, size, v.scalar_type(), rows.entries, v.size(0), rows.rows, power);
  const Tensor drops = checked_vector(budget, "budget", ScalarType::Long, rows.rows);
  for (int64_t i = 0; i < rows.rows; ++i) {
    STD_TORCH_CHECK(data<int64_t>(drops)[i] >= 0, "budget must not be negative");
  }
  Tensor out = empty(v, {rows.rows, v.size(1)}), choice = empty(v, {3, rows.rows, v.size(1)});
  dispatch_floating(v.scalar_type(), [&](auto type) {
    using T = decltype(type);
    cpu::row_minima(rows.pattern(), args.rules<T>(), data<int64_t>(drops), data<T>(v), v.size(1),
                    mutable_data<T>(out), mutable_data<T>(choice));
  });
  return {out, choice};
}

Tensor budget_minimum_backward(
    const Tensor& grad, const Tensor& value, const Tensor& choice, const Tensor& rowptr,
    const Tensor& kind, const Tensor& positive, const Tensor& negative, const Tensor& size,
    double power, const Tensor& rowptr_t, const Tensor& col_t, const Tensor& entry_t) {
  const Tensor v = checked_matrix(value, "value");
  const ScalarType dtype = v.scalar_type();
  const int64_t dim = v.size(1), nodes = count_rows(rowptr);
  const Tensor border = checked_rowptr(rowptr, nodes, col_t.numel());
  const CheckedRows transpose(rowptr_t, col_t, nodes);
  check_size(v, "value", 0, transpose.rows);
  const Tensor entry = checked_entries(entry_t, transpose.entries);
  const BudgetArguments args(
      kind, positive, negative, size, dtype, transpose.entries, v.size(0), nodes, power);
  const Tensor g = checked_matrix(grad, "grad", dtype, dim);
  check_size(g, "grad", 0, nodes);
  check_dtype(choice, "choice", dtype);
  STD_TORCH_CHECK(choice.numel() == 3 * nodes * dim, "choice must have shape (3, rows, columns)");
  const Tensor chosen = torch::stable::contiguous(choice);
  Tensor out = empty(v, {v.size(0), dim});
  dispatch_floating(dtype, [&](auto type) {
    using T = decltype(type);
    cpu::row_minima_backward(
        transpose.pattern(), data<int32_t>(entry), data<int64_t>(border), nodes, args.rules<T>(),
        data<T>(g), data<T>(v), data<T>(chosen), dim, mutable_data<T>(out));
  });
  return out;
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) {
  m.impl("interval_propagate", TORCH_BOX(&interval_propagate));
  m.impl("interval_propagate_backward", TORCH_BOX(&interval_propagate_backward));
  m.impl("edge_bound", TORCH_BOX(&edge_bound));
  m.impl("edge_bound_backward", TORCH_BOX(&edge_bound_backward));
  m.impl("budget_minimum", TORCH_BOX(&budget_minimum));
  m.impl("budget_minimum_backward", TORCH_BOX(&budget_minimum_backward));
}

}  // namespace graphlab
