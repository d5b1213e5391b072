#include "text/bpe.h"

#include <queue>
#include <tuple>

namespace ts {
namespace {

uint64_t key_of(int32_t left, int32_t right) { return uint64_t(uint32_t(left)) << 32 | uint32_t(right); }

constexpr uint32_t kNone = UINT32_MAX;

}  // namespace

bool Bpe::add_merge(int32_t left, int32_t right, int32_t merged) {
  return merges_.try_emplace(key_of(left, right), Merge{int32_t(merges_.size()), merged}).second;
}

const Bpe::Merge* Bpe::find(int32_t left, int32_t right) const {
  const auto found = merges_.find(key_of(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

void Bpe::merge(std::vector<Symbol>& word) const {
  if (word.size() < 2) return;

  // A doubly linked list over the symbols, and the pairs that may be merged. A pair is stale, and skipped, once either
  // of its symbols has changed: then it no longer merges into the same id.
  struct Links {
    uint32_t previous, next;
  };
  struct Pair {
    int32_t rank;
    uint32_t left;
    int32_t merged;
    bool operator>(const Pair& other) const {
      return std::tie(rank, left) > std::tie(other.rank, other.left);
    }
  };
  std::vector<Links> links(word.size());
  for (uint32_t i = 0; i < links.size(); ++i)
    links[i] = {i == 0 ? kNone : i - 1, i + 1 == links.size() ? kNone : i + 1};

  std::vector<Pair> first_pairs;
  first_pairs.reserve(word.size());
  for (uint32_t i = 0; i + 1 < word.size(); ++i)
    if (const Merge* m = find(word[i].id, word[i + 1].id)) first_pairs.push_back({m->rank, i, m->merged});
  std::priority_queue<Pair, std::vector<Pair>, std::greater<>> pairs(std::greater<>(), std::move(first_pairs));

  const auto push = [&](uint32_t left) {
    if (const Merge* m = find(word[left].id, word[links[left].next].id)) pairs.push({m->rank, left, m->merged});
  };
  while (!pairs.empty()) {
    const Pair pair = pairs.top();
    pairs.pop();
    const uint32_t left = pair.left, right = links[left].next;
    if (word[left].num_bytes == 0 || right == kNone) continue;
    const Merge* m = find(word[left].id, word[right].id);
    if (!m || m->merged != pair.merged) continue;

    word[left] = {pair.merged, word[left].num_bytes + word[right].num_bytes};
    word[right].num_bytes = 0;  // gone
    links[left].next = links[right].next;
    if (links[left].next != kNone) {
      links[links[left].next].previous = left;
      push(left);
    }
    if (links[left].previous != kNone) push(links[left].previous);
  }
  std::erase_if(word, [](const Symbol& symbol) { return symbol.num_bytes == 0; });
}

}  // namespace ts
