#include "text/sentencepiece_model.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "core/json.h"
#include "text/protobuf.h"

namespace ts {
namespace {

using Type = SentencePieceModel::Type;
using Piece = SentencePieceModel::Piece;

// Field numbers of sentencepiece_model.proto.
namespace field {
constexpr uint64_t kPieces = 1, kTrainerSpec = 2, kNormalizerSpec = 3;
constexpr uint64_t kPieceText = 1, kPieceScore = 2, kPieceType = 3;
constexpr uint64_t kModelType = 3, kWhitespaceAsSuffix = 24, kByteFallback = 35, kEosPiece = 47, kPadPiece = 48;
constexpr uint64_t kCharsmap = 2, kDummyPrefix = 3, kRemoveExtraWhitespaces = 4, kEscapeWhitespaces = 5;
}  // namespace field

constexpr size_t kMaxPieces = 1 << 22;  // the largest in use have 256 000

Piece read_piece(std::string_view message, size_t id, const std::string& origin) {
  Piece piece;
  ProtoReader reader(message, origin);
  while (reader.next()) {
    switch (reader.field()) {
      case field::kPieceText: piece.text = reader.bytes(); break;
      case field::kPieceScore: piece.score = reader.number(); break;
      case field::kPieceType: {
        const uint64_t type = reader.integer();
        if (type < 1 || type > 6) fail(TS_BAD_BUNDLE, origin, ": piece ", id, " has unknown type ", type);
        piece.type = Type(type);
        break;
      }
      default: break;
    }
  }
  if (piece.text.empty()) fail(TS_BAD_BUNDLE, origin, ": piece ", id, " is empty");
  if (id >= kMaxPieces) fail(TS_BAD_BUNDLE, origin, ": more than ", kMaxPieces, " pieces");
  return piece;
}

void read_trainer_spec(std::string_view message, SentencePieceModel& model) {
  ProtoReader reader(message, model.origin);
  while (reader.next()) {
    switch (reader.field()) {
      case field::kModelType: {
        const uint64_t type = reader.integer();
        constexpr std::array<const char*, 5> kNames{"unknown", "unigram", "BPE", "word", "char"};
        if (type != 1)
          fail(TS_BAD_BUNDLE, model.origin, ": is a SentencePiece model of type ", type < 5 ? kNames[type] : "unknown",
               "; only unigram models (as T5's) are supported");
        break;
      }
      case field::kWhitespaceAsSuffix: model.treat_whitespace_as_suffix = reader.boolean(); break;
      case field::kByteFallback: model.byte_fallback = reader.boolean(); break;
      case field::kEosPiece: model.eos_piece = reader.bytes(); break;
      case field::kPadPiece: model.pad_piece = reader.bytes(); break;
      default: break;
    }
  }
}

void read_normalizer_spec(std::string_view message, SentencePieceModel& model) {
  ProtoReader reader(message, model.origin);
  while (reader.next()) {
    switch (reader.field()) {
      case field::kCharsmap: model.charsmap = reader.bytes(); break;
      case field::kDummyPrefix: model.add_dummy_prefix = reader.boolean(); break;
      case field::kRemoveExtraWhitespaces: model.remove_extra_whitespaces = reader.boolean(); break;
      case field::kEscapeWhitespaces: model.escape_whitespaces = reader.boolean(); break;
      default: break;
    }
  }
}

std::string decode_base64(std::string_view text, const JsonObject& where) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  uint32_t bits = 0;
  int num_bits = 0;
  while (text.ends_with('=')) text.remove_suffix(1);
  for (char c : text) {
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t digit = kDigits.find(c);
    where.check(digit != std::string_view::npos, "precompiled_charsmap is not base64");
    bits = bits << 6 | uint32_t(digit);
    num_bits += 6;
    if (num_bits >= 8) out += char(bits >> (num_bits -= 8) & 0xFF);
  }
  return out;
}

// "Precompiled" somewhere among the normalisers holds the map; the other steps do what remove_extra_whitespaces does.
void read_normalizer_json(const JsonObject& step, SentencePieceModel& model) {
  const std::string type = step.get_choice(
      "type", {"Sequence", "Precompiled", "Strip", "Replace", "Prepend", "Nmt", "NFKC", "NFC", "Lowercase"}, "");
  if (type == "Sequence")
    for (const JsonObject& inner : step.get_objects("normalizers")) read_normalizer_json(inner, model);
  if (type == "Precompiled") model.charsmap = decode_base64(step.get_string("precompiled_charsmap", ""), step);
  step.check(type != "Nmt" && type != "NFKC" && type != "NFC" && type != "Lowercase", "the normaliser ", type,
             " is not part of a T5 tokenizer");
}

void read_metaspace_json(const JsonObject& step, SentencePieceModel& model) {
  const std::string type = step.get_choice("type", {"Sequence", "WhitespaceSplit", "Metaspace"}, "");
  if (type == "Sequence")
    for (const JsonObject& inner : step.get_objects("pretokenizers")) read_metaspace_json(inner, model);
  if (type == "Metaspace")
    model.add_dummy_prefix =
        step.get_bool("add_prefix_space", true) && step.get_string("prepend_scheme", "always") != "never";
}

bool is_byte_piece(std::string_view text) { return text.size() == 6 && text.starts_with("<0x") && text.ends_with('>'); }

}  // namespace

SentencePieceModel parse_sentencepiece_model(std::string_view data, const std::string& origin) {
  SentencePieceModel model;
  model.origin = origin;
  ProtoReader reader(data, model.origin);
  while (reader.next()) {
    switch (reader.field()) {
      case field::kPieces: model.pieces.push_back(read_piece(reader.bytes(), model.pieces.size(), origin)); break;
      case field::kTrainerSpec: read_trainer_spec(reader.bytes(), model); break;
      case field::kNormalizerSpec: read_normalizer_spec(reader.bytes(), model); break;
      default: break;
    }
  }
  // An empty name stands for the default in SentencePiece too.
  if (model.eos_piece.empty()) model.eos_piece = "</s>";
  if (model.pad_piece.empty()) model.pad_piece = "<pad>";
  return model;
}

SentencePieceModel parse_unigram_tokenizer_json(std::string_view json, const std::string& origin) {
  const nlohmann::json document = parse_json(json, origin, TS_BAD_BUNDLE);
  const JsonObject root(document, origin);
  const JsonObject unigram = root.get_object("model");
  unigram.get_choice("type", {"Unigram"}, "Unigram");
  SentencePieceModel model;
  model.origin = origin;
  model.byte_fallback = unigram.get_bool("byte_fallback", false);
  if (root.has("normalizer")) read_normalizer_json(root.get_object("normalizer"), model);
  if (root.has("pre_tokenizer")) read_metaspace_json(root.get_object("pre_tokenizer"), model);

  unigram.check(unigram.has("vocab") && unigram.json()["vocab"].is_array(), "vocab must be a list");
  const nlohmann::json& vocab = unigram.json()["vocab"];
  unigram.check(vocab.size() <= kMaxPieces, "vocab has ", vocab.size(), " pieces, at most ", kMaxPieces);
  model.pieces.reserve(vocab.size());
  for (size_t id = 0; id < vocab.size(); ++id) {
    const nlohmann::json& entry = vocab[id];
    unigram.check(entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_number(), "vocab[", id,
                  "] must be [piece, score]");
    Piece piece{entry[0].get<std::string>(), entry[1].get<float>(), Type::normal};
    if (model.byte_fallback && is_byte_piece(piece.text)) piece.type = Type::byte;
    model.pieces.push_back(std::move(piece));
  }
  unigram.check(!vocab.empty(), "vocab is empty");
  const int64_t last_id = int64_t(vocab.size()) - 1;
  for (const JsonObject& token : root.get_objects("added_tokens")) {
    const int64_t id = token.get_int("id", 0, INT32_MAX);
    if (id <= last_id && token.get_bool("special", false)) model.pieces[size_t(id)].type = Type::control;
  }
  model.pieces[size_t(unigram.get_int("unk_id", 0, last_id))].type = Type::unknown;
  return model;
}

}  // namespace ts
