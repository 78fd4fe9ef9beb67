// Argument checks of the operators on the CPU. The Python border has already refused bad input with
// better words; these checks keep a raw torch.ops call from reading outside of a tensor.
#pragma once

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/headeronly/core/ScalarType.h>
#include <torch/headeronly/util/Exception.h>

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

#include "cpu/range.h"
#include "tensor.h"

namespace graphlab {

using torch::headeronly::ScalarType;

inline void check_dtype(const Tensor& tensor, const char* name, ScalarType dtype) {
  STD_TORCH_CHECK(
      tensor.scalar_type() == dtype,
      name, " must have dtype ", torch::headeronly::toString(dtype), ", got ",
      torch::headeronly::toString(tensor.scalar_type()));
}

inline void check_dim(const Tensor& tensor, const char* name, int64_t dim) {
  STD_TORCH_CHECK(tensor.dim() == dim, name, " must be ", dim, "-D, got ", tensor.dim(), "-D");
}

inline void check_size(const Tensor& tensor, const char* name, int64_t axis, int64_t size) {
  STD_TORCH_CHECK(
      tensor.size(axis) == size,
      name, " must have size ", size, " along axis ", axis, ", got ", tensor.size(axis));
}

// A contiguous matrix of float32 or float64.
inline Tensor checked_matrix(const Tensor& tensor, const char* name) {
  check_dim(tensor, name, 2);
  const ScalarType dtype = tensor.scalar_type();
  STD_TORCH_CHECK(
      dtype == ScalarType::Float || dtype == ScalarType::Double,
      name, " must be float32 or float64, got ", torch::headeronly::toString(dtype));
  return torch::stable::contiguous(tensor);
}

// A contiguous matrix of a given dtype and number of columns.
inline Tensor checked_matrix(
    const Tensor& tensor, const char* name, ScalarType dtype, int64_t columns) {
  check_dtype(tensor, name, dtype);
  check_dim(tensor, name, 2);
  check_size(tensor, name, 1, columns);
  return torch::stable::contiguous(tensor);
}

// A contiguous vector of a given dtype and length.
inline Tensor checked_vector(
    const Tensor& tensor, const char* name, ScalarType dtype, int64_t length) {
  check_dtype(tensor, name, dtype);
  check_dim(tensor, name, 1);
  check_size(tensor, name, 0, length);
  return torch::stable::contiguous(tensor);
}

inline OptionalTensor checked_vector(
    const OptionalTensor& tensor, const char* name, ScalarType dtype, int64_t length) {
  if (!tensor.has_value()) return std::nullopt;
  return checked_vector(*tensor, name, dtype, length);
}

// A contiguous int64 vector whose values lie in [0, size).
inline Tensor checked_index(
    const Tensor& tensor, const char* name, int64_t length, int64_t size) {
  Tensor index = checked_vector(tensor, name, ScalarType::Long, length);
  const int64_t* values = static_cast<const int64_t*>(index.const_data_ptr());
  const int64_t position = cpu::find_outside(values, length, size);
  STD_TORCH_CHECK(
      position < 0,
      name, "[", position, "] = ", values[position], " is outside [0, ", size, ")");
  return index;
}

// Contiguous row pointers of `nodes` rows over `edges` entries.
inline Tensor checked_rowptr(
    const Tensor& tensor, int64_t nodes, int64_t edges, const char* name = "rowptr") {
  Tensor rowptr = checked_vector(tensor, name, ScalarType::Long, nodes + 1);
  const int64_t* values = static_cast<const int64_t*>(rowptr.const_data_ptr());
  STD_TORCH_CHECK(values[0] == 0, name, "[0] = ", values[0], ", expected 0");
  STD_TORCH_CHECK(
      values[nodes] == edges, name, "[", nodes, "] = ", values[nodes], ", expected ", edges);
  const int64_t position = cpu::find_descent(values, nodes + 1);
  STD_TORCH_CHECK(
      position < 0,
      name, " must not decrease, but ", name, "[", position, "] = ", values[position],
      " follows ", values[position > 0 ? position - 1 : 0]);
  return rowptr;
}

// Number of rows of row pointers.
inline int64_t count_rows(const Tensor& rowptr, const char* name = "rowptr") {
  check_dim(rowptr, name, 1);
  STD_TORCH_CHECK(rowptr.numel() >= 1, name, " must not be empty");
  return rowptr.numel() - 1;
}

// Contiguous int32 columns whose values lie in [0, size).
inline Tensor checked_columns(
    const Tensor& tensor, const char* name, int64_t length, int64_t size) {
  Tensor columns = checked_vector(tensor, name, ScalarType::Int, length);
  const int32_t* values = static_cast<const int32_t*>(columns.const_data_ptr());
  const int64_t position = cpu::find_outside(values, length, size);
  STD_TORCH_CHECK(
      position < 0,
      name, "[", position, "] = ", values[position], " is outside [0, ", size, ")");
  return columns;
}

template <typename T>
const T* data(const Tensor& tensor) {
  return static_cast<const T*>(tensor.const_data_ptr());
}

template <typename T>
const T* data(const OptionalTensor& tensor) {
  return tensor.has_value() ? data<T>(*tensor) : nullptr;
}

template <typename T>
T* mutable_data(const Tensor& tensor) {
  return static_cast<T*>(tensor.mutable_data_ptr());
}

// A vector of int32 or int64 as a tensor on the device of another one.
template <typename T>
Tensor to_tensor(const Tensor& like, const std::vector<T>& values) {
  constexpr ScalarType dtype = std::is_same_v<T, int64_t> ? ScalarType::Long : ScalarType::Int;
  Tensor out = torch::stable::new_empty(like, {static_cast<int64_t>(values.size())}, dtype);
  std::copy(values.begin(), values.end(), mutable_data<T>(out));
  return out;
}

// Calls body(T{}) with T = float or double.
template <typename F>
void dispatch_floating(ScalarType dtype, const F& body) {
  if (dtype == ScalarType::Double) {
    body(double{});
  } else {
    body(float{});
  }
}

}  // namespace graphlab
