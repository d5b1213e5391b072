// SentencePiece unigram tokenizer, id for id what SentencePiece 0.1.97 gives (spec: T5 encoder, tokenizer).
//
//   text → character map (longest rule at each position) → spaces trimmed, collapsed, written ▁ → ▁ in front
//        → the segmentation into pieces with the best total score (Viterbi) → ids; EOS at the end, padded
//
// The fast Hugging Face tokenizer differs in two ways: it applies the shortest rule to whole grapheme clusters (equal
// for ordinary text), and it takes the names of special tokens in a text ("<extra_id_0>", "</s>") for tokens, which are
// plain text here.
#pragma once

#include <array>

#include "text/byte_trie.h"
#include "text/charsmap.h"
#include "text/sentencepiece_model.h"
#include "text/tokenizer.h"

namespace ts {

class SentencePieceTokenizer final : public Tokenizer {
 public:
  // TS_BAD_BUNDLE: a piece that is empty, duplicate, not UTF-8 or has no finite score; no unknown piece, or two; no end
  // or pad piece; byte pieces that do not match byte_fallback; a damaged character map.
  explicit SentencePieceTokenizer(SentencePieceModel model);

  // Besides Tokenizer::encode: TS_INVALID_ARGUMENT if the character map makes more than 16 MiB of the text.
  Tokens encode(std::string_view text, int text_len) const override;
  int vocab_size() const override { return int(model_.pieces.size()); }
  int32_t eos() const { return eos_; }
  int32_t pad() const { return pad_; }
  int32_t unk() const { return unk_; }

 private:
  // Text as the pieces spell it, and for each of its bytes, and its end, where in the original text it comes from.
  struct Normalized {
    std::string text;
    std::vector<uint32_t> origin;
  };
  // One step of the best segmentation: piece `id` is text[begin, end).
  struct Step {
    int32_t id;
    uint32_t begin, end;
  };
  // What the search needs of a piece, side by side.
  struct Score {
    float normal = 0;
    bool user_defined = false;
    bool unused = false;
  };

  Normalized normalize(std::string_view text) const;
  std::vector<Step> segment(std::string_view text) const;

  SentencePieceModel model_;
  Charsmap charsmap_;
  ByteTrie trie_;          // normal, user-defined and unused pieces
  ByteTrie user_defined_;  // pieces that the character map does not touch
  std::vector<Score> scores_;
  std::array<int32_t, 256> byte_ids_{};  // with byte_fallback
  float min_score_, max_score_;
  int32_t unk_ = -1, eos_ = -1, pad_ = -1;
};

}  // namespace ts
