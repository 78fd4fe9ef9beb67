// What every kernel file needs: the current stream, checked launches, typed views of tensors,
// warp reductions.
//
// Rules all kernels keep:
// * Deterministic by construction. No floating atomics; every partial sum has one owner and a fixed
//   range, and a second kernel adds partial sums in their order. Ranges depend on sizes alone, not
//   on the number of multiprocessors, so that all devices cut the work alike.
// * Elements are counted in 64 bits.
// * A column or cluster index out of range is never followed; its output becomes NaN. The Python
//   border checks ranges once and raises, so that this is a second line of defence without a sync.
// * Kernels start through cudaLaunchKernelEx, not <<<>>>: plain C++, so that a C++ compiler can
//   build the same sources for tests/ops/cuda/_shim.
// * Static shared memory only (at most 48 KiB a block): nothing to configure before a launch.
#pragma once

#include <cuda_runtime.h>

#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/csrc/stable/accelerator.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/headeronly/util/shim_utils.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <tuple>

#include "tensor.h"

namespace graphlab::cuda {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xffffffffu;
// 256 threads divide every register file and thread limit since sm_60 without remainder.
constexpr int kThreads = 256;
constexpr int kWarpsPerBlock = kThreads / kWarp;
// Grid-stride loops need no more blocks than this; it keeps the launch of a huge input short.
constexpr int64_t kMaxBlocks = int64_t{1} << 20;
// What CUDA takes along y; tests set fewer, to see several layers along z on small inputs.
#ifndef GRAPHLAB_MAX_BLOCKS_Y
#define GRAPHLAB_MAX_BLOCKS_Y 65535
#endif
constexpr int64_t kMaxBlocksY = GRAPHLAB_MAX_BLOCKS_Y;
// Tile kernels are cut into about this many blocks where one side alone has too few: twice the
// multiprocessors of the largest device (132 to 148), two resident blocks each.
constexpr int64_t kTargetBlocks = 528;

__host__ __device__ constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <typename T>
__host__ __device__ constexpr T infinity() {
  return std::numeric_limits<T>::infinity();
}

template <typename T>
__host__ __device__ constexpr T not_a_number() {
  return std::numeric_limits<T>::quiet_NaN();
}

// --- launches ------------------------------------------------------------------------------------

// Makes the device of a tensor current and names its current stream.
class Context {
 public:
  explicit Context(const Tensor& tensor)
      : index_(tensor.get_device_index()), guard_(tensor.get_device_index()) {
    // The CUDA runtime is linked statically: its own notion of the current device is set as well.
    check(cudaSetDevice(index_), "cudaSetDevice");
    void* stream = nullptr;
    TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream(index_, &stream));
    stream_ = static_cast<cudaStream_t>(stream);
  }

  // A pointer of another device must not reach a kernel.
  void check_device(const Tensor& tensor) const {
    STD_TORCH_CHECK(tensor.get_device_index() == index_,
                    "graphlab: all tensors must be on one CUDA device");
  }

  // Starts a kernel of `threads` threads per block; an empty grid is no launch.
  template <typename... Params, typename... Args>
  void launch(const char* name, void (*kernel)(Params...), dim3 grid, int threads,
              const Args&... args) const {
    if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
    cudaLaunchConfig_t config{};
    config.gridDim = grid;
    config.blockDim = dim3(threads);
    config.stream = stream_;
    check(cudaLaunchKernelEx(&config, kernel, static_cast<Params>(args)...), name);
  }

 private:
  static void check(cudaError_t error, const char* what) {
    if (error == cudaSuccess) return;
    (void)cudaGetLastError();  // reported here; the next call starts clean
    STD_TORCH_CHECK(false, "graphlab: ", what, " failed: ", cudaGetErrorString(error));
  }

  int32_t index_;
  torch::stable::accelerator::DeviceGuard guard_;
  cudaStream_t stream_ = nullptr;
};

// Blocks for `items` units of which one block takes `per_block` at a time.
inline dim3 blocks_for(int64_t items, int64_t per_block) {
  return dim3(static_cast<unsigned>(std::min(ceil_div(items, per_block), kMaxBlocks)));
}

// --- tensors -------------------------------------------------------------------------------------

// A contiguous input: keeps the tensor alive, gives its typed pointer. Null for a missing one.
template <typename T>
class Input {
 public:
  Input(const Context& context, const OptionalTensor& tensor) {
    if (!tensor.has_value()) return;
    context.check_device(*tensor);
    held_ = torch::stable::contiguous(*tensor);
    data_ = held_->template const_data_ptr<T>();
  }
  operator const T*() const { return data_; }  // NOLINT: reads like a pointer

 private:
  OptionalTensor held_;
  const T* data_ = nullptr;
};

template <typename T>
constexpr torch::headeronly::ScalarType scalar_type() {
  using torch::headeronly::ScalarType;
  if constexpr (std::is_same_v<T, float>) return ScalarType::Float;
  if constexpr (std::is_same_v<T, double>) return ScalarType::Double;
  if constexpr (std::is_same_v<T, int32_t>) return ScalarType::Int;
  return ScalarType::Long;
}

// Uninitialised tensor of T on the device of `like`.
template <typename T, size_t Rank>
Tensor scratch(const Tensor& like, const std::array<int64_t, Rank>& size) {
  const torch::headeronly::IntHeaderOnlyArrayRef shape(size.data(), Rank);
  return torch::stable::new_empty(like, shape, scalar_type<T>());
}

template <typename T>
T* output(const Tensor& tensor) {
  return tensor.mutable_data_ptr<T>();
}

// Calls f(float{}) or f(double{}) by the dtype of `tensor`.
template <typename F>
auto by_dtype(const Tensor& tensor, F&& f) {
  using torch::headeronly::ScalarType;
  const ScalarType dtype = tensor.scalar_type();
  STD_TORCH_CHECK(dtype == ScalarType::Float || dtype == ScalarType::Double,
                  "graphlab: CUDA kernels take float32 or float64, got ",
                  torch::headeronly::toString(dtype));
  return dtype == ScalarType::Float ? f(float{}) : f(double{});
}

inline void check_matrix(const Tensor& tensor, const char* name) {
  STD_TORCH_CHECK(tensor.dim() == 2, "graphlab: ", name, " must have 2 dimensions, got ",
                  tensor.dim());
}

inline void check_length(const OptionalTensor& tensor, int64_t length, const char* name) {
  if (!tensor.has_value()) return;
  STD_TORCH_CHECK(tensor->numel() == length, "graphlab: ", name, " must have ", length,
                  " elements, got ", tensor->numel());
}

// --- device --------------------------------------------------------------------------------------

// Four values that are loaded and stored 16 bytes at a time.
template <typename T>
struct alignas(16) Vec4 {
  T x[4];
};

constexpr int kVec = 4;

__device__ inline int lane_id() { return static_cast<int>(threadIdx.x % kWarp); }

// Number of this warp in the grid, and of all warps.
__device__ inline int64_t warp_id() {
  return static_cast<int64_t>(blockIdx.x) * kWarpsPerBlock + threadIdx.x / kWarp;
}
__device__ inline int64_t warp_count() { return static_cast<int64_t>(gridDim.x) * kWarpsPerBlock; }

// Number of this thread in the grid, and of all threads.
__device__ inline int64_t thread_id() {
  return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline int64_t thread_count() { return static_cast<int64_t>(gridDim.x) * blockDim.x; }

// Sum over aligned groups of Width lanes; every lane gets it. The tree is fixed.
template <int Width, typename T>
__device__ inline T group_sum(T value) {
#pragma unroll
  for (int step = Width / 2; step > 0; step /= 2) {
    value += __shfl_xor_sync(kAllLanes, value, step);
  }
  return value;
}

// Quotient and remainder; 64-bit division costs ten times the 32-bit one, which mostly suffices.
__device__ inline void divide(int64_t value, int64_t by, int64_t& quotient, int64_t& remainder) {
  if (((value | by) >> 32) == 0) {
    const uint32_t v = static_cast<uint32_t>(value), b = static_cast<uint32_t>(by);
    quotient = v / b;
    remainder = v % b;
  } else {
    quotient = value / by;
    remainder = value % by;
  }
}

}  // namespace graphlab::cuda
