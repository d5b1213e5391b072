#include "pipeline/sample.h"

#include "core/philox.h"
#include "pipeline/decode.h"
#include "pipeline/text.h"
#include "sampler/sampler.h"

namespace ts {
namespace {

// Features of one clip on the host, texts encoded. Empty = absent.
struct HostFeatures {
  std::vector<float> clip, sync, text, t5, global_text, negative_text, negative_t5, masked_latent;
  int64_t num_clip = 0, num_sync = 0, num_text = 0;
};

HostFeatures gather(Workspace& workspace, const Networks& networks, const Conditions& conditions, const Progress& progress) {
  HostFeatures features;
  features.clip = conditions.clip;
  features.sync = conditions.sync;
  features.num_clip = conditions.num_clip;
  features.num_sync = conditions.num_sync;
  features.global_text = conditions.global_text;
  features.text = conditions.text;
  features.t5 = conditions.t5;
  features.num_text = conditions.text.empty() ? networks.text_len() : conditions.num_text;

  struct Text {
    const std::optional<std::string>& source;
    ts_text_encoder encoder;
    std::vector<float>& to;
  };
  const Text texts[] = {{conditions.caption, TS_TEXT_CLIP, features.text},
                        {conditions.cot, TS_TEXT_T5, features.t5},
                        {conditions.negative_caption, TS_TEXT_CLIP, features.negative_text},
                        {conditions.negative_cot, TS_TEXT_T5, features.negative_t5}};
  std::vector<Text> wanted;
  for (const Text& text : texts)
    if (text.source && text.to.empty()) wanted.push_back(text);
  progress.report(TS_STAGE_TEXT, 0, int64_t(wanted.size()));
  for (size_t i = 0; i < wanted.size(); ++i) {
    wanted[i].to = encode_text(workspace, networks, wanted[i].encoder, *wanted[i].source);
    progress.report(TS_STAGE_TEXT, int64_t(i) + 1, int64_t(wanted.size()));
  }
  if (!conditions.masked_latent.empty())
    features.masked_latent = transposed(conditions.masked_latent, networks.mmdit->config().latent_dim,
                                        int64_t(conditions.masked_latent.size()) / networks.mmdit->config().latent_dim);
  return features;
}

Tensor upload(Context& ctx, const std::vector<float>& values, int64_t rows, int64_t width) {
  if (values.empty()) return {};
  const Tensor tensor = ctx.f32({1, rows, width});
  ops::upload(ctx, tensor, tensor_of(values.data(), tensor.shape));
  return tensor;
}

MmditFeatures upload_features(Context& ctx, const MmditConfig& config, const HostFeatures& host, int64_t latent_len) {
  MmditFeatures features;
  features.clip = upload(ctx, host.clip, host.num_clip, config.clip_dim);
  features.sync = upload(ctx, host.sync, host.num_sync, config.sync_dim);
  features.text = upload(ctx, host.text, host.num_text, config.clip_text_dim);
  features.t5 = upload(ctx, host.t5, int64_t(host.t5.size()) / config.text_dim, config.text_dim);
  features.negative_text = upload(ctx, host.negative_text, int64_t(host.negative_text.size()) / config.clip_text_dim, config.clip_text_dim);
  features.negative_t5 = upload(ctx, host.negative_t5, int64_t(host.negative_t5.size()) / config.text_dim, config.text_dim);
  features.masked_latent = upload(ctx, host.masked_latent, latent_len, config.latent_dim);
  if (const Tensor global = upload(ctx, host.global_text, 1, config.clip_text_dim)) features.global_text = global.reshape({1, config.clip_text_dim});
  return features;
}

void run_sampler(Context& ctx, const Tensor& x, const FlowFunction& flow, ts_sampler sampler, const SamplerOptions& options) {
  switch (sampler) {
    case TS_SAMPLER_EULER: return euler(ctx, x, flow, options);
    case TS_SAMPLER_MIDPOINT: return midpoint(ctx, x, flow, options);
    case TS_SAMPLER_RK4: return rk4(ctx, x, flow, options);
    case TS_SAMPLER_V_DDIM: return v_ddim(ctx, x, flow, options);
    default: fail(TS_INVALID_ARGUMENT, "sampler ", sampler, " is not known");
  }
}

// The whole loop on the device: conditions once, then step by step. noise and init are [N, latent_dim] on the host, init
// may be empty.
void sample(Context& ctx, const Mmdit& mmdit, const HostFeatures& host, const GenerateOptions& options, const Lengths& lengths,
            std::span<const float> noise, std::span<const float> init, std::span<float> latent, const SamplerOptions& sampler) {
  const Arena::Scope scope(ctx.arena());
  const MmditConfig& config = mmdit.config();
  const MmditFeatures features = upload_features(ctx, config, host, lengths.latent);
  const MmditConditions conditions =
      mmdit.prepare(ctx, features, {lengths.latent, lengths.clip, lengths.sync}, 1, {.guided = sampler.is_guided()});
  const Shape shape{1, lengths.latent, config.latent_dim};
  const Tensor x = ctx.f32(shape);
  ops::upload(ctx, x, tensor_of(noise.data(), shape));
  if (!init.empty()) {
    const Tensor start = ctx.f32(shape);
    ops::upload(ctx, start, tensor_of(init.data(), shape));
    start_latent(ctx, x, x, start, options.sigma_max);
  }
  run_sampler(ctx, x, [&](const Tensor& flow, const Tensor& at, float t) { mmdit.velocity(ctx, flow, at, {&t, 1}, conditions); },
              options.sampler, sampler);
  ops::download(ctx, tensor_of(latent.data(), shape), x);
}

SamplerOptions sampler_options(const GenerateOptions& options) {
  SamplerOptions sampler;
  sampler.num_steps = options.num_steps;
  sampler.sigma_max = options.sigma_max;
  sampler.cfg_scale = options.cfg_scale;
  sampler.scale_phi = options.scale_phi;
  return sampler;
}

void check_latent(const std::vector<float>& latent, const char* name, int64_t latent_dim, int64_t latent_len) {
  require(latent.empty() || int64_t(latent.size()) == latent_dim * latent_len, name, " has ", latent.size(), " elements, expected ",
          latent_dim, " × ", latent_len);
}

}  // namespace

void check_request(const Networks& networks, const Conditions& conditions, const GenerateOptions& options, const Lengths& lengths) {
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
  require(options.cfg_scale != 1.0f || (!conditions.negative_caption && !conditions.negative_cot),
          "a negative prompt acts through guidance, and cfg_scale 1 turns that off");
  check_latent(options.noise, "noise", config.latent_dim, lengths.latent);
  check_latent(options.init_latent, "init_latent", config.latent_dim, lengths.latent);
  check_latent(conditions.masked_latent, "masked_latent", config.latent_dim, lengths.latent);
}

std::vector<float> sample_latent(Workspace& workspace, const Networks& networks, const Conditions& conditions,
                                 const GenerateOptions& options, const Lengths& lengths, const Progress& progress) {
  const Mmdit& mmdit = *networks.mmdit;
  const int64_t latent_dim = mmdit.config().latent_dim;
  const HostFeatures features = gather(workspace, networks, conditions, progress);

  // Noise is drawn by channel, as the reference holds it, and the same for every device.
  std::vector<float> drawn = options.noise;
  if (drawn.empty()) {
    drawn.resize(size_t(latent_dim * lengths.latent));
    fill_normal(drawn, options.seed, 0);
  }
  const std::vector<float> noise = transposed(drawn, latent_dim, lengths.latent);
  const std::vector<float> init =
      options.init_latent.empty() ? std::vector<float>() : transposed(options.init_latent, latent_dim, lengths.latent);
  std::vector<float> latent(noise.size());

  SamplerOptions sampler = sampler_options(options);
  sampler.on_step = [&](int64_t done, int64_t num_steps) { progress.report(TS_STAGE_SAMPLE, done, num_steps); };
  progress.report(TS_STAGE_SAMPLE, 0, options.num_steps);
  workspace.run([&](Context& ctx) { sample(ctx, mmdit, features, options, lengths, noise, init, latent, sampler); });
  return latent;
}

int64_t plan_sample(const Workspace& workspace, const Networks& networks, const GenerateOptions& options, const Lengths& lengths) {
  const Mmdit& mmdit = *networks.mmdit;
  const MmditConfig& config = mmdit.config();
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
  const std::vector<float> latent = some(lengths.latent, config.latent_dim);
  std::vector<float> out(latent.size());
  return workspace.plan([&](Context& ctx) { sample(ctx, mmdit, features, options, lengths, latent, latent, out, sampler_options(options)); });
}

}  // namespace ts
