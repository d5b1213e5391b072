// CLIP's byte-level BPE, as the fast Hugging Face tokenizer runs it (spec: MetaCLIP text tower).
//
//   text → NFC → white space collapsed → lower case → pieces of the pattern → bytes → BPE by rank → ids
//
//   pattern   's 't 're 've 'm 'll 'd  |  letters  |  one number  |  other visible characters
//   ids       BOS, pieces, EOS; padded with EOS
//
// Where tokenizers in use differ, this one does what the fast tokenizer does: lower case goes character by character
// (Python's lower() writes ς for a capital sigma that ends a word, here it becomes σ), U+001C … U+001F are visible
// characters rather than white space, 'ſ is no contraction (open_clip takes it for 's), and nothing is unescaped or
// repaired (no ftfy, no HTML entities). Two things differ: the names of special tokens in a text ("<|endoftext|>") are
// text, on purpose; and characters that came after Unicode 15 are neither letters nor numbers.
#pragma once

#include "text/clip_vocabulary.h"
#include "text/tokenizer.h"

namespace ts {

class ClipTokenizer final : public Tokenizer {
 public:
  explicit ClipTokenizer(ClipVocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}

  Tokens encode(std::string_view text, int text_len) const override;
  int vocab_size() const override { return vocabulary_.size; }
  int32_t bos() const { return vocabulary_.bos; }
  int32_t eos() const { return vocabulary_.eos; }

 private:
  ClipVocabulary vocabulary_;
};

}  // namespace ts
