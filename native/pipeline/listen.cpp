#include "pipeline/listen.h"

#include <algorithm>
#include <cmath>

#include "pipeline/text.h"

namespace ts {
namespace {

// latent [N, latent_dim], sound [embed_dim], both on the host.
void hear(Context& ctx, const Listener& listener, int64_t latent_len, const float* latent, float* sound) {
  const Arena::Scope scope(ctx.arena());
  const Tensor x = ctx.f32({1, latent_len, listener.config().latent_dim}), s = ctx.f32({1, listener.config().embed_dim});
  ops::upload(ctx, x, tensor_of(latent, x.shape));
  listener.hear(ctx, s, x);
  ops::download(ctx, tensor_of(sound, s.shape), s);
}

// rows [T, text_dim], words [embed_dim], both on the host.
void read(Context& ctx, const Listener& listener, int64_t num_tokens, const float* rows, float* words) {
  const Arena::Scope scope(ctx.arena());
  const Tensor x = ctx.f32({1, num_tokens, listener.config().text_dim}), t = ctx.f32({1, listener.config().embed_dim});
  ops::upload(ctx, x, tensor_of(rows, x.shape));
  listener.read(ctx, t, x);
  ops::download(ctx, tensor_of(words, t.shape), t);
}

}  // namespace

const Listener& need_listener(const Networks& networks, const char* purpose) {
  const Listener& listener = networks.need(networks.listener, "listener", purpose);
  networks.need(networks.clip_text, "clip_text", purpose);
  networks.need(networks.clip_tokenizer, "clip_text with a tokenizer", purpose);
  return listener;
}

std::vector<float> read_words(Workspace& workspace, const Networks& networks, const std::string& caption, std::span<const float> rows) {
  const Listener& listener = *networks.listener;
  const Tokens tokens = networks.tokenize(TS_TEXT_CLIP, caption);
  const int64_t num_tokens = std::count(tokens.mask.begin(), tokens.mask.end(), 1);  // they come first, pads behind them
  std::vector<float> encoded;
  if (rows.empty()) {
    encoded = encode_text(workspace, networks, TS_TEXT_CLIP, caption);
    rows = encoded;
  }
  std::vector<float> words(size_t(listener.config().embed_dim));
  workspace.run([&](Context& ctx) { read(ctx, listener, num_tokens, rows.data(), words.data()); });
  return words;
}

float listen(Workspace& workspace, const Listener& listener, std::span<const float> latent, std::span<const float> words) {
  std::vector<float> sound(size_t(listener.config().embed_dim));
  const int64_t latent_len = int64_t(latent.size()) / listener.config().latent_dim;
  workspace.run([&](Context& ctx) { hear(ctx, listener, latent_len, latent.data(), sound.data()); });
  return fit_of(listener, sound, words);
}

float fit_of(const Listener& listener, std::span<const float> sound, std::span<const float> words) {
  const float fit = listener.fit(sound, words);
  require(std::isfinite(fit), "the latent is so large that what the listener makes of it is not finite");
  return fit;
}

int64_t plan_listen(const Workspace& workspace, const Networks& networks, int64_t latent_len) {
  const Listener& listener = *networks.listener;
  return std::max(workspace.plan([&](Context& ctx) { hear(ctx, listener, latent_len, nullptr, nullptr); }),
                  workspace.plan([&](Context& ctx) { read(ctx, listener, networks.text_len(), nullptr, nullptr); }));
}

}  // namespace ts
