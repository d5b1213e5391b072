#include "text/byte_trie.h"

#include <algorithm>

namespace ts {

ByteTrie::ByteTrie(std::vector<std::pair<std::string_view, int32_t>> keys) {
  if (keys.empty()) return;
  std::sort(keys.begin(), keys.end());
  root_.fill(kNone);
  nodes_.emplace_back();

  // Breadth first: each node stands for the sorted keys [begin, end) that share its first `depth` bytes.
  struct Range {
    size_t begin, end;
  };
  std::vector<Range> level{{0, keys.size()}}, next;
  uint32_t first_of_level = 0;
  for (size_t depth = 0; !level.empty(); ++depth) {
    next.clear();
    const auto first_of_next = uint32_t(nodes_.size());
    for (size_t i = 0; i < level.size(); ++i) {
      const auto node = uint32_t(first_of_level + i);
      auto [begin, end] = level[i];
      if (keys[begin].first.size() == depth) nodes_[node].value = keys[begin++].second;
      nodes_[node].first_child = uint32_t(nodes_.size());
      while (begin < end) {
        const char label = keys[begin].first[depth];
        size_t same = begin + 1;
        while (same < end && keys[same].first[depth] == label) ++same;
        if (node == kRoot) root_[uint8_t(label)] = uint32_t(nodes_.size());
        Node child;
        child.label = uint8_t(label);
        nodes_.push_back(child);
        ++nodes_[node].num_children;
        next.push_back({begin, same});
        begin = same;
      }
    }
    first_of_level = first_of_next;
    level.swap(next);
  }
}

}  // namespace ts
