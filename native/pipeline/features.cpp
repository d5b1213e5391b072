#include "pipeline/features.h"

#include <algorithm>

#include "pipeline/decode.h"
#include "pipeline/text.h"

namespace ts {
namespace {

HostFeatures given_features(const Networks& networks, const Conditions& conditions) {
  HostFeatures features;
  features.clip = conditions.clip;
  features.sync = conditions.sync;
  features.num_clip = conditions.num_clip;
  features.num_sync = conditions.num_sync;
  features.global_text = conditions.global_text;
  features.text = conditions.text;
  features.t5 = conditions.t5;
  features.num_text = conditions.text.empty() ? networks.text_len() : conditions.num_text;
  if (!conditions.masked_latent.empty())
    features.masked_latent = transposed(conditions.masked_latent, networks.mmdit->config().latent_dim,
                                        int64_t(conditions.masked_latent.size()) / networks.mmdit->config().latent_dim);
  return features;
}

}  // namespace

void check_conditions(const Networks& networks, const Conditions& conditions, float cfg_scale, int64_t latent_len) {
  const MmditConfig& config = networks.need(networks.mmdit, "mmdit", "make sound").config();
  const bool needs_clip = (conditions.caption && conditions.text.empty()) || conditions.negative_caption;
  const bool needs_t5 = (conditions.cot && conditions.t5.empty()) || conditions.negative_cot;
  if (needs_clip) networks.need(networks.clip_text, "clip_text", "read a caption");
  if (needs_clip) networks.need(networks.clip_tokenizer, "clip_text with a tokenizer", "read a caption");
  if (needs_t5) networks.need(networks.t5, "t5", "read a chain of thought");
  if (needs_t5) networks.need(networks.t5_tokenizer, "t5 with a tokenizer", "read a chain of thought");
  require(conditions.num_sync % 8 == 0, "sync_features has ", conditions.num_sync, " rows, a multiple of 8 is needed");
  require(conditions.num_text <= config.text_seq_len, "text_features has ", conditions.num_text, " rows, at most ", config.text_seq_len);
  require(config.use_inpaint || conditions.masked_latent.empty(), "masked_latent is given, but this checkpoint has no inpainting input");
  require(cfg_scale != 1.0f || (!conditions.negative_caption && !conditions.negative_cot),
          "a negative prompt acts through guidance, and cfg_scale 1 turns that off");
  check_latent(conditions.masked_latent, "masked_latent", config.latent_dim, latent_len);
}

void check_latent(const std::vector<float>& latent, const char* name, int64_t latent_dim, int64_t latent_len) {
  require(latent.empty() || int64_t(latent.size()) == latent_dim * latent_len, name, " has ", latent.size(), " elements, expected ",
          latent_dim, " × ", latent_len);
}

void check_known_mask(const std::vector<float>& mask, int64_t latent_len) {
  require(mask.empty() || int64_t(mask.size()) == latent_len, "known_mask has ", mask.size(), " elements, expected ", latent_len);
  for (float value : mask) require(value >= 0 && value <= 1, "known_mask holds ", value, ", but 0 … 1 is possible");
}

std::vector<HostFeatures> gather_features(Workspace& workspace, const Networks& networks, std::span<const Conditions* const> conditions,
                                          const Progress& progress) {
  struct Text {
    const std::string& source;
    ts_text_encoder encoder;
    std::vector<float>& to;
  };
  std::vector<HostFeatures> all;
  for (const Conditions* one : conditions) all.push_back(given_features(networks, *one));
  std::vector<Text> wanted;
  for (size_t i = 0; i < all.size(); ++i) {
    const auto want = [&](const std::optional<std::string>& source, ts_text_encoder encoder, std::vector<float>& to) {
      if (source && to.empty()) wanted.push_back({*source, encoder, to});
    };
    want(conditions[i]->caption, TS_TEXT_CLIP, all[i].text);
    want(conditions[i]->cot, TS_TEXT_T5, all[i].t5);
    want(conditions[i]->negative_caption, TS_TEXT_CLIP, all[i].negative_text);
    want(conditions[i]->negative_cot, TS_TEXT_T5, all[i].negative_t5);
  }
  progress.report(TS_STAGE_TEXT, 0, int64_t(wanted.size()));
  for (size_t i = 0; i < wanted.size(); ++i) {
    wanted[i].to = encode_text(workspace, networks, wanted[i].encoder, wanted[i].source);
    progress.report(TS_STAGE_TEXT, int64_t(i) + 1, int64_t(wanted.size()));
  }
  return all;
}

void show_known(HostFeatures& features, const MmditConfig& config, const std::vector<float>& known, const std::vector<float>& mask) {
  if (!config.use_inpaint || !features.masked_latent.empty() || mask.empty()) return;
  features.masked_latent = known;
  for (size_t n = 0; n < mask.size(); ++n)
    if (mask[n] < 1) std::fill_n(features.masked_latent.begin() + std::ptrdiff_t(n) * config.latent_dim, config.latent_dim, 0.0f);
}

Tensor upload_rows(Context& ctx, const std::vector<float>& values, int64_t rows, int64_t width) {
  if (values.empty()) return {};
  const Tensor tensor = ctx.f32({1, rows, width});
  ops::upload(ctx, tensor, tensor_of(values.data(), tensor.shape));
  return tensor;
}

MmditFeatures upload_features(Context& ctx, const MmditConfig& config, const HostFeatures& host, int64_t latent_len) {
  MmditFeatures features;
  features.clip = upload_rows(ctx, host.clip, host.num_clip, config.clip_dim);
  features.sync = upload_rows(ctx, host.sync, host.num_sync, config.sync_dim);
  features.text = upload_rows(ctx, host.text, host.num_text, config.clip_text_dim);
  features.t5 = upload_rows(ctx, host.t5, int64_t(host.t5.size()) / config.text_dim, config.text_dim);
  features.negative_text = upload_rows(ctx, host.negative_text, int64_t(host.negative_text.size()) / config.clip_text_dim, config.clip_text_dim);
  features.negative_t5 = upload_rows(ctx, host.negative_t5, int64_t(host.negative_t5.size()) / config.text_dim, config.text_dim);
  features.masked_latent = upload_rows(ctx, host.masked_latent, latent_len, config.latent_dim);
  if (const Tensor global = upload_rows(ctx, host.global_text, 1, config.clip_text_dim)) features.global_text = global.reshape({1, config.clip_text_dim});
  return features;
}

HostFeatures largest_features(const MmditConfig& config, const Lengths& lengths) {
  const auto some = [](int64_t rows, int64_t width) { return std::vector<float>(size_t(rows * width)); };
  HostFeatures features;
  features.num_clip = lengths.clip;
  features.num_sync = lengths.sync;
  features.num_text = config.text_seq_len;
  features.clip = some(lengths.clip, config.clip_dim);
  features.sync = some(lengths.sync, config.sync_dim);
  features.text = features.negative_text = some(config.text_seq_len, config.clip_text_dim);
  features.t5 = features.negative_t5 = some(config.text_seq_len, config.text_dim);
  if (config.use_inpaint) features.masked_latent = some(lengths.latent, config.latent_dim);
  return features;
}

}  // namespace ts
