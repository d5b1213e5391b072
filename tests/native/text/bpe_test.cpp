#include "text/bpe.h"

#include <doctest/doctest.h>

#include <map>
#include <random>

namespace {

using ts::Bpe;

// The textbook loop: merge the lowest rank, leftmost first, until nothing is left to merge.
std::vector<int32_t> merge_naively(std::vector<int32_t> word, const std::map<std::pair<int, int>, std::pair<int, int>>& merges) {
  for (;;) {
    size_t best = word.size();
    int best_rank = INT32_MAX;
    for (size_t i = 0; i + 1 < word.size(); ++i) {
      const auto found = merges.find({word[i], word[i + 1]});
      if (found != merges.end() && found->second.first < best_rank) {
        best = i;
        best_rank = found->second.first;
      }
    }
    if (best == word.size()) return word;
    word[best] = merges.at({word[best], word[best + 1]}).second;
    word.erase(word.begin() + long(best) + 1);
  }
}

}  // namespace

TEST_CASE("bpe: agrees with the textbook loop on random merges and words") {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    Bpe bpe;
    std::map<std::pair<int, int>, std::pair<int, int>> merges;
    int num_ids = 4;
    for (int i = 0; i < 30; ++i) {
      const int left = int(random() % unsigned(num_ids)), right = int(random() % unsigned(num_ids));
      const bool fresh = merges.try_emplace({left, right}, int(merges.size()), num_ids).second;
      CHECK(bpe.add_merge(left, right, num_ids) == fresh);
      if (fresh) ++num_ids;
    }
    for (int length : {0, 1, 2, 3, 7, 40}) {
      std::vector<Bpe::Symbol> word;
      std::vector<int32_t> plain;
      for (int i = 0; i < length; ++i) {
        plain.push_back(int32_t(random() % 4));
        word.push_back({plain.back(), 1});
      }
      bpe.merge(word);
      std::vector<int32_t> ids;
      uint32_t num_bytes = 0;
      for (const Bpe::Symbol& symbol : word) {
        ids.push_back(symbol.id);
        num_bytes += symbol.num_bytes;
      }
      CHECK(ids == merge_naively(plain, merges));
      CHECK(num_bytes == uint32_t(length));
    }
  }
}

TEST_CASE("bpe: of equal pairs that overlap the leftmost is merged") {
  Bpe bpe;
  CHECK(bpe.add_merge(0, 0, 1));
  CHECK_FALSE(bpe.add_merge(0, 0, 2));
  CHECK(bpe.num_merges() == 1);
  std::vector<Bpe::Symbol> word(5, Bpe::Symbol{0, 1});
  bpe.merge(word);
  REQUIRE(word.size() == 3);
  CHECK(word[0].id == 1);
  CHECK(word[1].id == 1);
  CHECK(word[2].id == 0);
}
