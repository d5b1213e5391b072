#include "text/charsmap.h"

#include <doctest/doctest.h>

#include "text/text_files.h"

namespace {

using ts::test::contains;
using ts::test::refusal;

std::string u32(uint32_t value) {
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) bytes += char(value >> shift & 0xFF);
  return bytes;
}

uint32_t unit(uint8_t label, uint32_t offset, bool has_value = false) {
  return offset << 10 | uint32_t(has_value) << 8 | label;
}
uint32_t value(uint32_t position) { return position | 0x80000000; }

std::string blob(const std::vector<uint32_t>& units, std::string_view replacements) {
  std::string bytes = u32(uint32_t(4 * units.size()));
  for (uint32_t u : units) bytes += u32(u);
  return bytes + std::string(replacements);
}

// Two rules, "a" → "x" and "ab" → "yz", in 512 units: the root's children lie at 256 ^ c, those of "a" at 0x80 ^ c.
std::vector<uint32_t> two_rules() {
  std::vector<uint32_t> units(512, 0xFFu << 0);  // label 255, which no child at that place has
  for (uint32_t i = 0; i < units.size(); ++i) units[i] = uint8_t(~i);
  units[0] = unit(0, 256);
  const uint32_t a = 256 ^ 'a';
  units[a] = unit('a', a ^ 0x80, true);
  units[0x80] = value(0);
  const uint32_t ab = 0x80 ^ 'b';
  units[ab] = unit('b', ab ^ 0x81, true);
  units[0x81] = value(2);
  return units;
}

using namespace std::string_view_literals;
constexpr std::string_view kReplacements = "x\0yz\0"sv;

}  // namespace

TEST_CASE("charsmap: the longest rule that fits is taken") {
  const ts::Charsmap map(blob(two_rules(), kReplacements), "x.model");
  CHECK(map.longest("b").length == 0);
  CHECK(map.longest("").length == 0);
  CHECK(map.longest("a").length == 1);
  CHECK(map.longest("ac").replacement == "x");
  CHECK(map.longest("abc").length == 2);
  CHECK(map.longest("abc").replacement == "yz");
  CHECK(map.longest("a\0"sv).length == 1);
  CHECK(ts::Charsmap().longest("a").length == 0);
  CHECK(ts::Charsmap("", "x.model").longest("a").length == 0);
}

TEST_CASE("charsmap: sizes, cycles and positions that are not sound are refused") {
  const auto refused = [](const std::string& bytes) {
    return refusal(TS_BAD_BUNDLE, [&] { ts::Charsmap(bytes, "x.model"); });
  };
  const std::string sound = blob(two_rules(), kReplacements);
  CHECK(contains(refused(sound.substr(0, 4)), "x.model: precompiled_charsmap: only 4 bytes"));
  CHECK(contains(refused(sound.substr(0, 2000)), "2048 bytes"));
  CHECK(contains(refused(u32(0xFFFFFFFF) + "abcd"), "4294967295 bytes"));
  CHECK(contains(refused(u32(0) + "abcd"), "no list of 32-bit units"));
  CHECK(contains(refused(u32(3) + "abcd"), "no list of 32-bit units"));

  auto units = two_rules();
  units[0x81] = value(5);
  CHECK(contains(refused(blob(units, kReplacements)), "replacement 5"));
  units[0x81] = value(0x7FFFFFFF);
  CHECK(contains(refused(blob(units, kReplacements)), "replacement 2147483647"));
  units = two_rules();
  CHECK(contains(refused(blob(units, "x\0\xFF\0"sv)), "not UTF-8 at byte 2"));
  CHECK(contains(refused(blob(units, "x漢\0"sv)), "not the start"));  // position 2 is inside 漢

  units = two_rules();
  units[0x80 ^ 'b'] = unit('b', (0x80 ^ 'b') ^ 0x7FF, true);
  CHECK(contains(refused(blob(units, kReplacements)), "outside its trie"));
  units = two_rules();
  const uint32_t ab = 0x80 ^ 'b', a = 256 ^ 'a';
  units[ab] = unit('b', ab ^ (a ^ 'a'));  // its child by 'a' is the node of "a"
  CHECK(contains(refused(blob(units, kReplacements)), "cycle"));
}
