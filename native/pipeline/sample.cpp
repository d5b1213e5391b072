#include "pipeline/sample.h"

#include "core/philox.h"
#include "pipeline/decode.h"
#include "pipeline/text.h"
#include "sampler/inpaint.h"

namespace ts {
namespace {

// Streams of one seed (core/philox.h): 0 is the noise that a sound begins as; a stream for each jump.
constexpr uint64_t kJumpStream = uint64_t(2) << 32;

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

Solver solver_of(ts_sampler sampler) {
  switch (sampler) {
    case TS_SAMPLER_EULER: return Solver::euler;
    case TS_SAMPLER_MIDPOINT: return Solver::midpoint;
    case TS_SAMPLER_RK4: return Solver::rk4;
    default: fail(TS_INVALID_ARGUMENT, "sampler ", sampler, " is not known");
  }
}

// What a flow starts from and is held to: [N, latent_dim] on the host. Only the noise is always there.
struct HostLatents {
  std::vector<float> noise, init, known;
};

// The whole loop on the device: conditions once, then step by step.
void sample(Context& ctx, const Mmdit& mmdit, const HostFeatures& host, const GenerateOptions& options, const Lengths& lengths,
            const HostLatents& latents, std::span<float> latent, const SamplerOptions& sampler) {
  const Arena::Scope scope(ctx.arena());
  const MmditConfig& config = mmdit.config();
  const MmditFeatures features = upload_features(ctx, config, host, lengths.latent);
  const MmditConditions conditions =
      mmdit.prepare(ctx, features, {lengths.latent, lengths.clip, lengths.sync}, 1, {.guided = sampler.is_guided()});
  const Shape shape{1, lengths.latent, config.latent_dim};
  const auto uploaded = [&](const std::vector<float>& values) { return upload(ctx, values, lengths.latent, config.latent_dim); };
  const Tensor x = uploaded(latents.noise);
  if (!latents.init.empty()) start_latent(ctx, x, x, uploaded(latents.init), options.sigma_max);
  const FlowFunction flow = [&](const Tensor& answer, const Tensor& at, float t) { mmdit.velocity(ctx, answer, at, {&t, 1}, conditions); };
  if (options.sampler == TS_SAMPLER_V_DDIM) {
    v_ddim(ctx, x, flow, sampler);
  } else if (latents.known.empty()) {
    follow(ctx, x, flow, sampler, solver_of(options.sampler));
  } else {
    KnownLatent known{.sound = uploaded(latents.known), .noise = uploaded(latents.noise), .mask = options.known_mask, .jump_noise = {}};
    // A network that is shown the known part needs no second look.
    if (!config.use_inpaint) known.num_jumps = options.num_jumps;
    known.jump_length = options.jump_length;
    known.jump_noise = [&](std::span<float> noise, int64_t jump) { fill_normal(noise, options.seed, kJumpStream + uint64_t(jump)); };
    inpaint(ctx, x, flow, known, sampler, solver_of(options.sampler));
  }
  ops::download(ctx, tensor_of(latent.data(), shape), x);
}

// Rows [N, latent_dim] that are wholly known, as a checkpoint with use_inpaint was taught: zeros elsewhere.
std::vector<float> masked(std::vector<float> known, const std::vector<float>& mask) {
  const size_t width = mask.empty() ? 0 : known.size() / mask.size();
  for (size_t n = 0; n < mask.size(); ++n)
    if (mask[n] < 1) std::fill_n(known.begin() + std::ptrdiff_t(n * width), width, 0.0f);
  return known;
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
  check_latent(options.known_latent, "known_latent", config.latent_dim, lengths.latent);
  check_latent(conditions.masked_latent, "masked_latent", config.latent_dim, lengths.latent);
  require(options.known_mask.empty() == options.known_latent.empty(), "known_latent and known_mask go together, and one of them is missing");
  require(options.known_mask.empty() || int64_t(options.known_mask.size()) == lengths.latent, "known_mask has ", options.known_mask.size(),
          " elements, expected ", lengths.latent);
  for (float value : options.known_mask) require(value >= 0 && value <= 1, "known_mask holds ", value, ", but 0 … 1 is possible");
  require(options.known_latent.empty() || options.sampler != TS_SAMPLER_V_DDIM, "the v objective cannot hold a known_latent; take another sampler");
}

std::vector<float> sample_latent(Workspace& workspace, const Networks& networks, const Conditions& conditions,
                                 const GenerateOptions& options, const Lengths& lengths, const Progress& progress) {
  const Mmdit& mmdit = *networks.mmdit;
  const int64_t latent_dim = mmdit.config().latent_dim;
  HostFeatures features = gather(workspace, networks, conditions, progress);

  // Noise is drawn by channel, as the reference holds it, and the same for every device.
  std::vector<float> drawn = options.noise;
  if (drawn.empty()) {
    drawn.resize(size_t(latent_dim * lengths.latent));
    fill_normal(drawn, options.seed, 0);
  }
  const auto rows = [&](const std::vector<float>& columns) {
    return columns.empty() ? std::vector<float>() : transposed(columns, latent_dim, lengths.latent);
  };
  const HostLatents latents{.noise = rows(drawn), .init = rows(options.init_latent), .known = rows(options.known_latent)};
  if (mmdit.config().use_inpaint && features.masked_latent.empty()) features.masked_latent = masked(latents.known, options.known_mask);
  std::vector<float> latent(drawn.size());

  SamplerOptions sampler = sampler_options(options);
  sampler.on_step = [&](int64_t done, int64_t num_steps) { progress.report(TS_STAGE_SAMPLE, done, num_steps); };
  progress.report(TS_STAGE_SAMPLE, 0, options.num_steps);
  workspace.run([&](Context& ctx) { sample(ctx, mmdit, features, options, lengths, latents, latent, sampler); });
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
  const HostLatents latents{latent, latent, latent};
  GenerateOptions planned = options;
  planned.known_mask.resize(size_t(lengths.latent));
  std::vector<float> out(latent.size());
  return workspace.plan([&](Context& ctx) { sample(ctx, mmdit, features, planned, lengths, latents, out, sampler_options(options)); });
}

}  // namespace ts
