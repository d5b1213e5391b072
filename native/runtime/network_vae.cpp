#include <algorithm>

#include <nlohmann/json.hpp>

#include "pipeline/decode.h"
#include "runtime/network.h"

namespace ts {
namespace {

constexpr int64_t kStereo = 2;

class VaeNetwork final : public Network {
 public:
  VaeNetwork(const nlohmann::json& config, WeightSource& source, const NetworkDevice& device) : device_(device), source_(source) {
    const JsonObject outer(config, "vae config");
    const JsonObject model = outer.has("model") ? outer.get_object("model") : outer;
    Loader loader(source, device.table, device.precision.product, device.precision.weights);
    if (model.has("decoder")) decoder_ = load_audio_decoder(loader, model.json()["decoder"], "vae config: decoder");
    if (model.has("encoder")) encoder_ = load_audio_encoder(loader, model.json()["encoder"], "vae config: encoder");
    model.check(decoder_ || encoder_, "neither encoder nor decoder");
    loader.finish();
  }

  void run(const std::string& function, const JsonObject& settings, const Inputs& inputs, bool probe_all, const Outputs& outputs) override {
    NetworkWorkspace workspace(device_, probe_all, outputs);
    if (function == "decode") return decode(workspace, settings, inputs, outputs);
    if (function == "decode_chunked") return decode_chunked(workspace, settings, inputs, outputs);
    if (function == "decode_rows") return decode_rows(workspace, inputs, outputs);
    if (function == "encode") return encode(workspace, inputs, outputs);
    if (function == "encode_rows") return encode_rows(workspace, inputs, outputs);
    if (function == "analyse") return analyse(inputs, outputs);
    if (function == "weights") return weights(settings, outputs);
    unknown_function("vae", function, "decode, decode_chunked, decode_rows, encode, encode_rows, analyse, weights");
  }

 private:
  const AudioDecoder& decoder() const {
    require(decoder_ != nullptr, "this vae was loaded without a decoder");
    return *decoder_;
  }
  const AudioEncoder& encoder() const {
    require(encoder_ != nullptr, "this vae was loaded without an encoder");
    return *encoder_;
  }

  // Latents [B, N, dim] → what the network makes of them, [B, rows, width].
  std::vector<float> run_decoder(Workspace& workspace, std::span<const float> latent, int64_t batch, int64_t len) const {
    const Shape shape{batch, len * decoder().rows_per_latent(), decoder().row_width()};
    std::vector<float> rows(size_t(shape.numel()));
    workspace.run([&](Context& ctx) {
      Arena::Scope scope(ctx.arena());
      const Tensor z = ctx.f32({batch, len, decoder().latent_dim()}), y = ctx.f32(shape);
      ops::upload(ctx, z, tensor_of(latent.data(), z.shape));
      decoder().decode(ctx, y, z, {0, len}, len);
      ops::download(ctx, tensor_of(rows.data(), y.shape), y);
    });
    return rows;
  }

  // Latents [B, N, dim] → audio [B, 2, hop·N], the whole batch in one forward.
  std::vector<float> decode_whole(Workspace& workspace, std::span<const float> latent, int64_t batch, int64_t len) const {
    const std::vector<float> rows = run_decoder(workspace, latent, batch, len);
    const size_t per_item = rows.size() / size_t(batch);
    std::vector<float> audio;
    for (int64_t b = 0; b < batch; ++b) {
      std::vector<float> left, right;
      const std::unique_ptr<Synthesis> synthesis = decoder().synthesis();
      synthesis->push(std::span(rows).subspan(size_t(b) * per_item, per_item), left, right);
      synthesis->flush(left, right);
      audio.insert(audio.end(), left.begin(), left.end());
      audio.insert(audio.end(), right.begin(), right.end());
    }
    return audio;
  }

  // The network without what turns its rows into sound: latent [B, N, dim] → rows [B, M, width], under the rows' name.
  void decode_rows(Workspace& workspace, const Inputs& inputs, const Outputs& outputs) const {
    const Shape shape = inputs.get("latent", 3).shape;
    require(shape[2] == decoder().latent_dim(), "input latent is ", shape.str(), ", expected [B, N, ", decoder().latent_dim(), "]");
    const std::vector<float> rows = run_decoder(workspace, inputs.floats("latent", 3), shape[0], shape[1]);
    outputs(decoder().row_name(), tensor_of(rows.data(), {shape[0], shape[1] * decoder().rows_per_latent(), decoder().row_width()}), true);
  }

  // The network from the rows that are worked out of a sound: [B, M, width], under their name → moments [B, N, 2·dim].
  void encode_rows(Workspace& workspace, const Inputs& inputs, const Outputs& outputs) const {
    const char* name = encoder().row_name();
    const Shape shape = inputs.get(name, 3).shape;
    // A sound of one hop tells how many rows a latent has.
    const int64_t per_latent = encoder().needed({0, 1}, encoder().hop()).length(), len = shape[1] / per_latent;
    require(shape[2] == encoder().row_width() && len * per_latent == shape[1], "input ", name, " is ", shape.str(), ", expected [B, ",
            per_latent, "·N, ", encoder().row_width(), "]");
    const std::vector<float> moments = run_encoder(workspace, inputs.floats(name, 3), shape[0], shape[1], len, len * encoder().hop());
    outputs("moments", tensor_of(moments.data(), {shape[0], len, 2 * encoder().latent_dim()}), true);
  }

  // What the encoder reads of sounds audio [B, 2, L], L whole latents: rows [B, M, width], under their name.
  void analyse(const Inputs& inputs, const Outputs& outputs) const {
    const Shape shape = inputs.get("audio", 3).shape;
    require(shape[1] == kStereo && shape[2] % encoder().hop() == 0, "input audio is ", shape.str(), ", expected [B, 2, a multiple of ",
            encoder().hop(), "]");
    const Sounds sounds = read_sounds(inputs, shape[2] / encoder().hop());
    outputs(encoder().row_name(), tensor_of(sounds.rows.data(), {shape[0], sounds.num_rows, encoder().row_width()}), true);
  }

  // Rows [B, num_rows, width] of the input "audio" [B, 2, L] of `len` latents.
  struct Sounds {
    std::vector<float> rows;
    int64_t num_rows;
  };
  Sounds read_sounds(const Inputs& inputs, int64_t len) const {
    const std::vector<float> audio = inputs.floats("audio", 3);
    const Shape shape = inputs.get("audio", 3).shape;
    const int64_t samples = shape[2];
    const Range needed = encoder().needed({0, len}, samples);
    const size_t per_item = size_t(needed.length() * encoder().row_width());
    Sounds sounds{std::vector<float>(size_t(shape[0]) * per_item), needed.length()};
    for (int64_t b = 0; b < shape[0]; ++b) {
      const auto channel = [&](int64_t c) { return std::span(audio).subspan(size_t((b * kStereo + c) * samples), size_t(samples)); };
      encoder().read_rows(device_.parallel, channel(0), channel(1), needed, std::span(sounds.rows).subspan(size_t(b) * per_item, per_item));
    }
    return sounds;
  }

  // Rows [B, num_rows, width] of sounds of num_samples → moments [B, len, 2·dim].
  std::vector<float> run_encoder(Workspace& workspace, std::span<const float> rows, int64_t batch, int64_t num_rows, int64_t len,
                                 int64_t num_samples) const {
    std::vector<float> moments(size_t(batch * len * 2 * encoder().latent_dim()));
    workspace.run([&](Context& ctx) {
      Arena::Scope scope(ctx.arena());
      const Tensor x = ctx.f32({batch, num_rows, encoder().row_width()});
      const Tensor out = ctx.f32({batch, len, 2 * encoder().latent_dim()});
      ops::upload(ctx, x, tensor_of(rows.data(), x.shape));
      encoder().encode(ctx, out, x, {0, len}, num_samples);
      ops::download(ctx, tensor_of(moments.data(), out.shape), out);
    });
    return moments;
  }

  void decode(Workspace& workspace, const JsonObject& settings, const Inputs& inputs, const Outputs& outputs) const {
    const Shape shape = inputs.get("latent", 3).shape;
    const int64_t batch = shape[0], dim = shape[1], len = shape[2], hop = decoder().hop();
    require(dim == decoder().latent_dim(), "input latent has ", dim, " channels, expected ", decoder().latent_dim());
    const std::vector<float> latent = transposed_batch(inputs.floats("latent", 3), batch, dim, len);
    const int64_t chunk = settings.get_int("chunk", 0, 1 << 20, 0);
    std::vector<float> audio;
    if (chunk == 0 && decoder().latents_per_pass(len) >= len) {
      audio = decode_whole(workspace, latent, batch, len);
    } else {
      audio.resize(size_t(batch * kStereo * len * hop));
      for (int64_t b = 0; b < batch; ++b)
        ts::decode(workspace, decoder(), std::span(latent).subspan(size_t(b * len * dim), size_t(len * dim)), chunk, {},
                   [&](std::span<float> left, std::span<float> right, int64_t offset) {
                     float* item = audio.data() + b * kStereo * len * hop;
                     std::copy(left.begin(), left.end(), item + offset);
                     std::copy(right.begin(), right.end(), item + len * hop + offset);
                   });
    }
    outputs("audio", tensor_of(audio.data(), {batch, kStereo, len * hop}), true);
  }

  // The reference's own chunks (spec 03 §5): each decoded alone, half the overlap cut from inner edges, later over
  // earlier. Kept for verification; ours are exact.
  void decode_chunked(Workspace& workspace, const JsonObject& settings, const Inputs& inputs, const Outputs& outputs) const {
    const Shape shape = inputs.get("latent", 3).shape;
    const int64_t batch = shape[0], dim = shape[1], len = shape[2], hop = decoder().hop();
    require(dim == decoder().latent_dim(), "input latent has ", dim, " channels, expected ", decoder().latent_dim());
    const int64_t chunk = settings.get_int("chunk_size", 1, 1 << 20), overlap = settings.get_int("overlap", 0, 1 << 20);
    require(overlap < chunk && len >= chunk, "decode_chunked: ", len, " latents in chunks of ", chunk, " that overlap by ", overlap,
            "; the reference takes at least one whole chunk");
    const std::vector<float> latent = transposed_batch(inputs.floats("latent", 3), batch, dim, len);
    std::vector<int64_t> starts;
    for (int64_t start = 0; start + chunk <= len; start += chunk - overlap) starts.push_back(start);
    if (starts.back() + chunk != len) starts.push_back(len - chunk);

    std::vector<float> audio(size_t(batch * kStereo * len * hop));
    for (size_t i = 0; i < starts.size(); ++i) {
      std::vector<float> part;
      for (int64_t b = 0; b < batch; ++b) {
        const auto rows = std::span(latent).subspan(size_t((b * len + starts[i]) * dim), size_t(chunk * dim));
        part.insert(part.end(), rows.begin(), rows.end());
      }
      const std::vector<float> decoded = decode_whole(workspace, part, batch, chunk);
      const int64_t skip = i == 0 ? 0 : overlap / 2 * hop;
      const int64_t keep = (i + 1 == starts.size() ? chunk * hop : chunk * hop - overlap / 2 * hop) - skip;
      for (int64_t channel = 0; channel < batch * kStereo; ++channel)
        std::copy_n(decoded.begin() + channel * chunk * hop + skip, keep, audio.begin() + channel * len * hop + starts[i] * hop + skip);
    }
    outputs("audio", tensor_of(audio.data(), {batch, kStereo, len * hop}), true);
    const std::vector<float> whole = decode_whole(workspace, latent, batch, len);
    outputs("audio_unchunked", tensor_of(whole.data(), {batch, kStereo, len * hop}), true);
  }

  void encode(Workspace& workspace, const Inputs& inputs, const Outputs& outputs) const {
    const Shape shape = inputs.get("audio", 3).shape;
    const int64_t batch = shape[0], samples = shape[2], dim = encoder().latent_dim();
    require(shape[1] == kStereo, "input audio has ", shape[1], " channels, expected 2");
    const int64_t len = encoder().latent_len(samples);
    require(len >= 1, "input audio is shorter than one latent, ", encoder().hop(), " samples");
    const Sounds sounds = read_sounds(inputs, len);
    const std::vector<float> moments = run_encoder(workspace, sounds.rows, batch, sounds.num_rows, len, samples);
    const std::vector<float> columns = transposed_batch(moments, batch, len, 2 * dim);  // [B, 128, N]
    outputs("encoder_out", tensor_of(columns.data(), {batch, 2 * dim, len}), true);
    std::vector<float> mean, scale;
    for (int64_t b = 0; b < batch; ++b) {
      const auto item = columns.begin() + b * 2 * dim * len;
      mean.insert(mean.end(), item, item + dim * len);
      scale.insert(scale.end(), item + dim * len, item + 2 * dim * len);
    }
    outputs("mean", tensor_of(mean.data(), {batch, dim, len}), true);
    outputs("scale", tensor_of(scale.data(), {batch, dim, len}), true);
    const float kl = float(posterior_kl(moments, dim));
    outputs("kl", tensor_of(&kl, {}), true);
    if (!inputs.has("noise")) return;
    const Tensor& noise = inputs.get("noise", 3);
    require(noise.shape == Shape({batch, dim, len}), "input noise is ", noise.shape.str(), ", expected ", Shape({batch, dim, len}).str());
    const std::vector<float> draws = transposed_batch(inputs.floats("noise", 3), batch, dim, len);
    std::vector<float> latent(draws.size());
    sample_posterior(latent, moments, draws, dim);
    const std::vector<float> latent_columns = transposed_batch(latent, batch, len, dim);
    outputs("latent", tensor_of(latent_columns.data(), {batch, dim, len}), true);
  }

  // Convolutions as they are used: weight norm folded.
  void weights(const JsonObject& settings, const Outputs& outputs) const {
    Loader loader(source_, device_.table, DType::f32);
    for (const std::string& name : settings.get_strings("names")) {
      const char* suffix = source_.has(name + ".weight_v") ? ".weight_v" : ".weight";
      require(source_.has(name + suffix), "the vae has no convolution ", in_quotes(name));
      const Shape shape = source_.take_any(name + suffix, {}).shape;
      const std::vector<float> folded = loader.folded(name, shape);
      outputs(name, tensor_of(folded.data(), shape), true);
    }
  }

  const NetworkDevice device_;
  WeightSource& source_;
  std::unique_ptr<AudioDecoder> decoder_;
  std::unique_ptr<AudioEncoder> encoder_;
};

}  // namespace

std::unique_ptr<Network> create_vae_network(const nlohmann::json& config, WeightSource& source, const NetworkDevice& device) {
  return std::make_unique<VaeNetwork>(config, source, device);
}

}  // namespace ts
