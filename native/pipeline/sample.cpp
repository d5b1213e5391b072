#include "pipeline/sample.h"

#include "core/philox.h"
#include "core/split_mix.h"
#include "pipeline/decode.h"
#include "pipeline/features.h"
#include "pipeline/flow_times.h"
#include "pipeline/listen.h"
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

// What flows start from besides noise and are held to: [N, latent_dim] on the host, or absent.
struct HostLatents {
  std::vector<float> init, known;
};

// One of the sounds that may be made of the same conditions.
struct Candidate {
  uint64_t seed = 0;
  std::vector<float> noise, latent;  // [N, latent_dim]
  std::vector<float> sound;          // [embed_dim], what a listener hears of it
};

// A network that is shown what is known needs no second look.
int64_t num_jumps(const MmditConfig& config, const GenerateOptions& options) { return config.use_inpaint ? 0 : options.num_jumps; }

SamplerOptions sampler_options(const GenerateOptions& options) {
  SamplerOptions sampler;
  sampler.num_steps = options.num_steps;
  sampler.sigma_max = options.sigma_max;
  sampler.cfg_scale = options.cfg_scale;
  sampler.scale_phi = options.scale_phi;
  return sampler;
}

// The whole loop on the device: conditions once, then step by step, candidate by candidate. With a listener each is heard.
void sample(Context& ctx, Replays& replays, const Mmdit& mmdit, const Listener* listener, const HostFeatures& host, const GenerateOptions& options,
            const Lengths& lengths, const HostLatents& latents, std::span<Candidate> candidates, const Progress& progress) {
  const Arena::Scope scope(ctx.arena());
  const MmditConfig& config = mmdit.config();
  const Solver solver = solver_of(options.sampler);
  SamplerOptions sampler = sampler_options(options);
  const MmditFeatures features = upload_features(ctx, config, host, lengths.latent);
  const MmditConditions conditions =
      mmdit.prepare(ctx, features, {lengths.latent, lengths.clip, lengths.sync}, 1, {.guided = sampler.is_guided()});
  const Shape shape{1, lengths.latent, config.latent_dim};
  const auto uploaded = [&](const std::vector<float>& values) { return upload_rows(ctx, values, lengths.latent, config.latent_dim); };
  const Tensor x = ctx.f32(shape), init = uploaded(latents.init);
  FlowTimes times(ctx, mmdit, conditions, evaluation_times(options.num_steps, options.sigma_max, solver));
  const FlowFunction flow = [&](const Tensor& answer, const Tensor& at, float t) {
    const MmditTimes& time = times.at(t);
    const auto evaluate = [&] { mmdit.velocity(ctx, answer, at, time, conditions); };
    if (ctx.planning()) return evaluate();
    replays.of(ctx, mmdit.velocity_key(answer, at, time, conditions)).run(ctx, evaluate);
  };
  int64_t earlier_steps = 0;  // of the candidates before
  for (Candidate& candidate : candidates) {
    const Arena::Scope candidate_scope(ctx.arena());
    sampler.on_step = [&](int64_t done, int64_t num_steps) {
      progress.report(TS_STAGE_SAMPLE, earlier_steps + done, num_steps * int64_t(candidates.size()));
      if (done == num_steps) earlier_steps += num_steps;
    };
    ops::upload(ctx, x, tensor_of(candidate.noise.data(), shape));
    if (init) start_latent(ctx, x, x, init, options.sigma_max);
    if (options.sampler == TS_SAMPLER_V_DDIM) {
      v_ddim(ctx, x, flow, sampler);
    } else if (latents.known.empty()) {
      follow(ctx, x, flow, sampler, solver);
    } else {
      const KnownLatent known{.sound = uploaded(latents.known), .noise = uploaded(candidate.noise), .mask = options.known_mask,
                              .num_jumps = num_jumps(config, options), .jump_length = options.jump_length,
                              .jump_noise = [&](std::span<float> noise, int64_t jump) { fill_normal(noise, candidate.seed, kJumpStream + uint64_t(jump)); }};
      inpaint(ctx, x, flow, known, sampler, solver);
    }
    ops::download(ctx, tensor_of(candidate.latent.data(), shape), x);
    if (listener) {
      const Tensor sound = ctx.f32({1, listener->config().embed_dim});
      listener->hear(ctx, sound, x);
      ops::download(ctx, tensor_of(candidate.sound.data(), sound.shape), sound);
    }
    if (ctx.planning()) break;  // all need the same memory
  }
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
  if (options.num_candidates == 1) return;
  require(options.noise.empty(), "num_candidates is ", options.num_candidates, ": each has noise of its own, but noise is given");
  require(conditions.caption.has_value(), "num_candidates is ", options.num_candidates, ": the caption chooses among them, but there is none");
  need_listener(networks, "choose among candidates");
}

uint64_t candidate_seed(uint64_t seed, int64_t index) {
  return index == 0 ? seed : split_mix(split_mix(seed) + kGoldenGamma * uint64_t(index));
}

Sampled sample_latent(Workspace& workspace, const Networks& networks, const Conditions& conditions,
                      const GenerateOptions& options, const Lengths& lengths, const Progress& progress) {
  const Mmdit& mmdit = *networks.mmdit;
  const int64_t latent_dim = mmdit.config().latent_dim;
  const Conditions* const asked[] = {&conditions};
  HostFeatures features = std::move(gather_features(workspace, networks, asked, progress).front());

  const auto rows = [&](const std::vector<float>& columns) {
    return columns.empty() ? std::vector<float>() : transposed(columns, latent_dim, lengths.latent);
  };
  const HostLatents latents{.init = rows(options.init_latent), .known = rows(options.known_latent)};
  show_known(features, mmdit.config(), latents.known, options.known_mask);

  const bool chooses = options.num_candidates > 1;
  const Listener* const listener = chooses ? networks.listener.get() : nullptr;
  std::vector<float> words;
  if (chooses) {
    const bool is_caption = conditions.text.empty();  // what the flow is told in text
    words = read_words(workspace, networks, *conditions.caption, is_caption ? std::span<const float>(features.text) : std::span<const float>());
  }
  std::vector<Candidate> candidates(size_t(options.num_candidates));
  for (size_t i = 0; i < candidates.size(); ++i) {
    Candidate& candidate = candidates[i];
    candidate.seed = candidate_seed(options.seed, int64_t(i));
    // Noise is drawn by channel, as the reference holds it, and the same for every device.
    std::vector<float> drawn = options.noise;
    if (drawn.empty()) {
      drawn.resize(size_t(latent_dim * lengths.latent));
      fill_normal(drawn, candidate.seed, 0);
    }
    candidate.noise = rows(drawn);
    candidate.latent.resize(drawn.size());
    if (listener) candidate.sound.resize(size_t(listener->config().embed_dim));
  }

  const int64_t repeats = options.known_latent.empty() ? 0 : num_jumps(mmdit.config(), options);
  const int64_t num_steps = count_steps(resampling_moves(options.num_steps, options.jump_length, repeats, options.sigma_max == 1.0f));
  progress.report(TS_STAGE_SAMPLE, 0, num_steps * options.num_candidates);
  workspace.run([&](Context& ctx) { sample(ctx, workspace.replays(), mmdit, listener, features, options, lengths, latents, candidates, progress); });

  Sampled sampled;
  for (size_t i = 0; chooses && i < candidates.size(); ++i) {
    sampled.fits.push_back(fit_of(*listener, candidates[i].sound, words));
    if (sampled.fits[i] > sampled.fits[size_t(sampled.chosen)]) sampled.chosen = int64_t(i);
  }
  sampled.latent = std::move(candidates[size_t(sampled.chosen)].latent);
  return sampled;
}

int64_t plan_sample(const Workspace& workspace, const Networks& networks, const GenerateOptions& options, const Lengths& lengths) {
  const Mmdit& mmdit = *networks.mmdit;
  const MmditConfig& config = mmdit.config();
  const HostFeatures features = largest_features(config, lengths);
  const std::vector<float> latent(size_t(lengths.latent * config.latent_dim));
  const HostLatents latents{latent, latent};
  GenerateOptions planned = options;
  planned.known_mask.resize(size_t(lengths.latent));
  const Listener* const listener = options.num_candidates > 1 ? networks.listener.get() : nullptr;
  std::vector<Candidate> one(1);
  one.front().noise = one.front().latent = latent;
  Replays none(workspace.table());
  return workspace.plan([&](Context& ctx) { sample(ctx, none, mmdit, listener, features, planned, lengths, latents, one, {}); });
}

}  // namespace ts
