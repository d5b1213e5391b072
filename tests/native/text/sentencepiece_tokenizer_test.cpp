#include "text/sentencepiece_tokenizer.h"

#include <doctest/doctest.h>

#include <thread>

#include "skip.h"
#include "text/protobuf_bytes.h"
#include "text/text_files.h"

namespace {

using nlohmann::json;
using ts::SentencePieceTokenizer;
using ts::test::contains;
using ts::test::ModelBytes;
using ts::test::refusal;

constexpr const char* kT5 = "tokenizers/t5_small/spiece.model";

SentencePieceTokenizer tokenizer_of(std::string_view bytes) {
  return SentencePieceTokenizer(ts::parse_sentencepiece_model(bytes, "x.model"));
}

std::vector<int32_t> pieces(const ts::Tokenizer& tokenizer, std::string_view text) {
  const ts::Tokens tokens = tokenizer.encode(text, 4096);
  REQUIRE(tokens.num_tokens <= 4096);
  return {tokens.ids.begin(), tokens.ids.begin() + tokens.num_tokens - 1};
}

std::string base64(std::string_view bytes) {
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (i + k < bytes.size() ? uint8_t(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) out += i + k > bytes.size() ? '=' : kDigits[group >> (18 - 6 * k) & 63];
  }
  return out;
}

}  // namespace

TEST_CASE("sentencepiece_tokenizer: every golden line, ids and count") {
  const auto lines = ts::test::read_json_lines(ts::test::golden("t5_tokens.jsonl"));
  const auto bytes = ts::test::read_bytes(ts::test::committed(kT5));
  if (lines.empty() || !bytes) TS_SKIP("no t5_tokens.jsonl or spiece.model");
  const auto t5 = ts::load_t5_tokenizer(ts::test::committed(kT5));
  CHECK(t5->vocab_size() == 2000);
  for (const json& line : lines) {
    const auto ids = line["ids"].get<std::vector<int32_t>>();
    const std::string text = line["text"].get<std::string>();
    const ts::Tokens tokens = t5->encode(text, int(ids.size()));
    CHECK_MESSAGE(tokens.ids == ids, text);
    CHECK_MESSAGE(tokens.num_tokens == line["num_tokens"].get<int>(), text);
    CHECK((tokens.num_tokens > int(ids.size())) == (tokens.kept_bytes < text.size()));
  }
}

TEST_CASE("sentencepiece_tokenizer: agrees with SentencePiece 0.1.97 on awkward texts, whatever the model's settings") {
  const auto lines = ts::test::read_json_lines(ts::test::committed("text/tokens.jsonl"));
  if (lines.empty()) TS_SKIP("no tests/golden/text/tokens.jsonl");
  const std::pair<const char*, std::string> models[] = {
      {"spiece", kT5}, {"bytes", "text/bytes.model"}, {"rules", "text/rules.model"}, {"suffix", "text/suffix.model"}};
  for (const auto& model : models) {
    const auto tokenizer = ts::load_t5_tokenizer(ts::test::committed(model.second));
    for (const json& line : lines) {
      const auto expected = line[model.first].get<std::vector<int32_t>>();
      CHECK_MESSAGE(pieces(*tokenizer, line["text"].get<std::string>()) == expected, model.first, ": ", line["text"]);
    }
  }
}

TEST_CASE("sentencepiece_tokenizer: a cut text is kept up to the end of its last piece") {
  const auto lines = ts::test::read_json_lines(ts::test::committed("text/tokens.jsonl"));
  if (lines.empty()) TS_SKIP("no tests/golden/text/tokens.jsonl");
  const auto t5 = ts::load_t5_tokenizer(ts::test::committed(kT5));
  for (const json& line : lines) {
    const std::string text = line["text"].get<std::string>();
    const auto ends = line["ends"].get<std::vector<size_t>>();
    for (size_t kept = 1; kept <= std::min<size_t>(ends.size(), 12); ++kept) {
      const ts::Tokens tokens = t5->encode(text, int(kept) + 1);
      CHECK(tokens.kept_bytes == (kept == ends.size() ? text.size() : ends[kept - 1]));
      CHECK(tokens.num_tokens == int(ends.size()) + 1);
      CHECK(tokens.ids.back() == 1);
    }
  }
}

TEST_CASE("sentencepiece_tokenizer: an empty prompt is the end and pads") {
  const auto t5 = ts::load_t5_tokenizer(ts::test::committed(kT5));
  for (const char* text : {"", " ", " \t\n\u3000"}) {
    const ts::Tokens tokens = t5->encode(text, 4);
    CHECK(tokens.ids == std::vector<int32_t>{1, 0, 0, 0});
    CHECK(tokens.mask == std::vector<uint8_t>{1, 0, 0, 0});
    CHECK(tokens.num_tokens == 1);
    CHECK(tokens.kept_bytes == std::string_view(text).size());
  }
}

TEST_CASE("sentencepiece_tokenizer: with byte_fallback a character cut in the middle is not counted as kept") {
  const auto tokenizer = ts::load_t5_tokenizer(ts::test::committed("text/bytes.model"));
  const std::vector<int32_t> ids = pieces(*tokenizer, "😀");  // ▁ and four bytes
  REQUIRE(ids.size() == 5);
  CHECK(tokenizer->encode("😀", 5).kept_bytes == 0);
  CHECK(tokenizer->encode("😀", 6).kept_bytes == 4);
  CHECK(tokenizer->encode("😀😀", 6).kept_bytes == 4);
  CHECK(tokenizer->encode("😀😀", 9).kept_bytes == 4);
}

TEST_CASE("sentencepiece_tokenizer: of two equal segmentations the one found first wins, as in SentencePiece") {
  // aab = aa b = a ab, both −2: the end "aab" is first reached from "a".
  const auto tie = tokenizer_of(ModelBytes().piece("aa", -1).piece("ab", -1).piece("a", -1).piece("b", -1).dummy_prefix(false));
  CHECK(pieces(tie, "aab") == std::vector<int32_t>{5, 4});
  // Sums are rounded to float after each piece: 16777216 + 1 is 16777216, so that a longer path can tie and lose.
  const auto rounded = tokenizer_of(ModelBytes().piece("x", -16777216).piece("y", -1).piece("xy", -16777216).dummy_prefix(false));
  CHECK(pieces(rounded, "xy") == std::vector<int32_t>{5});
}

TEST_CASE("sentencepiece_tokenizer: unknown characters in a row are one token, unused pieces are unknown") {
  const auto tokenizer = tokenizer_of(ModelBytes().piece("a", -1).piece("b", -1, 5).piece("▁", -2));
  CHECK(pieces(tokenizer, "axyza") == std::vector<int32_t>{5, 3, 2, 3});
  CHECK(pieces(tokenizer, "ab") == std::vector<int32_t>{5, 3, 2});
  const ts::Tokens cut = tokenizer.encode("axyza", 4);
  CHECK(cut.ids == std::vector<int32_t>{5, 3, 2, 1});
  CHECK(cut.kept_bytes == 4);
}

TEST_CASE("sentencepiece_tokenizer: names of control pieces are plain text") {
  const auto tokenizer = tokenizer_of(ModelBytes().piece("a", -1));
  const std::vector<int32_t> ids = pieces(tokenizer, "</s>a<pad>");
  CHECK(ids == std::vector<int32_t>{2, 3, 2, 3, 2});
}

TEST_CASE("sentencepiece_tokenizer: a converted tokenizer.json gives the ids of its model") {
  const auto bytes = ts::test::read_bytes(ts::test::committed(kT5));
  const auto lines = ts::test::read_json_lines(ts::test::committed("text/tokens.jsonl"));
  if (lines.empty() || !bytes) TS_SKIP("no tokens.jsonl or spiece.model");
  const ts::SentencePieceModel model = ts::parse_sentencepiece_model(*bytes, kT5);
  json vocab = json::array(), added = json::array();
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    vocab.push_back({model.pieces[id].text, double(model.pieces[id].score)});
    if (id < 3) added.push_back({{"id", id}, {"content", model.pieces[id].text}, {"special", true}});
  }
  for (int sentinel = 0; sentinel < 100; ++sentinel) {
    const std::string name = "<extra_id_" + std::to_string(99 - sentinel) + ">";
    added.push_back({{"id", vocab.size()}, {"content", name}, {"special", true}});
    vocab.push_back({name, 0.0});
  }
  json document{{"added_tokens", added},
                {"normalizer",
                 {{"type", "Sequence"},
                  {"normalizers",
                   {{{"type", "Precompiled"}, {"precompiled_charsmap", base64(model.charsmap)}},
                    {{"type", "Strip"}, {"strip_left", false}, {"strip_right", true}},
                    {{"type", "Replace"}, {"pattern", {{"Regex", " {2,}"}}}, {"content", "▁"}}}}}},
                {"pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", "always"}}},
                {"model", {{"type", "Unigram"}, {"unk_id", 2}, {"vocab", vocab}}}};
  const SentencePieceTokenizer converted(ts::parse_unigram_tokenizer_json(document.dump(), "t.json"));
  CHECK(converted.vocab_size() == 2100);
  CHECK(converted.pad() == 0);
  for (const json& line : lines)
    CHECK_MESSAGE(pieces(converted, line["text"].get<std::string>()) == line["spiece"].get<std::vector<int32_t>>(), line["text"]);

  const auto change = [&](const char* pointer, const json& value) {
    json changed = document;
    changed[json::json_pointer(pointer)] = value;
    return refusal(TS_BAD_BUNDLE, [&] { SentencePieceTokenizer(ts::parse_unigram_tokenizer_json(changed.dump(), "t.json")); });
  };
  CHECK(contains(change("/model/type", "BPE"), "t.json.model: type is \"BPE\""));
  CHECK(contains(change("/model/vocab", json::array()), "vocab is empty"));
  CHECK(contains(change("/model/vocab/7", "x"), "vocab[7]"));
  CHECK(contains(change("/model/unk_id", 2100), "unk_id"));
  CHECK(contains(change("/normalizer/normalizers/0/precompiled_charsmap", "AAAA*"), "base64"));
  CHECK(contains(change("/normalizer/normalizers/0/precompiled_charsmap", "AAAA"), "precompiled_charsmap: only 3 bytes"));
  CHECK(contains(change("/normalizer/normalizers/1/type", "Lowercase"), "Lowercase"));
  CHECK(contains(change("/pre_tokenizer/type", "ByteLevel"), "ByteLevel"));
}

TEST_CASE("sentencepiece_tokenizer: damaged models are refused with the file and the reason") {
  const auto refused = [](const ModelBytes& model) {
    const std::string message = refusal(TS_BAD_BUNDLE, [&] { tokenizer_of(model); });
    CHECK(message.starts_with("x.model: "));
    return message;
  };
  CHECK_NOTHROW(tokenizer_of(ModelBytes().piece("a", -1)));
  CHECK(contains(refused(ModelBytes().piece("", -1)), "piece 3 is empty"));
  CHECK(contains(refused(ModelBytes()), "has no pieces"));
  CHECK(contains(refused(ModelBytes().piece("a", -1).piece("a", -2)), "piece 4 (\"a\") is there twice"));
  CHECK(contains(refused(ModelBytes().piece("\xFF", -1)), "is not text"));
  CHECK(contains(refused(ModelBytes().piece(std::string(1, '\0'), -1)), "is not text"));
  CHECK(contains(refused(ModelBytes().piece(std::string(1025, 'a'), -1)), "1025 bytes"));
  CHECK(contains(refused(ModelBytes().piece("a", NAN)), "finite"));
  CHECK(contains(refused(ModelBytes().piece("a", -INFINITY)), "finite"));
  CHECK(contains(refused(ModelBytes().piece("a", -1).piece("<u>", 0, 2)), "2 and 4 are both the unknown"));
  CHECK(contains(refused(ModelBytes().piece("a", -1, 7)), "unknown type 7"));
  CHECK(contains(refused(ModelBytes().piece("a", -1).piece("<0x41>", 0, 6)), "byte_fallback is off"));
  CHECK(contains(refused(ModelBytes().piece("a", -1).piece("<0x4g>", 0, 6).byte_fallback()), "names no byte"));
  CHECK(contains(refused(ModelBytes().piece("a", -1).piece("<0x41>", 0, 6).byte_fallback()), "not every byte"));
  CHECK(contains(refused(ModelBytes().piece("a", -1).eos("<end>")), "no control piece \"<end>\""));
  CHECK(contains(refused(ModelBytes().piece("a", -1).eos("a")), "no control piece \"a\""));
  CHECK(contains(refused(ModelBytes().piece("a", -1).model_type(2)), "of type BPE"));
  CHECK(contains(refused(ModelBytes().piece("a", -1).model_type(3)), "of type word"));
  CHECK(contains(refused(ModelBytes().piece("a", -1).model_type(4)), "of type char"));
  CHECK(contains(refused(ModelBytes().piece("a", -1).model_type(99)), "of type unknown"));

  for (std::string_view bytes : {"hello", "\x08", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "\x0A\xFF\xFF\xFF\xFF\x0F",
                                 "\x0B\x0C", "\x0A\x02\x15\x00", "\x08\x01", "\x12\x02\x18"})
    CHECK(contains(refusal(TS_BAD_BUNDLE, [&] { tokenizer_of(bytes); }), "x.model: "));
  CHECK(contains(refusal(TS_BAD_BUNDLE, [&] { tokenizer_of(""); }), "has no pieces"));
}

TEST_CASE("sentencepiece_tokenizer: a model cut or changed anywhere is refused or still works") {
  const auto bytes = ts::test::read_bytes(ts::test::committed("text/rules.model"));
  if (!bytes) TS_SKIP("no tests/golden/text/rules.model");
  const auto use = [](const std::string& model) {
    try {
      tokenizer_of(model).encode("AB ABC\t½ ...<a>b\u200bé🙂", 7);
    } catch (const ts::Error& error) {
      CHECK_MESSAGE(error.status() == TS_BAD_BUNDLE, error.what());
    }
  };
  for (size_t size = 0; size < bytes->size(); size += 3) use(bytes->substr(0, size));
  for (size_t at = 0; at < bytes->size(); ++at) {
    std::string damaged = *bytes;
    damaged[at] = char(damaged[at] ^ 1 << at % 8);
    use(damaged);
  }
}

TEST_CASE("sentencepiece_tokenizer: refuses what is not text, too long, or grows too much") {
  const auto t5 = ts::load_t5_tokenizer(ts::test::committed(kT5));
  CHECK(contains(refusal(TS_INVALID_ARGUMENT, [&] { t5->encode("ab\xC3", 77); }), "byte 2"));
  CHECK(contains(refusal(TS_INVALID_ARGUMENT, [&] { t5->encode("a", 0); }), "text_len is 0"));
  const std::string longest(ts::Tokenizer::kMaxTextBytes, 'x');
  CHECK(t5->encode(longest, 77).num_tokens > 1000000);
  CHECK(contains(refusal(TS_INVALID_ARGUMENT, [&] { t5->encode(longest + "x", 77); }), "4194305 bytes"));
  std::string ligatures;  // U+FDFA: 3 bytes become 33
  while (ligatures.size() + 3 <= ts::Tokenizer::kMaxTextBytes) ligatures += "\uFDFA";
  CHECK(contains(refusal(TS_INVALID_ARGUMENT, [&] { t5->encode(ligatures, 77); }), "16 MiB"));
}

TEST_CASE("sentencepiece_tokenizer: threads may share one") {
  const auto t5 = ts::load_t5_tokenizer(ts::test::committed(kT5));
  const ts::Tokens expected = t5->encode("Heavy rain on a metal roof ½ 漢", 77);
  std::array<bool, 4> same{};
  std::vector<std::thread> threads;
  for (bool& result : same)
    threads.emplace_back([&] {
      result = true;
      for (int i = 0; i < 200; ++i) result &= t5->encode("Heavy rain on a metal roof ½ 漢", 77).ids == expected.ids;
    });
  for (std::thread& thread : threads) thread.join();
  for (bool result : same) CHECK(result);
}
