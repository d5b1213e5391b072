// Whole networks at published size for 9 s of sound, with random weights. Flop are the useful ones of spec 00 §4.
#include <cstdio>

#include "bench.h"
#include "core/philox.h"
#include "pipeline/decode.h"
#include "pipeline/flow_times.h"
#include "pipeline/text.h"
#include "pipeline/vision.h"
#include "runtime/engine.h"
#include "sampler/sampler.h"

namespace ts::bench {
namespace {

constexpr int64_t kLatents = 194, kClipFrames = 72, kSyncFrames = 216;

struct Loaded {
  Loaded(Bench& bench, ts_components components, DType dtype) {
    EngineOptions options;
    options.synthetic = "published";
    options.device = "cpu";
    options.components = components;
    options.precision = dtype == DType::bf16 ? TS_PRECISION_BF16 : TS_PRECISION_F32;
    engine = std::make_unique<Engine>(options);
    workspace = std::make_unique<Workspace>(bench.table(), bench.parallel(), dtype, budget);
  }
  MemoryBudget budget;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Workspace> workspace;
};

Tensor random_tensor(Context& ctx, const Shape& shape) {
  const Tensor tensor = ctx.f32(shape);
  if (!ctx.planning()) fill_normal({tensor.as<float>(), size_t(tensor.numel())}, 3, 0);
  return tensor;
}

void print_arena(int64_t bytes) { std::printf("    activations %.0f MB\n", double(bytes) / 1e6); }

// Conditions are made once per clip and do not count.
void measure_step(Bench& bench, DType dtype) {
  const Loaded loaded(bench, TS_COMPONENT_MMDIT, dtype);
  const Mmdit& mmdit = *loaded.engine->networks().mmdit;
  const MmditConfig& config = mmdit.config();
  bench.in_context(dtype, [&](Context& ctx) {
    MmditFeatures features;
    features.clip = random_tensor(ctx, {1, kClipFrames, config.clip_dim});
    features.sync = random_tensor(ctx, {1, kSyncFrames, config.sync_dim});
    features.text = random_tensor(ctx, {1, 77, config.clip_text_dim});
    features.t5 = random_tensor(ctx, {1, 77, config.text_dim});
    const MmditConditions conditions = mmdit.prepare(ctx, features, {kLatents, kClipFrames, kSyncFrames}, 1, {.guided = true});
    const Tensor x = random_tensor(ctx, {1, kLatents, config.latent_dim}), flow = ctx.f32({2, kLatents, config.latent_dim});
    const float t = 0.5f;
    FlowTimes times(ctx, mmdit, conditions, evaluation_times(24, 1.0f));
    const MmditTimes& now = times.at(1.0f);
    const auto step = [&] { mmdit.velocity(ctx, flow, x, now, conditions); };
    const auto step_alone = [&] { mmdit.velocity(ctx, flow, x, {&t, 1}, conditions); };
    if (ctx.planning()) {
      step_alone();
      return print_arena(ctx.arena().high_water());
    }
    // Twice 0.386 T, less one of the two audio projections, since both halves see the same x, and the modulation of 178
    // positions of the null half, which repeats that of others.
    constexpr double kFlop = 2 * 0.386e12 - 0.010e12 - 0.048e12;
    bench.print_rate("dit, a guided step", dtype, kFlop, bench.best_of(step));
    bench.print_rate("dit, a guided step whose time was not known ahead", dtype, kFlop, bench.best_of(step_alone));
  });
}

void measure_decode(Bench& bench, DType dtype) {
  const Loaded loaded(bench, TS_COMPONENT_VAE_DECODER, dtype);
  const AudioDecoder& decoder = *loaded.engine->networks().decoder;
  const std::vector<float> latent = random_values(kLatents * 64);
  for (int64_t chunk : {int64_t(16), kDefaultDecodeChunk, int64_t(64), kLatents}) {
    const double seconds =
        bench.best_of([&] { decode(*loaded.workspace, decoder, latent, chunk, {}, [](std::span<float>, std::span<float>, int64_t) {}); });
    bench.print_rate(concat("vae decode of 9 s, ", chunk, " latents at a time"), dtype, 0.978e12, seconds);
    print_arena(loaded.workspace->capacity());
  }
}

void measure_text(Bench& bench, DType dtype) {
  const Loaded loaded(bench, TS_COMPONENT_T5 | TS_COMPONENT_CLIP_TEXT, dtype);
  const Networks& networks = loaded.engine->networks();
  const std::string text = "A dog barks twice while rain falls on a tin roof.";
  const auto seconds = [&](ts_text_encoder encoder) { return bench.best_of([&] { encode_text(*loaded.workspace, networks, encoder, text); }); };
  bench.print_rate("t5, 77 tokens", dtype, 0.179e12, seconds(TS_TEXT_T5));
  bench.print_rate("clip text, 77 tokens", dtype, 0.047e12, seconds(TS_TEXT_CLIP));
}

void measure_vision(Bench& bench, DType dtype) {
  constexpr int64_t kHeight = 360, kWidth = 640, kFrames = 24;
  const Loaded loaded(bench, TS_COMPONENT_CLIP_VISION | TS_COMPONENT_SYNCHFORMER, dtype);
  const Networks& networks = loaded.engine->networks();
  std::vector<uint8_t> pixels(size_t(kFrames * kHeight * kWidth * 3));
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = uint8_t(i * 2654435761u >> 24);
  Frames frames{pixels.data(), 8, kWidth, kHeight, kWidth * 3, kHeight * kWidth * 3};
  std::vector<float> features(size_t(8 * networks.clip_vision->config().projection_dim));
  // Less what the last block need not do for the rows of the patches.
  bench.print_rate("clip vision, 8 frames", dtype, 8 * (0.335e12 - 0.008e12), bench.best_of([&] {
    encode_clip_frames(*loaded.workspace, *networks.clip_vision, frames, ops::ResizeKind::pil, {}, features);
  }));
  frames.count = kFrames;
  features.resize(size_t(num_sync_features(*networks.synchformer, kFrames) * networks.synchformer->config().embed_dim));
  bench.print_rate("synchformer, 2 segments", dtype, 2 * (0.394e12 - 0.001e12), bench.best_of([&] {
    encode_sync_frames(*loaded.workspace, *networks.synchformer, frames, {}, features);
  }));
  print_arena(loaded.workspace->capacity());
}

}  // namespace

TS_BENCH("network-dit") {
  for (DType dtype : bench.dtypes()) measure_step(bench, dtype);
}
TS_BENCH("network-vae") {
  for (DType dtype : bench.dtypes()) measure_decode(bench, dtype);
}
TS_BENCH("network-text") {
  for (DType dtype : bench.dtypes()) measure_text(bench, dtype);
}
TS_BENCH("network-vision") {
  for (DType dtype : bench.dtypes()) measure_vision(bench, dtype);
}

}  // namespace ts::bench
