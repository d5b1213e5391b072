// A bundle: a folder with bundle.json, safetensors and tokenizer files. docs/bundle.md describes the format.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "thinksound.h"

namespace ts {

struct TokenizerFiles {
  std::string type;   // "clip_bpe" or "sentencepiece"
  std::string file;   // vocabulary, merges or model: full path
  std::string vocabulary;  // vocab.json where `file` is merges.txt; empty otherwise
};

// One network of a bundle.
struct Component {
  std::shared_ptr<const nlohmann::json> config;
  std::vector<std::string> files;  // full paths
  std::string prefix;              // of the tensors' names in them
  std::optional<TokenizerFiles> tokenizer;
};

// What a model was measured best with, in place of the library's own defaults.
struct GenerateDefaults {
  std::optional<int64_t> num_steps, num_jumps, jump_length;
  std::optional<double> cfg_scale, scale_phi;
};

struct Bundle {
  static constexpr int64_t kVersion = 1;

  std::string path;   // of bundle.json, for messages
  std::string json;   // its text
  std::string name, license, origin;
  int64_t sample_rate = 44100;
  double clip_fps = 8.0, sync_fps = 25.0;
  GenerateDefaults defaults;
  bool clip_slow_resize = true;  // which image processor of the CLIP tower (spec 05 §2)
  // Empty where the bundle does not have the network.
  std::optional<Component> mmdit, vae, t5, clip_text, clip_vision, synchformer, recogniser, listener;
};

// `path` is the folder or its bundle.json. TS_NOT_FOUND, TS_BAD_BUNDLE with the file and the field; files are named
// relative to the folder and may not leave it. Without `needs_files`, missing weight and tokenizer files are not an
// error (synthetic engines).
Bundle read_bundle(const std::string& path, bool needs_files = true);

// The same from text: for fuzzing and for built-in descriptions.
Bundle parse_bundle(std::string_view text, const std::string& origin, const std::string& folder, bool needs_files);

// The published ThinkSound sizes without files.
const char* published_bundle_json();

}  // namespace ts
