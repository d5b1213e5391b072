#include "text/sentencepiece_tokenizer.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <unordered_map>

#include "core/json.h"
#include "text/utf8.h"
#include "text/vocabulary_file.h"

namespace ts {
namespace {

using Type = SentencePieceModel::Type;

constexpr std::string_view kSpaceSymbol = "\xE2\x96\x81";  // ▁ U+2581
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr float kUnknownPenalty = 10.0f;                   // unigram_model.cc
constexpr size_t kMaxPieceBytes = 1024;                    // bounds the search at each position; T5's longest has 20
constexpr size_t kMaxNormalizedBytes = size_t(16) << 20;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// 0 … 255 for "<0x00>" … "<0xFF>", else −1.
int byte_of_piece(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || !piece.ends_with('>')) return -1;
  const int high = hex_digit(piece[3]), low = hex_digit(piece[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

}  // namespace

SentencePieceTokenizer::SentencePieceTokenizer(SentencePieceModel model)
    : model_(std::move(model)), charsmap_(model_.charsmap, model_.origin), min_score_(FLT_MAX), max_score_(FLT_MIN) {
  // FLT_MIN, the smallest positive number, is what SentencePiece starts its maximum from.
  const auto bad = [&](const auto&... what) { fail(TS_BAD_BUNDLE, model_.origin, ": ", what...); };
  model_.charsmap.clear();
  byte_ids_.fill(-1);
  scores_.resize(model_.pieces.size());
  std::vector<std::pair<std::string_view, int32_t>> searched, user_defined;
  std::unordered_map<std::string_view, int32_t> spelled, reserved;
  for (size_t i = 0; i < model_.pieces.size(); ++i) {
    const auto& [text, score, type] = model_.pieces[i];
    const auto id = int32_t(i);
    if (text.empty()) bad("piece ", i, " is empty");
    if (text.size() > kMaxPieceBytes) bad("piece ", i, " has ", text.size(), " bytes, at most ", kMaxPieceBytes);
    if (utf8::find_malformed(text) != std::string::npos || text.find('\0') != std::string::npos)
      bad("piece ", i, " is not text");
    if (!std::isfinite(score)) bad("piece ", i, " (", in_quotes(text), ") has no finite score");
    const bool is_spelled = type == Type::normal || type == Type::user_defined || type == Type::unused;
    if (!(is_spelled ? spelled : reserved).try_emplace(text, id).second)
      bad("piece ", i, " (", in_quotes(text), ") is there twice");

    scores_[i] = {score, type == Type::user_defined, type == Type::unused};
    if (is_spelled) searched.emplace_back(text, id);
    if (type == Type::user_defined) user_defined.emplace_back(text, id);
    if (type == Type::normal) {
      min_score_ = std::min(min_score_, score);
      max_score_ = std::max(max_score_, score);
    }
    if (type == Type::unknown) {
      if (unk_ >= 0) bad("pieces ", unk_, " and ", i, " are both the unknown one");
      unk_ = id;
    }
    if (type == Type::byte) {
      if (!model_.byte_fallback) bad("has the byte piece ", in_quotes(text), ", but byte_fallback is off");
      const int byte = byte_of_piece(text);
      if (byte < 0) bad("byte piece ", in_quotes(text), " names no byte");
      byte_ids_[size_t(byte)] = id;
    }
  }
  if (searched.empty()) bad("has no pieces");
  if (unk_ < 0) bad("has no unknown piece");
  if (model_.byte_fallback && std::count(byte_ids_.begin(), byte_ids_.end(), -1) > 0)
    bad("byte_fallback is on, but not every byte has a piece");
  const auto control = [&](const std::string& name, const char* use) {
    const auto found = reserved.find(name);
    if (found == reserved.end() || model_.pieces[size_t(found->second)].type != Type::control)
      bad("has no control piece ", in_quotes(name), " ", use, "; a T5 model has pad 0 and end 1");
    return found->second;
  };
  eos_ = control(model_.eos_piece, "to end a text with");
  pad_ = control(model_.pad_piece, "to fill up with");
  trie_ = ByteTrie(std::move(searched));
  user_defined_ = ByteTrie(std::move(user_defined));
}

SentencePieceTokenizer::Normalized SentencePieceTokenizer::normalize(std::string_view text) const {
  Normalized out;
  size_t at = 0;  // how far the text has been read
  // What the next characters become, and how many bytes they are.
  struct Prefix {
    std::string_view replacement;
    size_t length;
  };
  const auto next_prefix = [&]() -> Prefix {
    const std::string_view rest = text.substr(at);
    if (!user_defined_.empty()) {
      size_t length = 0;
      uint32_t node = ByteTrie::kRoot;
      for (size_t i = 0; i < rest.size(); ++i) {
        node = user_defined_.step(node, uint8_t(rest[i]));
        if (node == ByteTrie::kNone) break;
        if (user_defined_.value(node) >= 0) length = i + 1;
      }
      if (length) return {rest.substr(0, length), length};
    }
    if (const Charsmap::Rule rule = charsmap_.longest(rest); rule.length) return {rule.replacement, rule.length};
    // A rule of a strange map may have ended inside a character; what is left of it becomes U+FFFD.
    if (utf8::is_continuation(rest[0])) return {kReplacement, 1};
    return {rest.substr(0, utf8::length_of(rest[0])), utf8::length_of(rest[0])};
  };

  const bool trim = model_.remove_extra_whitespaces;
  const std::string_view space = model_.escape_whitespaces ? kSpaceSymbol : " ";
  const auto append = [&](std::string_view what) {
    require(out.text.size() + what.size() <= kMaxNormalizedBytes, "text: becomes more than ",
            kMaxNormalizedBytes >> 20, " MiB under the character map of ", model_.origin, "; shorten it");
    out.text += what;
    out.origin.insert(out.origin.end(), what.size(), uint32_t(at));
  };

  while (trim && at < text.size()) {
    const Prefix prefix = next_prefix();
    if (prefix.replacement != " ") break;
    at += prefix.length;
  }
  if (at == text.size()) {
    out.origin = {uint32_t(at)};
    return out;
  }
  const bool prefix_first = !model_.treat_whitespace_as_suffix;
  if (prefix_first && model_.add_dummy_prefix) append(space);

  bool after_space = trim;
  while (at < text.size()) {
    const Prefix prefix = next_prefix();
    std::string_view what = prefix.replacement;
    while (after_space && what.starts_with(' ')) what.remove_prefix(1);
    if (!what.empty()) {
      after_space = what.ends_with(' ');
      for (size_t end; !what.empty(); what.remove_prefix(end)) {
        end = what[0] == ' ' ? 1 : std::min(what.find(' '), what.size());
        append(what[0] == ' ' ? space : what.substr(0, end));
      }
    }
    at += prefix.length;
    if (!trim) after_space = false;
  }
  while (trim && out.text.ends_with(space)) {
    out.text.resize(out.text.size() - space.size());
    at = out.origin[out.text.size()];
    out.origin.resize(out.text.size());
  }
  if (!prefix_first && model_.add_dummy_prefix) append(space);
  out.origin.push_back(uint32_t(at));
  return out;
}

// The best segmentation of every prefix, from left to right. Sums are rounded to float after each piece and only a
// strictly better one replaces an earlier one, so that ties and near ties fall as in SentencePiece.
std::vector<SentencePieceTokenizer::Step> SentencePieceTokenizer::segment(std::string_view text) const {
  struct Best {
    float score = 0;
    int32_t id = -1;
    uint32_t begin = UINT32_MAX;
  };
  std::vector<Best> best(text.size() + 1);
  const auto offer = [&](size_t end, size_t begin, int32_t id, auto score) {
    if (best[end].begin == UINT32_MAX || score > best[end].score) best[end] = {float(score), id, uint32_t(begin)};
  };
  const float unknown_score = min_score_ - kUnknownPenalty;
  for (size_t begin = 0; begin < text.size();) {
    const float score_here = best[begin].score;
    const size_t char_length = std::min(utf8::length_of(text[begin]), text.size() - begin);
    bool char_is_piece = false;
    uint32_t node = ByteTrie::kRoot;
    for (size_t end = begin; end < text.size();) {
      node = trie_.step(node, uint8_t(text[end++]));
      if (node == ByteTrie::kNone) break;
      const int32_t id = trie_.value(node);
      if (id < 0 || scores_[size_t(id)].unused) continue;
      const auto [normal, user_defined, unused] = scores_[size_t(id)];
      // SentencePiece chooses between a double and a float, so that both become double.
      const double score = user_defined ? double(float(end - begin) * max_score_) - 0.1 : double(normal);
      offer(end, begin, id, score + double(score_here));
      char_is_piece |= end - begin == char_length;
    }
    if (!char_is_piece) offer(begin + char_length, begin, unk_, unknown_score + score_here);
    begin += char_length;
  }

  std::vector<Step> steps;
  for (size_t end = text.size(); end > 0; end = best[end].begin)
    steps.push_back({best[end].id, best[end].begin, uint32_t(end)});
  std::reverse(steps.begin(), steps.end());
  return steps;
}

Tokens SentencePieceTokenizer::encode(std::string_view text, int text_len) const {
  token_row::check(text, text_len);
  const Normalized normalized = normalize(text);
  const std::vector<Step> steps = segment(normalized.text);

  const size_t room = size_t(text_len) - 1;
  std::vector<int32_t> ids;
  size_t num_pieces = 0, kept_bytes = 0;
  bool after_unknown = false;
  for (const Step& step : steps) {
    const bool is_unknown = step.id == unk_;
    const uint32_t end_in_text = normalized.origin[step.end];
    if (is_unknown && model_.byte_fallback) {
      for (uint32_t i = step.begin; i < step.end; ++i, ++num_pieces) {
        if (ids.size() == room) continue;
        ids.push_back(byte_ids_[uint8_t(normalized.text[i])]);
        kept_bytes = i + 1 == step.end ? end_in_text : normalized.origin[step.begin];
      }
    } else if (is_unknown && after_unknown) {  // one unknown for the whole run
      if (num_pieces <= room) kept_bytes = end_in_text;
    } else {
      if (++num_pieces <= room) {
        ids.push_back(step.id);
        kept_bytes = end_in_text;
      }
    }
    after_unknown = is_unknown;
  }
  if (num_pieces <= room) kept_bytes = text.size();
  Tokens tokens = token_row::close(std::move(ids), eos_, pad_, text_len);
  tokens.num_tokens = int(num_pieces + 1);
  tokens.kept_bytes = kept_bytes;
  return tokens;
}

std::unique_ptr<Tokenizer> load_t5_tokenizer(const std::string& file) {
  const std::string path = find_vocabulary_file(file, {"spiece.model", "tokenizer.model", "tokenizer.json"});
  const std::string data = read_vocabulary_file(path);
  const size_t first = data.find_first_not_of(" \t\r\n");
  const bool is_json = first != std::string::npos && data[first] == '{';  // no protobuf model begins so
  return std::make_unique<SentencePieceTokenizer>(is_json ? parse_unigram_tokenizer_json(data, path)
                                                          : parse_sentencepiece_model(data, path));
}

}  // namespace ts
