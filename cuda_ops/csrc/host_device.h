// How a small function is declared that both sides call.
//
// On the CPU it is always inlined: the inner loops are compiled once per instruction set, and a copy
// of its own would be compiled for one of them only.
#pragma once

#if defined(__CUDACC__)
#define GRAPHLAB_HD __host__ __device__ __forceinline__
#else
#define GRAPHLAB_HD inline __attribute__((always_inline))
#endif
