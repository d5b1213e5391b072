#include "text/clip_tokenizer.h"

#include <doctest/doctest.h>

#include <thread>

#include "core/temp_folder.h"
#include "skip.h"
#include "text/text_files.h"
#include "text/utf8.h"

namespace {

using nlohmann::json;
using ts::test::contains;
using ts::test::refusal;

constexpr const char* kVocabulary = "tokenizers/clip/bpe_simple_vocab_16e6.txt.gz";

// Null where the file or zlib is missing.
const ts::Tokenizer* published() {
  static const std::unique_ptr<ts::Tokenizer> tokenizer = [] {
    try {
      return ts::load_clip_tokenizer(ts::test::committed(kVocabulary));
    } catch (const ts::Error& error) {
      if (error.status() != TS_UNSUPPORTED && error.status() != TS_NOT_FOUND) throw;
      return std::unique_ptr<ts::Tokenizer>();
    }
  }();
  return tokenizer.get();
}

std::vector<int32_t> pieces(const ts::Tokenizer& tokenizer, std::string_view text) {
  const ts::Tokens tokens = tokenizer.encode(text, 4096);
  REQUIRE(tokens.num_tokens <= 4096);
  return {tokens.ids.begin() + 1, tokens.ids.begin() + tokens.num_tokens - 1};
}

// A vocabulary of 512 + 4 + 2 ids.
constexpr const char* kMerges = "#version: 0.2\nt h\nth e</w>\ni n\nin g</w>\n";
constexpr int kThe = 513, kIng = 515;

// The same as vocab.json, with the ids as open_clip counts them.
json vocabulary_json() {
  std::vector<std::string> symbols, substitutes;
  char32_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    std::string symbol;
    ts::utf8::append(symbol, printable ? char32_t(byte) : next++);
    (printable ? symbols : substitutes).push_back(symbol);
  }
  symbols.insert(symbols.end(), substitutes.begin(), substitutes.end());
  for (int i = 0; i < 256; ++i) symbols.push_back(symbols[size_t(i)] + "</w>");
  for (const char* merged : {"th", "the</w>", "in", "ing</w>", "<|startoftext|>", "<|endoftext|>"}) symbols.push_back(merged);
  json ids = json::object();
  for (size_t i = 0; i < symbols.size(); ++i) ids[symbols[i]] = i;
  return ids;
}

json tokenizer_json() {
  return json{
      {"added_tokens", {{{"id", 516}, {"content", "<|startoftext|>"}}, {{"id", 517}, {"content", "<|endoftext|>"}}}},
      {"normalizer",
       {{"type", "Sequence"}, {"normalizers", {{{"type", "NFC"}}, {{"type", "Replace"}}, {{"type", "Lowercase"}}}}}},
      {"pre_tokenizer",
       {{"type", "Sequence"},
        {"pretokenizers",
         {{{"type", "Split"},
           {"pattern", {{"Regex", R"('s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+)"}}}},
          {{"type", "ByteLevel"}}}}}},
      {"model",
       {{"type", "BPE"},
        {"end_of_word_suffix", "</w>"},
        {"unk_token", "<|endoftext|>"},
        {"vocab", vocabulary_json()},
        {"merges", {"t h", "th e</w>", "i n", json::array({"in", "g</w>"})}}}}};
}

}  // namespace

TEST_CASE("clip_tokenizer: every golden line, ids and count") {
  const ts::Tokenizer* clip = published();
  const auto lines = ts::test::read_json_lines(ts::test::golden("clip_tokens.jsonl"));
  if (!clip || lines.empty()) TS_SKIP("no clip_tokens.jsonl, vocabulary or zlib");
  CHECK(clip->vocab_size() == 49408);
  for (const json& line : lines) {
    const auto ids = line["ids"].get<std::vector<int32_t>>();
    const std::string text = line["text"].get<std::string>();
    const ts::Tokens tokens = clip->encode(text, int(ids.size()));
    CHECK_MESSAGE(tokens.ids == ids, text);
    CHECK_MESSAGE(tokens.num_tokens == line["num_tokens"].get<int>(), text);
    CHECK((tokens.num_tokens > int(ids.size())) == (tokens.kept_bytes < text.size()));
  }
}

TEST_CASE("clip_tokenizer: agrees with the fast tokenizer on awkward texts") {
  const ts::Tokenizer* clip = published();
  const auto lines = ts::test::read_json_lines(ts::test::committed("text/tokens.jsonl"));
  if (!clip || lines.empty()) TS_SKIP("no tokens.jsonl, vocabulary or zlib");
  for (const json& line : lines)
    CHECK_MESSAGE(pieces(*clip, line["text"].get<std::string>()) == line["clip"].get<std::vector<int32_t>>(), line["text"]);
}

TEST_CASE("clip_tokenizer: cuts to text_len, masks pads, and knows how far the text was kept") {
  const ts::ClipTokenizer clip(ts::clip_vocabulary_from_merges(kMerges, "merges"));
  CHECK(clip.vocab_size() == 518);
  CHECK(clip.bos() == 516);
  const std::string text = " the  the\tthe";
  const ts::Tokens whole = clip.encode(text, 8);
  CHECK(whole.ids == std::vector<int32_t>{516, kThe, kThe, kThe, 517, 517, 517, 517});
  CHECK(whole.mask == std::vector<uint8_t>{1, 1, 1, 1, 1, 0, 0, 0});
  CHECK(whole.num_tokens == 5);
  CHECK(whole.kept_bytes == text.size());
  CHECK(clip.encode(text, 5).kept_bytes == text.size());

  const ts::Tokens cut = clip.encode(text, 4);
  CHECK(cut.ids == std::vector<int32_t>{516, kThe, kThe, 517});
  CHECK(cut.mask == std::vector<uint8_t>{1, 1, 1, 1});
  CHECK(cut.num_tokens == 5);
  CHECK(cut.kept_bytes == 9);
  CHECK(clip.encode(text, 2).kept_bytes == 0);
  CHECK(clip.encode(text, 2).ids == std::vector<int32_t>{516, 517});
  CHECK(clip.encode("", 3).ids == std::vector<int32_t>{516, 517, 517});
  CHECK(clip.encode(" \n", 3).kept_bytes == 2);
}

TEST_CASE("clip_tokenizer: a character cut in the middle is not counted as kept") {
  const ts::ClipTokenizer clip(ts::clip_vocabulary_from_merges(kMerges, "merges"));
  // Each byte of é (2) and 漢 (3) is a token of its own: BOS, four of their five bytes, EOS.
  CHECK(clip.encode("é漢", 6).kept_bytes == 2);
  CHECK(clip.encode("é漢", 5).kept_bytes == 2);
  CHECK(clip.encode("é漢", 4).kept_bytes == 2);
  CHECK(clip.encode("é漢", 3).kept_bytes == 0);
  CHECK(clip.encode("é漢", 7).kept_bytes == 5);
  // İ is lower-cased to two characters: kept only when both are.
  CHECK(clip.encode("İx", 3).kept_bytes == 0);
  CHECK(clip.encode("İ x", 5).kept_bytes == 2);
  // A mark that NFC moved before another counts once everything before it is there.
  CHECK(clip.encode("a\u0301\u0323 x", 3).kept_bytes == 0);
}

TEST_CASE("clip_tokenizer: names of special tokens are plain text") {
  const ts::ClipTokenizer clip(ts::clip_vocabulary_from_merges(kMerges, "merges"));
  const std::vector<int32_t> ids = pieces(clip, "<|endoftext|>");
  CHECK(ids.size() > 5);
  CHECK(std::count(ids.begin(), ids.end(), clip.eos()) == 0);
}

TEST_CASE("clip_tokenizer: the three forms of a vocabulary give the same ids") {
  const ts::test::TempFolder folder;
  const std::string merges = folder.write("merges.txt", kMerges);
  const std::string vocab = folder.write("vocab.json", vocabulary_json().dump());
  const std::string whole = folder.write("other.json", tokenizer_json().dump());
  const std::unique_ptr<ts::Tokenizer> forms[] = {
      ts::load_clip_tokenizer(merges),     ts::load_clip_tokenizer(merges, vocab), ts::load_clip_tokenizer(vocab),
      ts::load_clip_tokenizer(whole),      ts::load_clip_tokenizer(folder.file("")),
      std::make_unique<ts::ClipTokenizer>(ts::clip_vocabulary_from_merges("t h\r\nth e</w>\r\ni n\r\nin g</w>", "x")),
  };
  for (const auto& form : forms) {
    CHECK(form->vocab_size() == 518);
    CHECK(pieces(*form, "The thing") == pieces(*forms[0], "the THING"));
    CHECK(pieces(*form, "thing the") == std::vector<int32_t>{512, kIng, kThe});
    CHECK(pieces(*form, "é\x01\x7f ™ 漢 'll!") == pieces(*forms[0], "é\x01\x7f ™ 漢 'll!"));
  }
}

TEST_CASE("clip_tokenizer: a byte without a symbol becomes the unknown token") {
  json vocab = vocabulary_json();
  vocab.erase("q");
  vocab.erase("q</w>");
  const ts::ClipTokenizer clip(ts::clip_vocabulary_from_json(vocab.dump(), "vocab.json", kMerges, "merges.txt"));
  CHECK(pieces(clip, "q") == std::vector<int32_t>{517});
  CHECK(pieces(clip, "qthe") == std::vector<int32_t>{517, kThe});
}

TEST_CASE("clip_tokenizer: refuses what is not text, too long or has no room") {
  const ts::ClipTokenizer clip(ts::clip_vocabulary_from_merges(kMerges, "merges"));
  CHECK(contains(refusal(TS_INVALID_ARGUMENT, [&] { clip.encode("ab\xFFz", 77); }), "byte 2"));
  CHECK(contains(refusal(TS_INVALID_ARGUMENT, [&] { clip.encode("a", 1); }), "text_len is 1"));
  const std::string longest(ts::Tokenizer::kMaxTextBytes, 'x');
  CHECK(clip.encode(longest, 77).num_tokens == int(longest.size()) + 2);
  CHECK(contains(refusal(TS_INVALID_ARGUMENT, [&] { clip.encode(longest + "x", 77); }), "4194305 bytes"));
}

TEST_CASE("clip_tokenizer: damaged vocabularies are refused with the file and the place") {
  const auto merges = [](std::string_view text) {
    return refusal(TS_BAD_BUNDLE, [&] { ts::clip_vocabulary_from_merges(text, "m.txt"); });
  };
  CHECK(contains(merges(""), "m.txt: holds no merges"));
  CHECK(contains(merges("#version: 0.2\n"), "holds no merges"));
  CHECK(contains(merges("t h\nt\n"), "line 2"));
  CHECK(contains(merges("t h e\n"), "line 1"));
  CHECK(contains(merges("t \n"), "line 1"));
  CHECK(contains(merges(" t\n"), "line 1"));
  CHECK(contains(merges("t h\nth x</w>\nth zz\n"), "\"zz\", which is not in the vocabulary"));
  CHECK(contains(merges("t h\nt h\n"), "line 2"));
  CHECK(contains(merges("t h\n\xFF x\n"), "not UTF-8 at byte 4"));
  CHECK(contains(merges("< |startoftext|>\n"), "special token"));

  const auto pair = [](const json& vocab, std::string_view text) {
    return refusal(TS_BAD_BUNDLE, [&] { ts::clip_vocabulary_from_json(vocab.dump(), "v.json", text, "m.txt"); });
  };
  json vocab = vocabulary_json();
  CHECK(contains(pair(vocab, "t h\nz z\n"), "m.txt: merge in line or entry 2 names \"zz\""));
  CHECK(contains(pair(vocab, "t h\nt h\n"), "there twice"));
  CHECK(contains(pair(json::array(), kMerges), "v.json: the vocabulary must be"));
  vocab["th"] = -1;
  CHECK(contains(pair(vocab, kMerges), "id of \"th\""));
  vocab["th"] = 1 << 30;
  CHECK(contains(pair(vocab, kMerges), "id of \"th\""));
  vocab["th"] = 5;
  CHECK(contains(pair(vocab, kMerges), "id 5 is used twice"));
  vocab = vocabulary_json();
  vocab.erase("<|endoftext|>");
  CHECK(contains(pair(vocab, kMerges), "no <|endoftext|> token"));
  CHECK(contains(refusal(TS_BAD_BUNDLE, [] { ts::clip_vocabulary_from_json(R"({"a":1,"a":2})", "v.json", kMerges, "m"); }),
                 "v.json"));
}

TEST_CASE("clip_tokenizer: a tokenizer.json that works otherwise than CLIP is refused") {
  const auto change = [](const char* pointer, const json& value) {
    json document = tokenizer_json();
    document[json::json_pointer(pointer)] = value;
    return refusal(TS_BAD_BUNDLE, [&] { ts::clip_vocabulary_from_tokenizer_json(document.dump(), "t.json"); });
  };
  CHECK(contains(change("/model/type", "WordPiece"), "t.json.model: type is \"WordPiece\""));
  CHECK(contains(change("/model/end_of_word_suffix", nullptr), "end_of_word_suffix"));
  CHECK(contains(change("/model/continuing_subword_prefix", "##"), "continuing_subword_prefix"));
  CHECK(contains(change("/model/byte_fallback", true), "byte_fallback"));
  CHECK(contains(change("/model/merges", 3), "merges must be a list"));
  CHECK(contains(change("/model/merges/1", json::array({"a"})), "merges[1]"));
  CHECK(contains(change("/model/merges/0", "x yy"), "\"xyy\", which is not in the vocabulary"));
  CHECK(contains(change("/normalizer", {{"type", "NFC"}}), "lower case"));
  CHECK(contains(change("/normalizer/normalizers/0/type", "StripAccents"), "StripAccents"));
  CHECK(contains(change("/pre_tokenizer/pretokenizers/0/pattern/Regex", R"(\w+)"), "splits by"));
  CHECK(contains(change("/pre_tokenizer", {{"type", "Whitespace"}}), "Whitespace"));
  CHECK(contains(change("/added_tokens/1/id", 7), "differs"));
}

TEST_CASE("clip_tokenizer: threads may share one") {
  const ts::ClipTokenizer clip(ts::clip_vocabulary_from_merges(kMerges, "merges"));
  const ts::Tokens expected = clip.encode("The thing in the thing, İn!", 20);
  std::array<bool, 4> same{};
  std::vector<std::thread> threads;
  for (bool& result : same)
    threads.emplace_back([&] {
      result = true;
      for (int i = 0; i < 200; ++i) result &= clip.encode("The thing in the thing, İn!", 20).ids == expected.ids;
    });
  for (std::thread& thread : threads) thread.join();
  for (bool result : same) CHECK(result);
}
