// Includes the file named by GRAPHLAB_LOOPS once per instruction set; see isa.h.
// Every standard header must be included before, so that no shared inline function is compiled for
// an instruction set that the machine may lack.
#include "cpu/isa.h"

#if GRAPHLAB_X86

#if defined(__clang__)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,prefer-vector-width=512")
#endif
#define GRAPHLAB_ISA avx512
#define GRAPHLAB_VECTOR_BYTES 64
#define GRAPHLAB_TILE_ROWS 12
#include "cpu/simd.h"
#include GRAPHLAB_LOOPS
#undef GRAPHLAB_ISA
#undef GRAPHLAB_VECTOR_BYTES
#undef GRAPHLAB_TILE_ROWS
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define GRAPHLAB_ISA avx2
#define GRAPHLAB_VECTOR_BYTES 32
#define GRAPHLAB_TILE_ROWS 6
#include "cpu/simd.h"
#include GRAPHLAB_LOOPS
#undef GRAPHLAB_ISA
#undef GRAPHLAB_VECTOR_BYTES
#undef GRAPHLAB_TILE_ROWS
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif  // GRAPHLAB_X86

#define GRAPHLAB_ISA baseline
#define GRAPHLAB_VECTOR_BYTES 16
#define GRAPHLAB_TILE_ROWS 6
#include "cpu/simd.h"
#include GRAPHLAB_LOOPS
#undef GRAPHLAB_ISA
#undef GRAPHLAB_VECTOR_BYTES
#undef GRAPHLAB_TILE_ROWS
