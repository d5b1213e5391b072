// The listener by itself.
#include "models/listener.h"
#include "runtime/model_network.h"

namespace ts {
namespace {

// The rows of one text that its mask says are tokens.
std::vector<float> real_rows(const float* text, const uint8_t* mask, int64_t len, int64_t width) {
  std::vector<float> rows;
  for (int64_t n = 0; n < len; ++n)
    if (mask[n]) rows.insert(rows.end(), text + n * width, text + (n + 1) * width);
  return rows;
}

void listen(const Listener& listener, NetworkWorkspace& workspace, const Inputs& inputs, const Outputs& outputs) {
  const int64_t dim = listener.config().embed_dim;
  const Shape latent_shape = inputs.get("latent", 3).shape, text_shape = inputs.get("text", 3).shape;
  const std::vector<float> latent = inputs.floats("latent", 3), text = inputs.floats("text", 3);
  const uint8_t* mask = inputs.bytes("mask", 2);
  const int64_t num_sounds = latent_shape[0], num_texts = text_shape[0];
  require(inputs.get("mask", 2).shape == Shape({num_texts, text_shape[1]}), "input mask is ", inputs.get("mask", 2).shape.str(),
          ", expected [", num_texts, ", ", text_shape[1], "]");
  std::vector<float> sound(size_t(num_sounds * dim)), words(size_t(num_texts * dim)), logits(size_t(num_sounds * num_texts));
  workspace.run([&](Context& ctx) {
    const Arena::Scope scope(ctx.arena());
    const Tensor x = ctx.f32(latent_shape), y = ctx.f32({num_sounds, dim});
    ops::upload(ctx, x, tensor_of(latent.data(), latent_shape));
    listener.hear(ctx, y, x);
    ops::download(ctx, tensor_of(sound.data(), y.shape), y);
  });
  for (int64_t i = 0; i < num_texts; ++i) {
    const std::vector<float> tokens = real_rows(text.data() + i * text_shape[1] * text_shape[2], mask + i * text_shape[1], text_shape[1], text_shape[2]);
    workspace.run([&](Context& ctx) {
      const Arena::Scope scope(ctx.arena());
      const Tensor x = ctx.f32({1, int64_t(tokens.size()) / text_shape[2], text_shape[2]}), y = ctx.f32({1, dim});
      ops::upload(ctx, x, tensor_of(tokens.data(), x.shape));
      listener.read(ctx, y, x);
      ops::download(ctx, tensor_of(words.data() + i * dim, y.shape), y);
    });
  }
  const auto row = [&](std::vector<float>& rows, int64_t i) { return std::span(rows).subspan(size_t(i * dim), size_t(dim)); };
  for (int64_t i = 0; i < num_sounds; ++i)
    for (int64_t j = 0; j < num_texts; ++j) logits[size_t(i * num_texts + j)] = float(listener.logit(row(sound, i), row(words, j)));
  for (int64_t i = 0; i < num_sounds; ++i) Listener::normalise(row(sound, i));
  for (int64_t j = 0; j < num_texts; ++j) Listener::normalise(row(words, j));
  put(outputs, "sound", sound, {num_sounds, dim});
  put(outputs, "words", words, {num_texts, dim});
  put(outputs, "logits", logits, {num_sounds, num_texts});
}

}  // namespace

std::unique_ptr<Network> create_listener_network(const nlohmann::json& config, WeightSource& source, const NetworkDevice& device) {
  return load_model_network<Listener>({"listener", "listen", listen}, parse_listener_config(config, "listener config"), source, device);
}

}  // namespace ts
