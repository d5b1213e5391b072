// The Unicode properties behind the CLIP tokenizer. Tables: unicode/tables.h, generated from the Unicode database.
#pragma once

#include <cstdint>
#include <vector>

namespace ts::unicode {

enum class Kind : uint8_t { other = 0, letter = 1, number = 2, space = 3 };

// letter: \p{L}; number: \p{N}; space: \s, that is White_Space.
Kind kind_of(char32_t code);

// A character, and the byte of the original text at which it (or the first character it was composed of) begins.
struct Char {
  char32_t code;
  uint32_t begin;
};

// Canonical composition (NFC, Unicode 15.0).
void to_nfc(std::vector<Char>& text);

// Lower case character by character, without regard to context, as the fast tokenizer does: a capital sigma becomes σ
// at the end of a word too, and İ becomes i followed by U+0307.
void to_lower(std::vector<Char>& text);

}  // namespace ts::unicode
