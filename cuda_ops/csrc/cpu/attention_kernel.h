// CPU kernels of attention.h on plain arrays.
#pragma once

#include <cstdint>

namespace graphlab::cpu {

template <typename T>
struct Segments {
  const T* qkv;        // (ptr[segments], 3 * heads * width)
  const int64_t* ptr;  // (segments + 1,)
  int64_t segments, heads, width;
};

template <typename T>
struct AttentionGrads {
  const T* grad;      // (rows, heads * width)
  const T* grad_lse;  // (rows, heads)
  const T* out;       // as the forward gave it
  const T* lse;
};

template <typename T>
void segment_attention(const Segments<T>& segments, T* out, T* lse);

template <typename T>
void segment_attention_backward(
    const Segments<T>& segments, const AttentionGrads<T>& grads, T* grad_qkv);

}  // namespace graphlab::cpu
