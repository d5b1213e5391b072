// Byte-pair encoding on ids: adjacent symbols are merged in the order of their rank until no pair has one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace ts {

class Bpe {
 public:
  struct Symbol {
    int32_t id;
    uint32_t num_bytes;  // of the text it stands for
  };

  // The pair (left, right) becomes `merged`; a lower rank goes first. False if the pair is there already.
  bool add_merge(int32_t left, int32_t right, int32_t merged);
  void reserve(size_t num_merges) { merges_.reserve(num_merges); }
  size_t num_merges() const { return merges_.size(); }

  // Merges in place. Of equal ranks the leftmost pair goes first, as in the fast tokenizer. O(n log n). Any thread.
  void merge(std::vector<Symbol>& word) const;

 private:
  struct Merge {
    int32_t rank, merged;
  };
  struct PairHash {
    size_t operator()(uint64_t pair) const {
      pair *= 0x9E3779B97F4A7C15u;  // Fibonacci hashing: neighbouring ids spread over the table
      return size_t(pair ^ pair >> 32);
    }
  };
  const Merge* find(int32_t left, int32_t right) const;

  std::unordered_map<uint64_t, Merge, PairHash> merges_;
};

}  // namespace ts
