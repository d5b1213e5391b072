// The MM-DiT on the cases of golden files, as they are or varied by a test.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "golden.h"
#include "models/mmdit.h"
#include "ops/backends.h"

namespace ts::test {

using golden::Array;

// [B, rows, cols] → [B, cols, rows]: goldens hold latents by channel.
inline Array transposed(const Array& x) {
  const int64_t batch = x.shape[0], rows = x.shape[1], cols = x.shape[2];
  Array y({batch, cols, rows});
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < cols; ++c) y.values[size_t((b * cols + c) * rows + r)] = x.values[size_t((b * rows + r) * cols + c)];
  return y;
}

inline bool bit_identical(const Array& a, const Array& b) { return a.shape == b.shape && a.values == b.values; }

inline Mmdit load_mmdit(const golden::File& file, const nlohmann::json& config, const OperatorTable& table, DType dtype = DType::f32) {
  const auto source = file.weights();
  Loader loader(*source, table, dtype);
  return Mmdit::load(loader, parse_mmdit_config(config, file.file()->path()));
}

// A model of a flags golden: its own tensors before the shared ones, without those it does not use.
inline Mmdit load_flag_model(const golden::File& file, const std::string& name, const OperatorTable& table, DType dtype = DType::f32) {
  const nlohmann::json models = file.metadata("models");
  nlohmann::json config = file.metadata("config");
  config.update(models[name]["config"]);
  const auto source = open_weights({{file.file(), "w." + name + "."}, {file.file(), "w."}});
  for (const auto& unused : models[name]["unused_shared"]) source->ignore(unused.get<std::string>());
  for (const auto& other : models.items()) source->ignore(other.key() + ".");
  Loader loader(*source, table, dtype);
  return Mmdit::load(loader, parse_mmdit_config(config, file.file()->path() + " (" + name + ")"));
}

// One case of a golden file, ready to be run and to be varied.
struct MmditCase {
  std::map<std::string, Array> inputs;  // by the reference's argument names; x as [B, N, latent_dim]
  MmditLengths lengths;
  int64_t batch = 1;
  std::vector<float> t;
  float cfg = 1, phi = 0;
  std::vector<uint32_t> absent;
  bool without_t5 = false;

  Tensor input(const std::string& name) const {
    const auto found = inputs.find(name);
    return found == inputs.end() ? Tensor() : found->second.view();
  }
  // In the context's arena.
  Tensor input(Context& ctx, const std::string& name) const { return golden::on_device(ctx, input(name)); }
  MmditFeatures features(Context& ctx) const {
    MmditFeatures features = this->features();
    for (Tensor* feature : {&features.clip, &features.sync, &features.text, &features.t5, &features.global_text, &features.masked_latent})
      *feature = golden::on_device(ctx, *feature);
    return features;
  }
  // Views into `inputs`, which are host memory.
  MmditFeatures features() const {
    MmditFeatures features;
    features.clip = input("clip_f");
    features.sync = input("sync_f");
    features.text = input("text_f");
    features.t5 = input("t5_features");
    features.global_text = input("metaclip_global_text_features");
    features.masked_latent = input("inpaint_masked_input");
    features.absent = absent;
    features.without_t5 = without_t5;
    return features;
  }
};

// Items whose flag is 0 have no video.
inline std::vector<uint32_t> absent_videos(const golden::File& file, const std::string& key) {
  std::vector<uint32_t> absent;
  if (file.has(key))
    for (float exists : file.array(key).values) absent.push_back(exists != 0 ? 0u : uint32_t(kMmditVideo));
  return absent;
}

inline MmditCase read_case(const golden::File& file, const std::string& name) {
  const nlohmann::json settings = file.metadata("cases")[name];
  MmditCase c;
  for (const char* input : {"x", "clip_f", "sync_f", "text_f", "t5_features", "metaclip_global_text_features", "inpaint_masked_input"}) {
    std::string key = "in." + name + "." + input;
    if (settings.contains("inputs")) {  // cases of the flags golden share tensors
      if (!settings["inputs"].contains(input)) continue;
      key = settings["inputs"][input];
    }
    if (!file.has(key)) continue;
    const bool by_channel = std::string(input) == "x" || std::string(input) == "inpaint_masked_input";
    c.inputs[input] = by_channel ? transposed(file.array(key)) : file.array(key);
  }
  c.lengths = {settings["L"][0], settings["L"][1], settings["L"][2], settings.value("text_seq_len", int64_t(0))};
  c.batch = settings.value("B", int64_t(1));
  if (file.has("in." + name + ".t")) c.t = file.array("in." + name + ".t").values;
  c.cfg = settings.value("cfg", 1.0f);
  c.phi = settings.value("phi", 0.0f);
  c.without_t5 = settings.value("no_t5", false);
  c.absent = absent_videos(file, "in." + name + ".video_exist");
  return c;
}

// Flow [B, N, latent_dim] after guidance.
inline Array run_case(const Mmdit& model, const MmditCase& c, const OperatorTable& table, const Probe* probe = nullptr, DType dtype = DType::f32) {
  Array result(c.input("x").shape);
  const bool guided = c.cfg != 1.0f;
  golden::run(table, dtype, [&](Context& ctx) {
    const Arena::Scope scope(ctx.arena());
    const Tensor x = c.input(ctx, "x");
    const Tensor flow = ctx.f32({guided ? 2 * c.batch : c.batch, x.shape[1], x.shape[2]});
    const MmditConditions conditions = model.prepare(ctx, c.features(ctx), c.lengths, c.batch, {.guided = guided});
    model.velocity(ctx, flow, x, c.t, conditions);
    Tensor out = flow;
    if (guided) {
      out = ctx.f32(x.shape);
      ops::guide(ctx, out, flow.slice(0, c.batch), flow.slice(c.batch, c.batch), c.cfg, c.phi);
    }
    ops::download(ctx, result.view(), out);
  }, probe);
  return result;
}

}  // namespace ts::test
