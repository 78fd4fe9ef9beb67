// Stable sorts of pairs of indices by their digits. Indices of many values are cheaper to sort in a few
// passes of at most 10 bits, whose destinations all lie in the first cache, than in one pass with a
// destination for every value.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>

#include "cpu/memory.h"
#include "cpu/parallel.h"

namespace graphlab::cpu {

// Bits of the numbers [0, count); at most 31 in all that follows.
inline int bits_of(int64_t count) {
  return static_cast<int>(std::bit_width(static_cast<uint64_t>(std::max<int64_t>(count, 1) - 1)));
}

// A pair of indices and a number in one word: the high index, the low index, the number.
class OneWord {
 public:
  using Item = uint64_t;
  static constexpr bool kNumbers = true;

  OneWord(int high_bits, int low_bits, int number_bits)
      : key_bits_(high_bits + low_bits), low_bits_(low_bits), number_bits_(number_bits) {}

  int key_bits() const { return key_bits_; }
  int low_bits() const { return low_bits_; }

  Item make(int64_t high, int64_t low, int64_t number) const {
    const uint64_t pair = static_cast<uint64_t>(high) << low_bits_ | static_cast<uint64_t>(low);
    return pair << number_bits_ | static_cast<uint64_t>(number);
  }
  uint64_t key(Item item) const { return item >> number_bits_; }
  // Where the key's bits from `low` on begin in an item.
  int shift(int low) const { return number_bits_ + low; }
  static uint64_t shifted(Item item, int shift) { return item >> shift; }
  int64_t high(Item item) const { return static_cast<int64_t>(key(item) >> low_bits_); }
  int64_t low(Item item) const {
    return static_cast<int64_t>(key(item) & ((uint64_t{1} << low_bits_) - 1));
  }
  int64_t number(Item item) const {
    return static_cast<int64_t>(item & ((uint64_t{1} << number_bits_) - 1));
  }

 private:
  int key_bits_, low_bits_, number_bits_;
};

// A pair alone, where nobody asks for numbers.
template <typename Word>
class PairOnly {
 public:
  using Item = Word;
  static constexpr bool kNumbers = false;

  PairOnly(int high_bits, int low_bits, int /*number_bits*/)
      : key_bits_(high_bits + low_bits), low_bits_(low_bits) {}

  int key_bits() const { return key_bits_; }
  int low_bits() const { return low_bits_; }

  Item make(int64_t high, int64_t low, int64_t /*number*/) const {
    return static_cast<Word>(high) << low_bits_ | static_cast<Word>(low);
  }
  uint64_t key(Item item) const { return item; }
  int shift(int low) const { return low; }
  static uint64_t shifted(Item item, int shift) { return uint64_t{item} >> shift; }
  int64_t high(Item item) const { return static_cast<int64_t>(uint64_t{item} >> low_bits_); }
  int64_t low(Item item) const {
    return static_cast<int64_t>(item & ((uint64_t{1} << low_bits_) - 1));
  }

 private:
  int key_bits_, low_bits_;
};

// A pair and a number in two words, for graphs that are too large for one.
class TwoWords {
 public:
  static constexpr bool kNumbers = true;

  struct Item {
    uint64_t key;
    int64_t number;
  };

  TwoWords(int high_bits, int low_bits, int /*number_bits*/)
      : key_bits_(high_bits + low_bits), low_bits_(low_bits) {}

  int key_bits() const { return key_bits_; }
  int low_bits() const { return low_bits_; }

  Item make(int64_t high, int64_t low, int64_t number) const {
    return {static_cast<uint64_t>(high) << low_bits_ | static_cast<uint64_t>(low), number};
  }
  uint64_t key(const Item& item) const { return item.key; }
  int shift(int low) const { return low; }
  static uint64_t shifted(const Item& item, int shift) { return item.key >> shift; }
  int64_t high(const Item& item) const { return static_cast<int64_t>(item.key >> low_bits_); }
  int64_t low(const Item& item) const {
    return static_cast<int64_t>(item.key & ((uint64_t{1} << low_bits_) - 1));
  }
  int64_t number(const Item& item) const { return item.number; }

 private:
  int key_bits_, low_bits_;
};

constexpr int kDigitBits = 10;
constexpr int64_t kPiece = int64_t{1} << 22;  // items of a loop between two looks at signals

struct Range {
  int64_t begin, end;
};

inline Range share(int64_t count, int64_t worker, int64_t workers) {
  return {count * worker / workers, count * (worker + 1) / workers};
}

// Passes that sort by `bits` bits.
inline int radix_passes(int bits) {
  return std::max(1, static_cast<int>(divide_up(bits, kDigitBits)));
}

// Threads that pass over `count` items: fewer than 2^15 items are not worth one.
inline int64_t pass_workers(int64_t count) {
  const int64_t most = std::min<int64_t>(torch::stable::get_num_threads(), 16);
  return std::max<int64_t>(1, std::min(count >> 15, most));
}

// A stable pass: how many items every worker has of every bucket, then where it writes the next one. A
// worker's items follow those of the workers before it, so the order does not depend on their number.
class Buckets {
 public:
  Buckets(int64_t workers, int bits)
      : workers_(workers), size_(int64_t{1} << bits), next_(workers * size_, 0) {}

  int32_t* of(int64_t worker) const { return next_.get() + worker * size_; }

  // From counts to places; pointers (2^bits + 1), if any, receives the beginnings.
  void accumulate(int64_t* pointers = nullptr) const {
    int64_t sum = 0;
    for (int64_t b = 0; b < size_; ++b) {
      if (pointers != nullptr) pointers[b] = sum;
      for (int64_t w = 0; w < workers_; ++w) {
        sum += std::exchange(next_[w * size_ + b], static_cast<int32_t>(sum));
      }
    }
    if (pointers != nullptr) pointers[size_] = sum;
  }

 private:
  int64_t workers_, size_;
  Buffer<int32_t> next_;
};

// The loops of a pass over the items [begin, end). Functions are passed as copies: what these hold stays in
// registers, whatever the loops write.
template <typename Source, typename Digit>
inline void count_digits(
    int64_t begin, int64_t end, Source source, Digit digit, int32_t* counts) {
  for (int64_t k = begin; k < end; ++k) ++counts[digit(source(k))];
}

template <typename Source, typename Digit, typename Put>
inline void move_items(
    int64_t begin, int64_t end, Source source, Digit digit, Put put, int32_t* next) {
  for (int64_t k = begin; k < end; ++k) {
    const auto item = source(k);
    put(next[digit(item)]++, item);
  }
}

// Runs body(worker, begin, end) over every worker's share of `count` items, piece by piece.
template <typename F>
void for_shares(int64_t count, const F& body) {
  const int64_t workers = pass_workers(count);
  parallel_workers(workers, [&](int64_t worker) {
    const Range range = share(count, worker, workers);
    for_pieces(range.begin, range.end, kPiece, [&](int64_t begin, int64_t end) {
      body(worker, begin, end);
    });
  });
}

// The bits [low, low + bits) of the key of an item.
template <typename Packing>
struct DigitOf {
  DigitOf(const Packing& packing, int low, int bits)
      : shift(packing.shift(low)), mask((uint64_t{1} << bits) - 1) {}
  int64_t operator()(const typename Packing::Item& item) const {
    return static_cast<int64_t>(Packing::shifted(item, shift) & mask);
  }
  int shift;
  uint64_t mask;
};

// Sorts items by the bits [begin, end) of their keys; source(k) is item k, and
// source.count(begin, end, low, bits, digit, counts) counts a digit of its items. Both buffers hold `count`
// items, and source may read the second one. Returns the buffer that holds the sorted items, the first
// one after an odd number of passes; the other one is free.
template <typename Packing, typename Source>
typename Packing::Item* radix_sort(
    const Packing& packing, int64_t count, int begin, int end, const Source& source,
    typename Packing::Item* first, typename Packing::Item* second) {
  using Item = typename Packing::Item;
  const int64_t workers = pass_workers(count);
  const int passes = radix_passes(end - begin);
  const auto low = [&](int pass) { return begin + (end - begin) * pass / passes; };
  const auto bits = [&](int pass) { return low(pass + 1) - low(pass); };
  Buckets buckets(workers, bits(0));
  for_shares(count, [&](int64_t worker, int64_t from, int64_t to) {
    const DigitOf<Packing> digit(packing, low(0), bits(0));
    source.count(from, to, low(0), bits(0), digit, buckets.of(worker));
  });
  Item *from = second, *to = first;
  for (int pass = 0; pass < passes; ++pass) {
    buckets.accumulate();
    const bool last = pass + 1 == passes;
    const DigitOf<Packing> digit(packing, low(pass), bits(pass));
    const DigitOf<Packing> next(packing, low(last ? pass : pass + 1), bits(last ? pass : pass + 1));
    Buckets following(workers, last ? 0 : bits(pass + 1));
    const auto move = [&](int64_t worker, int64_t start, int64_t stop, const auto& put) {
      if (pass == 0) {
        move_items(start, stop, source, digit, put, buckets.of(worker));
      } else {
        const auto read = [from](int64_t k) { return from[k]; };
        move_items(start, stop, read, digit, put, buckets.of(worker));
      }
    };
    const auto put = [to](int64_t position, const Item& item) { to[position] = item; };
    // One worker counts the next digit of what it moves; several will have other items then.
    const auto put_and_count = [to, next, counts = following.of(0)](
                                   int64_t position, const Item& item) {
      to[position] = item;
      ++counts[next(item)];
    };
    for_shares(count, [&](int64_t worker, int64_t start, int64_t stop) {
      if (last || workers > 1) {
        move(worker, start, stop, put);
      } else {
        move(worker, start, stop, put_and_count);
      }
    });
    std::swap(from, to);
    if (!last && workers > 1) {
      for_shares(count, [&](int64_t worker, int64_t start, int64_t stop) {
        const auto read = [from](int64_t k) { return from[k]; };
        count_digits(start, stop, read, next, following.of(worker));
      });
    }
    buckets = std::move(following);
  }
  return from;
}

// Items that lie in a buffer.
template <typename Item>
struct StoredItems {
  const Item* items;

  Item operator()(int64_t k) const { return items[k]; }
  template <typename Digit>
  void count(int64_t begin, int64_t end, int, int, const Digit& digit, int32_t* counts) const {
    count_digits(begin, end, *this, digit, counts);
  }
};

// Finishes the pointers (size + 1) of sorted items, which hold one past the last item of every index
// behind it, and zero where an index has none.
inline void fill_pointers(int64_t size, int64_t* pointers) {
  // Indices that no item has still hold zero: they begin where those before them end.
  int64_t end = 0;
  for (int64_t i = 0; i <= size; ++i) {
    end = std::max(end, pointers[i]);
    pointers[i] = end;
  }
}

// Runs body(worker, begin, end) over ranges of sorted items, none of which parts items of one index.
template <typename Index, typename F>
void for_sorted(int64_t count, const Index& index, const F& body) {
  const int64_t workers = pass_workers(count);
  const auto border = [&](int64_t worker) {
    int64_t k = count * worker / workers;
    while (0 < k && k < count && index(k) == index(k - 1)) ++k;
    return k;
  };
  parallel_workers(workers, [&](int64_t worker) {
    for_pieces(border(worker), border(worker + 1), kPiece, [&](int64_t begin, int64_t end) {
      body(worker, begin, end);
    });
  });
}

}  // namespace graphlab::cpu
