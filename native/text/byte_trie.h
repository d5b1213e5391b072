// A set of byte strings with a number each, walked byte by byte: which of them begin here?
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace ts {

class ByteTrie {
 public:
  static constexpr uint32_t kRoot = 0;
  static constexpr uint32_t kNone = UINT32_MAX;

  ByteTrie() = default;
  // Keys must be unique and not empty; values ≥ 0. O(bytes · log keys), at most one node per byte of the keys.
  explicit ByteTrie(std::vector<std::pair<std::string_view, int32_t>> keys);

  bool empty() const { return nodes_.empty(); }
  // The node one byte further, or kNone.
  uint32_t step(uint32_t node, uint8_t byte) const {
    if (node == kRoot) return root_[byte];
    const Node& n = nodes_[node];
    for (uint32_t child = n.first_child, end = child + n.num_children; child < end; ++child)
      if (nodes_[child].label == byte) return child;
    return kNone;
  }
  // The value of the key that ends at `node`, or −1.
  int32_t value(uint32_t node) const { return nodes_[node].value; }

 private:
  struct Node {
    uint32_t first_child = 0;  // children lie side by side
    int32_t value = -1;
    uint16_t num_children = 0;
    uint8_t label = 0;
  };
  std::vector<Node> nodes_;
  std::array<uint32_t, 256> root_;  // valid unless empty()
};

}  // namespace ts
