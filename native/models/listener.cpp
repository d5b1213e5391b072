#include "models/listener.h"

#include <algorithm>
#include <cmath>

#include "core/json.h"
#include "ops/rows.h"

namespace ts {
namespace {

constexpr int64_t kInTaps = 3;
constexpr double kMinNorm = 1e-12;  // that of the framework's `normalize`

void check_input(const char* name, const Tensor& input, int64_t width) {
  require(input.shape.rank() == 3 && input.shape[1] >= 1 && input.shape[2] == width, "listener: ", name, " is ", input.shape.str(),
          ", [batch, 1 or more, ", width, "] needed");
}

float load_scalar(Loader& loader, const std::string& name) {
  const std::vector<float> value = loader.host(name, {});
  return value.empty() ? 0.0f : value.front();  // a fault of the file is reported when loading ends
}

double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += double(a[i]) * double(b[i]);
  return sum;
}

double norm(std::span<const float> x) { return std::max(std::sqrt(dot(x, x)), kMinNorm); }

}  // namespace

ListenerConfig parse_listener_config(const nlohmann::json& json, const std::string& origin) {
  const JsonObject object(json, origin);
  ListenerConfig config;
  config.latent_dim = object.get_int("latent_dim", 1, 8192);
  config.text_dim = object.get_int("text_dim", 1, 16384);
  config.hidden_dim = object.get_int("hidden_dim", 1, 4096, config.hidden_dim);
  config.embed_dim = object.get_int("embed_dim", 1, 16384, config.embed_dim);
  config.num_blocks = object.get_int("num_blocks", 0, 64, config.num_blocks);
  config.expansion = object.get_int("expansion", 1, 16, config.expansion);
  return config;
}

Listener Listener::load(Loader& loader, const ListenerConfig& config) {
  const int64_t hidden = config.hidden_dim;
  Listener listener;
  listener.config_ = config;
  listener.in_ = loader.linear("in", hidden, config.latent_dim, kInTaps);
  listener.blocks_ = load_convnext_blocks(loader, "blocks", config.num_blocks, hidden, config.expansion);
  listener.norm_ = load_layer_norm(loader, "norm", hidden);
  listener.sound_ = load_mlp(loader, "sound", 2 * hidden, hidden, config.embed_dim);
  listener.text_ = load_mlp(loader, "text", config.text_dim, hidden, config.embed_dim);
  listener.scale_ = load_scalar(loader, "scale");
  listener.bias_ = load_scalar(loader, "bias");
  loader.finish();
  return listener;
}

void Listener::hear(Context& ctx, const Tensor& sound, const Tensor& latent) const {
  check_input("latent", latent, config_.latent_dim);
  const int64_t batch = latent.shape[0], len = latent.shape[1], hidden = config_.hidden_dim;
  const Arena::Scope scope(ctx.arena());
  ConvNextRows rows{ctx.f32({batch, len, hidden}), {0, len}, len};
  ops::linear(ctx, rows.x, latent, *in_.weight, {.bias = in_.bias});                         // [B, N, H]
  ctx.probe("in", rows.x);
  run_convnext_blocks(ctx, "blocks", rows, blocks_, config_.expansion, rows.at);             // [B, N, H]
  const Tensor normed = ctx.f32(rows.x.shape);
  run_layer_norm(ctx, normed, rows.x, norm_, kConvNextNormEps);                              // [B, N, H]
  const Tensor mean = ctx.f32({batch, hidden}), largest = ctx.f32({batch, hidden});
  ops::mean_rows(ctx, mean, normed);                                                         // [B, H]
  ops::max_rows(ctx, largest, normed);                                                       // [B, H]
  const Tensor summary = ctx.f32({batch, 2 * hidden});
  ops::copy_block(ctx, as_rows(summary), 0, 0, as_rows(mean));
  ops::copy_block(ctx, as_rows(summary), 0, hidden, as_rows(largest));                       // [B, 2·H]
  ctx.probe("summary", summary);
  run_mlp(ctx, sound, "sound.hidden", summary, sound_);                                      // [B, embed_dim]
}

void Listener::read(Context& ctx, const Tensor& words, const Tensor& text) const {
  check_input("text", text, config_.text_dim);
  const Arena::Scope scope(ctx.arena());
  const Tensor mean = ctx.f32({text.shape[0], config_.text_dim});
  ops::mean_rows(ctx, mean, text);                                                           // [B, text_dim]
  ctx.probe("text.mean", mean);
  run_mlp(ctx, words, "text.hidden", mean, text_);                                           // [B, embed_dim]
}

double Listener::logit(std::span<const float> sound, std::span<const float> words) const {
  return double(scale_) * dot(sound, words) / (norm(sound) * norm(words)) + double(bias_);
}

void Listener::normalise(std::span<float> vector) {
  const double length = norm(vector);
  for (float& value : vector) value = float(value / length);
}

float Listener::fit(std::span<const float> sound, std::span<const float> words) const {
  return float(1 / (1 + std::exp(-logit(sound, words))));
}

}  // namespace ts
