#include "text/tokenizer.h"

#include "core/error.h"
#include "text/utf8.h"

namespace ts::token_row {

void check(std::string_view text, int text_len) {
  require(text_len >= 2, "tokenizer: text_len is ", text_len, ", at least 2 is needed for a token and the closing one");
  require(text.size() <= Tokenizer::kMaxTextBytes, "text: ", text.size(), " bytes, at most ", Tokenizer::kMaxTextBytes,
          " are allowed; shorten it");
  const size_t malformed = utf8::find_malformed(text);
  require(malformed == std::string_view::npos, "text: not UTF-8 at byte ", malformed, "; convert it to UTF-8");
}

Tokens close(std::vector<int32_t> ids, int32_t eos, int32_t pad, int text_len) {
  Tokens tokens;
  ids.push_back(eos);
  tokens.mask.assign(ids.size(), 1);
  tokens.mask.resize(size_t(text_len), 0);
  tokens.ids = std::move(ids);
  tokens.ids.resize(size_t(text_len), pad);
  return tokens;
}

}  // namespace ts::token_row
