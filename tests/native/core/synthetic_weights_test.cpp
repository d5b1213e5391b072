#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "core/weights.h"

using namespace ts;

namespace {

struct Moments {
  double mean = 0, std = 0;
};

Moments moments(const Tensor& tensor) {
  const std::vector<float> values = to_f32(tensor, "synthetic");
  double sum = 0, squares = 0;
  for (float value : values) sum += value, squares += double(value) * value;
  const double n = double(values.size());
  return {sum / n, std::sqrt(squares / n - sum / n * (sum / n))};
}

}  // namespace

TEST_CASE("synthetic weights: kinds of tensors have the spread of a trained network") {
  const auto source = synthetic_weights(1);
  // Matrices: 1/√fan_in. Estimates of a std from n values scatter by less than 1/√n.
  CHECK(moments(source->take("joint_blocks.0.latent_block.attn.qkv.weight", {768, 256})).std ==
        doctest::Approx(1 / std::sqrt(256.0)).epsilon(0.01));
  CHECK(moments(source->take("audio_input_proj.0.weight", {512, 64, 3})).std ==
        doctest::Approx(1 / std::sqrt(192.0)).epsilon(0.01));
  CHECK(moments(source->take("patch_embed_3d.proj.weight", {64, 3, 2, 16, 16})).std ==
        doctest::Approx(1 / std::sqrt(1536.0)).epsilon(0.01));
  const Moments norm = moments(source->take("text_model.final_layer_norm.weight", {4096}));
  CHECK(norm.mean == doctest::Approx(1).epsilon(0.01));
  CHECK(norm.std == doctest::Approx(0.05).epsilon(0.1));
  CHECK(moments(source->take("t_embed.mlp.0.weight", {256, 256})).std == doctest::Approx(1 / 16.0).epsilon(0.01));
  CHECK(moments(source->take("decoder.layers.1.layers.1.weight_g", {2048, 1, 1})).mean == doctest::Approx(1).epsilon(0.01));
  CHECK(moments(source->take("decoder.layers.1.layers.0.alpha", {2048})).std == doctest::Approx(0.2).epsilon(0.1));
  CHECK(moments(source->take("a.in_proj_bias", {2048})).std == doctest::Approx(0.05).epsilon(0.1));
  CHECK(moments(source->take("sync_pos_emb", {1, 1, 8, 768})).std == doctest::Approx(0.3).epsilon(0.1));
  CHECK_NOTHROW(source->finish());
}

TEST_CASE("synthetic weights: depend on seed and name alone, at every tail length") {
  const auto first = synthetic_weights(1), again = synthetic_weights(1), other = synthetic_weights(2);
  const auto bytes = [](WeightSource& source, std::string_view name, int64_t length) {
    const Tensor tensor = source.take(name, {length});
    std::string copy(static_cast<const char*>(tensor.data), size_t(tensor.bytes()));
    source.release(name);
    return copy;
  };
  for (int64_t length : {1, 2, 3, 4, 5, 255, 257}) {
    CHECK(bytes(*first, "x", length) == bytes(*again, "x", length));
    CHECK(bytes(*first, "x", length) == bytes(*first, "x", 1000).substr(0, size_t(length * 2)));
  }
  CHECK(bytes(*first, "x", 100) != bytes(*other, "x", 100));
  CHECK(bytes(*first, "x", 100) != bytes(*first, "y", 100));
  CHECK(first->take("empty", {0}).numel() == 0);
}

TEST_CASE("synthetic weights: exist once taken, keep their address, and are gone when released") {
  const auto source = synthetic_weights(3);
  CHECK_FALSE(source->has("w"));
  const Tensor taken = source->take_any("w", {4, 4});
  CHECK(taken.shape == Shape{4, 4});
  CHECK(source->has("w"));
  CHECK(source->take("w", {4, 4}).data == taken.data);
  source->release("w");
  source->release("w");
  CHECK_FALSE(source->has("w"));
}
