#include "models/clip_text.h"

#include "golden.h"
#include "models/published_names.h"
#include "ops/backends.h"
#include "skip.h"

namespace ts {
namespace {

struct TextCase {
  golden::Array hidden, pooled;
  std::vector<int32_t> ids;
  std::vector<uint8_t> mask;

  void run(const ClipText& text, const OperatorTable& table, DType dtype, const Probe* probe = nullptr) {
    golden::run(table, dtype, [&](Context& ctx) {
      const Arena::Scope scope(ctx.arena());
      const Tensor h = ctx.f32(hidden.shape), p = pooled.values.empty() ? Tensor() : ctx.f32(pooled.shape);
      text.forward(ctx, h, p, {ids, mask});
      ops::download(ctx, hidden.view(), h);
      if (p) ops::download(ctx, pooled.view(), p);
    }, probe);
  }
};

ClipText load_golden(const golden::File& file, const OperatorTable& table, DType dtype = DType::f32) {
  const auto source = file.weights();
  Loader loader(*source, table, dtype);
  return ClipText::load(loader, parse_clip_text_config(file.metadata("config"), "clip_text_small"));
}

TextCase read_case(const golden::File& file) {
  return {golden::Array(file.tensor("out.last_hidden_state").shape), golden::Array(file.tensor("out.text_features").shape),
          file.integers<int32_t>("in.input_ids"), file.integers<uint8_t>("in.attention_mask")};
}

TEST_CASE("clip_text: hidden states, pooled features and intermediates match the reference") {
  const auto file = golden::open("clip_text_small");
  if (!file) TS_SKIP("no golden file clip_text_small.safetensors");
  TS_FOR_EACH_BACKEND(table) {
    TextCase c = read_case(*file);
    golden::Recorder recorder;
    c.run(load_golden(*file, table), table, DType::f32, &recorder.probe());
    golden::check_close("last_hidden_state", c.hidden.view(), file->tensor("out.last_hidden_state"), golden::kEncoder);
    golden::check_close("text_features", c.pooled.view(), file->tensor("out.text_features"), golden::kEncoder);
    recorder.check_all(*file, "mid.", golden::kEncoder);
  }
}

TEST_CASE("clip_text: without a mask the reference's other answer comes out") {
  const auto file = golden::open("clip_text_small");
  if (!file) TS_SKIP("no golden file clip_text_small.safetensors");
  TS_FOR_EACH_BACKEND(table) {
    TextCase c = read_case(*file);
    c.mask.clear();
    c.run(load_golden(*file, table), table, DType::f32);
    if (file->has("out.nomask.last_hidden_state"))  // the committed subset leaves it out
      golden::check_close("last_hidden_state", c.hidden.view(), file->tensor("out.nomask.last_hidden_state"), golden::kEncoder);
    golden::check_close("text_features", c.pooled.view(), file->tensor("out.nomask.text_features"), golden::kEncoder);
  }
}

TEST_CASE("clip_text: products of 16 bits stay near the reference") {
  const auto file = golden::open("clip_text_small");
  if (!file) TS_SKIP("no golden file clip_text_small.safetensors");
  TS_FOR_EACH_BACKEND(table)
    for (DType product : test::narrow_types(table)) {
      TextCase c = read_case(*file);
      c.run(load_golden(*file, table, product), table, product);
      golden::check_close(std::string(name_of(product)), c.hidden.view(), file->tensor("out.last_hidden_state"), golden::coarse(product, golden::kEncoderBf16));
    }
}

TEST_CASE("clip_text: later tokens do not change earlier ones, and pooling is optional") {
  const auto file = golden::open("clip_text_small");
  if (!file) TS_SKIP("no golden file clip_text_small.safetensors");
  TS_FOR_EACH_BACKEND(table) {
    const ClipText text = load_golden(*file, table);
    TextCase whole = read_case(*file), part;
    whole.run(text, table, DType::f32);
    const int64_t len = 5, width = whole.hidden.shape[2];
    part.hidden = golden::Array({1, len, width});
    part.ids.assign(whole.ids.begin(), whole.ids.begin() + len);
    part.run(text, table, DType::f32);
    golden::check_close("first five", part.hidden.view(), whole.hidden.view().reshape({whole.hidden.shape.numel() / width, width}).slice(0, len).reshape({1, len, width}),
                        {1e-6, 5e-6});
  }
}

TEST_CASE("clip_text: the published configuration asks for exactly the published tensors") {
  test::check_published_names("metaclip_h14", {"vision_model.", "visual_projection.", "logit_scale"}, [](Loader& loader) {
    const auto config = test::parsed(R"({"projection_dim": 1024, "text_config": {"hidden_size": 1024, "intermediate_size": 4096,
      "num_attention_heads": 16, "num_hidden_layers": 24}})");
    ClipText::load(loader, parse_clip_text_config(config, "config"));
  });
}

TEST_CASE("clip_text: the configuration is read as the Hugging Face class reads it, or refused") {
  const auto parse = [](const char* config) { return parse_clip_text_config(test::parsed(config), "config.json"); };
  const ClipTextConfig defaults = parse(R"({"text_config": {}})");
  CHECK(defaults.hidden_size == 512);
  CHECK(defaults.num_layers == 12);
  CHECK(defaults.tower.activation == Activation::quick_gelu);
  CHECK(defaults.eos_id == 49407);
  CHECK(parse(R"({"text_config": {"eos_token_id": 2}})").eos_id == 49407);  // what old files say
  CHECK(parse(R"({"text_config": {"eos_token_id": 7}})").eos_id == 7);
  CHECK(parse(R"({"text_config": {"hidden_act": "gelu"}})").tower.activation == Activation::gelu_erf);
  CHECK_THROWS_WITH_AS(parse(R"({"text_config": {"hidden_act": "relu"}})"), doctest::Contains("hidden_act"), Error);
  CHECK_THROWS_WITH_AS(parse(R"({"text_config": {"num_attention_heads": 7}})"), doctest::Contains("num_attention_heads 7"), Error);
  CHECK_THROWS_WITH_AS(parse(R"({"text_config": {"hidden_size": 1024, "num_attention_heads": 4}})"), doctest::Contains("head dim 256"), Error);
}

TEST_CASE("clip_text: a row without an end of text, too many tokens and strange ids are refused") {
  const auto source = synthetic_weights(1);
  Loader loader(*source, plain_table(), DType::f32);
  const auto config = test::parsed(R"({"projection_dim": 6, "text_config": {"hidden_size": 8, "intermediate_size": 16, "vocab_size": 20,
    "num_attention_heads": 2, "num_hidden_layers": 1, "max_position_embeddings": 4}})");
  const ClipText text = ClipText::load(loader, parse_clip_text_config(config, "config.json"));
  TextCase c{golden::Array({1, 3, 8}), golden::Array({1, 6}), {18, 1, 19}, {}};
  CHECK_NOTHROW(c.run(text, plain_table(), DType::f32));
  c.ids = {18, 1, 2};
  CHECK_THROWS_WITH_AS(c.run(text, plain_table(), DType::f32), doctest::Contains("row 0 holds no end-of-text id 19"), Error);
  c.ids = {18, -1, 19};
  CHECK_THROWS_WITH_AS(c.run(text, plain_table(), DType::f32), doctest::Contains("id -1 at position 1"), Error);
  TextCase longer{golden::Array({1, 5, 8}), {}, {18, 1, 2, 3, 19}, {}};
  CHECK_THROWS_WITH_AS(longer.run(text, plain_table(), DType::f32), doctest::Contains("up to 4"), Error);
}

}  // namespace
}  // namespace ts
