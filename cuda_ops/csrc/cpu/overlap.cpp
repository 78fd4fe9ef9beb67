// A thread takes one j at a time and writes its row of Q into an array over all nodes. Then
//
//   sum_v P_iv Q_jv = (P q)_i,   P q = W (q + beta W (q + beta W (...))) :
//
// a function over nodes that is needed near j only, and that all pairs of j share. Every node's
// value is computed once per j and hop, however many walks pass through it: hubs are not paid again
// and again. Set counting is not linear, so there every pair enumerates the ends of its own i.
#include "overlap.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "cpu/checks.h"
#include "cpu/parallel.h"

namespace graphlab::cpu {
namespace {

template <typename T>
struct OverlapGraph {
  const int64_t* rowptr;  // (nodes + 1,)
  const int32_t* col;     // (edges,), strictly ascending within a row
  const T* weight;        // (edges,) or null
  int64_t nodes;
};

// Row j holds the nodes to be paired with j.
struct OverlapPairs {
  const int64_t* rowptr;  // (nodes + 1,)
  const int32_t* col;
};

struct WalkRule {
  int64_t hops;
  double beta;
  bool distinct;  // count distinct ends on both sides
};

using Nodes = std::vector<int32_t>;

// Searching the shorter list in the longer one pays off from this ratio of lengths on.
constexpr int64_t kSearch = 32;

// Marks nodes as seen; forgetting all of them costs nothing.
class Stamps {
 public:
  explicit Stamps(int64_t nodes) : nodes_(nodes), stamp_(nodes, 0) {}

  void forget() {
    if (++epoch_ == 0) {
      std::fill_n(stamp_.get(), nodes_, 0u);
      epoch_ = 1;
    }
  }
  bool is_new(int32_t node) { return std::exchange(stamp_[node], epoch_) != epoch_; }

 private:
  int64_t nodes_;
  uint32_t epoch_ = 0;
  Buffer<uint32_t> stamp_;
};

template <typename T>
struct Weight {
  const T* values;
  double operator[](int64_t at) const { return values == nullptr ? 1.0 : values[at]; }
};

// Calls body(neighbour, entry) for the entries of a row.
template <typename T, typename F>
void for_row(const OverlapGraph<T>& graph, int64_t node, const F& body) {
  const int64_t end = graph.rowptr[node + 1];
  for (int64_t at = graph.rowptr[node]; at < end; ++at) body(graph.col[at], at);
}

template <typename T>
int64_t degree(const OverlapGraph<T>& graph, int64_t node) {
  return graph.rowptr[node + 1] - graph.rowptr[node];
}

// Calls body(i, pair) for the pairs of j.
template <typename F>
void for_pairs(const OverlapPairs& pairs, int64_t j, const F& body) {
  for_pieces(pairs.rowptr[j], pairs.rowptr[j + 1], 1024, [&](int64_t begin, int64_t end) {
    for (int64_t pair = begin; pair < end; ++pair) body(pairs.col[pair], pair);
  });
}

// Distinct ends of walks; scratch of one thread.
template <typename T>
class Walker {
 public:
  explicit Walker(const OverlapGraph<T>& graph) : graph_(graph), seen_(graph.nodes) {}

  // Replaces `to` by the distinct neighbours of `from`; calls body(v) on each.
  template <typename F>
  void step(const Nodes& from, Nodes& to, const F& body) {
    seen_.forget();
    to.clear();
    for (const int32_t u : from) {
      if (++steps_ % 1024 == 0) check_interrupt();
      for_row(graph_, u, [&](int32_t v, int64_t) {
        if (!seen_.is_new(v)) return;
        to.push_back(v);
        body(v);
      });
    }
  }

  // Visits the distinct ends of every walk length; body(v, k - 1).
  template <typename F>
  void for_ends(int64_t start, int64_t hops, const F& body) {
    front_.assign(1, static_cast<int32_t>(start));
    for (int64_t hop = 0; hop < hops; ++hop) {
      step(front_, back_, [&](int32_t v) { body(v, hop); });
      std::swap(front_, back_);
    }
  }

 private:
  const OverlapGraph<T>& graph_;
  Stamps seen_;
  Nodes front_, back_;
  uint32_t steps_ = 0;
};

// One hop: common neighbours, in ascending order whichever list is read.
template <typename T>
class OneHop {
 public:
  OneHop(const OverlapGraph<T>& graph, const OverlapPairs& pairs, double* out)
      : graph_(graph), pairs_(pairs), out_(out), mark_(graph.nodes, 0) {}

  void operator()(int64_t j) {
    for_row(graph_, j, [&](int32_t v, int64_t) { mark_[v] = 1; });
    const int64_t size = degree(graph_, j);
    for_pairs(pairs_, j, [&](int32_t i, int64_t pair) {
      out_[pair] = degree(graph_, i) > kSearch * size ? search(i, j) : scan(i);
    });
    for_row(graph_, j, [&](int32_t v, int64_t) { mark_[v] = 0; });
  }

 private:
  double scan(int64_t i) const {
    if (graph_.weight == nullptr) {
      int64_t count = 0;
      for_row(graph_, i, [&](int32_t v, int64_t) { count += mark_[v]; });
      return static_cast<double>(count);
    }
    double sum = 0;
    for_row(graph_, i, [&](int32_t v, int64_t at) { sum += mark_[v] ? graph_.weight[at] : T(0); });
    return sum;
  }

  double search(int64_t i, int64_t j) const {
    const Weight<T> weight{graph_.weight};
    const int32_t* from = graph_.col + graph_.rowptr[i];
    const int32_t* const end = graph_.col + graph_.rowptr[i + 1];
    double sum = 0;
    for_row(graph_, j, [&](int32_t v, int64_t) {
      from = std::lower_bound(from, end, v);
      if (from != end && *from == v) sum += weight[from - graph_.col];
    });
    return sum;
  }

  const OverlapGraph<T>& graph_;
  const OverlapPairs& pairs_;
  double* out_;
  Buffer<uint8_t> mark_;
};

template <typename T>
class ManyHops {
 public:
  ManyHops(
      const OverlapGraph<T>& graph, const OverlapPairs& pairs, const WalkRule& rule, double* out)
      : graph_(graph),
        pairs_(pairs),
        rule_(rule),
        out_(out),
        walker_(graph),
        ends_(graph.nodes, 0.0),
        value_(rule.distinct ? 0 : graph.nodes),
        next_(rule.distinct ? 0 : graph.nodes),
        power_(rule.hops, 1.0),
        levels_(rule.hops) {
    for (int64_t k = 1; k < rule.hops; ++k) power_[k] = rule.beta * power_[k - 1];
  }

  void operator()(int64_t j) {
    mark_ends(j);
    if (rule_.distinct) {
      for_pairs(pairs_, j, [&](int32_t i, int64_t pair) { out_[pair] = set_overlap(i); });
    } else {
      const double* value = pull(j);
      for_pairs(pairs_, j, [&](int32_t i, int64_t pair) { out_[pair] = row_sum(i, value); });
    }
    for (const int32_t v : support_) ends_[v] = 0;
  }

 private:
  void mark_ends(int64_t j) {
    support_.clear();
    walker_.for_ends(j, rule_.hops, [&](int32_t v, int64_t hop) {
      if (ends_[v] == 0) support_.push_back(v);
      ends_[v] += power_[hop];
    });
  }

  double set_overlap(int64_t i) {
    double sum = 0;
    walker_.for_ends(
        i, rule_.hops, [&](int32_t v, int64_t hop) { sum += power_[hop] * ends_[v]; });
    return sum;
  }

  double row_sum(int64_t node, const double* value) const {
    const Weight<T> weight{graph_.weight};
    double sum = 0;
    for_row(graph_, node, [&](int32_t v, int64_t at) { sum += weight[at] * value[v]; });
    return sum;
  }

  // q + beta W (q + ...) at every neighbour of a partner of j. levels_[k] is where it is needed
  // with k + 1 terms; all neighbours of levels_[k] are in levels_[k - 1].
  const double* pull(int64_t j) {
    partners_.assign(pairs_.col + pairs_.rowptr[j], pairs_.col + pairs_.rowptr[j + 1]);
    const Nodes* from = &partners_;
    for (int64_t k = rule_.hops - 1; k > 0; --k) {
      walker_.step(*from, levels_[k], [](int32_t) {});
      from = &levels_[k];
    }
    const double* value = ends_.get();
    for (int64_t k = 1; k < rule_.hops; ++k) {
      double* const next = k % 2 == 1 ? next_.get() : value_.get();
      for (const int32_t v : levels_[k]) next[v] = ends_[v] + rule_.beta * row_sum(v, value);
      value = next;
    }
    return value;
  }

  const OverlapGraph<T>& graph_;
  const OverlapPairs& pairs_;
  const WalkRule rule_;
  double* out_;
  Walker<T> walker_;
  Buffer<double> ends_, value_, next_;  // q, and two terms of the recursion
  std::vector<double> power_;           // beta^k
  Nodes support_, partners_;
  std::vector<Nodes> levels_;
};

// Nodes with pairs, those with much work first, so that no thread is left alone with a hub.
template <typename T>
Nodes heaviest_first(const OverlapGraph<T>& graph, const OverlapPairs& pairs) {
  Nodes order;
  std::vector<int64_t> work(graph.nodes, 0);
  for (int64_t j = 0; j < graph.nodes; ++j) {
    if (pairs.rowptr[j] == pairs.rowptr[j + 1]) continue;
    order.push_back(static_cast<int32_t>(j));
    work[j] = degree(graph, j);
    for_pairs(pairs, j, [&](int32_t i, int64_t) { work[j] += degree(graph, i); });
  }
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return work[a] != work[b] ? work[a] > work[b] : a < b;
  });
  return order;
}

// Runs a worker, made once per thread, on every node.
template <typename F>
void parallel_nodes(const Nodes& order, const F& make_worker) {
  const int64_t count = static_cast<int64_t>(order.size());
  const int64_t threads = std::min<int64_t>(count, torch::stable::get_num_threads());
  std::atomic<int64_t> next{0};
  parallel_workers(threads, [&](int64_t) {
    auto worker = make_worker();
    // Workers hear Ctrl-C: the work of a node can be long.
    for (int64_t at = next.fetch_add(1); at < count; at = next.fetch_add(1)) worker(order[at]);
  });
}

// All columns must be in range. `out` has one value per pair.
template <typename T>
void walk_overlap(
    const OverlapGraph<T>& graph, const OverlapPairs& pairs, const WalkRule& rule, double* out) {
  const Nodes order = heaviest_first(graph, pairs);
  if (rule.hops == 1) {
    parallel_nodes(order, [&] { return OneHop<T>(graph, pairs, out); });
  } else {
    parallel_nodes(order, [&] { return ManyHops<T>(graph, pairs, rule, out); });
  }
}

// `out` is (nodes, hops).
void distinct_ends(const OverlapGraph<double>& graph, int64_t hops, int64_t* out) {
  std::fill_n(out, graph.nodes * hops, int64_t{0});
  Nodes order(graph.nodes);
  std::iota(order.begin(), order.end(), 0);
  parallel_nodes(order, [&] {
    return [&, walker = Walker<double>(graph)](int32_t node) mutable {
      walker.for_ends(node, hops, [&](int32_t, int64_t hop) { ++out[node * hops + hop]; });
    };
  });
}

}  // namespace
}  // namespace graphlab::cpu

namespace graphlab {

Tensor walk_overlap(
    const Tensor& rowptr_, const Tensor& col_, const OptionalTensor& weight_,
    const Tensor& pair_rowptr_, const Tensor& pair_col_, int64_t num_hops, double beta,
    bool distinct) {
  STD_TORCH_CHECK(num_hops >= 1, "num_hops must be at least 1, got ", num_hops);
  STD_TORCH_CHECK(!(distinct && weight_.has_value()), "distinct walk ends have no weights");
  const int64_t nodes = count_rows(rowptr_);
  check_size(rowptr_, "rowptr", 0, pair_rowptr_.numel());
  const Tensor rowptr = checked_rowptr(rowptr_, nodes, col_.numel());
  const Tensor col = checked_columns(col_, "col", col_.numel(), nodes);
  const Tensor pair_rowptr = checked_rowptr(pair_rowptr_, nodes, pair_col_.numel());
  const Tensor pair_col =
      checked_columns(pair_col_, "pair_col", pair_col_.numel(), nodes);
  const ScalarType dtype = weight_.has_value() ? weight_->scalar_type() : ScalarType::Double;
  STD_TORCH_CHECK(
      dtype == ScalarType::Float || dtype == ScalarType::Double,
      "weight must be float32 or float64, got ", torch::headeronly::toString(dtype));
  const OptionalTensor weight = checked_vector(weight_, "weight", dtype, col.numel());
  Tensor out = torch::stable::new_empty(pair_col, {pair_col.numel()}, ScalarType::Double);
  const cpu::OverlapPairs pairs{data<int64_t>(pair_rowptr), data<int32_t>(pair_col)};
  const cpu::WalkRule rule{num_hops, beta, distinct};
  dispatch_floating(dtype, [&](auto type) {
    using T = decltype(type);
    const cpu::OverlapGraph<T> graph{
        data<int64_t>(rowptr), data<int32_t>(col), data<T>(weight), nodes};
    cpu::walk_overlap(graph, pairs, rule, mutable_data<double>(out));
  });
  return out;
}

Tensor distinct_ends(const Tensor& rowptr_, const Tensor& col_, int64_t num_hops) {
  STD_TORCH_CHECK(num_hops >= 1, "num_hops must be at least 1, got ", num_hops);
  const int64_t nodes = count_rows(rowptr_);
  const Tensor rowptr = checked_rowptr(rowptr_, nodes, col_.numel());
  const Tensor col = checked_columns(col_, "col", col_.numel(), nodes);
  Tensor out = torch::stable::new_empty(rowptr, {nodes, num_hops});
  const cpu::OverlapGraph<double> graph{
      data<int64_t>(rowptr), data<int32_t>(col), nullptr, nodes};
  cpu::distinct_ends(graph, num_hops, mutable_data<int64_t>(out));
  return out;
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) {
  m.impl("walk_overlap", TORCH_BOX(&walk_overlap));
  m.impl("distinct_ends", TORCH_BOX(&distinct_ends));
}

}  // namespace graphlab
