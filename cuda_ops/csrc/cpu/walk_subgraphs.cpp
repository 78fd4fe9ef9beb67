#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>

#include "cpu/checks.h"
#include "cpu/parallel.h"
#include "walk.h"

namespace graphlab::cpu {
namespace {

constexpr int64_t kWalksPerPart = 256;

struct WalkRows {
  const int32_t* place;  // (count, width), -1: back to the start
  int64_t count, width;
  int64_t max_nodes;  // negative: no limit
};

// Subgraphs of neighbouring walks, one after the other; local ids.
struct SubgraphPart {
  std::vector<int32_t> node, source, target;
};

struct Subgraphs {
  std::vector<int64_t> node_ptr, edge_ptr;  // (count + 1)
  std::vector<int32_t> root;                // (count)
  std::vector<SubgraphPart> parts;          // kWalksPerPart walks each
};

// Numbers the distinct nodes of one walk after another, in the order of their first visit.
class VisitTable {
 public:
  explicit VisitTable(int64_t width)
      : mask_(std::bit_ceil(static_cast<uint64_t>(2 * width)) - 1),
        shift_(64 - std::countr_one(mask_)),
        slot_(mask_ + 1, Slot{0, 0, 0}) {}

  void clear() {
    if (++walk_ == 0) {  // the stamps have come round
      std::fill(slot_.begin(), slot_.end(), Slot{0, 0, 0});
      walk_ = 1;
    }
    node.clear();
  }

  // The number of a node, or -1 if it is one too many.
  int32_t visit(int32_t value, int64_t limit) {
    uint64_t at = (static_cast<uint64_t>(static_cast<uint32_t>(value)) * 0x9E3779B97F4A7C15) >> shift_;
    for (; slot_[at].walk == walk_; at = (at + 1) & mask_) {
      if (slot_[at].node == value) return slot_[at].number;
    }
    const auto number = static_cast<int32_t>(node.size());
    if (number == limit) return -1;
    slot_[at] = {walk_, value, number};
    node.push_back(value);
    return number;
  }

  std::vector<int32_t> node;

 private:
  struct Slot {
    uint32_t walk;
    int32_t node, number;
  };
  uint64_t mask_;
  int shift_;
  std::vector<Slot> slot_;
  uint32_t walk_ = 0;
};

struct Edge {
  int32_t source, target;
  bool operator==(const Edge&) const = default;
};

// Up to so many nodes, ranks are counted and edges are bits: no branch depends on the data.
constexpr int32_t kFewNodes = 128;

// Reads walks one by one; the workspace serves all walks of a part.
class WalkReader {
 public:
  explicit WalkReader(const WalkRows& walks) : walks_(walks), table_(walks.width) {
    steps_.reserve(walks.width);
  }

  // Appends a subgraph and returns the local id of its root.
  int32_t read(int64_t walk, SubgraphPart& part) {
    follow(walks_.place + walk * walks_.width);
    const auto count = static_cast<int32_t>(table_.node.size());
    rank_.assign(count, 0);
    if (count <= kFewNodes) {
      count_ranks(part);
      mark_edges(part);
    } else {
      sort_nodes(part);
      sort_edges(part);
    }
    return rank_[0];
  }

 private:
  // Nodes and steps of a walk, by numbers of first visit: the start is 0.
  void follow(const int32_t* place) {
    table_.clear();
    steps_.clear();
    int32_t at = table_.visit(place[0], walks_.max_nodes);
    for (int64_t step = 1; step < walks_.width; ++step) {
      int32_t next = 0;
      if (place[step] >= 0) {
        next = table_.visit(place[step], walks_.max_nodes);
        if (next < 0) break;
        steps_.push_back({at, next});
      }
      at = next;
    }
    if (steps_.empty()) steps_.push_back({0, 0});
  }

  // The place of a node is the number of smaller ones.
  void count_ranks(SubgraphPart& part) {
    const auto count = static_cast<int32_t>(rank_.size());
    const int32_t* node = table_.node.data();
    for (int32_t i = 0; i < count; ++i) {
      int32_t smaller = 0;
      for (int32_t j = 0; j < count; ++j) smaller += node[j] < node[i];
      rank_[i] = smaller;
    }
    part.node.resize(part.node.size() + count);
    int32_t* out = part.node.data() + part.node.size() - count;
    for (int32_t i = 0; i < count; ++i) out[rank_[i]] = node[i];
  }

  // Appends the edges as the bits of an adjacency matrix, which are sorted and each there once.
  void mark_edges(SubgraphPart& part) {
    const auto count = static_cast<int32_t>(rank_.size());
    const int32_t words = (count + 63) / 64;
    bits_.assign(static_cast<size_t>(count) * words, 0);
    for (const Edge& step : steps_) {
      const int32_t a = rank_[step.source], b = rank_[step.target];
      bits_[a * words + b / 64] |= uint64_t{1} << b % 64;
      bits_[b * words + a / 64] |= uint64_t{1} << a % 64;
    }
    const size_t most = part.source.size() + 2 * steps_.size();
    part.source.resize(most);
    part.target.resize(most);
    size_t size = most - 2 * steps_.size();
    for (int32_t source = 0; source < count; ++source) {
      for (int32_t word = 0; word < words; ++word) {
        for (uint64_t rest = bits_[source * words + word]; rest != 0; rest &= rest - 1) {
          part.source[size] = source;
          part.target[size++] = 64 * word + std::countr_zero(rest);
        }
      }
    }
    part.source.resize(size);
    part.target.resize(size);
  }

  void sort_nodes(SubgraphPart& part) {
    order_.resize(rank_.size());
    for (size_t i = 0; i < order_.size(); ++i) {
      order_[i] = static_cast<uint64_t>(table_.node[i]) << 32 | i;
    }
    std::sort(order_.begin(), order_.end());
    for (size_t place = 0; place < order_.size(); ++place) {
      part.node.push_back(static_cast<int32_t>(order_[place] >> 32));
      rank_[static_cast<uint32_t>(order_[place])] = static_cast<int32_t>(place);
    }
  }

  void sort_edges(SubgraphPart& part) {
    edges_.clear();
    for (const Edge& step : steps_) {
      edges_.push_back({rank_[step.source], rank_[step.target]});
      edges_.push_back({rank_[step.target], rank_[step.source]});
    }
    sort_by(&Edge::target);
    sort_by(&Edge::source);
    edges_.erase(std::unique(edges_.begin(), edges_.end()), edges_.end());
    for (const Edge& edge : edges_) {
      part.source.push_back(edge.source);
      part.target.push_back(edge.target);
    }
  }

  // A stable counting sort.
  void sort_by(int32_t Edge::*end) {
    first_.assign(rank_.size() + 1, 0);
    for (const Edge& edge : edges_) ++first_[edge.*end + 1];
    for (size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
    sorted_.resize(edges_.size());
    for (const Edge& edge : edges_) sorted_[first_[edge.*end]++] = edge;
    std::swap(edges_, sorted_);
  }

  const WalkRows& walks_;
  VisitTable table_;
  std::vector<Edge> steps_, edges_, sorted_;
  std::vector<uint64_t> bits_, order_;
  std::vector<int32_t> rank_, first_;
};

void add_up(std::vector<int64_t>& lengths) {
  for (size_t i = 1; i < lengths.size(); ++i) lengths[i] += lengths[i - 1];
}

Subgraphs walk_subgraphs(const WalkRows& walks) {
  Subgraphs out;
  out.node_ptr.assign(walks.count + 1, 0);
  out.edge_ptr.assign(walks.count + 1, 0);
  out.root.resize(walks.count);
  out.parts.resize(divide_up(walks.count, kWalksPerPart));
  parallel_ranges(walks.count, kWalksPerPart, [&](int64_t begin, int64_t end) {
    SubgraphPart& part = out.parts[begin / kWalksPerPart];
    WalkReader reader(walks);
    for (int64_t walk = begin; walk < end; ++walk) {
      const size_t nodes = part.node.size(), edges = part.source.size();
      out.root[walk] = reader.read(walk, part);
      out.node_ptr[walk + 1] = static_cast<int64_t>(part.node.size() - nodes);
      out.edge_ptr[walk + 1] = static_cast<int64_t>(part.source.size() - edges);
    }
  });
  add_up(out.node_ptr);
  add_up(out.edge_ptr);
  return out;
}

// node: (node_ptr.back()); edge: (2, edge_ptr.back())
template <typename T>
void join_subgraphs(const Subgraphs& subgraphs, int32_t* node, T* edge) {
  T* reverse = edge + subgraphs.edge_ptr.back();
  parallel_tasks(static_cast<int64_t>(subgraphs.parts.size()), [&](int64_t i) {
    const SubgraphPart& part = subgraphs.parts[i];
    const int64_t first = subgraphs.edge_ptr[i * kWalksPerPart];
    const auto narrow = [](int32_t id) { return static_cast<T>(id); };
    std::copy(part.node.begin(), part.node.end(), node + subgraphs.node_ptr[i * kWalksPerPart]);
    std::transform(part.source.begin(), part.source.end(), edge + first, narrow);
    std::transform(part.target.begin(), part.target.end(), reverse + first, narrow);
  });
}

void check_places(const WalkRows& walks) {
  for (int64_t row = 0; row < walks.count; ++row) {
    if (row % 1024 == 0) check_interrupt();
    const int32_t* place = walks.place + row * walks.width;
    const int32_t lowest = *std::min_element(place, place + walks.width);
    STD_TORCH_CHECK(
        place[0] >= 0 && lowest >= -1,
        "walks must start at a node and hold nothing below -1, see row ", row);
  }
}

}  // namespace
}  // namespace graphlab::cpu

namespace graphlab {

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor> walk_subgraphs(
    const Tensor& walks_, int64_t max_nodes) {
  check_dim(walks_, "walks", 2);
  const int64_t width = walks_.size(1);
  STD_TORCH_CHECK(width >= 1, "walks must have at least one column");
  STD_TORCH_CHECK(max_nodes != 0, "max_nodes must not be 0");
  const Tensor walks = checked_matrix(walks_, "walks", ScalarType::Int, width);
  const cpu::WalkRows rows{data<int32_t>(walks), walks.size(0), width, max_nodes};
  cpu::check_places(rows);
  const cpu::Subgraphs found = cpu::walk_subgraphs(rows);
  const bool narrow = width <= 1 << 15;
  Tensor node = torch::stable::new_empty(walks, {found.node_ptr.back()}, ScalarType::Int);
  Tensor edge = torch::stable::new_empty(
      walks, {2, found.edge_ptr.back()}, narrow ? ScalarType::Short : ScalarType::Int);
  if (narrow) {
    cpu::join_subgraphs(found, mutable_data<int32_t>(node), mutable_data<int16_t>(edge));
  } else {
    cpu::join_subgraphs(found, mutable_data<int32_t>(node), mutable_data<int32_t>(edge));
  }
  return {
      to_tensor(walks, found.node_ptr), node,
      to_tensor(walks, found.edge_ptr), edge,
      to_tensor(walks, found.root)};
}

STABLE_TORCH_LIBRARY_IMPL(graphlab, CPU, m) { m.impl("walk_subgraphs", TORCH_BOX(&walk_subgraphs)); }

}  // namespace graphlab
