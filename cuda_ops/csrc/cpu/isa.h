// Run-time choice among the copies of the inner loops, so that one binary serves every machine.
//
// Inner loops live in `*_loops.h`. `for_each_isa.h` includes such a file once per instruction set,
// each time in a namespace of its own (baseline, avx2, avx512) and compiled for that set; the
// drivers pick a copy with GRAPHLAB_SELECT.
#pragma once

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define GRAPHLAB_X86 1
#else
#define GRAPHLAB_X86 0
#endif

namespace graphlab::cpu {

enum class Isa { baseline, avx2, avx512 };

// The widest set this machine has; the environment variable GRAPHLAB_CPU_ISA
// (baseline, avx2) lowers it, for tests.
Isa active_isa();

// Bytes of a vector register of the active set.
int vector_bytes();

// Values of type T in a vector register of the active set.
template <typename T>
int lanes() {
  return vector_bytes() / static_cast<int>(sizeof(T));
}

}  // namespace graphlab::cpu

#if GRAPHLAB_X86
#define GRAPHLAB_SELECT(...)                                                   \
  (::graphlab::cpu::active_isa() == ::graphlab::cpu::Isa::avx512               \
       ? &avx512::__VA_ARGS__                                                  \
       : ::graphlab::cpu::active_isa() == ::graphlab::cpu::Isa::avx2           \
           ? &avx2::__VA_ARGS__                                                \
           : &baseline::__VA_ARGS__)
#else
#define GRAPHLAB_SELECT(...) (&baseline::__VA_ARGS__)
#endif
