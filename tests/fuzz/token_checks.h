// What must hold of every encoding, whatever the vocabulary and the text.
#pragma once

#include <cstdlib>
#include <string_view>

#include "core/error.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

namespace ts::fuzz {

inline void expect(bool condition) {
  if (!condition) std::abort();
}

inline void check_tokens(const Tokenizer& tokenizer, std::string_view text, int text_len) {
  Tokens tokens;
  try {
    tokens = tokenizer.encode(text, text_len);
  } catch (const Error& error) {
    expect(error.status() == TS_INVALID_ARGUMENT && *error.what());
    return;
  }
  expect(tokens.ids.size() == size_t(text_len) && tokens.mask.size() == size_t(text_len));
  expect(tokens.num_tokens >= 1);
  const bool cut = tokens.num_tokens > text_len;
  expect(tokens.kept_bytes <= text.size() && (cut || tokens.kept_bytes == text.size()));
  expect(tokens.kept_bytes == text.size() || !utf8::is_continuation(text[tokens.kept_bytes]));
  for (int i = 0; i < text_len; ++i) {
    expect(tokens.ids[size_t(i)] >= 0 && tokens.ids[size_t(i)] < tokenizer.vocab_size());
    expect(tokens.mask[size_t(i)] == (i < tokens.num_tokens));
  }
  // Where the cut falls does not change what comes before it.
  if (!cut && text_len > 3 && tokens.num_tokens > 2) {
    const Tokens shorter = tokenizer.encode(text, tokens.num_tokens - 1);
    for (int i = 0; i < tokens.num_tokens - 2; ++i) expect(shorter.ids[size_t(i)] == tokens.ids[size_t(i)]);
    expect(shorter.num_tokens == tokens.num_tokens);
  }
}

// Some texts of every kind, and `own`.
inline void check_tokenizer(const Tokenizer& tokenizer, std::string_view own) {
  for (std::string_view text : {std::string_view(), std::string_view(" The  dog's 3 bells…\t½ ﬁ e\u0301 漢字\u200b😀<sep>▁▁ "),
                                std::string_view("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), own})
    for (int text_len : {2, 7, 77}) check_tokens(tokenizer, text, text_len);
}

}  // namespace ts::fuzz
