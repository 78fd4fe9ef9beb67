#include "attention.h"

#include "cpu/attention_kernel.h"

namespace graphlab {
namespace {

// The contiguous, checked arguments that both operators share.
struct Arguments {
  Tensor qkv, ptr;
  int64_t heads;

  Arguments(const Tensor& qkv_, const Tensor& ptr_, int64_t heads_)
      : qkv(checked_matrix(qkv_, "qkv")), ptr(checked_ptr(ptr_, qkv_.size(0))), heads(heads_) {
    STD_TORCH_CHECK(
        heads > 0 && qkv.size(1) > 0 && qkv.size(1) % (3 * heads) == 0,
        "qkv must have a multiple of 3 * heads columns, got ", qkv.size(1), " with heads = ", heads);
  }

  int64_t channels() const { return qkv.size(1) / 3; }

  template <typename T>
  cpu::Segments<T> segments() const {
    return {data<T>(qkv), data<int64_t>(ptr), ptr.numel() - 1, heads, channels() / heads};
  }

 private:
  static Tensor checked_ptr(const Tensor& tensor, int64_t rows) {
    check_dim(tensor, "ptr", 1);
    STD_TORCH_CHECK(tensor.numel() > 0, "ptr must not be empty");
    return checked_rowptr(tensor, tensor.numel() - 1, rows, "ptr");
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
