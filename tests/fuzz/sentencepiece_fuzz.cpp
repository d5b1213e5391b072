// Any bytes as a SentencePiece model or its tokenizer.json: it encodes, or is refused with a status and a sentence. The
// same bytes are also a text for a model that is sound.
#include "text/sentencepiece_tokenizer.h"
#include "token_checks.h"

namespace {

ts::SentencePieceModel sound_model() {
  using Type = ts::SentencePieceModel::Type;
  ts::SentencePieceModel model;
  model.origin = "sound.model";
  model.pieces = {{"<pad>", 0, Type::control}, {"</s>", 0, Type::control}, {"<unk>", 0, Type::unknown},
                  {"▁", -2, Type::normal},     {"a", -3, Type::normal},    {"▁a", -4, Type::normal},
                  {"ab", -4.5f, Type::normal}, {"b", -3, Type::normal},    {"<sep>", 0, Type::user_defined},
                  {"é", -5, Type::normal}};
  return model;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static const ts::SentencePieceTokenizer sound(sound_model());
  ts::fuzz::check_tokenizer(sound, bytes);
  try {
    const ts::SentencePieceTokenizer tokenizer(bytes.starts_with('{') ? ts::parse_unigram_tokenizer_json(bytes, "fuzz")
                                                                      : ts::parse_sentencepiece_model(bytes, "fuzz"));
    ts::fuzz::check_tokenizer(tokenizer, bytes.substr(0, 300));
  } catch (const ts::Error& error) {
    ts::fuzz::expect(error.status() == TS_BAD_BUNDLE && *error.what());
  }
  return 0;
}
