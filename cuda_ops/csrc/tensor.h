// The types that operators are declared with, on every device.
#pragma once

#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <optional>

namespace graphlab {

using torch::stable::Tensor;
using OptionalTensor = std::optional<Tensor>;

}  // namespace graphlab
