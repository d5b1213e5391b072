#include "runtime/bundle.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "core/json.h"

namespace ts {
namespace {

namespace fs = std::filesystem;
constexpr uintmax_t kMaxJsonBytes = 16 << 20;

fs::path to_path(const std::string& utf8) { return fs::path(std::u8string(utf8.begin(), utf8.end())); }
std::string to_utf8(const fs::path& path) {
  const std::u8string text = path.u8string();
  return {text.begin(), text.end()};
}

// A file name out of the bundle, as a full path. Names that leave the folder are refused: bundles are downloaded.
std::string resolve(const JsonObject& where, const std::string& folder, const std::string& name, bool must_exist) {
  const fs::path relative = to_path(name);
  where.check(!name.empty() && relative.is_relative(), "file ", in_quotes(name), " must be relative to the bundle's folder");
  for (const fs::path& part : relative) where.check(part != "..", "file ", in_quotes(name), " leaves the bundle's folder");
  const fs::path full = to_path(folder) / relative;
  std::error_code error;
  if (must_exist && !fs::is_regular_file(full, error))
    fail(TS_NOT_FOUND, to_utf8(full), ": not there, but ", where.where(), " names it; is the bundle complete?");
  return to_utf8(full);
}

std::optional<Component> parse_component(const JsonObject& components, std::string_view key, const std::string& folder, bool needs_files) {
  if (!components.has(key)) return std::nullopt;
  const JsonObject object = components.get_object(key);
  Component component;
  component.config = std::make_shared<nlohmann::json>(object.get_object("config").json());
  component.prefix = object.get_string("prefix", "");
  for (const std::string& name : object.get_strings("files")) component.files.push_back(resolve(object, folder, name, needs_files));
  object.check(!needs_files || !component.files.empty(), "files: at least one safetensors file is needed");
  if (object.has("tokenizer")) {
    const JsonObject tokenizer = object.get_object("tokenizer");
    TokenizerFiles files;
    files.type = tokenizer.get_choice("type", {"clip_bpe", "sentencepiece"}, "");
    tokenizer.check(!files.type.empty(), "type must be \"clip_bpe\" or \"sentencepiece\"");
    files.file = resolve(tokenizer, folder, tokenizer.get_string("file"), needs_files);
    if (tokenizer.has("vocabulary")) files.vocabulary = resolve(tokenizer, folder, tokenizer.get_string("vocabulary"), needs_files);
    component.tokenizer = files;
  }
  return component;
}

GenerateDefaults parse_defaults(const JsonObject& object) {
  GenerateDefaults defaults;
  for (const auto& [key, value] : object.json().items())
    object.check(key == "num_steps" || key == "cfg_scale" || key == "scale_phi" || key == "num_jumps" || key == "jump_length" ||
                     key == "object_streams" || key == "object_candidates" || key == "object_avoid" || key == "edit_candidates",
                 "unknown default ", in_quotes(key),
                 "; known are num_steps, cfg_scale, scale_phi, num_jumps, jump_length, object_streams, object_candidates, object_avoid and edit_candidates");
  if (object.has("num_steps")) defaults.num_steps = object.get_int("num_steps", 1, 1000);
  if (object.has("cfg_scale")) defaults.cfg_scale = object.get_number("cfg_scale", -100, 100);
  if (object.has("scale_phi")) defaults.scale_phi = object.get_number("scale_phi", 0, 1);
  if (object.has("num_jumps")) defaults.num_jumps = object.get_int("num_jumps", 0, 1000);
  if (object.has("jump_length")) defaults.jump_length = object.get_int("jump_length", 1, 1000);
  // For those who show it objects and edit; the library is given what they choose.
  for (const char* key : {"object_candidates", "edit_candidates"})
    if (object.has(key)) object.get_int(key, 1, 64);
  if (object.has("object_avoid")) {
    const JsonObject avoid = object.get_object("object_avoid");
    for (const auto& [key, value] : avoid.json().items()) avoid.check(!avoid.get_string(key).empty(), key, ": the caption is empty");
  }
  if (object.has("object_streams")) {
    const std::vector<std::string> streams = object.get_strings("object_streams");
    object.check(!streams.empty(), "object_streams is empty");
    for (const std::string& stream : streams)
      object.check(stream == "clip" || stream == "sync" || stream == "caption" || stream == "cot", "unknown stream ", in_quotes(stream),
                   " in object_streams; known are clip, sync, caption and cot");
  }
  return defaults;
}

}  // namespace

Bundle parse_bundle(std::string_view text, const std::string& origin, const std::string& folder, bool needs_files) {
  const nlohmann::json json = parse_json(text, origin, TS_BAD_BUNDLE);
  const JsonObject root(json, origin);
  root.check(root.get_string("format", "") == "thinksound-bundle", "\"format\" is not \"thinksound-bundle\": is this a bundle's description?");
  const int64_t version = root.get_int("version", 1, 1 << 30);
  root.check(version == Bundle::kVersion, "version ", version, ", but this library reads version ", Bundle::kVersion,
             version > Bundle::kVersion ? ": update ThinkSound" : "");
  Bundle bundle;
  bundle.path = origin;
  bundle.json = text;
  bundle.name = root.get_string("name", "unnamed");
  bundle.license = root.get_string("license", "");
  bundle.origin = root.get_string("origin", "");
  bundle.sample_rate = root.get_int("sample_rate", 8000, 192000, 44100);
  if (root.has("features")) {
    const JsonObject features = root.get_object("features");
    bundle.clip_fps = features.get_number("clip_fps", 0.1, 240.0, 8.0);
    bundle.sync_fps = features.get_number("sync_fps", 0.1, 240.0, 25.0);
    bundle.clip_slow_resize = features.get_choice("clip_resize", {"slow", "fast"}, "slow") == "slow";
  }
  if (root.has("defaults")) bundle.defaults = parse_defaults(root.get_object("defaults"));
  const JsonObject components = root.get_object("components");
  for (const auto& [key, value] : components.json().items())
    components.check(key == "mmdit" || key == "vae" || key == "t5" || key == "clip_text" || key == "clip_vision" || key == "synchformer" ||
                         key == "recogniser" || key == "listener",
                     "unknown component ", in_quotes(key));
  bundle.mmdit = parse_component(components, "mmdit", folder, needs_files);
  bundle.vae = parse_component(components, "vae", folder, needs_files);
  bundle.t5 = parse_component(components, "t5", folder, needs_files);
  bundle.clip_text = parse_component(components, "clip_text", folder, needs_files);
  bundle.clip_vision = parse_component(components, "clip_vision", folder, needs_files);
  bundle.synchformer = parse_component(components, "synchformer", folder, needs_files);
  bundle.recogniser = parse_component(components, "recogniser", folder, needs_files);
  bundle.listener = parse_component(components, "listener", folder, needs_files);
  return bundle;
}

Bundle read_bundle(const std::string& path, bool needs_files) {
  fs::path file = to_path(path);
  std::error_code error;
  if (fs::is_directory(file, error)) file /= "bundle.json";
  const std::string name = to_utf8(file);
  if (!fs::is_regular_file(file, error)) fail(TS_NOT_FOUND, name, ": no such bundle; give the folder that holds bundle.json");
  if (const uintmax_t size = fs::file_size(file, error); error || size > kMaxJsonBytes)
    fail(TS_BAD_BUNDLE, name, ": larger than ", kMaxJsonBytes, " bytes, so not a bundle's description");
  std::ifstream stream(file, std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  if (!stream) fail(TS_IO_ERROR, name, ": cannot be read");
  const fs::path folder = file.parent_path();
  return parse_bundle(text.str(), name, to_utf8(folder.empty() ? fs::path(".") : folder), needs_files);
}

// Sizes of spec 00 §4; names as Hugging Face and the reference's configuration write them.
const char* published_bundle_json() {
  return R"({
  "format": "thinksound-bundle", "version": 1, "name": "thinksound-published-sizes", "sample_rate": 44100,
  "components": {
    "mmdit": {"config": {"latent_dim": 64, "clip_dim": 1024, "sync_dim": 768, "text_dim": 2048, "hidden_dim": 1024, "depth": 21,
      "fused_depth": 14, "num_heads": 16, "latent_seq_len": 194, "clip_seq_len": 72, "sync_seq_len": 216, "v2": true, "kernel_size": 3}},
    "vae": {"config": {
      "encoder": {"type": "oobleck", "config": {"in_channels": 2, "channels": 128, "c_mults": [1, 2, 4, 8, 16],
        "strides": [2, 4, 4, 8, 8], "latent_dim": 128, "use_snake": true}},
      "decoder": {"type": "oobleck", "config": {"out_channels": 2, "channels": 128, "c_mults": [1, 2, 4, 8, 16],
        "strides": [2, 4, 4, 8, 8], "latent_dim": 64, "use_snake": true, "final_tanh": false}}}},
    "t5": {"config": {"vocab_size": 32128, "d_model": 2048, "d_kv": 64, "d_ff": 5120, "num_layers": 24, "num_heads": 32,
      "relative_attention_num_buckets": 32, "layer_norm_epsilon": 1e-06, "feed_forward_proj": "gated-gelu"}},
    "clip_text": {"config": {"text_config": {"hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16,
      "num_hidden_layers": 24, "vocab_size": 49408, "max_position_embeddings": 77, "hidden_act": "quick_gelu",
      "layer_norm_eps": 1e-05}, "projection_dim": 1024}},
    "clip_vision": {"config": {"vision_config": {"hidden_size": 1280, "intermediate_size": 5120, "num_attention_heads": 16,
      "num_hidden_layers": 32, "image_size": 224, "patch_size": 14, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-05},
      "projection_dim": 1024}},
    "synchformer": {"config": {"embed_dim": 768, "depth": 12, "num_heads": 12, "image": 224, "patch": 16, "temporal_patch": 2,
      "frames_per_segment": 16}}
  }
})";
}

}  // namespace ts
