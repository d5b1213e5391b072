#include "text/synthetic_tokenizer.h"

#include <algorithm>

namespace ts {
namespace {

constexpr int kReserved = 3;  // pad, end and unknown of the usual vocabularies

uint64_t hash_of(std::string_view word) {  // FNV-1a
  uint64_t hash = 0xCBF29CE484222325u;
  for (char c : word) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return hash;
}

}  // namespace

Tokens SyntheticTokenizer::encode(std::string_view text, int text_len) const {
  token_row::check(text, text_len);
  const size_t room = size_t(text_len) - 1;
  std::vector<int32_t> ids;
  if (special_.begin >= 0) ids.push_back(special_.begin);
  int num_tokens = int(ids.size()) + 1;
  size_t kept_bytes = 0;
  for (size_t begin = 0; (begin = text.find_first_not_of(' ', begin)) != std::string_view::npos;) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    ++num_tokens;
    if (ids.size() < room) {
      const uint64_t hash = hash_of(text.substr(begin, end - begin));
      ids.push_back(int32_t(kReserved + hash % uint64_t(std::max(1, vocab_size_ - kReserved))) % vocab_size_);
      kept_bytes = end;
    }
    begin = end;
  }
  Tokens tokens = token_row::close(std::move(ids), special_.end, special_.pad, text_len);
  tokens.num_tokens = num_tokens;
  tokens.kept_bytes = num_tokens > text_len ? kept_bytes : text.size();
  return tokens;
}

}  // namespace ts
