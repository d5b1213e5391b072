#include "text/utf8.h"

namespace ts::utf8 {

size_t find_malformed(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const uint8_t lead = uint8_t(text[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    // What the second byte may be depends on the lead (Unicode, table 3-7); the others are 80 … BF.
    uint8_t low = 0x80, high = 0xBF;
    size_t length = 0;
    if (lead >= 0xC2 && lead <= 0xDF) {
      length = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      length = 3;
      if (lead == 0xE0) low = 0xA0;   // overlong
      if (lead == 0xED) high = 0x9F;  // surrogates
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      length = 4;
      if (lead == 0xF0) low = 0x90;   // overlong
      if (lead == 0xF4) high = 0x8F;  // above U+10FFFF
    } else {
      return i;
    }
    if (text.size() - i < length) return i;
    if (uint8_t(text[i + 1]) < low || uint8_t(text[i + 1]) > high) return i;
    for (size_t k = 2; k < length; ++k)
      if (!is_continuation(text[i + k])) return i;
    i += length;
  }
  return std::string_view::npos;
}

char32_t next(std::string_view text, size_t& at) {
  const uint8_t lead = uint8_t(text[at]);
  const size_t length = length_of(text[at]);
  char32_t code = length == 1 ? lead : lead & (0x7F >> length);
  for (size_t k = 1; k < length; ++k) code = code << 6 | (uint8_t(text[at + k]) & 0x3F);
  at += length;
  return code;
}

void append(std::string& text, char32_t code) {
  if (code < 0x80) {
    text += char(code);
  } else if (code < 0x800) {
    text += char(0xC0 | code >> 6);
    text += char(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    text += char(0xE0 | code >> 12);
    text += char(0x80 | (code >> 6 & 0x3F));
    text += char(0x80 | (code & 0x3F));
  } else {
    text += char(0xF0 | code >> 18);
    text += char(0x80 | (code >> 12 & 0x3F));
    text += char(0x80 | (code >> 6 & 0x3F));
    text += char(0x80 | (code & 0x3F));
  }
}

}  // namespace ts::utf8
