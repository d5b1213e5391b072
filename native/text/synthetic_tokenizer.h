// A stand-in for a tokenizer where there are weights of random numbers and no vocabulary: speed tests need ids of the
// right count and range, not the right ids.
#pragma once

#include "text/tokenizer.h"

namespace ts {

class SyntheticTokenizer final : public Tokenizer {
 public:
  // `begin` < 0: texts have no opening token.
  struct Special {
    int32_t begin, end, pad;
  };
  SyntheticTokenizer(int vocab_size, Special special) : vocab_size_(vocab_size), special_(special) {}

  // One id for each run of bytes other than the space, above the first few, which are special in most vocabularies.
  Tokens encode(std::string_view text, int text_len) const override;
  int vocab_size() const override { return vocab_size_; }

 private:
  int vocab_size_;
  Special special_;
};

}  // namespace ts
