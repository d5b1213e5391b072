#include "text/unicode.h"

#include <doctest/doctest.h>

#include "skip.h"
#include "text/text_files.h"
#include "text/utf8.h"

namespace {

using ts::unicode::Char;
using ts::unicode::Kind;

std::vector<Char> chars_of(std::string_view text) {
  std::vector<Char> chars;
  for (size_t at = 0; at < text.size();) {
    const auto begin = uint32_t(at);
    chars.push_back({ts::utf8::next(text, at), begin});
  }
  return chars;
}

std::string text_of(const std::vector<Char>& chars) {
  std::string text;
  for (const Char& c : chars) ts::utf8::append(text, c.code);
  return text;
}

std::string lower(std::string_view text) {
  auto chars = chars_of(text);
  ts::unicode::to_lower(chars);
  return text_of(chars);
}

// "0045 0304;…": code points of the next column.
std::vector<Char> read_codes(std::istream& line) {
  std::string column;
  std::getline(line, column, ';');
  std::istringstream codes(column);
  std::vector<Char> chars;
  for (uint32_t code; codes >> std::hex >> code;) chars.push_back({char32_t(code), 0});
  return chars;
}

}  // namespace

TEST_CASE("unicode: composes what the Unicode database says, from every form") {
  std::ifstream file(ts::test::committed("text/nfc.txt"));
  if (!file) TS_SKIP("no tests/golden/text/nfc.txt");
  int num_lines = 0;
  for (std::string line; std::getline(file, line); ++num_lines) {
    std::istringstream columns(line);
    auto source = read_codes(columns), composed = read_codes(columns), decomposed = read_codes(columns);
    ts::unicode::to_nfc(source);
    CHECK_MESSAGE(text_of(source) == text_of(composed), line);
    ts::unicode::to_nfc(decomposed);
    CHECK_MESSAGE(text_of(decomposed) == text_of(composed), line);
    auto again = composed;
    ts::unicode::to_nfc(again);
    CHECK_MESSAGE(text_of(again) == text_of(composed), line);
  }
  CHECK(num_lines == 300);
}

TEST_CASE("unicode: a composed character begins where its first part does") {
  auto chars = chars_of("xe\u0323\u0301y");  // e, dot below, acute: ẹ takes the dot, the acute stays
  ts::unicode::to_nfc(chars);
  REQUIRE(chars.size() == 4);
  CHECK(chars[1].code == 0x1EB9);
  CHECK(chars[1].begin == 1);
  CHECK(chars[2].code == 0x301);
  CHECK(chars[2].begin == 4);
  CHECK(chars[3].begin == 6);
}

TEST_CASE("unicode: lower case goes character by character") {
  CHECK(lower("HELLO World 123") == "hello world 123");
  CHECK(lower("ÀÉÎ ŠŽ ĀĂ") == "àéî šž āă");
  CHECK(lower("ΚΌΣΜΟΣ Σ") == "κόσμοσ σ");  // no final sigma
  CHECK(lower("İSTANBUL") == "i\u0307stanbul");
  CHECK(lower("ẞ Ǆ ǅ") == "ß ǆ ǆ");
  CHECK(lower("ПРИВЕТ ԱԲ Ⓐ 𐐀") == "привет աբ ⓐ 𐐨");
  CHECK(lower("ßﬁ漢ª") == "ßﬁ漢ª");
}

TEST_CASE("unicode: kinds are those of the CLIP pattern") {
  for (char32_t c : {U'a', U'Z', U'é', U'ß', U'Ж', U'漢', U'ª', U'ʰ', U'한', char32_t(0x2F800), char32_t(0x10400)})
    CHECK_MESSAGE(ts::unicode::kind_of(c) == Kind::letter, uint32_t(c));
  for (char32_t c : {U'0', U'9', U'²', U'½', U'Ⅷ', U'٣', U'①', char32_t(0x1D7D8)})
    CHECK_MESSAGE(ts::unicode::kind_of(c) == Kind::number, uint32_t(c));
  for (char32_t c : {U' ', U'\t', U'\n', U'\v', U'\f', U'\r', char32_t(0x85), char32_t(0xA0), char32_t(0x1680),
                     char32_t(0x2000), char32_t(0x200A), char32_t(0x2028), char32_t(0x2029), char32_t(0x202F),
                     char32_t(0x205F), char32_t(0x3000)})
    CHECK_MESSAGE(ts::unicode::kind_of(c) == Kind::space, uint32_t(c));
  for (char32_t c : {U'!', U'_', U'\'', char32_t(0x1C), char32_t(0x1F), char32_t(0x7F), char32_t(0x200B), char32_t(0x180E),
                     char32_t(0x301), char32_t(0xFEFF), char32_t(0x1F600), char32_t(0xFFFF), char32_t(0x10FFFF)})
    CHECK_MESSAGE(ts::unicode::kind_of(c) == Kind::other, uint32_t(c));
}

TEST_CASE("utf8: finds the first malformed byte") {
  const auto npos = std::string_view::npos;
  CHECK(ts::utf8::find_malformed("") == npos);
  CHECK(ts::utf8::find_malformed("aé漢😀\U0010FFFF") == npos);
  CHECK(ts::utf8::find_malformed("ab\xFF") == 2);
  CHECK(ts::utf8::find_malformed("a\x80") == 1);              // continuation alone
  CHECK(ts::utf8::find_malformed("\xC3") == 0);               // cut off
  CHECK(ts::utf8::find_malformed("\xE6\xBC") == 0);
  CHECK(ts::utf8::find_malformed("\xC0\x80") == 0);           // overlong
  CHECK(ts::utf8::find_malformed("\xE0\x9F\xBF") == 0);
  CHECK(ts::utf8::find_malformed("\xF0\x8F\xBF\xBF") == 0);
  CHECK(ts::utf8::find_malformed("x\xED\xA0\x80") == 1);      // surrogate
  CHECK(ts::utf8::find_malformed("\xF4\x90\x80\x80") == 0);   // above U+10FFFF
  CHECK(ts::utf8::find_malformed("\xF5\x80\x80\x80") == 0);
  CHECK(ts::utf8::find_malformed(std::string_view("a\0b", 3)) == npos);
}
