// UTF-8 as the tokenizers need it: checked once at the door, then read without checks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ts::utf8 {

// Position of the first byte that does not belong to well-formed UTF-8 (overlong forms, surrogates and codes above
// U+10FFFF count as malformed), or npos.
size_t find_malformed(std::string_view text);

// Length of the character that starts with `lead`, 1 … 4; 1 for a stray continuation byte, as SentencePiece counts.
inline size_t length_of(char lead) { return "\1\1\1\1\1\1\1\1\1\1\1\1\2\2\3\4"[uint8_t(lead) >> 4]; }

inline bool is_continuation(char c) { return (uint8_t(c) & 0xC0) == 0x80; }

// Reads the character at `at` and moves past it. `text` must be well-formed.
char32_t next(std::string_view text, size_t& at);

void append(std::string& text, char32_t code);

}  // namespace ts::utf8
