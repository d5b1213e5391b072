#include "text/unicode.h"

#include <algorithm>
#include <iterator>

#include "text/unicode/tables.h"

namespace ts::unicode {
namespace {

// Hangul syllables are composed by arithmetic (Unicode, section 3.12).
constexpr char32_t kSBase = 0xAC00, kLBase = 0x1100, kVBase = 0x1161, kTBase = 0x11A7;
constexpr char32_t kLCount = 19, kVCount = 21, kTCount = 28, kSCount = kLCount * kVCount * kTCount;

// Below this nothing composes, decomposes or combines within NFC.
constexpr char32_t kFirstNotNfc = 0x300;

// The range of a sorted table that holds `code`, or null.
template <class Range, size_t n>
const Range* find_range(const Range (&table)[n], char32_t code) {
  const Range* range = std::lower_bound(std::begin(table), std::end(table), code,
                                        [](const Range& r, char32_t c) { return r.last < c; });
  return range != std::end(table) && range->first <= code ? range : nullptr;
}

uint8_t combining_class(char32_t code) {
  if (code < kFirstNotNfc) return 0;
  const CombiningRange* range = find_range(kCombining, code);
  return range ? range->combining_class : 0;
}

const Decomposition* find_decomposition(char32_t code) {
  const Decomposition* found = std::lower_bound(std::begin(kDecompositions), std::end(kDecompositions), code,
                                                [](const Decomposition& d, char32_t c) { return d.code < c; });
  return found != std::end(kDecompositions) && found->code == code ? found : nullptr;
}

void append_decomposed(char32_t code, uint32_t begin, std::vector<Char>& out) {
  if (code >= kSBase && code < kSBase + kSCount) {
    const char32_t s = code - kSBase;
    out.push_back({kLBase + s / (kVCount * kTCount), begin});
    out.push_back({kVBase + s % (kVCount * kTCount) / kTCount, begin});
    if (s % kTCount) out.push_back({kTBase + s % kTCount, begin});
  } else if (const Decomposition* d = code < 0xC0 ? nullptr : find_decomposition(code)) {
    append_decomposed(d->first, begin, out);  // at most four levels deep in Unicode 15
    if (d->second) append_decomposed(d->second, begin, out);
  } else {
    out.push_back({code, begin});
  }
}

// Runs of combining characters into the order of their classes.
void reorder(std::vector<Char>& text) {
  const auto by_class = [](const Char& a, const Char& b) { return combining_class(a.code) < combining_class(b.code); };
  for (size_t i = 0; i < text.size();) {
    if (combining_class(text[i].code) == 0) {
      ++i;
      continue;
    }
    size_t end = i + 1;
    while (end < text.size() && combining_class(text[end].code) != 0) ++end;
    std::stable_sort(text.begin() + long(i), text.begin() + long(end), by_class);
    i = end;
  }
}

// The one character that NFC writes for a pair, or 0.
char32_t compose(char32_t first, char32_t second) {
  if (first - kLBase < kLCount && second - kVBase < kVCount)
    return kSBase + ((first - kLBase) * kVCount + (second - kVBase)) * kTCount;
  if (first - kSBase < kSCount && (first - kSBase) % kTCount == 0 && second > kTBase && second < kTBase + kTCount)
    return first + (second - kTBase);
  const auto before = [](uint16_t i, const std::pair<char32_t, char32_t>& pair) {
    const Decomposition& d = kDecompositions[i];
    return d.first != pair.first ? d.first < pair.first : d.second < pair.second;
  };
  const uint16_t* found =
      std::lower_bound(std::begin(kCompositions), std::end(kCompositions), std::pair(first, second), before);
  if (found == std::end(kCompositions)) return 0;
  const Decomposition& d = kDecompositions[*found];
  return d.first == first && d.second == second ? d.code : 0;
}

}  // namespace

Kind kind_of(char32_t code) {
  if (code < 0x80) {
    if ((code | 0x20) - 'a' < 26) return Kind::letter;
    if (code - '0' < 10) return Kind::number;
    return code == ' ' || code - 9 < 5 ? Kind::space : Kind::other;
  }
  const ClassRange* range = find_range(kClasses, code);
  return range ? Kind(range->kind) : Kind::other;
}

void to_nfc(std::vector<Char>& text) {
  if (std::all_of(text.begin(), text.end(), [](const Char& c) { return c.code < kFirstNotNfc; })) return;

  std::vector<Char> full;
  full.reserve(text.size() + text.size() / 4);
  for (const Char& c : text) append_decomposed(c.code, c.begin, full);
  reorder(full);

  // Each character joins the last starter unless one of its own class or above stands between (is blocked).
  text.clear();
  size_t starter = SIZE_MAX;
  int last_class = -1;  // of the character before, -1 right after the starter
  for (const Char& c : full) {
    const int own_class = combining_class(c.code);
    if (starter != SIZE_MAX && last_class < own_class) {
      if (const char32_t composed = compose(text[starter].code, c.code)) {
        text[starter].code = composed;
        continue;
      }
    }
    if (own_class == 0) starter = text.size();
    last_class = own_class == 0 ? -1 : own_class;
    text.push_back(c);
  }
}

void to_lower(std::vector<Char>& text) {
  constexpr char32_t kCapitalIWithDot = 0x130, kDotAbove = 0x307;
  const auto has_dot = [](const Char& c) { return c.code == kCapitalIWithDot; };
  if (std::any_of(text.begin(), text.end(), has_dot)) {
    std::vector<Char> expanded;
    expanded.reserve(text.size() + text.size() / 2);
    for (const Char& c : text) {
      expanded.push_back({has_dot(c) ? U'i' : c.code, c.begin});
      if (has_dot(c)) expanded.push_back({kDotAbove, c.begin});
    }
    text.swap(expanded);
  }
  for (Char& c : text) {
    if (c.code < 0x80) {
      if (c.code - 'A' < 26) c.code += 'a' - 'A';
    } else if (const LowerRange* range = find_range(kLower, c.code)) {
      if ((c.code - range->first) % range->step == 0) c.code = char32_t(int32_t(c.code) + range->delta);
    }
  }
}

}  // namespace ts::unicode
