#include "text/clip_tokenizer.h"

#include <algorithm>

#include "core/json.h"
#include "text/unicode.h"
#include "text/utf8.h"
#include "text/vocabulary_file.h"

namespace ts {
namespace {

using unicode::Char;
using unicode::Kind;

bool is_ascii_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Characters of `text` at `at` that one of the contractions takes, 0 if none does.
size_t contraction_length(const std::vector<Char>& text, size_t at) {
  if (text[at].code != '\'' || at + 1 == text.size()) return 0;
  const char32_t first = text[at + 1].code, second = at + 2 < text.size() ? text[at + 2].code : 0;
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  if ((first == 'r' || first == 'v') && second == 'e') return 3;
  return first == 'l' && second == 'l' ? 3 : 0;
}

// End of the match that begins at `at`, which is no white space.
size_t match_end(const std::vector<Char>& text, size_t at) {
  if (const size_t length = contraction_length(text, at)) return at + length;
  const Kind kind = unicode::kind_of(text[at].code);
  size_t end = at + 1;
  if (kind != Kind::number)
    while (end < text.size() && unicode::kind_of(text[end].code) == kind) ++end;
  return end;
}

// Where the original text has been covered once the first `count` characters are: before the first byte of any later
// one (NFC may have changed their order), or at `end`.
size_t covered(const std::vector<Char>& text, size_t count, size_t end) {
  for (size_t i = count; i < text.size(); ++i) end = std::min(end, size_t(text[i].begin));
  return end;
}

}  // namespace

Tokens ClipTokenizer::encode(std::string_view text, int text_len) const {
  token_row::check(text, text_len);
  const size_t room = size_t(text_len) - 1;  // BOS and pieces
  std::vector<int32_t> ids{vocabulary_.bos};
  size_t num_ids = 1, kept_bytes = 0;

  std::vector<Char> chars;        // what stands between two ASCII spaces; NFC reaches over none
  std::vector<Bpe::Symbol> word;  // one match, as bytes, then as pieces
  std::string bytes;
  for (size_t begin = 0; begin < text.size();) {
    if (is_ascii_space(text[begin])) {
      ++begin;
      continue;
    }
    chars.clear();
    size_t end = begin;
    while (end < text.size() && !is_ascii_space(text[end])) {
      const auto at = uint32_t(end);
      chars.push_back({utf8::next(text, end), at});
    }
    unicode::to_nfc(chars);
    unicode::to_lower(chars);

    for (size_t first = 0; first < chars.size();) {
      if (unicode::kind_of(chars[first].code) == Kind::space) {
        ++first;
        continue;
      }
      const size_t last = match_end(chars, first);
      bytes.clear();
      for (size_t i = first; i < last; ++i) utf8::append(bytes, chars[i].code);
      word.clear();
      for (char byte : bytes) word.push_back({vocabulary_.inner[uint8_t(byte)], 1});
      word.back().id = vocabulary_.last[uint8_t(bytes.back())];
      vocabulary_.bpe.merge(word);

      size_t num_bytes = 0;
      for (const Bpe::Symbol& piece : word) {
        num_bytes += piece.num_bytes;
        ++num_ids;
        if (ids.size() == room) continue;
        ids.push_back(piece.id);
        if (ids.size() < room) continue;
        // The last piece that fits: how many whole characters end with it?
        size_t count = first;
        for (size_t at = 0; at < bytes.size(); ++count) {
          at += utf8::length_of(bytes[at]);
          if (at > num_bytes) break;
        }
        kept_bytes = covered(chars, count, end);
      }
      first = last;
    }
    begin = end;
  }
  if (num_ids <= room) kept_bytes = text.size();
  Tokens tokens = token_row::close(std::move(ids), vocabulary_.eos, vocabulary_.eos, text_len);
  tokens.num_tokens = int(num_ids + 1);
  tokens.kept_bytes = kept_bytes;
  return tokens;
}

std::unique_ptr<Tokenizer> load_clip_tokenizer(const std::string& file, const std::string& vocabulary) {
  const std::string path =
      find_vocabulary_file(file, {"tokenizer.json", "vocab.json", "bpe_simple_vocab_16e6.txt.gz",
                                  "bpe_simple_vocab_16e6.txt", "merges.txt"});
  const std::string data = read_vocabulary_file(path);
  const auto is_json = [](const std::string& text) {
    const size_t first = text.find_first_not_of(" \t\r\n");
    return first != std::string::npos && text[first] == '{';
  };
  if (!vocabulary.empty()) {
    const std::string json = read_vocabulary_file(vocabulary);
    return std::make_unique<ClipTokenizer>(clip_vocabulary_from_json(json, vocabulary, data, path));
  }
  if (!is_json(data)) return std::make_unique<ClipTokenizer>(clip_vocabulary_from_merges(data, path));
  // vocab.json is a flat list of ids, with its merges beside it.
  if (!path.ends_with("vocab.json"))
    return std::make_unique<ClipTokenizer>(clip_vocabulary_from_tokenizer_json(data, path));
  const std::string merges = path.substr(0, path.size() - std::string_view("vocab.json").size()) + "merges.txt";
  return std::make_unique<ClipTokenizer>(clip_vocabulary_from_json(data, path, read_vocabulary_file(merges), merges));
}

}  // namespace ts
