#include "pipeline/audio_codec.h"

#include "core/philox.h"
#include "golden.h"
#include "ops/backends.h"
#include "pipeline/decode.h"
#include "runtime/thread_pool.h"

namespace ts {
namespace {

const nlohmann::json kMel = test::parsed(R"({"type": "mel", "config": {"latent_dim": 16, "fine_width": 32, "coarse_width": 48,
  "fine_blocks": 2, "coarse_blocks": 2, "expansion": 2}})");

std::unique_ptr<AudioDecoder> mel_decoder(const OperatorTable& table) {
  const auto source = synthetic_weights(3);
  Loader loader(*source, table, DType::f32);
  return load_audio_decoder(loader, kMel, "mel");
}
std::unique_ptr<AudioEncoder> mel_encoder(const OperatorTable& table) {
  const auto source = synthetic_weights(4);
  Loader loader(*source, table, DType::f32);
  return load_audio_encoder(loader, kMel, "mel");
}

struct Decoded {
  std::vector<float> left, right;
  std::vector<size_t> blocks;
};
Decoded decode_all(Workspace& workspace, const AudioDecoder& decoder, std::span<const float> latent, int64_t chunk) {
  Decoded sound;
  decode(workspace, decoder, latent, chunk, {}, [&](std::span<float> left, std::span<float> right, int64_t offset) {
    CHECK(offset == int64_t(sound.left.size()));
    CHECK(!left.empty());
    sound.left.insert(sound.left.end(), left.begin(), left.end());
    sound.right.insert(sound.right.end(), right.begin(), right.end());
    sound.blocks.push_back(left.size());
  });
  return sound;
}

constexpr int64_t kLen = 71;  // more than two passes of the network

std::vector<float> some_latent() {
  std::vector<float> latent(kLen * 16);
  fill_normal(latent, 9, 0);
  return latent;
}

TEST_CASE("codec: mel latents become hop·N samples, in any chunks and on any number of threads the same") {
  TS_FOR_EACH_BACKEND(table) {
    const auto decoder = mel_decoder(table);
    CHECK(decoder->hop() == 2048);
    CHECK(decoder->latent_dim() == 16);
    CHECK(decoder->sample_rate() == 44100);
    const std::vector<float> latent = some_latent();
    Serial serial;
    ThreadPool three(3);
    MemoryBudget budget;
    Workspace alone(table, serial, DType::f32, budget), together(table, three, DType::f32, budget);
    const Decoded whole = decode_all(alone, *decoder, latent, kLen);
    REQUIRE(int64_t(whole.left.size()) == kLen * 2048);
    REQUIRE(whole.left.size() == whole.right.size());
    double energy = 0;
    for (float sample : whole.left) {
      REQUIRE(std::isfinite(sample));
      energy += double(sample) * double(sample);
    }
    CHECK(energy > 0);
    CHECK(decode_all(together, *decoder, latent, kLen).left == whole.left);
    for (int64_t chunk : {3, 10, 32, 45, 100}) {
      Workspace workspace(table, serial, DType::f32, budget);
      const Decoded parts = decode_all(workspace, *decoder, latent, chunk);
      CHECK(parts.left == whole.left);
      CHECK(parts.right == whole.right);
      CHECK(plan_decode(workspace, *decoder, kLen, chunk) == workspace.capacity());
      CHECK(int64_t(parts.blocks.size()) == (kLen + chunk - 1) / chunk);  // sound while it is still being decoded
    }
  }
}

TEST_CASE("codec: latents that come piece by piece are decoded to the samples of the whole") {
  const nlohmann::json oobleck = test::parsed(R"({"type": "oobleck", "config": {"out_channels": 2, "channels": 8, "c_mults": [1, 2, 4],
    "strides": [2, 4, 8], "latent_dim": 16, "use_snake": true, "final_tanh": false}})");
  TS_FOR_EACH_BACKEND(table) {
    for (const nlohmann::json& config : {kMel, oobleck}) {
      const auto source = synthetic_weights(3);
      Loader loader(*source, table, DType::f32);
      const auto decoder = load_audio_decoder(loader, config, "decoder");
      const std::vector<float> latent = some_latent();
      Serial serial;
      MemoryBudget budget;
      Workspace workspace(table, serial, DType::f32, budget);
      const Decoded whole = decode_all(workspace, *decoder, latent, 10);
      for (int64_t piece : {1, 7, 30, 71}) {
        DecodeStream stream(*decoder, 10);
        Decoded parts;
        for (int64_t at = 0; at < kLen; at += piece) {
          const int64_t count = std::min(piece, kLen - at);
          stream.push(workspace, std::span(latent).subspan(size_t(at * 16), size_t(count * 16)), at + count == kLen, {},
                      [&](std::span<float> left, std::span<float> right, int64_t offset) {
                        CHECK(offset == int64_t(parts.left.size()));
                        parts.left.insert(parts.left.end(), left.begin(), left.end());
                        parts.right.insert(parts.right.end(), right.begin(), right.end());
                      });
          if (at + count < kLen) CHECK(int64_t(parts.left.size()) <= (at + count) * decoder->hop());
        }
        CHECK(parts.left == whole.left);
        CHECK(parts.right == whole.right);
      }
    }
  }
}

TEST_CASE("codec: a stream that is over, or broke off, takes no more") {
  const auto decoder = mel_decoder(plain_table());
  const std::vector<float> latent = some_latent();
  Serial serial;
  MemoryBudget budget;
  Workspace workspace(plain_table(), serial, DType::f32, budget);
  const auto ignore = [](std::span<float>, std::span<float>, int64_t) {};
  DecodeStream over(*decoder, 10), broken(*decoder, 10), empty(*decoder, 10);
  over.push(workspace, latent, true, {}, ignore);
  CHECK_THROWS_WITH_AS(over.push(workspace, latent, true, {}, ignore), "decode: the stream is over, or broke off at an earlier call", Error);
  CHECK_THROWS_AS(broken.push(workspace, latent, false, {}, [](auto, auto, int64_t) { fail(TS_CANCELLED, "enough"); }), Error);
  CHECK_THROWS_WITH_AS(broken.push(workspace, {}, true, {}, ignore), "decode: the stream is over, or broke off at an earlier call", Error);
  CHECK_THROWS_WITH_AS(empty.push(workspace, {}, true, {}, ignore), "decode: 0 latents", Error);
}

TEST_CASE("codec: a sound in chunks encodes to the whole, and every moment comes") {
  TS_FOR_EACH_BACKEND(table) {
    const auto encoder = mel_encoder(table);
    constexpr int64_t kLatents = 75, kSamples = kLatents * 2048;
    std::vector<float> left(kSamples), right(kSamples);
    fill_normal(left, 1, 0);
    fill_normal(right, 1, 1);
    Serial serial;
    MemoryBudget budget;
    Workspace workspace(table, serial, DType::f32, budget);
    const std::vector<float> chunked = encode_moments(workspace, *encoder, left, right, {});
    const Range rows = encoder->needed({0, kLatents}, kSamples);
    CHECK(rows.length() == 8 * kLatents);
    std::vector<float> mel(size_t(rows.length() * encoder->row_width())), whole(chunked.size());
    encoder->read_rows(serial, left, right, rows, mel);
    workspace.run([&](Context& ctx) {
      const Arena::Scope scope(ctx.arena());
      const Tensor x = ctx.f32({1, rows.length(), encoder->row_width()}), y = ctx.f32({1, kLatents, 32});
      ops::upload(ctx, x, tensor_of(mel.data(), x.shape));
      encoder->encode(ctx, y, x, {0, kLatents}, kSamples);
      ops::download(ctx, tensor_of(whole.data(), y.shape), y);
    });
    golden::check_close("moments", tensor_of(chunked.data(), {kLatents, 32}), tensor_of(whole.data(), {kLatents, 32}), {1e-5, 1e-4});
  }
}

TEST_CASE("codec: decoding stops when it is cancelled, between chunks and within one") {
  const auto decoder = mel_decoder(plain_table());
  const std::vector<float> latent = some_latent();
  Serial serial;
  MemoryBudget budget;
  Workspace workspace(plain_table(), serial, DType::f32, budget);
  int blocks = 0;
  const auto cancel_first = [&](std::span<float>, std::span<float>, int64_t) {
    ++blocks;
    workspace.cancel();
  };
  CHECK_THROWS_WITH_AS(decode(workspace, *decoder, latent, 4, {}, cancel_first), "cancelled", Error);
  CHECK(blocks == 1);
  CHECK_THROWS_WITH_AS(decode(workspace, *decoder, latent, kLen, {}, cancel_first), "cancelled", Error);
  CHECK(blocks == 1);
}

TEST_CASE("codec: an unknown family is refused by name") {
  const auto source = synthetic_weights(1);
  Loader loader(*source, plain_table(), DType::f32);
  const nlohmann::json dac = {{"type", "dac"}};
  CHECK_THROWS_WITH_AS(load_audio_decoder(loader, dac, "vae.decoder"), "vae.decoder: type is \"dac\", but must be \"oobleck\" or \"mel\"", Error);
  CHECK_THROWS_AS(load_audio_encoder(loader, dac, "vae.encoder"), Error);
}

}  // namespace
}  // namespace ts
