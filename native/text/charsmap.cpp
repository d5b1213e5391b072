#include "text/charsmap.h"

#include <algorithm>

#include "core/error.h"
#include "text/utf8.h"

namespace ts {
namespace {

// Longest text a rule may replace; those of NFKC have 18 bytes. Keeps the search at each position short.
constexpr uint32_t kMaxRuleBytes = 1024;

bool has_value(uint32_t unit) { return unit >> 8 & 1; }
uint32_t value_of(uint32_t unit) { return unit & 0x7FFFFFFF; }
uint32_t label_of(uint32_t unit) { return unit & 0x800000FF; }
uint32_t offset_of(uint32_t unit) { return unit >> 10 << ((unit & 0x200) >> 6); }

uint32_t read_u32(const char* bytes) {
  const auto* b = reinterpret_cast<const uint8_t*>(bytes);
  return uint32_t(b[0]) | uint32_t(b[1]) << 8 | uint32_t(b[2]) << 16 | uint32_t(b[3]) << 24;
}

}  // namespace

Charsmap::Charsmap(std::string_view blob, const std::string& origin) {
  if (blob.empty()) return;
  const auto bad = [&](const auto&... what) { fail(TS_BAD_BUNDLE, origin, ": precompiled_charsmap: ", what...); };
  if (blob.size() <= 4) bad("only ", blob.size(), " bytes");
  const size_t trie_bytes = read_u32(blob.data());
  if (trie_bytes > blob.size() - 4)
    bad("its trie should have ", trie_bytes, " bytes, ", blob.size() - 4, " are left of the map");
  if (trie_bytes == 0 || trie_bytes % 4) bad("a trie of ", trie_bytes, " bytes is no list of 32-bit units");
  units_.resize(trie_bytes / 4);
  for (size_t i = 0; i < units_.size(); ++i) units_[i] = read_u32(blob.data() + 4 + 4 * i);
  replacements_ = blob.substr(4 + trie_bytes);
  check(origin);
}

// Depth first over every state that some text can reach. States may be shared (the trie's builder merges equal ends),
// so each is visited once, and one that is met again while it is still open closes a cycle.
void Charsmap::check(const std::string& origin) const {
  const auto bad = [&](const auto&... what) { fail(TS_BAD_BUNDLE, origin, ": precompiled_charsmap: ", what...); };
  if (const size_t at = utf8::find_malformed(replacements_); at != std::string::npos)
    bad("replacements are not UTF-8 at byte ", at);

  // Of a closed state: one more than the bytes of the longest rule below it.
  constexpr uint16_t kNew = 0, kOpen = UINT16_MAX;
  std::vector<uint16_t> height(units_.size(), kNew);
  struct Visit {
    uint32_t node, next_label, max_height;
  };
  std::vector<Visit> path{{0, 1, 0}};
  height[0] = kOpen;
  while (!path.empty()) {
    Visit& visit = path.back();
    const uint32_t unit = units_[visit.node];
    const uint32_t children = visit.node ^ offset_of(unit);  // child c lies at children ^ c
    if (visit.next_label == 1 && has_value(unit)) {
      if (children >= units_.size()) bad("unit ", visit.node, " points outside its trie");
      const uint32_t value = value_of(units_[children]);
      if (value >= replacements_.size() || utf8::is_continuation(replacements_[value]))
        bad("unit ", children, " names replacement ", value, ", which is not the start of one");
    }
    bool descended = false;
    while (!descended && visit.next_label < 256) {
      const uint32_t label = visit.next_label++;
      const uint32_t child = children ^ label;
      if (child >= units_.size() || label_of(units_[child]) != label) continue;
      if (height[child] == kOpen) bad("its trie has a cycle at unit ", child);
      if (height[child] != kNew) {
        visit.max_height = std::max<uint32_t>(visit.max_height, height[child]);
        continue;
      }
      height[child] = kOpen;
      path.push_back({child, 1, 0});  // `visit` must not be used after this
      descended = true;
    }
    if (descended) continue;
    const Visit closed = path.back();
    path.pop_back();
    if (closed.max_height > kMaxRuleBytes) bad("has a rule of more than ", kMaxRuleBytes, " bytes");
    height[closed.node] = uint16_t(closed.max_height + 1);
    if (!path.empty()) path.back().max_height = std::max<uint32_t>(path.back().max_height, height[closed.node]);
  }
}

Charsmap::Rule Charsmap::longest(std::string_view text) const {
  Rule rule;
  if (units_.empty()) return rule;
  uint32_t node = offset_of(units_[0]);
  uint32_t value = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto label = uint8_t(text[i]);
    if (label == 0) break;  // no rule has one; the check above skipped it
    node ^= label;
    if (node >= units_.size() || label_of(units_[node]) != label) break;
    const uint32_t unit = units_[node];
    node ^= offset_of(unit);
    if (has_value(unit)) {
      rule.length = i + 1;
      value = value_of(units_[node]);
    }
  }
  if (rule.length) rule.replacement = replacements_.c_str() + value;
  return rule;
}

}  // namespace ts
