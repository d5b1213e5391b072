#include "pipeline/sample.h"

#include "core/philox.h"
#include "pipeline/decode.h"
#include "pipeline/features.h"
#include "pipeline/flow_times.h"
#include "sampler/inpaint.h"

namespace ts {
namespace {

// Streams of one seed (core/philox.h): 0 is the noise that a sound begins as; a stream for each jump.
constexpr uint64_t kJumpStream = uint64_t(2) << 32;

Solver solver_of(ts_sampler sampler) {
  switch (sampler) {
    case TS_SAMPLER_V_DDIM:  // has steps of its own, at the times of Euler's
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

// A network that is shown what is known needs no second look.
int64_t num_jumps(const MmditConfig& config, const GenerateOptions& options) { return config.use_inpaint ? 0 : options.num_jumps; }

// The whole loop on the device: conditions once, then step by step.
void sample(Context& ctx, Replays& replays, const Mmdit& mmdit, const HostFeatures& host, const GenerateOptions& options, const Lengths& lengths,
            const HostLatents& latents, std::span<float> latent, const SamplerOptions& sampler) {
  const Arena::Scope scope(ctx.arena());
  const MmditConfig& config = mmdit.config();
  const Solver solver = solver_of(options.sampler);
  const MmditFeatures features = upload_features(ctx, config, host, lengths.latent);
  const MmditConditions conditions =
      mmdit.prepare(ctx, features, {lengths.latent, lengths.clip, lengths.sync}, 1, {.guided = sampler.is_guided()});
  const Shape shape{1, lengths.latent, config.latent_dim};
  const auto uploaded = [&](const std::vector<float>& values) { return upload_rows(ctx, values, lengths.latent, config.latent_dim); };
  const Tensor x = uploaded(latents.noise);
  if (!latents.init.empty()) start_latent(ctx, x, x, uploaded(latents.init), options.sigma_max);
  FlowTimes times(ctx, mmdit, conditions, evaluation_times(options.num_steps, options.sigma_max, solver));
  const FlowFunction flow = [&](const Tensor& answer, const Tensor& at, float t) {
    const MmditTimes& time = times.at(t);
    const auto evaluate = [&] { mmdit.velocity(ctx, answer, at, time, conditions); };
    if (ctx.planning()) return evaluate();
    replays.of(ctx, mmdit.velocity_key(answer, at, time, conditions)).run(ctx, evaluate);
  };
  if (options.sampler == TS_SAMPLER_V_DDIM) {
    v_ddim(ctx, x, flow, sampler);
  } else if (latents.known.empty()) {
    follow(ctx, x, flow, sampler, solver);
  } else {
    const KnownLatent known{.sound = uploaded(latents.known), .noise = uploaded(latents.noise), .mask = options.known_mask,
                            .num_jumps = num_jumps(config, options), .jump_length = options.jump_length,
                            .jump_noise = [&](std::span<float> noise, int64_t jump) { fill_normal(noise, options.seed, kJumpStream + uint64_t(jump)); }};
    inpaint(ctx, x, flow, known, sampler, solver);
  }
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

}  // namespace

void check_request(const Networks& networks, const Conditions& conditions, const GenerateOptions& options, const Lengths& lengths) {
  check_conditions(networks, conditions, options.cfg_scale, lengths.latent);
  const MmditConfig& config = networks.mmdit->config();
  check_latent(options.noise, "noise", config.latent_dim, lengths.latent);
  check_latent(options.init_latent, "init_latent", config.latent_dim, lengths.latent);
  check_latent(options.known_latent, "known_latent", config.latent_dim, lengths.latent);
  require(options.known_mask.empty() == options.known_latent.empty(), "known_latent and known_mask go together, and one of them is missing");
  check_known_mask(options.known_mask, lengths.latent);
  require(options.known_latent.empty() || options.sampler != TS_SAMPLER_V_DDIM, "the v objective cannot hold a known_latent; take another sampler");
}

std::vector<float> sample_latent(Workspace& workspace, const Networks& networks, const Conditions& conditions,
                                 const GenerateOptions& options, const Lengths& lengths, const Progress& progress) {
  const Mmdit& mmdit = *networks.mmdit;
  const int64_t latent_dim = mmdit.config().latent_dim;
  const Conditions* const asked[] = {&conditions};
  HostFeatures features = std::move(gather_features(workspace, networks, asked, progress).front());

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
  show_known(features, mmdit.config(), latents.known, options.known_mask);
  std::vector<float> latent(drawn.size());

  SamplerOptions sampler = sampler_options(options);
  sampler.on_step = [&](int64_t done, int64_t num_steps) { progress.report(TS_STAGE_SAMPLE, done, num_steps); };
  const int64_t repeats = options.known_latent.empty() ? 0 : num_jumps(mmdit.config(), options);
  progress.report(TS_STAGE_SAMPLE, 0, count_steps(resampling_moves(options.num_steps, options.jump_length, repeats, options.sigma_max == 1.0f)));
  workspace.run([&](Context& ctx) { sample(ctx, workspace.replays(), mmdit, features, options, lengths, latents, latent, sampler); });
  return latent;
}

int64_t plan_sample(const Workspace& workspace, const Networks& networks, const GenerateOptions& options, const Lengths& lengths) {
  const Mmdit& mmdit = *networks.mmdit;
  const MmditConfig& config = mmdit.config();
  const HostFeatures features = largest_features(config, lengths);
  const std::vector<float> latent(size_t(lengths.latent * config.latent_dim));
  const HostLatents latents{latent, latent, latent};
  GenerateOptions planned = options;
  planned.known_mask.resize(size_t(lengths.latent));
  std::vector<float> out(latent.size());
  Replays none(workspace.table());
  return workspace.plan([&](Context& ctx) { sample(ctx, none, mmdit, features, planned, lengths, latents, out, sampler_options(options)); });
}

}  // namespace ts
