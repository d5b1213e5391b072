#include "models/t5.h"

#include "golden.h"
#include "models/published_names.h"
#include "ops/backends.h"
#include "skip.h"

namespace ts {
namespace {

struct T5Case {
  golden::Array hidden;
  std::vector<int32_t> ids;
  std::vector<uint8_t> mask;

  void run(const T5& t5, const OperatorTable& table, DType dtype, const Probe* probe = nullptr) {
    golden::run(table, dtype, [&](Context& ctx) {
      const Arena::Scope scope(ctx.arena());
      const Tensor y = ctx.f32(hidden.shape);
      t5.forward(ctx, y, {ids, mask});
      ops::download(ctx, hidden.view(), y);
    }, probe);
  }
};

T5 load_golden(const golden::File& file, const OperatorTable& table, DType dtype = DType::f32) {
  const auto source = file.weights();
  Loader loader(*source, table, dtype);
  return T5::load(loader, parse_t5_config(file.metadata("config"), "t5_small"));
}

T5Case read_case(const golden::File& file) {
  return {golden::Array(file.tensor("out.last_hidden_state").shape), file.integers<int32_t>("in.input_ids"),
          file.integers<uint8_t>("in.attention_mask")};
}

TEST_CASE("t5: the hidden state and every intermediate match the reference, pads included") {
  const auto file = golden::open("t5_small");
  if (!file) TS_SKIP("no golden file t5_small.safetensors");
  TS_FOR_EACH_BACKEND(table) {
    T5Case c = read_case(*file);
    golden::Recorder recorder;
    c.run(load_golden(*file, table), table, DType::f32, &recorder.probe());
    golden::check_close("last_hidden_state", c.hidden.view(), file->tensor("out.last_hidden_state"), golden::kEncoder);
    recorder.check_all(*file, "mid.", golden::kEncoder);
  }
}

TEST_CASE("t5: forty ids without a mask match the reference") {
  const auto file = golden::open("t5_small");
  if (!file) TS_SKIP("no golden file t5_small.safetensors");
  TS_FOR_EACH_BACKEND(table) {
    const T5Case whole = read_case(*file);
    T5Case c;
    const Tensor& expected = file->tensor("out.nomask40.last_hidden_state");
    const int64_t batch = expected.shape[0], len = expected.shape[1], stored = whole.hidden.shape[1];
    c.hidden = golden::Array(expected.shape);
    for (int64_t b = 0; b < batch; ++b) c.ids.insert(c.ids.end(), &whole.ids[size_t(b * stored)], &whole.ids[size_t(b * stored)] + len);
    c.run(load_golden(*file, table), table, DType::f32);
    golden::check_close("nomask40", c.hidden.view(), expected, golden::kEncoder);
  }
}

TEST_CASE("t5: products of 16 bits stay near the reference") {
  const auto file = golden::open("t5_small");
  if (!file) TS_SKIP("no golden file t5_small.safetensors");
  TS_FOR_EACH_BACKEND(table)
    for (DType product : test::narrow_types(table)) {
      T5Case c = read_case(*file);
      c.run(load_golden(*file, table, product), table, product);
      golden::check_close(std::string(name_of(product)), c.hidden.view(), file->tensor("out.last_hidden_state"), golden::coarse(product, golden::kEncoderBf16));
    }
}

TEST_CASE("t5: an item's result does not depend on its neighbours in the batch") {
  const auto file = golden::open("t5_small");
  if (!file) TS_SKIP("no golden file t5_small.safetensors");
  TS_FOR_EACH_BACKEND(table) {
    const T5 t5 = load_golden(*file, table);
    T5Case whole = read_case(*file), last;
    whole.run(t5, table, DType::f32);
    const int64_t len = whole.hidden.shape[1], width = whole.hidden.shape[2], item = whole.hidden.shape[0] - 1;
    last.hidden = golden::Array({1, len, width});
    last.ids.assign(whole.ids.begin() + item * len, whole.ids.end());
    last.mask.assign(whole.mask.begin() + item * len, whole.mask.end());
    last.run(t5, table, DType::f32);
    golden::check_close("alone", last.hidden.view(), whole.hidden.view().slice(item, 1), {1e-6, 5e-6});
  }
}

TEST_CASE("t5: buckets of the published configuration are those of the specification") {
  // Spec 04 §1: bucket by distance, before 16 is added for keys that come later.
  const auto expected = [](int64_t n) {
    if (n < 8) return n;
    const int64_t first[] = {8, 12, 16, 23, 32, 46, 64, 91};
    int64_t bucket = 7;
    for (int64_t begin : first) bucket += n >= begin;
    return bucket;
  };
  for (int64_t n = 0; n <= 300; ++n) {
    CHECK(relative_bucket(-n, 32, 128) == expected(n));
    if (n > 0) CHECK(relative_bucket(n, 32, 128) == 16 + expected(n));
  }
}

TEST_CASE("t5: the published configuration asks for exactly the published tensors") {
  test::check_published_names("t5_xl_encoder", {"shared.", "encoder.embed_tokens."}, [](Loader& loader) {
    const auto config = test::parsed(R"({"d_ff": 5120, "d_kv": 64, "d_model": 2048, "feed_forward_proj": "gated-gelu",
      "layer_norm_epsilon": 1e-06, "model_type": "t5", "num_heads": 32, "num_layers": 24, "relative_attention_num_buckets": 32,
      "vocab_size": 32128})");
    T5::load(loader, parse_t5_config(config, "config"));
  });
}

TEST_CASE("t5: what cannot be right is refused in words") {
  const auto parse = [](const char* changes) {
    auto config = test::parsed(R"({"d_ff": 16, "d_kv": 4, "d_model": 8, "num_heads": 2, "num_layers": 1})");
    config.update(test::parsed(changes));
    return parse_t5_config(config, "config.json");
  };
  CHECK(parse("{}").activation == Activation::gelu_tanh);
  CHECK(parse(R"({"feed_forward_proj": "gated-silu"})").activation == Activation::silu);
  CHECK_THROWS_WITH_AS(parse(R"({"d_kv": 5})"), doctest::Contains("d_kv 5 is odd"), Error);
  CHECK_THROWS_WITH_AS(parse(R"({"d_model": -1})"), doctest::Contains("d_model"), Error);
  CHECK_THROWS_WITH_AS(parse(R"({"feed_forward_proj": "relu"})"), doctest::Contains("feed_forward_proj"), Error);
  CHECK_THROWS_WITH_AS(parse(R"({"dense_act_fn": "relu"})"), doctest::Contains("contradicts"), Error);
  CHECK_THROWS_WITH_AS(parse(R"({"relative_attention_num_buckets": 30})"), doctest::Contains("multiple of 4"), Error);

  const auto source = synthetic_weights(1);
  Loader loader(*source, plain_table(), DType::f32);
  const T5 t5 = T5::load(loader, parse(R"({"vocab_size": 10})"));
  T5Case c{golden::Array({1, 3, 8}), {1, 10, 0}, {}};
  CHECK_THROWS_WITH_AS(c.run(t5, plain_table(), DType::f32), doctest::Contains("t5: id 10 at position 1 is not in a vocabulary of 10"), Error);
  c.ids = {1, 2};
  CHECK_THROWS_WITH_AS(c.run(t5, plain_table(), DType::f32), doctest::Contains("2 ids for 1 rows of 3"), Error);
}

}  // namespace
}  // namespace ts
