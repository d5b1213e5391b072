// SentencePiece's precompiled character map: replacement rules in a double-array trie (darts-clone).
//
//   blob   u32 bytes of the trie | trie, u32 units | replacements, each ended by a zero byte     (little endian)
//   unit   bit 8: has a value | bits 0 … 7 and 31: label | bits 10 …: offset, times 256 if bit 9 | a value has bit 31
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ts {

class Charsmap {
 public:
  struct Rule {
    size_t length = 0;             // bytes of the text it replaces, 0: no rule begins here
    std::string_view replacement;  // lives as long as the map
  };

  Charsmap() = default;  // no rules
  // Walks the whole trie once: indices, cycles, values and UTF-8 are checked here and relied on later.
  // TS_BAD_BUNDLE with `origin`.
  Charsmap(std::string_view blob, const std::string& origin);

  // The longest rule that `text` begins with.
  Rule longest(std::string_view text) const;

 private:
  void check(const std::string& origin) const;

  std::vector<uint32_t> units_;
  std::string replacements_;
};

}  // namespace ts
