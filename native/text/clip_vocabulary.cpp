#include "text/clip_vocabulary.h"

#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/json.h"
#include "text/utf8.h"

namespace ts {
namespace {

using Json = nlohmann::json;
using Ids = std::unordered_map<std::string_view, int32_t>;  // the names live elsewhere

constexpr std::string_view kWordEnd = "</w>";
constexpr int32_t kMaxId = 1 << 24;
constexpr size_t kPublishedMerges = 49152 - 256 - 2;  // open_clip tokenizer.py

// The printable character that stands for each byte in vocabularies (GPT-2): itself where it is printable Latin-1,
// else the next one from U+0100 on.
std::array<std::string, 256> byte_symbols() {
  std::array<std::string, 256> symbols;
  char32_t substitute = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    utf8::append(symbols[byte], printable ? char32_t(byte) : substitute++);
  }
  return symbols;
}

struct MergeLine {
  std::string_view left, right;
  size_t number;  // line or entry, from 1
};

MergeLine split_merge(std::string_view line, size_t number, const std::string& origin, const char* unit) {
  const size_t space = line.find(' ');
  if (space == 0 || space == std::string_view::npos || space + 1 == line.size() ||
      line.find(' ', space + 1) != std::string_view::npos)
    fail(TS_BAD_BUNDLE, origin, ": ", unit, " ", number, ": ", in_quotes(line), " is not two symbols and a space");
  return {line.substr(0, space), line.substr(space + 1), number};
}

std::vector<MergeLine> merge_lines(std::string_view text, const std::string& origin, size_t limit) {
  if (const size_t at = utf8::find_malformed(text); at != std::string_view::npos)
    fail(TS_BAD_BUNDLE, origin, ": not UTF-8 at byte ", at);
  std::vector<MergeLine> merges;
  for (size_t number = 1; !text.empty() && merges.size() < limit; ++number) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || (number == 1 && line.find("#version:") != std::string_view::npos)) continue;
    merges.push_back(split_merge(line, number, origin, "line"));
  }
  if (merges.empty()) fail(TS_BAD_BUNDLE, origin, ": holds no merges");
  return merges;
}

// Puts both halves together in `buffer`.
std::string_view join(const MergeLine& line, std::string& buffer) {
  return buffer.assign(line.left).append(line.right);
}

int32_t id_of(const Ids& ids, std::string_view symbol, const MergeLine& line, const std::string& origin) {
  const auto found = ids.find(symbol);
  if (found == ids.end())
    fail(TS_BAD_BUNDLE, origin, ": merge in line or entry ", line.number, " names ", in_quotes(symbol),
         ", which is not in the vocabulary");
  return found->second;
}

void add_merges(const std::vector<MergeLine>& merges, const std::string& origin, const Ids& ids, Bpe& bpe) {
  bpe.reserve(merges.size());
  std::string buffer;
  for (const MergeLine& line : merges) {
    const int32_t merged = id_of(ids, join(line, buffer), line, origin);
    if (!bpe.add_merge(id_of(ids, line.left, line, origin), id_of(ids, line.right, line, origin), merged))
      fail(TS_BAD_BUNDLE, origin, ": merge in line or entry ", line.number, " is there twice");
  }
}

// Either of the two spellings of a special token.
int32_t special_id(const Ids& ids, std::string_view name, std::string_view other, const std::string& origin) {
  for (std::string_view spelling : {name, other})
    if (const auto found = ids.find(spelling); found != ids.end()) return found->second;
  fail(TS_BAD_BUNDLE, origin, ": has no ", name, " token, so it is not a CLIP vocabulary");
}

void finish(const Ids& ids, const std::string& origin, ClipVocabulary& vocabulary) {
  vocabulary.bos = special_id(ids, "<|startoftext|>", "<start_of_text>", origin);
  vocabulary.eos = special_id(ids, "<|endoftext|>", "<end_of_text>", origin);
  for (const auto& [symbol, id] : ids) vocabulary.size = std::max(vocabulary.size, id + 1);
  const auto symbols = byte_symbols();
  for (int byte = 0; byte < 256; ++byte) {
    const std::string at_end = symbols[byte] + std::string(kWordEnd);
    const auto inner = ids.find(symbols[byte]), last = ids.find(at_end);
    vocabulary.inner[byte] = inner == ids.end() ? vocabulary.eos : inner->second;
    vocabulary.last[byte] = last == ids.end() ? vocabulary.eos : last->second;
  }
}

// {"a": 0, …}: ids unique and within reason. The names stay in `object`.
Ids read_ids(const Json& object, const std::string& origin) {
  if (!object.is_object()) fail(TS_BAD_BUNDLE, origin, ": the vocabulary must be a JSON object of ids");
  Ids ids;
  ids.reserve(object.size());
  std::vector<bool> used;
  for (auto entry = object.begin(); entry != object.end(); ++entry) {
    const std::string& symbol = entry.key();
    const Json& value = entry.value();
    if (!value.is_number_unsigned() || value.get<uint64_t>() >= uint64_t(kMaxId))
      fail(TS_BAD_BUNDLE, origin, ": id of ", in_quotes(symbol), " must be a whole number from 0 to ", kMaxId - 1);
    const auto id = value.get<size_t>();
    if (id >= used.size()) used.resize(id + 1);
    if (used[id]) fail(TS_BAD_BUNDLE, origin, ": id ", id, " is used twice, the second time by ", in_quotes(symbol));
    used[id] = true;
    ids.emplace(symbol, int32_t(id));
  }
  return ids;
}

}  // namespace

ClipVocabulary clip_vocabulary_from_merges(std::string_view merges, const std::string& origin) {
  const std::vector<MergeLine> lines = merge_lines(merges, origin, kPublishedMerges);
  Ids ids;
  ids.reserve(2 * 256 + lines.size() + 2);
  std::deque<std::string> names;
  const auto add = [&](std::string symbol) {
    names.push_back(std::move(symbol));
    return ids.try_emplace(names.back(), int32_t(ids.size())).second;
  };
  std::string buffer;

  // Bytes that stand for themselves come first, the substituted ones after them; then the same with the word end.
  const auto symbols = byte_symbols();
  for (std::string_view suffix : {std::string_view(), kWordEnd})
    for (const bool substituted : {false, true})
      for (const std::string& symbol : symbols) {
        size_t at = 0;
        if ((utf8::next(symbol, at) >= 0x100) == substituted) add(symbol + std::string(suffix));
      }
  for (const MergeLine& line : lines)
    if (!add(std::string(join(line, buffer))))
      fail(TS_BAD_BUNDLE, origin, ": line ", line.number, " makes ", in_quotes(buffer),
           ", which is in the vocabulary already");
  if (!add("<|startoftext|>") || !add("<|endoftext|>")) fail(TS_BAD_BUNDLE, origin, ": merges make a special token");

  ClipVocabulary vocabulary;
  finish(ids, origin, vocabulary);
  add_merges(lines, origin, ids, vocabulary.bpe);
  return vocabulary;
}

ClipVocabulary clip_vocabulary_from_json(std::string_view vocab_json, const std::string& vocab_origin,
                                         std::string_view merges, const std::string& merges_origin) {
  const Json document = parse_json(vocab_json, vocab_origin, TS_BAD_BUNDLE);
  const Ids ids = read_ids(document, vocab_origin);
  ClipVocabulary vocabulary;
  finish(ids, vocab_origin, vocabulary);
  add_merges(merge_lines(merges, merges_origin, SIZE_MAX), merges_origin, ids, vocabulary.bpe);
  return vocabulary;
}

namespace {

constexpr std::string_view kClipPattern = R"('s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+)";

// Steps of a "Sequence", or the one step, or none.
std::vector<JsonObject> steps_of(const JsonObject& root, std::string_view key, std::string_view list) {
  if (!root.has(key)) return {};
  const JsonObject step = root.get_object(key);
  if (step.get_string("type") == "Sequence") return step.get_objects(list);
  return {step};
}

// What comes before BPE is built in, so it must be what the file asks for. Absent steps are taken to be CLIP's.
void check_pipeline(const JsonObject& root) {
  bool lower = !root.has("normalizer");
  for (const JsonObject& step : steps_of(root, "normalizer", "normalizers")) {
    const std::string type = step.get_choice("type", {"NFC", "Replace", "Lowercase", "Strip"}, "");
    lower |= type == "Lowercase";
  }
  root.check(lower, "the normalizer does not lower case, so this is not a CLIP tokenizer");
  for (const JsonObject& step : steps_of(root, "pre_tokenizer", "pretokenizers")) {
    if (step.get_choice("type", {"Split", "ByteLevel"}, "") != "Split") continue;
    const std::string pattern = step.get_object("pattern").get_string("Regex");
    step.check(pattern.ends_with(kClipPattern), "splits by ", in_quotes(pattern), ", CLIP by ", kClipPattern);
  }
}

}  // namespace

ClipVocabulary clip_vocabulary_from_tokenizer_json(std::string_view json, const std::string& origin) {
  const Json document = parse_json(json, origin, TS_BAD_BUNDLE);
  const JsonObject root(document, origin);
  check_pipeline(root);
  const JsonObject model = root.get_object("model");
  model.get_choice("type", {"BPE"}, "BPE");
  model.get_choice("end_of_word_suffix", {kWordEnd}, "");
  model.get_choice("continuing_subword_prefix", {""}, "");
  model.check(!model.get_bool("byte_fallback", false), "byte_fallback is not CLIP's");

  Ids ids = read_ids(model.get_object("vocab").json(), model.where() + ".vocab");
  std::deque<std::string> added_names;
  for (const JsonObject& token : root.get_objects("added_tokens")) {
    const auto id = int32_t(token.get_int("id", 0, kMaxId - 1));
    added_names.push_back(token.get_string("content"));
    const auto [known, added] = ids.try_emplace(added_names.back(), id);
    token.check(added || known->second == id, "id ", id, " differs from the vocabulary's ", known->second);
  }

  // "a b" or, since 2024, ["a", "b"].
  model.check(model.has("merges") && model.json()["merges"].is_array(), "merges must be a list");
  const Json& list = model.json()["merges"];
  std::vector<MergeLine> merges;
  merges.reserve(list.size());
  for (size_t i = 0; i < list.size(); ++i) {
    const Json& entry = list[i];
    if (entry.is_string()) {
      merges.push_back(split_merge(entry.get_ref<const std::string&>(), i + 1, origin, "merge"));
    } else {
      model.check(entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string(), "merges[", i,
                  "] must be \"a b\" or [\"a\", \"b\"]");
      merges.push_back({entry[0].get_ref<const std::string&>(), entry[1].get_ref<const std::string&>(), i + 1});
    }
  }
  ClipVocabulary vocabulary;
  finish(ids, origin, vocabulary);
  add_merges(merges, origin, ids, vocabulary.bpe);
  return vocabulary;
}

}  // namespace ts
