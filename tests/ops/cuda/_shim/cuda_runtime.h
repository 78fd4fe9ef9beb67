// The CUDA of one block after another on one CPU thread, enough to run the kernels of
// cuda_ops/csrc/cuda against the definition without a GPU.
//
// A C++ compiler finds this file in place of the real cuda_runtime.h. Every CUDA thread of a block
// is a fiber; barriers and shuffles hand control on until all fibers (of the block, of the warp)
// have arrived. The order in which fibers run is drawn anew at every barrier, so that a missing
// barrier shows as a wrong or an irreproducible result. A barrier that not all reach is an error.
#pragma once

#include <math.h>
#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <vector>

// The real headers of torch declare these for CUDA builds; the CPU build of torch lacks them.
#define aoti_torch_get_current_cuda_stream shim_get_current_cuda_stream
#define aoti_torch_create_device_guard shim_create_device_guard
#define aoti_torch_delete_device_guard shim_delete_device_guard

#define __global__
#define __device__
#define __host__
#define __shared__ static
#define __launch_bounds__(...)

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
using cudaStream_t = void*;
enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidConfiguration = 9 };
struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  size_t dynamicSmemBytes;
  cudaStream_t stream;
};
inline cudaError_t cudaSetDevice(int) { return cudaSuccess; }
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline const char* cudaGetErrorString(cudaError_t) { return "invalid launch configuration"; }

inline dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace shim {

constexpr size_t kStack = 256 * 1024;

struct Fiber {
  ucontext_t context;    // starts the fiber
  jmp_buf jump;          // continues it: unlike swapcontext, a jump makes no system call
  bool started = false;
  std::vector<char> stack = std::vector<char>(kStack);
  int waiting = 0;       // 0: runs, 1: at a warp barrier, 2: at a block barrier, 3: done
  uint64_t exchange[2];  // what the thread shows its warp, and what it read
};

inline std::vector<Fiber> fibers;
inline ucontext_t scheduler_context;
inline jmp_buf scheduler;
inline size_t current;
inline std::function<void()> body;
inline std::mt19937 order_source{12345};

inline void wait(int kind) {
  Fiber& fiber = fibers[current];
  fiber.waiting = kind;
  if (_setjmp(fiber.jump) == 0) _longjmp(scheduler, 1);
}

// Runs a fiber up to its next barrier.
inline void resume(size_t index) {
  Fiber& fiber = fibers[index];
  current = index;
  threadIdx = dim3(static_cast<unsigned>(index));
  if (_setjmp(scheduler) != 0) return;
  if (fiber.started) _longjmp(fiber.jump, 1);
  fiber.started = true;
  setcontext(&fiber.context);
}

inline void enter() {
  body();
  wait(3);
}

// Lets fibers [first, last) go on if all that are not done wait for `kind`.
inline bool release(size_t first, size_t last, int kind) {
  bool any = false;
  for (size_t i = first; i < last; ++i) {
    if (fibers[i].waiting != kind && fibers[i].waiting != 3) return false;
    any = any || fibers[i].waiting == kind;
  }
  for (size_t i = first; i < last; ++i) {
    if (fibers[i].waiting == kind) fibers[i].waiting = 0;
  }
  return any;
}

inline void run_block(size_t threads) {
  if (fibers.size() < threads) fibers.resize(threads);
  std::vector<size_t> order(threads);
  for (size_t i = 0; i < threads; ++i) {
    Fiber& fiber = fibers[i];
    order[i] = i;
    fiber.waiting = 0;
    fiber.started = false;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.data();
    fiber.context.uc_stack.ss_size = kStack;
    fiber.context.uc_link = &scheduler_context;
    makecontext(&fiber.context, enter, 0);
  }
  for (bool moved = true; moved;) {
    moved = false;
    std::shuffle(order.begin(), order.end(), order_source);
    for (size_t i : order) {
      if (fibers[i].waiting != 0) continue;
      resume(i);
      moved = true;
    }
    for (size_t w = 0; w < threads; w += 32) moved |= release(w, std::min(w + 32, threads), 1);
    moved |= release(0, threads, 2);
  }
  for (size_t i = 0; i < threads; ++i) {
    if (fibers[i].waiting == 3) continue;
    std::fprintf(stderr, "shim: a barrier was not reached by all threads\n");
    std::abort();
  }
}

// Every lane shows a value and reads that of another one of its warp.
template <typename T>
T exchange(T value, unsigned source) {
  static_assert(sizeof(T) <= sizeof(uint64_t));
  Fiber& mine = fibers[current];
  std::memcpy(&mine.exchange[0], &value, sizeof(T));
  wait(1);
  mine.exchange[1] = fibers[current / 32 * 32 + source % 32].exchange[0];
  wait(1);
  std::memcpy(&value, &mine.exchange[1], sizeof(T));
  return value;
}

}  // namespace shim

inline void __syncthreads() { shim::wait(2); }
inline void __syncwarp(unsigned = 0xffffffffu) { shim::wait(1); }
inline int __popc(unsigned value) { return __builtin_popcount(value); }
inline int __ffs(unsigned value) { return __builtin_ffs(static_cast<int>(value)); }

template <typename T>
T __shfl_xor_sync(unsigned, T value, int mask) {
  return shim::exchange(value, static_cast<unsigned>(shim::current % 32) ^ mask);
}
template <typename T>
T __shfl_sync(unsigned, T value, int source) {
  return shim::exchange(value, static_cast<unsigned>(source));
}
template <typename T>
T __shfl_up_sync(unsigned, T value, int delta) {
  const unsigned lane = static_cast<unsigned>(shim::current % 32);
  return shim::exchange(value, lane < static_cast<unsigned>(delta) ? lane : lane - delta);
}
inline unsigned __ballot_sync(unsigned, bool value) {
  unsigned mask = 0;
  for (unsigned lane = 0; lane < 32; ++lane) {
    mask |= static_cast<unsigned>(shim::exchange(value, lane)) << lane;
  }
  return mask;
}
template <typename T>
unsigned __match_any_sync(unsigned, T value) {
  unsigned mask = 0;
  for (unsigned lane = 0; lane < 32; ++lane) {
    mask |= static_cast<unsigned>(shim::exchange(value, lane) == value) << lane;
  }
  return mask;
}
template <typename T>
T atomicAdd(T* at, T value) {
  const T before = *at;
  *at += value;
  return before;
}

template <typename T>
T atomicExch(T* at, T value) {
  const T before = *at;
  *at = value;
  return before;
}

#ifdef SHIM_ONLY_TELL_LAUNCHES
// Nothing runs: the numbers of a launch are told, so that sizes no memory holds can be tried.
template <typename... Params, typename... Args>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*)(Params...), Args...) {
  const dim3 grid = config->gridDim, block = config->blockDim;
  std::printf("launch %u %u %u %u\n", grid.x, grid.y, grid.z, block.x);
  std::fflush(stdout);
  return cudaSuccess;
}
#else
template <typename... Params, typename... Args>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Params...),
                               Args... args) {
  gridDim = config->gridDim;
  blockDim = config->blockDim;
  if (gridDim.y > 65535 || gridDim.z > 65535) return cudaErrorInvalidConfiguration;
  shim::body = [=] { kernel(args...); };
  for (unsigned z = 0; z < gridDim.z; ++z) {
    for (unsigned y = 0; y < gridDim.y; ++y) {
      for (unsigned x = 0; x < gridDim.x; ++x) {
        blockIdx = dim3(x, y, z);
        shim::run_block(blockDim.x);
      }
    }
  }
  return cudaSuccess;
}
#endif

// What stands in for the functions renamed above; no CPU tensor has a device to guard.
extern "C" {
struct DeviceGuardOpaque;
inline int32_t shim_get_current_cuda_stream(int32_t, void** stream) {
  *stream = nullptr;
  return 0;
}
inline int32_t shim_create_device_guard(int32_t, DeviceGuardOpaque** guard) {
  *guard = nullptr;
  return 0;
}
inline int32_t shim_delete_device_guard(DeviceGuardOpaque*) { return 0; }
}
