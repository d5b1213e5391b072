// Text to the token ids of a text encoder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ts {

// What an encoder receives, padded and truncated to its text_len.
struct Tokens {
  std::vector<int32_t> ids;   // [text_len]
  std::vector<uint8_t> mask;  // [text_len], 1 for tokens, the closing one included; 0 for pads
  int num_tokens = 0;         // ids before truncation, special tokens included: above text_len means a cut
  // Bytes of the text before the cut: every character that lies wholly in kept tokens. The whole text without a cut.
  size_t kept_bytes = 0;
};

class Tokenizer {
 public:
  // Longer texts are refused: far above any prompt, and time and memory stay bounded (both linear in the length).
  static constexpr size_t kMaxTextBytes = size_t(4) << 20;

  virtual ~Tokenizer() = default;

  // A text of more tokens keeps the first text_len − 1 and the closing token. `text` is UTF-8; names of special
  // tokens in it are plain text. TS_INVALID_ARGUMENT: malformed UTF-8, a longer text, text_len < 2. Any thread.
  virtual Tokens encode(std::string_view text, int text_len) const = 0;

  // One above the largest id: what the rows of an embedding are compared with.
  virtual int vocab_size() const = 0;
};

// CLIP byte-level BPE. `file` is open_clip's bpe_simple_vocab_16e6.txt, plain or gzip; merges.txt, with `vocabulary` its
// vocab.json (else ids follow from the merges, as open_clip counts them); vocab.json beside a merges.txt; tokenizer.json;
// or a folder with one of these. TS_NOT_FOUND, TS_IO_ERROR, TS_BAD_BUNDLE with the file's name.
std::unique_ptr<Tokenizer> load_clip_tokenizer(const std::string& file, const std::string& vocabulary = "");

// SentencePiece unigram. `file` is a .model, a tokenizer.json, or a folder with spiece.model or tokenizer.json.
std::unique_ptr<Tokenizer> load_t5_tokenizer(const std::string& file);

// What every encode begins and ends with.
namespace token_row {

// Refuses texts and lengths as Tokenizer::encode says.
void check(std::string_view text, int text_len);

// Closes `ids` (at most text_len − 1 of them) with `eos` and pads it to text_len.
Tokens close(std::vector<int32_t> ids, int32_t eos, int32_t pad, int text_len);

}  // namespace token_row
}  // namespace ts
