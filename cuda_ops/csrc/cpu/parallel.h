// Work sharing that leaves no trace of the number of threads in the results: the caller cuts the
// work into tasks of fixed size, and whichever thread runs a task computes the same bits.
#pragma once

#include <torch/csrc/stable/ops.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>

#include "cpu/interrupt.h"
#include "cpu/memory.h"

namespace graphlab::cpu {

inline int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t round_up(int64_t a, int64_t b) { return divide_up(a, b) * b; }

// Runs body(worker) for every worker in [0, count), on different threads where there are as many.
// What a worker throws is thrown here, and ends the others at their next check_interrupt(): from
// torch's own loop it would come without type and words. The calling thread waits for the others
// where it can still hear Ctrl-C.
template <typename F>
void parallel_workers(int64_t count, const F& body) {
  if (count <= 1) {
    if (count == 1) body(int64_t{0});
    return;
  }
  Team team;
  std::atomic<bool> failed{false};
  std::atomic<int64_t> left{count};
  std::exception_ptr error;
  const auto guarded = [&](const auto& work) {
    try {
      work();
    } catch (...) {
      if (!failed.exchange(true)) error = std::current_exception();
      team.stop();
    }
  };
  torch::stable::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
    const Membership membership(team);
    guarded([&] {
      for (int64_t worker = begin; worker < end; ++worker) body(worker);
    });
    left.fetch_sub(end - begin);
    if (!team.led_by_this_thread()) return;
    guarded([&] {
      for (int waited = 0; left.load() > 0; pause_for_team(waited)) check_interrupt();
    });
  });
  if (error) std::rethrow_exception(error);
}

// Runs body(task) for every task in [0, count); idle threads take the next task.
template <typename F>
void parallel_tasks(int64_t count, const F& body) {
  if (count <= 1) {
    check_interrupt();
    if (count == 1) body(int64_t{0});
    return;
  }
  std::atomic<int64_t> next{0};
  parallel_workers(std::min<int64_t>(count, torch::stable::get_num_threads()), [&](int64_t) {
    for (int64_t task = next.fetch_add(1); task < count; task = next.fetch_add(1)) {
      check_interrupt();
      body(task);
    }
  });
}

// Runs body(begin, end) on one piece of [begin, end) after another, on this thread: a long loop that
// hears Ctrl-C.
template <typename F>
void for_pieces(int64_t begin, int64_t end, int64_t length, const F& body) {
  for (; begin < end; begin += length) {
    check_interrupt();
    body(begin, std::min(begin + length, end));
  }
}

// Runs body(begin, end) over fixed ranges of [0, count).
template <typename F>
void parallel_ranges(int64_t count, int64_t length, const F& body) {
  parallel_tasks(divide_up(count, length), [&](int64_t task) {
    body(task * length, std::min(count, (task + 1) * length));
  });
}

}  // namespace graphlab::cpu
