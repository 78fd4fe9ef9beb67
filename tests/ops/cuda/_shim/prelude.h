// Included before every kernel file: torch's headers first, then the one word that makes the kernels
// register for CPU tensors (for meta tensors where launches are only told).
#pragma once

#include <cuda_runtime.h>

#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/csrc/stable/accelerator.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#ifdef SHIM_ONLY_TELL_LAUNCHES
#define CUDA Meta
#else
#define CUDA CPU
#endif
