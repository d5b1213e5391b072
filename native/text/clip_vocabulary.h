// The vocabulary of a CLIP byte-level BPE tokenizer, from any of the three forms it is published in.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "text/bpe.h"

namespace ts {

struct ClipVocabulary {
  // Ids of each byte inside a word and at its end ("a", "a</w>").
  std::array<int32_t, 256> inner{}, last{};
  Bpe bpe;
  int32_t bos = 0, eos = 0;  // eos also pads
  int32_t size = 0;          // one above the largest id
};

// Merges alone: ids are counted as open_clip does, 256 bytes, 256 word ends, one per merge, the two specials. Of the
// published file's 262 144 merges the first 48 894 are used; a shorter file makes a smaller vocabulary. A first line
// with "#version:" is skipped. `origin` names the text in messages. TS_BAD_BUNDLE with the line.
ClipVocabulary clip_vocabulary_from_merges(std::string_view merges, const std::string& origin);

// Hugging Face's pair of files. A byte that vocab.json lacks becomes the closing token, CLIP's unknown.
ClipVocabulary clip_vocabulary_from_json(std::string_view vocab_json, const std::string& vocab_origin,
                                         std::string_view merges, const std::string& merges_origin);

// Hugging Face's tokenizer.json. One that normalises or splits otherwise than CLIP is refused.
ClipVocabulary clip_vocabulary_from_tokenizer_json(std::string_view json, const std::string& origin);

}  // namespace ts
