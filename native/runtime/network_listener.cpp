// The listener by itself.
#include "models/listener.h"
#include "runtime/network.h"

namespace ts {
namespace {

class ListenerNetwork final : public Network {
 public:
  ListenerNetwork(const nlohmann::json& config, WeightSource& source, const NetworkDevice& device) : device_(device) {
    Loader loader(source, device.table, device.precision.product, device.precision.weights);
    listener_ = std::make_unique<Listener>(Listener::load(loader, parse_listener_config(config, "listener config")));
  }

  void run(const std::string& function, const JsonObject&, const Inputs& inputs, bool probe_all, const Outputs& outputs) override {
    if (function != "listen") unknown_function("listener", function, "listen");
    const int64_t dim = listener_->config().embed_dim;
    const Shape latent_shape = inputs.get("latent", 3).shape, text_shape = inputs.get("text", 3).shape;
    const std::vector<float> latent = inputs.floats("latent", 3), text = inputs.floats("text", 3);
    const uint8_t* mask = inputs.bytes("mask", 2);
    const int64_t num_sounds = latent_shape[0], num_texts = text_shape[0];
    require(inputs.get("mask", 2).shape == Shape({num_texts, text_shape[1]}), "input mask is ", inputs.get("mask", 2).shape.str(),
            ", expected [", num_texts, ", ", text_shape[1], "]");
    std::vector<float> sound(size_t(num_sounds * dim)), words(size_t(num_texts * dim)), logits(size_t(num_sounds * num_texts));
    NetworkWorkspace workspace(device_, probe_all, outputs);
    workspace.run([&](Context& ctx) {
      const Arena::Scope scope(ctx.arena());
      const Tensor x = ctx.f32(latent_shape), y = ctx.f32({num_sounds, dim});
      ops::upload(ctx, x, tensor_of(latent.data(), latent_shape));
      listener_->hear(ctx, y, x);
      ops::download(ctx, tensor_of(sound.data(), y.shape), y);
    });
    for (int64_t i = 0; i < num_texts; ++i) {
      const std::vector<float> tokens = real_rows(text.data() + i * text_shape[1] * text_shape[2], mask + i * text_shape[1], text_shape[1], text_shape[2]);
      workspace.run([&](Context& ctx) {
        const Arena::Scope scope(ctx.arena());
        const Tensor x = ctx.f32({1, int64_t(tokens.size()) / text_shape[2], text_shape[2]}), y = ctx.f32({1, dim});
        ops::upload(ctx, x, tensor_of(tokens.data(), x.shape));
        listener_->read(ctx, y, x);
        ops::download(ctx, tensor_of(words.data() + i * dim, y.shape), y);
      });
    }
    const auto row = [&](std::vector<float>& rows, int64_t i) { return std::span(rows).subspan(size_t(i * dim), size_t(dim)); };
    for (int64_t i = 0; i < num_sounds; ++i)
      for (int64_t j = 0; j < num_texts; ++j) logits[size_t(i * num_texts + j)] = float(listener_->logit(row(sound, i), row(words, j)));
    for (int64_t i = 0; i < num_sounds; ++i) Listener::normalise(row(sound, i));
    for (int64_t j = 0; j < num_texts; ++j) Listener::normalise(row(words, j));
    outputs("sound", tensor_of(sound.data(), Shape{num_sounds, dim}), true);
    outputs("words", tensor_of(words.data(), Shape{num_texts, dim}), true);
    outputs("logits", tensor_of(logits.data(), Shape{num_sounds, num_texts}), true);
  }

 private:
  // The rows of one text that its mask says are tokens.
  static std::vector<float> real_rows(const float* text, const uint8_t* mask, int64_t len, int64_t width) {
    std::vector<float> rows;
    for (int64_t n = 0; n < len; ++n)
      if (mask[n]) rows.insert(rows.end(), text + n * width, text + (n + 1) * width);
    return rows;
  }

  const NetworkDevice device_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace

std::unique_ptr<Network> create_listener_network(const nlohmann::json& config, WeightSource& source, const NetworkDevice& device) {
  return std::make_unique<ListenerNetwork>(config, source, device);
}

}  // namespace ts
