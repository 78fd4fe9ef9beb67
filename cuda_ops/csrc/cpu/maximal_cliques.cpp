// Maximal cliques by Bron and Kerbosch's recursion with Tomita's pivot, one root per node in an order
// of degeneracy (Eppstein, Loeffler, Strash): the candidates of a root are its later neighbours, at
// most the degeneracy many, so that they and their adjacency fit into short local bitsets.
#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

#include "cliques.h"
#include "cpu/clique_graph.h"
#include "cpu/parallel.h"

namespace graphlab::cpu {
namespace {

struct CliqueLimits {
  int64_t cliques;  // negative: none
  double seconds;   // not positive: none
};

enum class CliqueStatus : int64_t { kDone = 0, kTooMany = 1, kTooLong = 2 };

using Word = uint64_t;
using Clock = std::chrono::steady_clock;

int64_t words_for(int64_t bits) { return (bits + 63) / 64; }

bool test(const Word* set, int64_t bit) { return set[bit >> 6] >> (bit & 63) & 1; }
void insert(Word* set, int64_t bit) { set[bit >> 6] |= Word{1} << (bit & 63); }
void erase(Word* set, int64_t bit) { set[bit >> 6] &= ~(Word{1} << (bit & 63)); }

// Calls body(bit) for every member; body returns false to stop.
template <typename F>
bool for_bits(const Word* set, int64_t words, const F& body) {
  for (int64_t w = 0; w < words; ++w) {
    for (Word rest = set[w]; rest != 0; rest &= rest - 1) {
      if (!body(w * 64 + std::countr_zero(rest))) return false;
    }
  }
  return true;
}

bool is_empty(const Word* set, int64_t words) {
  return std::all_of(set, set + words, [](Word word) { return word == 0; });
}

int64_t common(const Word* a, const Word* b, int64_t words) {
  int64_t count = 0;
  for (int64_t w = 0; w < words; ++w) count += std::popcount(a[w] & b[w]);
  return count;
}

int64_t degree(const CliqueGraph& graph, int64_t node) {
  return graph.rowptr[node + 1] - graph.rowptr[node];
}

// Position of every node in an order that removes a node of least remaining degree at each step.
std::vector<int32_t> degeneracy_rank(const CliqueGraph& graph) {
  const int64_t nodes = graph.nodes;
  int64_t largest = 0;
  std::vector<int64_t> left(nodes);
  for (int64_t v = 0; v < nodes; ++v) {
    left[v] = degree(graph, v);
    largest = std::max(largest, left[v]);
  }
  // Nodes sorted by remaining degree; start[d] is where those of degree d begin.
  std::vector<int64_t> start(largest + 2, 0);
  for (int64_t v = 0; v < nodes; ++v) ++start[left[v] + 1];
  std::partial_sum(start.begin(), start.end(), start.begin());
  std::vector<int32_t> order(nodes), place(nodes);
  std::vector<int64_t> next(start.begin(), start.end() - 1);
  for (int64_t v = 0; v < nodes; ++v) {
    place[v] = static_cast<int32_t>(next[left[v]]++);
    order[place[v]] = static_cast<int32_t>(v);
  }
  for (int64_t at = 0; at < nodes; ++at) {
    if (at % 4096 == 0) check_interrupt();
    const int32_t v = order[at];
    for (int64_t e = graph.rowptr[v]; e < graph.rowptr[v + 1]; ++e) {
      const int32_t u = graph.col[e];
      if (left[u] <= left[v]) continue;
      // Swap u to the front of its degree and move the border behind it.
      const int64_t front = std::max<int64_t>(start[left[u]], at + 1);
      const int32_t other = order[front];
      std::swap(order[place[u]], order[front]);
      std::swap(place[u], place[other]);
      start[left[u]] = front + 1;
      --left[u];
    }
  }
  return place;
}

// The later neighbours of every node: rows no longer than the degeneracy.
struct Forward {
  std::vector<int64_t> ptr;
  std::vector<int32_t> col;  // ascending within a row

  explicit Forward(const CliqueGraph& graph) : ptr(1, 0) {
    const std::vector<int32_t> rank = degeneracy_rank(graph);
    ptr.reserve(graph.nodes + 1);
    col.reserve(graph.rowptr[graph.nodes] / 2);
    for (int64_t v = 0; v < graph.nodes; ++v) {
      if (v % 4096 == 0) check_interrupt();
      for (int64_t e = graph.rowptr[v]; e < graph.rowptr[v + 1]; ++e) {
        if (rank[graph.col[e]] > rank[v]) col.push_back(graph.col[e]);
      }
      ptr.push_back(static_cast<int64_t>(col.size()));
    }
  }

  const int32_t* row(int64_t node) const { return col.data() + ptr[node]; }
};

// What all threads share: when to stop, and how many cliques there are.
class Budget {
 public:
  explicit Budget(const CliqueLimits& limits) : limits_(limits), begin_(Clock::now()) {}

  bool stopped() const { return status_.load(std::memory_order_relaxed) != 0; }
  CliqueStatus status() const { return static_cast<CliqueStatus>(status_.load()); }

  bool take() {
    const int64_t number = found_.fetch_add(1, std::memory_order_relaxed) + 1;
    if (limits_.cliques >= 0 && number > limits_.cliques) stop(CliqueStatus::kTooMany);
    return !stopped();
  }
  void look_at_clock() {
    check_interrupt();
    if (limits_.seconds <= 0) return;
    const std::chrono::duration<double> passed = Clock::now() - begin_;
    if (passed.count() > limits_.seconds) stop(CliqueStatus::kTooLong);
  }

 private:
  void stop(CliqueStatus why) {
    int64_t running = 0;
    status_.compare_exchange_strong(running, static_cast<int64_t>(why));
  }

  const CliqueLimits limits_;
  const Clock::time_point begin_;
  std::atomic<int64_t> found_{0}, status_{0};
};

// Cliques, ascending within each.
struct Found {
  std::vector<int64_t> sizes, members;
};

// The cliques of one root at a time; scratch and results of one thread.
class Searcher {
 public:
  Searcher(const CliqueGraph& graph, const Forward& forward, Budget& budget)
      : graph_(graph), forward_(forward), budget_(budget), present_(words_for(graph.nodes), 0),
        local_(graph.nodes, 0) {}

  Found found;

  void operator()(int64_t root) {
    if ((++roots_ & 63) == 0) budget_.look_at_clock();
    clique_.assign(1, root);
    divide(root);
    if (later_ == 0) {
      if (earlier_ == 0) emit();
    } else if (later_ == 1) {
      pair();
    } else {
      search();
    }
  }

 private:
  const int32_t* row(int64_t node) const { return graph_.col + graph_.rowptr[node]; }

  // The universe of a root is its later neighbours, then the earlier ones, each ascending.
  void divide(int64_t root) {
    const int32_t* const begin = row(root);
    const int32_t* const end = row(root + 1);
    const int32_t* later = forward_.row(root);
    const int32_t* const last = forward_.row(root + 1);
    later_ = last - later;
    earlier_ = end - begin - later_;
    if (later_ == 0) return;
    universe_.assign(later, last);
    for (const int32_t* at = begin; at < end; ++at) {
      if (later < last && *later == *at) {
        ++later;
      } else {
        universe_.push_back(*at);
      }
    }
  }

  // With one later neighbour an edge is left: maximal unless an earlier neighbour closes a triangle.
  void pair() {
    const int32_t other = universe_[0];
    const int32_t* at = row(other);
    const int32_t* const end = row(other + 1);
    for (int64_t j = 1; j <= earlier_; ++j) {  // ascending, like the row
      at = std::lower_bound(at, end, universe_[j]);
      if (at == end) break;
      if (*at == universe_[j]) return;
    }
    clique_.push_back(other);
    emit();
  }

  void search() {
    prepare();
    const Level top = level(0);
    std::fill_n(top.can, stride(), Word{0});
    for (int64_t i = 0; i < later_; ++i) insert(top.can, i);
    for (int64_t i = 0; i < earlier_; ++i) insert(top.excluded, i);
    expand(0);
    for (int64_t i = 0; i < later_; ++i) erase(present_.data(), universe_[i]);
  }

  // Notes who is adjacent to whom; earlier neighbours among themselves do not matter. Every edge is
  // in the row of its earlier end.
  void prepare() {
    later_words_ = words_for(later_);
    earlier_words_ = words_for(earlier_);
    for (const int32_t u : universe_) __builtin_prefetch(forward_.row(u));
    for (int64_t i = 0; i < later_; ++i) {
      insert(present_.data(), universe_[i]);
      local_[universe_[i]] = static_cast<int32_t>(i);
    }
    near_later_.assign((later_ + earlier_) * later_words_, 0);
    near_earlier_.assign(later_ * earlier_words_, 0);
    arena_.resize((later_ + 1) * stride());
    for (int64_t j = 0; j < later_ + earlier_; ++j) join(j);
  }

  void join(int64_t j) {
    const int32_t* const end = forward_.row(universe_[j] + 1);
    for (const int32_t* at = forward_.row(universe_[j]); at < end; ++at) {
      if (!test(present_.data(), *at)) continue;
      const int64_t i = local_[*at];
      insert(near_later_.data() + j * later_words_, i);
      if (j < later_) {
        insert(near_later_.data() + i * later_words_, j);
      } else {
        insert(near_earlier_.data() + i * earlier_words_, j - later_);
      }
    }
  }

  const Word* near(int64_t j) const { return near_later_.data() + j * later_words_; }

  // A node of the search: what can still join the clique, what could have joined but was searched
  // already (later and earlier neighbours of the root), and where to branch.
  struct Level {
    Word* can;
    Word* gone;
    Word* excluded;
    Word* branch;
  };

  Level level(int64_t depth) {
    Word* const at = arena_.data() + depth * stride();
    return {at, at + later_words_, at + 2 * later_words_, at + 2 * later_words_ + earlier_words_};
  }
  int64_t stride() const { return 3 * later_words_ + earlier_words_; }

  void expand(int64_t depth) {
    if (budget_.stopped()) return;
    if ((++steps_ & 63) == 0) budget_.look_at_clock();
    const Level now = level(depth);
    if (is_empty(now.can, later_words_)) {
      if (is_empty(now.gone, later_words_) && is_empty(now.excluded, earlier_words_)) emit();
      return;
    }
    const int64_t pivot = find_pivot(now);
    if (pivot < 0) return;
    for (int64_t w = 0; w < later_words_; ++w) now.branch[w] = now.can[w] & ~near(pivot)[w];
    for_bits(now.branch, later_words_, [&](int64_t i) {
      descend(now, level(depth + 1), i);
      clique_.push_back(universe_[i]);
      expand(depth + 1);
      clique_.pop_back();
      erase(now.can, i);
      insert(now.gone, i);
      return !budget_.stopped();
    });
  }

  void descend(const Level& now, const Level& below, int64_t i) const {
    const Word* const mine = near(i);
    const Word* const hers = near_earlier_.data() + i * earlier_words_;
    for (int64_t w = 0; w < later_words_; ++w) {
      below.can[w] = now.can[w] & mine[w];
      below.gone[w] = now.gone[w] & mine[w];
    }
    for (int64_t w = 0; w < earlier_words_; ++w) below.excluded[w] = now.excluded[w] & hers[w];
  }

  // The node with most neighbours among those that can join, so that fewest branches remain; -1 if
  // a searched node is adjacent to all of them, so that nothing below can be maximal.
  int64_t find_pivot(const Level& now) const {
    int64_t pivot = 0, best = -1, total = 0;
    for (int64_t w = 0; w < later_words_; ++w) total += std::popcount(now.can[w]);
    const auto offer = [&](int64_t j, int64_t enough) {
      const int64_t count = common(now.can, near(j), later_words_);
      if (count > best) {
        best = count;
        pivot = j;
      }
      return best < enough;
    };
    for_bits(now.gone, later_words_, [&](int64_t j) { return offer(j, total); });
    for_bits(now.excluded, earlier_words_, [&](int64_t j) { return offer(later_ + j, total); });
    if (best == total) return -1;
    for_bits(now.can, later_words_, [&](int64_t j) { return offer(j, total - 1); });
    return pivot;
  }

  void emit() {
    if (!budget_.take()) return;
    std::vector<int64_t>& members = found.members;
    const size_t begin = members.size();
    members.insert(members.end(), clique_.begin(), clique_.end());
    std::sort(members.begin() + static_cast<std::ptrdiff_t>(begin), members.end());
    found.sizes.push_back(static_cast<int64_t>(clique_.size()));
  }

  const CliqueGraph& graph_;
  const Forward& forward_;
  Budget& budget_;
  std::vector<Word> present_;  // later neighbours: bits stay in the cache where numbers do not
  Buffer<int32_t> local_;      // their numbers
  std::vector<int32_t> universe_;
  int64_t later_ = 0, earlier_ = 0, later_words_ = 0, earlier_words_ = 0;
  std::vector<Word> near_later_, near_earlier_, arena_;
  std::vector<int64_t> clique_;
  uint64_t steps_ = 0, roots_ = 0;
};

// A clique of a thread; the first two nodes as one number decide most comparisons.
struct Row {
  uint64_t key;
  const int64_t* begin;
  int64_t size;

  Row(const int64_t* first, int64_t count) : key(leading(first, count)), begin(first), size(count) {}

  static uint64_t leading(const int64_t* first, int64_t count) {
    const uint64_t second = count > 1 ? static_cast<uint64_t>(first[1]) + 1 : 0;
    return static_cast<uint64_t>(first[0]) << 32 | second;
  }
  bool operator<(const Row& other) const {
    if (key != other.key) return key < other.key;
    return std::lexicographical_compare(
        begin, begin + size, other.begin, other.begin + other.size);
  }
};

// Sizes and members of one list of cliques.
struct CliqueCount {
  size_t cliques = 0, members = 0;

  explicit CliqueCount(const std::vector<Found>& parts) {
    for (const Found& part : parts) {
      cliques += part.sizes.size();
      members += part.members.size();
    }
  }
};

// One list in lexicographic order out of those of the threads; straight into the result, as the cliques
// of a dense graph fill the memory.
void merge(const std::vector<Found>& parts, const CliqueCount& count, int64_t* ptr, int64_t* idx) {
  std::vector<Row> rows;
  rows.reserve(count.cliques);
  for (const Found& part : parts) {
    const int64_t* at = part.members.data();
    for (const int64_t size : part.sizes) {
      rows.emplace_back(at, size);
      at += size;
    }
  }
  uint64_t compared = 0;  // sorting many cliques takes seconds
  std::sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    if ((++compared & 0xFFFF) == 0) check_interrupt();
    return a < b;
  });
  int64_t* to = idx;
  *ptr++ = 0;
  for (const Row& row : rows) {
    to = std::copy_n(row.begin, row.size, to);
    *ptr++ = to - idx;
  }
}

constexpr int64_t kRoots = 64;  // roots that a thread takes at a time

// The cliques as the threads found them; none where a limit ended the search.
CliqueStatus search(
    const CliqueGraph& graph, const CliqueLimits& limits, std::vector<Found>& parts) {
  const Forward forward(graph);
  Budget budget(limits);
  budget.look_at_clock();
  const int64_t tasks = divide_up(graph.nodes, kRoots);
  const int64_t most = std::min<int64_t>(tasks, torch::stable::get_num_threads());
  std::vector<Searcher> searchers;
  searchers.reserve(most);
  for (int64_t i = 0; i < most; ++i) searchers.emplace_back(graph, forward, budget);
  std::atomic<int64_t> next{0};
  parallel_workers(most, [&](int64_t worker) {
    for (int64_t task = next.fetch_add(1); task < tasks; task = next.fetch_add(1)) {
      const int64_t end = std::min(graph.nodes, (task + 1) * kRoots);
      for (int64_t v = task * kRoots; v < end && !budget.stopped(); ++v) searchers[worker](v);
    }
  });
  if (budget.status() == CliqueStatus::kDone) {
    for (Searcher& searcher : searchers) parts.push_back(std::move(searcher.found));
  }
  return budget.status();
}

}  // namespace
}  // namespace graphlab::cpu

namespace graphlab {

std::tuple<Tensor, Tensor, Tensor> maximal_cliques(
    const Tensor& rowptr, const Tensor& col, int64_t max_cliques, double time_limit) {
  const cpu::CheckedCliqueGraph graph = cpu::checked_clique_graph(rowptr, col);
  std::vector<cpu::Found> parts;
  const cpu::CliqueStatus status = cpu::search(graph.view(), {max_cliques, time_limit}, parts);
  const cpu::CliqueCount count(parts);
  const auto empty = [&](size_t size) {
    return torch::stable::new_empty(rowptr, {static_cast<int64_t>(size)}, ScalarType::Long);
  };
  const Tensor ptr = empty(count.cliques + 1), idx = empty(count.members);
  cpu::merge(parts, count, mutable_data<int64_t>(ptr), mutable_data<int64_t>(idx));
  return {ptr, idx, to_tensor<int64_t>(rowptr, {static_cast<int64_t>(status)})};
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) { m.impl("maximal_cliques", TORCH_BOX(&maximal_cliques)); }

}  // namespace graphlab
