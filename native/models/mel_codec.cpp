#include "models/mel_codec.h"

#include "core/json.h"

namespace ts {
namespace {

constexpr int64_t kReach = kConvNextReach, kInReach = 1;  // of a block, of the decoder's first convolution

Range scaled(Range range, int64_t factor) { return {range.begin * factor, range.end * factor}; }

void check_part(const char* what, Range latents, int64_t latent_len, int64_t batch) {
  require(0 <= latents.begin && latents.begin < latents.end && latents.end <= latent_len, what, ": latents [", latents.begin, ", ",
          latents.end, ") of ", latent_len);
  require(batch == 1 || latents.length() == latent_len, what, ": a batch is taken whole");
}

// What a chunk of the decoder computes.
struct DecodePlan {
  Range fine_out, fine_in, coarse_out, coarse_in, given;
};
DecodePlan plan(const MelCodecConfig& config, Range latents, int64_t latent_len) {
  const int64_t frames = config.frames_per_latent;
  DecodePlan plan;
  plan.fine_out = scaled(latents, frames);
  plan.fine_in = widen(plan.fine_out, kReach * config.fine_blocks, latent_len * frames);
  plan.coarse_out = {plan.fine_in.begin / frames, (plan.fine_in.end + frames - 1) / frames};
  plan.coarse_in = widen(plan.coarse_out, kReach * config.coarse_blocks, latent_len);
  plan.given = widen(plan.coarse_in, kInReach, latent_len);
  return plan;
}

}  // namespace

MelCodecConfig parse_mel_codec(const nlohmann::json& json, const std::string& origin) {
  const JsonObject outer(json, origin);
  outer.check(outer.get_string("type") == "mel", "type must be \"mel\"");
  const JsonObject object = outer.get_object("config");
  MelCodecConfig config;
  config.latent_dim = object.get_int("latent_dim", 1, 8192);
  config.fine_width = object.get_int("fine_width", 2, 4096);
  config.coarse_width = object.get_int("coarse_width", 2, 4096);
  config.fine_blocks = object.get_int("fine_blocks", 0, 64);
  config.coarse_blocks = object.get_int("coarse_blocks", 0, 64);
  config.expansion = object.get_int("expansion", 1, 16);
  config.n_fft = object.get_int("n_fft", 64, 4096, config.n_fft);
  config.frame_hop = object.get_int("hop", 16, 1024, config.frame_hop);
  config.num_bands = object.get_int("num_bands", 2, 512, config.num_bands);
  config.frames_per_latent = object.get_int("frames_per_latent", 1, 64, config.frames_per_latent);
  config.sample_rate = object.get_int("sample_rate", 8000, 192000, config.sample_rate);
  config.max_hz = object.get_number("max_hz", 100, 96000, config.max_hz);
  object.check(config.n_fft == 64 || config.n_fft == 256 || config.n_fft == 1024 || config.n_fft == 4096, "n_fft ", config.n_fft,
               " must be a power of four");
  object.check(config.frame_hop * 4 == config.n_fft, "hop ", config.frame_hop, " must be a quarter of n_fft ", config.n_fft);
  object.check(config.max_hz <= double(config.sample_rate) / 2, "max_hz ", config.max_hz, " is above half the sample_rate ", config.sample_rate);
  object.check(config.max_hz > double(config.sample_rate) / double(config.n_fft), "max_hz ", config.max_hz, " is below the first bin");
  return config;
}

MelDecoder MelDecoder::load(Loader& loader, const MelCodecConfig& config) {
  MelDecoder decoder;
  decoder.config_ = config;
  decoder.in_ = loader.linear("decoder.in", config.coarse_width, config.latent_dim, 2 * kInReach + 1);
  decoder.coarse_ = load_convnext_blocks(loader, "decoder.coarse", config.coarse_blocks, config.coarse_width, config.expansion);
  decoder.split_ = loader.linear("decoder.split", config.frames_per_latent * config.fine_width, config.coarse_width);
  decoder.fine_ = load_convnext_blocks(loader, "decoder.fine", config.fine_blocks, config.fine_width, config.expansion);
  decoder.norm_ = load_layer_norm(loader, "decoder.norm", config.fine_width);
  decoder.out_ = loader.linear("decoder.out", config.features(), config.fine_width);
  return decoder;
}

Range MelDecoder::needed(Range latents, int64_t latent_len) const { return plan(config_, latents, latent_len).given; }

void MelDecoder::decode(Context& ctx, const Tensor& y, const Tensor& z, Range latents, int64_t latent_len) const {
  const int64_t batch = z.shape[0], frames = config_.frames_per_latent;
  check_part("decode", latents, latent_len, batch);
  const DecodePlan part = plan(config_, latents, latent_len);
  require(z.shape == Shape({batch, part.given.length(), config_.latent_dim}), "decode: latent is ", z.shape.str(), ", expected [B, ",
          part.given.length(), ", ", config_.latent_dim, "]");
  const Arena::Scope scope(ctx.arena());
  const Tensor entered = ctx.f32({batch, part.given.length(), config_.coarse_width});
  ops::linear(ctx, entered, z, *in_.weight, {.bias = in_.bias});                                   // [B, n, W₂]
  ctx.probe("decoder.in", entered);
  // The convolution took zeros beyond the rows given; those of them that are no true ends go.
  ConvNextRows coarse{rows_of(entered, part.given, part.coarse_in), part.coarse_in, latent_len};
  run_convnext_blocks(ctx, "decoder.coarse", coarse, coarse_, config_.expansion, part.coarse_out);
  const Tensor divided = ctx.f32({batch, part.coarse_out.length(), frames * config_.fine_width});
  ops::linear(ctx, divided, coarse.x, *split_.weight, {.bias = split_.bias});                      // [B, n, 8·W₁]
  const Tensor framed = divided.reshape({batch, part.coarse_out.length() * frames, config_.fine_width});
  ctx.probe("decoder.split", framed);
  ConvNextRows fine{rows_of(framed, scaled(part.coarse_out, frames), part.fine_in), part.fine_in, latent_len * frames};
  run_convnext_blocks(ctx, "decoder.fine", fine, fine_, config_.expansion, part.fine_out);
  const Tensor normed = ctx.product(fine.x.shape);
  run_layer_norm(ctx, normed, fine.x, norm_, kConvNextNormEps);
  ops::linear(ctx, y, normed, *out_.weight, {.bias = out_.bias});                                  // [B, 8n, 192]
  ctx.probe("decoder.out", y);
}

MelEncoder MelEncoder::load(Loader& loader, const MelCodecConfig& config) {
  MelEncoder encoder;
  encoder.config_ = config;
  encoder.patch_ = loader.linear("encoder.patch", config.fine_width, config.features());
  encoder.fine_ = load_convnext_blocks(loader, "encoder.fine", config.fine_blocks, config.fine_width, config.expansion);
  encoder.merge_ = loader.linear("encoder.merge", config.coarse_width, config.frames_per_latent * config.fine_width);
  encoder.coarse_ = load_convnext_blocks(loader, "encoder.coarse", config.coarse_blocks, config.coarse_width, config.expansion);
  encoder.norm_ = load_layer_norm(loader, "encoder.norm", config.coarse_width);
  encoder.out_ = loader.linear("encoder.out", 2 * config.latent_dim, config.coarse_width);
  return encoder;
}

Range MelEncoder::needed(Range latents, int64_t latent_len) const {
  const int64_t frames = config_.frames_per_latent;
  const Range coarse_in = widen(latents, kReach * config_.coarse_blocks, latent_len);
  return widen(scaled(coarse_in, frames), kReach * config_.fine_blocks, latent_len * frames);
}

void MelEncoder::encode(Context& ctx, const Tensor& moments, const Tensor& y, Range latents, int64_t latent_len) const {
  const int64_t batch = y.shape[0], frames = config_.frames_per_latent;
  check_part("encode", latents, latent_len, batch);
  const Range coarse_in = widen(latents, kReach * config_.coarse_blocks, latent_len), given = needed(latents, latent_len);
  require(y.shape == Shape({batch, given.length(), config_.features()}), "encode: log-mel is ", y.shape.str(), ", expected [B, ",
          given.length(), ", ", config_.features(), "]");
  const Arena::Scope scope(ctx.arena());
  ConvNextRows fine{ctx.f32({batch, given.length(), config_.fine_width}), given, latent_len * frames};
  ops::linear(ctx, fine.x, y, *patch_.weight, {.bias = patch_.bias});                              // [B, n, W₁]
  ctx.probe("encoder.patch", fine.x);
  run_convnext_blocks(ctx, "encoder.fine", fine, fine_, config_.expansion, scaled(coarse_in, frames));
  ConvNextRows coarse{ctx.f32({batch, coarse_in.length(), config_.coarse_width}), coarse_in, latent_len};
  ops::linear(ctx, coarse.x, fine.x.reshape({batch, coarse_in.length(), frames * config_.fine_width}), *merge_.weight,
              {.bias = merge_.bias});                                                              // [B, n, W₂]
  ctx.probe("encoder.merge", coarse.x);
  run_convnext_blocks(ctx, "encoder.coarse", coarse, coarse_, config_.expansion, latents);
  const Tensor normed = ctx.product(coarse.x.shape);
  run_layer_norm(ctx, normed, coarse.x, norm_, kConvNextNormEps);
  ops::linear(ctx, moments, normed, *out_.weight, {.bias = out_.bias});                            // [B, n, 2·latent_dim]
  ctx.probe("encoder.out", moments);
}

}  // namespace ts
