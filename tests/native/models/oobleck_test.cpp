#include "models/oobleck.h"

#include "core/philox.h"
#include "golden.h"
#include "models/published_names.h"
#include "ops/backends.h"
#include "pipeline/decode.h"
#include "skip.h"

namespace ts {
namespace {

struct Vae {
  OobleckDecoder decoder;
  OobleckEncoder encoder;
};

Vae load_golden(const golden::File& file, const OperatorTable& table, DType dtype = DType::f32) {
  const auto source = file.weights();
  Loader loader(*source, table, dtype);
  const nlohmann::json model = file.metadata("config").at("model");
  Vae vae{OobleckDecoder::load(loader, parse_oobleck_decoder(model.at("decoder"), "vae_small")),
          OobleckEncoder::load(loader, parse_oobleck_encoder(model.at("encoder"), "vae_small"))};
  loader.finish();
  return vae;
}

// The same as the pipeline sees it.
struct Codec {
  std::unique_ptr<AudioDecoder> decoder;
  std::unique_ptr<AudioEncoder> encoder;
};

Codec load_codec(const golden::File& file, const OperatorTable& table) {
  const auto source = file.weights();
  Loader loader(*source, table, DType::f32);
  const nlohmann::json model = file.metadata("config").at("model");
  Codec codec{load_audio_decoder(loader, model.at("decoder"), "vae_small"), load_audio_encoder(loader, model.at("encoder"), "vae_small")};
  loader.finish();
  return codec;
}

// [B, C, N] of the goldens ↔ [B, N, C] of the network.
golden::Array swapped(const golden::Array& x) {
  golden::Array y({x.shape[0], x.shape[2], x.shape[1]});
  const int64_t item = x.shape[1] * x.shape[2];
  for (int64_t b = 0; b < x.shape[0]; ++b) {
    const std::vector<float> part = transposed(std::span(x.values).subspan(size_t(b * item), size_t(item)), x.shape[1], x.shape[2]);
    std::copy(part.begin(), part.end(), y.values.begin() + b * item);
  }
  return y;
}

golden::Array decode(const OobleckDecoder& decoder, const OperatorTable& table, DType dtype, const golden::Array& latent, const Probe* probe = nullptr) {
  const golden::Array z = swapped(latent);
  golden::Array audio({z.shape[0], z.shape[1] * decoder.config().hop(), decoder.config().audio_channels});
  golden::run(table, dtype, [&](Context& ctx) {
    const Arena::Scope scope(ctx.arena());
    const Tensor x = ctx.f32(z.shape), y = ctx.f32(audio.shape);
    ops::upload(ctx, x, z.view());
    decoder.decode(ctx, y, x, {0, z.shape[1]}, z.shape[1]);
    ops::download(ctx, audio.view(), y);
  }, probe);
  return swapped(audio);
}

TEST_CASE("oobleck: decoded sound and every intermediate match the reference") {
  const auto file = golden::open("vae_small");
  if (!file) TS_SKIP("no golden file vae_small.safetensors");
  TS_FOR_EACH_BACKEND(table) {
    const Vae vae = load_golden(*file, table);
    for (const std::string name : {"dec1", "dec3", "dec5_b2"}) {
      if (!file->has("in." + name + ".latent")) continue;
      golden::Recorder recorder;
      const golden::Array audio = decode(vae.decoder, table, DType::f32, file->array("in." + name + ".latent"), &recorder.probe());
      for (const char* key : {".audio", ".audio.f64"})
        if (file->has("out." + name + key)) golden::check_close(name + key, audio.view(), file->tensor("out." + name + key), golden::kVaeAudio);
      recorder.check_all(*file, "mid." + name + ".", golden::kVaeAudio);
    }
  }
}

TEST_CASE("oobleck: encoded moments, latent and KL match the reference, whole and odd lengths") {
  const auto file = golden::open("vae_small");
  if (!file) TS_SKIP("no golden file vae_small.safetensors");
  TS_FOR_EACH_BACKEND(table) {
    const Vae vae = load_golden(*file, table);
    for (const std::string name : {"enc4", "enc_odd"}) {
      const golden::Array audio = swapped(file->array("in." + name + ".audio"));
      const int64_t batch = audio.shape[0], samples = audio.shape[1], len = vae.encoder.latent_len(samples), dim = vae.encoder.config().latent_dim;
      golden::Array moments({batch, len, 2 * dim});
      golden::Recorder recorder;
      golden::run(table, DType::f32, [&](Context& ctx) {
        const Arena::Scope scope(ctx.arena());
        const Tensor x = ctx.f32(audio.shape), y = ctx.f32(moments.shape);
        ops::upload(ctx, x, audio.view());
        vae.encoder.encode(ctx, y, x, {0, len}, samples);
        ops::download(ctx, moments.view(), y);
      }, &recorder.probe());
      golden::check_close(name, swapped(moments).view(), file->tensor("out." + name + ".encoder_out.f64"), golden::kVaeLatent);
      recorder.check_all(*file, "mid." + name + ".", golden::kVaeLatent);

      const golden::Array noise = swapped(file->array("in." + name + ".noise"));
      golden::Array latent(noise.shape);
      sample_posterior(latent.values, moments.values, noise.values, dim);
      golden::check_close(name + ".latent", swapped(latent).view(), file->tensor("out." + name + ".latent.f64"), golden::kVaeLatent);
      CHECK(posterior_kl(moments.values, dim) == doctest::Approx(file->tensor("out." + name + ".kl.f64").as<double>()[0]).epsilon(2e-5));
    }
  }
}

TEST_CASE("oobleck: chunks of any size decode to the whole") {
  const auto file = golden::open("vae_small");
  if (!file) TS_SKIP("no golden file vae_small.safetensors");
  TS_FOR_EACH_BACKEND(table) {
    const Vae vae = load_golden(*file, table);
    const Codec codec = load_codec(*file, table);
    constexpr int64_t kLen = 23;
    golden::Array latent({1, vae.decoder.config().latent_dim, kLen});
    fill_normal(latent.values, 7, 0);
    const golden::Array whole = decode(vae.decoder, table, DType::f32, latent);
    const golden::Array rows = swapped(latent);
    Serial serial;
    MemoryBudget budget;
    for (int64_t chunk : {1, 2, 5, 11, 22, 23, 40}) {
      Workspace workspace(table, serial, DType::f32, budget);
      golden::Array chunked(whole.shape);
      int64_t next = 0;
      decode(workspace, *codec.decoder, rows.values, chunk, {}, [&](std::span<float> left, std::span<float> right, int64_t offset) {
        CHECK(offset == next);
        std::copy(left.begin(), left.end(), chunked.values.begin() + offset);
        std::copy(right.begin(), right.end(), chunked.values.begin() + whole.shape[2] + offset);
        next = offset + int64_t(left.size());
      });
      CHECK(next == whole.shape[2]);
      golden::check_close(concat("chunks of ", chunk), chunked.view(), whole.view(), {1e-5, 1e-5});
      CHECK(plan_decode(workspace, *codec.decoder, kLen, chunk) == workspace.capacity());
    }
  }
}

TEST_CASE("oobleck: chunks encode to the whole") {
  const auto file = golden::open("vae_small");
  if (!file) TS_SKIP("no golden file vae_small.safetensors");
  TS_FOR_EACH_BACKEND(table) {
    const Vae vae = load_golden(*file, table);
    const Codec codec = load_codec(*file, table);
    const int64_t samples = 75 * vae.encoder.config().hop(), len = 75, width = 2 * vae.encoder.config().latent_dim;
    std::vector<float> left(static_cast<size_t>(samples)), right(left.size());
    fill_normal(left, 1, 0);
    fill_normal(right, 1, 1);
    Serial serial;
    MemoryBudget budget;
    Workspace workspace(table, serial, DType::f32, budget);
    const std::vector<float> chunked = encode_moments(workspace, *codec.encoder, left, right, {});
    std::vector<float> audio, whole(chunked.size());
    for (size_t i = 0; i < left.size(); ++i) audio.insert(audio.end(), {left[i], right[i]});
    workspace.run([&](Context& ctx) {
      const Arena::Scope scope(ctx.arena());
      const Tensor x = ctx.f32({1, samples, 2}), y = ctx.f32({1, len, width});
      ops::upload(ctx, x, tensor_of(audio.data(), x.shape));
      vae.encoder.encode(ctx, y, x, {0, len}, samples);
      ops::download(ctx, tensor_of(whole.data(), y.shape), y);
    });
    golden::check_close("moments", tensor_of(chunked.data(), {len, width}), tensor_of(whole.data(), {len, width}), {1e-5, 1e-4});
  }
}

TEST_CASE("oobleck: products of 16 bits stay near the reference") {
  const auto file = golden::open("vae_small");
  if (!file) TS_SKIP("no golden file vae_small.safetensors");
  TS_FOR_EACH_BACKEND(table) {
    const golden::Array latent = file->array("in.dec3.latent");
    const golden::Array exact = decode(load_golden(*file, table).decoder, table, DType::f32, latent);
    for (DType product : test::narrow_types(table)) {
      const golden::Array coarse = decode(load_golden(*file, table, product).decoder, table, product, latent);
      golden::check_close(std::string(name_of(product)), coarse.view(), exact.view(), golden::coarse(product, golden::kBf16));
    }
  }
}

TEST_CASE("oobleck: the published configuration asks for exactly the published tensors") {
  test::check_published_names("vae", {}, [](Loader& loader) {
    const auto config = [](const char* side) {
      return test::parsed(concat(R"({"type": "oobleck", "config": {"channels": 128, "c_mults": [1, 2, 4, 8, 16],
        "strides": [2, 4, 4, 8, 8], "latent_dim": )", side, "}}"));
    };
    OobleckEncoder::load(loader, parse_oobleck_encoder(config("128"), "encoder"));
    OobleckDecoder::load(loader, parse_oobleck_decoder(config("64"), "decoder"));
    loader.finish();
  });
}

TEST_CASE("oobleck: what is not supported or makes no sense is named") {
  const auto refused = [](const char* text, const char* word) {
    try {
      parse_oobleck_decoder(test::parsed(text), "decoder");
      FAIL("accepted " << text);
    } catch (const Error& error) {
      CHECK(error.status() == TS_BAD_BUNDLE);
      CHECK_MESSAGE(std::string(error.what()).find(word) != std::string::npos, error.what());
    }
  };
  refused(R"({"c_mults": [1, 2], "strides": [2], "latent_dim": 64})", "same length");
  refused(R"({"c_mults": [1], "strides": [3], "latent_dim": 64})", "odd stride");
  refused(R"({"c_mults": [1], "strides": [2], "latent_dim": 64, "use_snake": false})", "use_snake");
  refused(R"({"c_mults": [1], "strides": [2], "latent_dim": 64, "final_tanh": true})", "final_tanh");
  refused(R"({"c_mults": [1], "strides": [2]})", "latent_dim");
  refused(R"({"type": "dac", "config": {"c_mults": [1], "strides": [2], "latent_dim": 64}})", "oobleck");
  CHECK_THROWS_AS(parse_oobleck_encoder(test::parsed(R"({"c_mults": [1], "strides": [2], "latent_dim": 63})"), "encoder"), Error);
}

}  // namespace
}  // namespace ts
