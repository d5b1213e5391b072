#include <doctest/doctest.h>

#include <string>

#include "core/error.h"
#include "runtime/bundle.h"

using namespace ts;

namespace {

std::string message_of(const std::string& text) {
  try {
    parse_bundle(text, "bundle.json", "/nowhere", false);
  } catch (const Error& error) {
    CHECK(error.status() == TS_BAD_BUNDLE);
    return error.what();
  }
  return "accepted";
}

std::string with_component(const std::string& component) {
  return R"({"format": "thinksound-bundle", "version": 1, "components": {)" + component + "}}";
}

}  // namespace

TEST_CASE("bundle: the published sizes parse") {
  const Bundle bundle = parse_bundle(published_bundle_json(), "published", ".", false);
  CHECK(bundle.mmdit);
  CHECK(bundle.vae);
  CHECK(bundle.t5);
  CHECK(bundle.clip_text);
  CHECK(bundle.clip_vision);
  CHECK(bundle.synchformer);
  CHECK((!bundle.recogniser && !bundle.listener));  // ours alone
  CHECK(bundle.sample_rate == 44100);
}

TEST_CASE("bundle: files are found beside bundle.json and may not leave its folder") {
  const Bundle bundle = parse_bundle(with_component(R"("t5": {"config": {}, "files": ["sub/t5.safetensors"], "prefix": "w.",
      "tokenizer": {"type": "sentencepiece", "file": "spiece.model"}})"), "bundle.json", "/models/small", false);
  CHECK(bundle.t5->files == std::vector<std::string>{"/models/small/sub/t5.safetensors"});
  CHECK(bundle.t5->prefix == "w.");
  CHECK(bundle.t5->tokenizer->file == "/models/small/spiece.model");
  for (const char* name : {"/etc/passwd", "../x", "a/../../x", ""})
    CHECK(message_of(with_component(std::string(R"("t5": {"config": {}, "files": [")") + name + R"("]})")).find("folder") != std::string::npos);
}

TEST_CASE("bundle: defaults are taken as far as they are given, and refused by name") {
  const auto with_defaults = [](const std::string& defaults) {
    return R"({"format": "thinksound-bundle", "version": 1, "components": {}, "defaults": )" + defaults + "}";
  };
  const Bundle bundle = parse_bundle(with_defaults(R"({"cfg_scale": 3.5, "num_jumps": 2})"), "bundle.json", ".", false);
  CHECK(bundle.defaults.cfg_scale == 3.5);
  CHECK(bundle.defaults.num_jumps == 2);
  CHECK(!bundle.defaults.num_steps);
  CHECK(message_of(with_defaults(R"({"object_candidates": 64, "edit_candidates": 1})")) == "accepted");
  CHECK(message_of(with_defaults(R"({"object_candidates": 0})")).find("object_candidates") != std::string::npos);
  CHECK(message_of(with_defaults(R"({"edit_candidates": 65})")).find("edit_candidates") != std::string::npos);
  CHECK(message_of(with_defaults(R"({"edit_candidates": "4"})")).find("edit_candidates") != std::string::npos);
  CHECK(!parse_bundle(published_bundle_json(), "published", ".", false).defaults.cfg_scale);
  CHECK(message_of(with_defaults(R"({"guidance": 3})")).find("unknown default \"guidance\"") != std::string::npos);
  CHECK(parse_bundle(with_defaults(R"({"object_streams": ["sync", "caption"]})"), "bundle.json", ".", false).name == "unnamed");
  CHECK(message_of(with_defaults(R"({"object_streams": ["smell"]})")).find("unknown stream \"smell\"") != std::string::npos);
  CHECK(message_of(with_defaults(R"({"object_avoid": {"bell": "a fist knocks on a door"}})")) == "accepted");
  CHECK(message_of(with_defaults(R"({"object_avoid": {"bell": 3}})")).find("bell") != std::string::npos);
  CHECK(message_of(with_defaults(R"({"object_avoid": {"bell": ""}})")).find("bell") != std::string::npos);
  CHECK(message_of(with_defaults(R"({"object_avoid": "a bell"})")).find("object_avoid") != std::string::npos);
  CHECK(message_of(with_defaults(R"({"object_streams": []})")).find("object_streams is empty") != std::string::npos);
  CHECK(message_of(with_defaults(R"({"num_steps": 0})")).find("num_steps") != std::string::npos);
  CHECK(message_of(with_defaults(R"({"cfg_scale": "high"})")).find("cfg_scale") != std::string::npos);
  CHECK(message_of(with_defaults("3")).find("defaults") != std::string::npos);
}

TEST_CASE("bundle: what is wrong is named") {
  CHECK(message_of("{}").find("thinksound-bundle") != std::string::npos);
  CHECK(message_of(R"({"format": "thinksound-bundle", "version": 2, "components": {}})").find("version 2") != std::string::npos);
  CHECK(message_of(R"({"format": "thinksound-bundle", "version": 1})").find("components") != std::string::npos);
  CHECK(message_of(with_component(R"("vocoder": {})")).find("vocoder") != std::string::npos);
  CHECK(message_of(with_component(R"("t5": {"files": []})")).find("config") != std::string::npos);
  CHECK(message_of(R"({"format": "thinksound-bundle", "format": "thinksound-bundle"})") != "accepted");
  CHECK(message_of("[1, 2") != "accepted");
}

TEST_CASE("bundle: a folder without bundle.json is not found, in words") {
  try {
    read_bundle("/nowhere/at/all");
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.status() == TS_NOT_FOUND);
    CHECK(std::string(error.what()).find("/nowhere/at/all") != std::string::npos);
  }
}
