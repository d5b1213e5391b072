// A SentencePiece unigram model as it lies in a file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ts {

struct SentencePieceModel {
  enum class Type : uint8_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };
  struct Piece {
    std::string text;
    float score = 0;
    Type type = Type::normal;
  };

  std::string origin;         // names the file in messages
  std::vector<Piece> pieces;  // by id
  std::string charsmap;       // precompiled_charsmap, empty: no rules
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
  bool treat_whitespace_as_suffix = false;
  bool byte_fallback = false;
  std::string eos_piece = "</s>", pad_piece = "<pad>";
};

// Reads `.model`, a protobuf. Memory stays proportional to `data`. TS_BAD_BUNDLE: damaged, or not a unigram model.
SentencePieceModel parse_sentencepiece_model(std::string_view data, const std::string& origin);

// Reads the tokenizer.json of a converted T5 tokenizer: the same pieces, scores and character map. What the fast
// tokenizer does differently with them is not copied; the ids are SentencePiece's.
SentencePieceModel parse_unigram_tokenizer_json(std::string_view json, const std::string& origin);

}  // namespace ts
