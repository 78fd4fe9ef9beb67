// Scratch memory, and the pages behind large arrays.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace graphlab::cpu {

// Asks for huge pages behind fresh memory that is about to be filled: touching it page by page can
// take as long as computing what goes into it. Without them, or for small arrays, nothing changes.
inline void prefer_huge_pages(void* data, int64_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr uintptr_t kPage = uintptr_t{1} << 21;
  const auto first = reinterpret_cast<uintptr_t>(data);
  const uintptr_t begin = (first + kPage - 1) & ~(kPage - 1);
  const uintptr_t end = (first + static_cast<uintptr_t>(bytes)) & ~(kPage - 1);
  if (end > begin + kPage) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#else
  (void)data, (void)bytes;
#endif
}

// Uninitialised memory on a cache line of its own.
template <typename T>
class Buffer {
 public:
  explicit Buffer(int64_t count)
      : data_(static_cast<T*>(::operator new(checked_bytes(count), kLine))) {
    prefer_huge_pages(data_, static_cast<int64_t>(sizeof(T)) * count);
  }
  Buffer(int64_t count, T value) : Buffer(count) { std::fill_n(data_, count, value); }
  Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  Buffer(const Buffer&) = delete;
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { ::operator delete(data_, kLine); }

  T* get() const { return data_; }
  T& operator[](int64_t i) const { return data_[i]; }

 private:
  static size_t checked_bytes(int64_t count) {
    constexpr size_t most = PTRDIFF_MAX / sizeof(T);
    if (count < 0 || static_cast<size_t>(count) > most) throw std::bad_array_new_length();
    return sizeof(T) * static_cast<size_t>(count);
  }

  static constexpr std::align_val_t kLine{64};
  T* data_;
};

}  // namespace graphlab::cpu
