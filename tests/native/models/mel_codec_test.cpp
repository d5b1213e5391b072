#include "models/mel_codec.h"

#include "core/safetensors_bytes.h"
#include "core/temp_folder.h"
#include "golden.h"
#include "ops/harness.h"
#include "signal/mel.h"
#include "skip.h"

namespace ts {
namespace {

using test::normal;

const char* kSmall = R"({"type": "mel", "config": {"latent_dim": 5, "fine_width": 12, "coarse_width": 20, "fine_blocks": 2, "coarse_blocks": 1,
  "expansion": 3, "n_fft": 1024, "hop": 256, "num_bands": 7, "max_hz": 20000, "frames_per_latent": 8, "sample_rate": 44100}})";

MelCodecConfig small() { return parse_mel_codec(test::parsed(kSmall), "small"); }

// Random weights by name, and a file of them.
class RandomWeights {
 public:
  explicit RandomWeights(const MelCodecConfig& c) {
    const auto layer = [&](const std::string& name, std::vector<int64_t> shape) {
      int64_t count = 1;
      for (int64_t length : shape) count *= length;
      add(name + ".weight", shape, normal(count, 1 / std::sqrt(float(count / shape[0]))));
      add(name + ".bias", {shape[0]}, normal(shape[0], 0.1f));
    };
    const auto norm = [&](const std::string& name, int64_t width) {
      std::vector<float> weight = normal(width, 0.1f);
      for (float& value : weight) value += 1;
      add(name + ".weight", {width}, weight);
      add(name + ".bias", {width}, normal(width, 0.1f));
    };
    const auto blocks = [&](const std::string& name, int64_t count, int64_t width) {
      for (int64_t i = 0; i < count; ++i) {
        const std::string block = concat(name, ".", i);
        layer(block + ".dw", {width, 1, 7});
        norm(block + ".norm", width);
        layer(block + ".fc1", {c.expansion * width, width});
        layer(block + ".fc2", {width, c.expansion * width});
      }
    };
    layer("encoder.patch", {c.fine_width, c.features()});
    blocks("encoder.fine", c.fine_blocks, c.fine_width);
    layer("encoder.merge", {c.coarse_width, 8 * c.fine_width});
    blocks("encoder.coarse", c.coarse_blocks, c.coarse_width);
    norm("encoder.norm", c.coarse_width);
    layer("encoder.out", {2 * c.latent_dim, c.coarse_width});
    layer("decoder.in", {c.coarse_width, c.latent_dim, 3});
    blocks("decoder.coarse", c.coarse_blocks, c.coarse_width);
    layer("decoder.split", {8 * c.fine_width, c.coarse_width});
    blocks("decoder.fine", c.fine_blocks, c.fine_width);
    norm("decoder.norm", c.fine_width);
    layer("decoder.out", {c.features(), c.fine_width});
  }
  const std::vector<float>& operator[](const std::string& name) const { return values_.at(name); }
  std::unique_ptr<WeightSource> open() const {
    return open_weights({{std::make_shared<SafetensorsFile>(folder_.write("mel", builder_.bytes())), ""}});
  }

 private:
  void add(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values) {
    builder_.f32(name, shape, values);
    values_[name] = values;
  }
  test::TempFolder folder_;
  test::SafetensorsBuilder builder_;
  std::map<std::string, std::vector<float>> values_;
};

// The network of docs/mel-codec.md straight from its table, in any floating type: x [rows, width], row by row.
template <class T>
struct Twin {
  const RandomWeights& weights;
  const MelCodecConfig& config;
  using Values = std::vector<T>;

  Values linear(const std::string& name, const Values& x, int64_t in, int64_t taps = 1) const {
    const std::vector<float>&w = weights[name + ".weight"], &bias = weights[name + ".bias"];
    const int64_t out = int64_t(bias.size()), rows = int64_t(x.size()) / in;
    Values y;
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t o = 0; o < out; ++o) {
        T sum = bias[size_t(o)];
        for (int64_t j = 0; j < taps; ++j)
          for (int64_t i = 0; i < in; ++i)
            if (const int64_t n = row + j - taps / 2; n >= 0 && n < rows) sum += T(w[size_t((o * in + i) * taps + j)]) * x[size_t(n * in + i)];
        y.push_back(sum);
      }
    return y;
  }
  Values norm(const std::string& name, const Values& x, int64_t width) const {
    Values y(x.size());
    for (size_t row = 0; row < x.size(); row += size_t(width)) {
      T mean = 0, square = 0;
      for (int64_t i = 0; i < width; ++i) mean += x[row + size_t(i)] / T(width);
      for (int64_t i = 0; i < width; ++i) square += (x[row + size_t(i)] - mean) * (x[row + size_t(i)] - mean) / T(width);
      for (int64_t i = 0; i < width; ++i)
        y[row + size_t(i)] = (x[row + size_t(i)] - mean) / std::sqrt(square + T(1e-6)) * T(weights[name + ".weight"][size_t(i)]) + T(weights[name + ".bias"][size_t(i)]);
    }
    return y;
  }
  Values blocks(const std::string& name, Values x, int64_t count, int64_t width) const {
    for (int64_t b = 0; b < count; ++b) {
      const std::string block = concat(name, ".", b);
      const int64_t rows = int64_t(x.size()) / width;
      Values h(x.size());
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t i = 0; i < width; ++i) {
          T sum = weights[block + ".dw.bias"][size_t(i)];
          for (int64_t j = 0; j < 7; ++j)
            if (const int64_t n = row + j - 3; n >= 0 && n < rows) sum += T(weights[block + ".dw.weight"][size_t(i * 7 + j)]) * x[size_t(n * width + i)];
          h[size_t(row * width + i)] = sum;
        }
      h = linear(block + ".fc1", norm(block + ".norm", h, width), width);
      for (T& value : h) value = value * (1 + std::erf(value / std::sqrt(T(2)))) / 2;
      h = linear(block + ".fc2", h, config.expansion * width);
      for (size_t i = 0; i < x.size(); ++i) x[i] += h[i];
    }
    return x;
  }
  Values decode(const std::vector<float>& z) const {
    Values x = linear("decoder.in", Values(z.begin(), z.end()), config.latent_dim, 3);
    x = blocks("decoder.coarse", x, config.coarse_blocks, config.coarse_width);
    x = linear("decoder.split", x, config.coarse_width);
    x = blocks("decoder.fine", x, config.fine_blocks, config.fine_width);
    return linear("decoder.out", norm("decoder.norm", x, config.fine_width), config.fine_width);
  }
  Values encode(const std::vector<float>& y) const {
    Values x = linear("encoder.patch", Values(y.begin(), y.end()), config.features());
    x = blocks("encoder.fine", x, config.fine_blocks, config.fine_width);
    x = linear("encoder.merge", x, 8 * config.fine_width);
    x = blocks("encoder.coarse", x, config.coarse_blocks, config.coarse_width);
    return linear("encoder.out", norm("encoder.norm", x, config.coarse_width), config.coarse_width);
  }
};
template <class T>
std::vector<T> decode_plainly(const RandomWeights& weights, const MelCodecConfig& config, const std::vector<float>& z) {
  return Twin<T>{weights, config}.decode(z);
}
template <class T>
std::vector<T> encode_plainly(const RandomWeights& weights, const MelCodecConfig& config, const std::vector<float>& y) {
  return Twin<T>{weights, config}.encode(y);
}

struct Networks {
  MelEncoder encoder;
  MelDecoder decoder;
};
Networks load(const RandomWeights& weights, const OperatorTable& table, DType dtype = DType::f32) {
  const auto source = weights.open();
  Loader loader(*source, table, dtype);
  Networks networks{MelEncoder::load(loader, small()), MelDecoder::load(loader, small())};
  loader.finish();
  return networks;
}

std::vector<float> decode(const MelDecoder& decoder, const OperatorTable& table, const std::vector<float>& z, Range latents, int64_t len, DType dtype = DType::f32) {
  const MelCodecConfig& config = decoder.config();
  const Range needed = decoder.needed(latents, len);
  std::vector<float> y(size_t(latents.length() * 8 * config.features()));
  golden::run(table, dtype, [&](Context& ctx) {
    const Arena::Scope scope(ctx.arena());
    const Tensor in = ctx.f32({1, needed.length(), config.latent_dim}), out = ctx.f32({1, latents.length() * 8, config.features()});
    ops::upload(ctx, in, tensor_of(z.data() + needed.begin * config.latent_dim, in.shape));
    decoder.decode(ctx, out, in, latents, len);
    ops::download(ctx, tensor_of(y.data(), out.shape), out);
  });
  return y;
}

std::vector<float> encode(const MelEncoder& encoder, const OperatorTable& table, const std::vector<float>& y, Range latents, int64_t len) {
  const MelCodecConfig& config = encoder.config();
  const Range needed = encoder.needed(latents, len);
  std::vector<float> moments(size_t(latents.length() * 2 * config.latent_dim));
  golden::run(table, DType::f32, [&](Context& ctx) {
    const Arena::Scope scope(ctx.arena());
    const Tensor in = ctx.f32({1, needed.length(), config.features()}), out = ctx.f32({1, latents.length(), 2 * config.latent_dim});
    ops::upload(ctx, in, tensor_of(y.data() + needed.begin * config.features(), in.shape));
    encoder.encode(ctx, out, in, latents, len);
    ops::download(ctx, tensor_of(moments.data(), out.shape), out);
  });
  return moments;
}

constexpr int64_t kLen = 11;

TEST_CASE("mel codec: both networks equal the table of the document in f64") {
  const MelCodecConfig config = small();
  const RandomWeights weights(config);
  TS_FOR_EACH_BACKEND(table) {
    const Networks networks = load(weights, table);
    for (int64_t len : {int64_t(1), int64_t(2), kLen}) {
      const std::vector<float> z = normal(len * config.latent_dim), y = normal(len * 8 * config.features());
      TS_CHECK_ERROR(concat("decoder, ", len), decode(networks.decoder, table, z, {0, len}, len), DType::f32, decode_plainly, weights, config, z);
      TS_CHECK_ERROR(concat("encoder, ", len), encode(networks.encoder, table, y, {0, len}, len), DType::f32, encode_plainly, weights, config, y);
    }
  }
}

// The README's tolerance.
constexpr golden::Tolerance kMelCodec{5e-6, 2e-5};

TEST_CASE("mel codec: networks, every stage and the analysis match the training twin") {
  const auto file = golden::open("mel_codec_small");
  if (!file) TS_SKIP("no golden file mel_codec_small.safetensors");
  const nlohmann::json model = file->metadata("config").at("model"), cases = file->metadata("cases");
  const MelCodecConfig encoding = parse_mel_codec(model.at("encoder"), "encoder"), decoding = parse_mel_codec(model.at("decoder"), "decoder");
  TS_FOR_EACH_BACKEND(table) {
    const auto source = file->weights();
    Loader loader(*source, table, DType::f32);
    const MelEncoder encoder = MelEncoder::load(loader, encoding);
    const MelDecoder decoder = MelDecoder::load(loader, decoding);
    loader.finish();
    for (const auto& [name, settings] : cases.items()) {
      const bool decodes = file->has("in." + name + ".latent");
      if (!decodes && !file->has("in." + name + ".mel")) continue;
      const golden::Array x = file->array("in." + name + (decodes ? ".latent" : ".mel"));
      const std::string key = "out." + name + (decodes ? ".mel" : ".moments");
      golden::Array y(file->tensor(key).shape);
      golden::Recorder recorder;
      golden::run(table, DType::f32, [&](Context& ctx) {
        const Arena::Scope scope(ctx.arena());
        const Tensor in = ctx.f32(x.shape), out = ctx.f32(y.shape);
        ops::upload(ctx, in, x.view());
        if (decodes) decoder.decode(ctx, out, in, {0, x.shape[1]}, x.shape[1]);
        else encoder.encode(ctx, out, in, {0, y.shape[1]}, y.shape[1]);
        ops::download(ctx, y.view(), out);
      }, &recorder.probe());
      for (const std::string suffix : {"", ".f64"})
        if (file->has(key + suffix)) golden::check_close(key + suffix, y.view(), file->tensor(key + suffix), kMelCodec);
      recorder.check_all(*file, "mid." + name + ".", kMelCodec);
    }
  }
  const golden::Array audio = file->array("in.analysis.audio");
  const MelAnalysis analysis({.num_bands = encoding.num_bands, .sample_rate = encoding.sample_rate, .max_hz = encoding.max_hz});
  golden::Array mel(file->tensor("out.analysis.mel").shape);
  Serial serial;
  const std::span<const float> samples(audio.values);
  analysis.analyse(serial, samples.first(samples.size() / 2), samples.last(samples.size() / 2), 0, mel.values);
  golden::check_close("analysis", mel.view(), file->tensor("out.analysis.mel"), kMelCodec);
}

TEST_CASE("mel codec: any part of a sequence equals the same part of the whole") {
  const MelCodecConfig config = small();
  const RandomWeights weights(config);
  const std::vector<float> z = normal(kLen * config.latent_dim), y = normal(kLen * 8 * config.features());
  TS_FOR_EACH_BACKEND(table) {
    const Networks networks = load(weights, table);
    const std::vector<float> mel = decode(networks.decoder, table, z, {0, kLen}, kLen), moments = encode(networks.encoder, table, y, {0, kLen}, kLen);
    for (int64_t begin = 0; begin < kLen; ++begin)
      for (int64_t end = begin + 1; end <= kLen; ++end) {
        const auto check = [&](const char* what, const std::vector<float>& part, const std::vector<float>& whole) {
          const int64_t per = int64_t(whole.size()) / kLen;
          golden::check_close(concat(what, " ", begin, " … ", end), tensor_of(part.data(), {end - begin, per}),
                              tensor_of(whole.data() + begin * per, {end - begin, per}), {1e-5, 1e-5});
        };
        check("mel", decode(networks.decoder, table, z, {begin, end}, kLen), mel);
        check("moments", encode(networks.encoder, table, y, {begin, end}, kLen), moments);
      }
  }
}

TEST_CASE("mel codec: products of 16 bits stay near") {
  const MelCodecConfig config = small();
  const RandomWeights weights(config);
  const std::vector<float> z = normal(kLen * config.latent_dim);
  TS_FOR_EACH_BACKEND(table) {
    const std::vector<float> exact = decode(load(weights, table).decoder, table, z, {0, kLen}, kLen);
    for (DType product : test::narrow_types(table)) {
      const std::vector<float> coarse = decode(load(weights, table, product).decoder, table, z, {0, kLen}, kLen, product);
      const Shape shape{kLen, 8 * config.features()};
      golden::check_close(std::string(name_of(product)), tensor_of(coarse.data(), shape), tensor_of(exact.data(), shape), golden::coarse(product, golden::kBf16));
    }
  }
}

TEST_CASE("mel codec: what is not supported or makes no sense is named") {
  const auto refused = [](const char* key, nlohmann::json value, const char* word) {
    nlohmann::json json = test::parsed(kSmall);
    if (std::string(key) == "type") json["type"] = value;
    else json["config"][key] = value;
    try {
      parse_mel_codec(json, "decoder");
      FAIL("accepted " << json.dump());
    } catch (const Error& error) {
      CHECK(error.status() == TS_BAD_BUNDLE);
      CHECK_MESSAGE(std::string(error.what()).find(word) != std::string::npos, error.what());
    }
  };
  refused("type", "oobleck", "type must be");
  refused("latent_dim", nullptr, "latent_dim");
  refused("fine_width", 1, "fine_width");
  refused("coarse_blocks", -1, "coarse_blocks");
  refused("expansion", 100, "expansion");
  refused("n_fft", 512, "power of four");
  refused("hop", 300, "quarter");
  refused("max_hz", 30000, "half the sample_rate");
  refused("num_bands", 1, "num_bands");
}

}  // namespace
}  // namespace ts
