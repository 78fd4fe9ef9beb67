#include "cpu/isa.h"

#include <cstdlib>
#include <cstring>

namespace graphlab::cpu {
namespace {

Isa detect() {
  Isa found = Isa::baseline;
#if GRAPHLAB_X86
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found = Isa::avx2;
  if (found == Isa::avx2 && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq")) {
    found = Isa::avx512;
  }
#endif
  const char* wish = std::getenv("GRAPHLAB_CPU_ISA");
  if (wish == nullptr) return found;
  if (std::strcmp(wish, "baseline") == 0) return Isa::baseline;
  if (std::strcmp(wish, "avx2") == 0 && found == Isa::avx512) return Isa::avx2;
  return found;
}

}  // namespace

Isa active_isa() {
  static const Isa isa = detect();
  return isa;
}

int vector_bytes() {
  switch (active_isa()) {
    case Isa::avx512:
      return 64;
    case Isa::avx2:
      return 32;
    default:
      return 16;
  }
}

}  // namespace graphlab::cpu
