// Any bytes as a CLIP vocabulary, in each of its forms: it encodes, or is refused with a status and a sentence. The same
// bytes are also a text for a vocabulary that is sound.
//
//   {…            tokenizer.json
//   {… NUL …      vocab.json, merges.txt
//   otherwise     merges, perhaps packed with gzip
#include "text/clip_tokenizer.h"
#include "text/vocabulary_file.h"
#include "token_checks.h"

namespace {

ts::ClipVocabulary read(std::string_view bytes) {
  if (!bytes.starts_with('{')) return ts::clip_vocabulary_from_merges(ts::gunzip(std::string(bytes), "fuzz"), "fuzz");
  const size_t zero = bytes.find('\0');
  if (zero == std::string_view::npos) return ts::clip_vocabulary_from_tokenizer_json(bytes, "fuzz");
  return ts::clip_vocabulary_from_json(bytes.substr(0, zero), "fuzz", bytes.substr(zero + 1), "fuzz");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static const ts::ClipTokenizer sound(ts::clip_vocabulary_from_merges("t h\nth e</w>\ni n\nin g</w>\nÃ ©\n", "sound"));
  ts::fuzz::check_tokenizer(sound, bytes);
  try {
    const ts::ClipTokenizer tokenizer(read(bytes));
    ts::fuzz::check_tokenizer(tokenizer, bytes.substr(0, 300));
  } catch (const ts::Error& error) {
    ts::fuzz::expect((error.status() == TS_BAD_BUNDLE || error.status() == TS_UNSUPPORTED) && *error.what());
  }
  return 0;
}
