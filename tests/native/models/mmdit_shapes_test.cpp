// Sizes that no golden has, against the network written out in double precision.
#include "models/mmdit_golden.h"
#include "models/mmdit_reference.h"

namespace ts::test {
namespace {

struct Sizes {
  const char* what;
  MmditConfig config;
  MmditLengths lengths;
  int64_t t5_len = 5;
};

MmditConfig small_config() {
  MmditConfig config;
  config.latent_dim = 6;
  config.clip_dim = 10;
  config.sync_dim = 7;
  config.text_dim = 24;
  config.clip_text_dim = 16;
  config.hidden_dim = 24;
  config.num_heads = 3;
  config.depth = 3;
  config.fused_depth = 1;
  config.text_seq_len = 9;
  config.v2 = true;
  config.kernel_size = 3;
  return config;
}

template <class Change>
MmditConfig with(const Change& change) {
  MmditConfig config = small_config();
  change(config);
  return config;
}

Array drawn(Shape shape, uint64_t stream) {
  Array tensor(shape);
  fill_normal(tensor.values, 7, stream);
  return tensor;
}

MmditReference::Rows rows_of(const Array& tensor, int64_t item) {
  const int64_t length = tensor.shape[1], width = tensor.shape[2];
  MmditReference::Rows rows;
  for (int64_t n = 0; n < length; ++n) {
    const float* row = &tensor.values[size_t((item * length + n) * width)];
    rows.emplace_back(row, row + width);
  }
  return rows;
}

TEST_CASE("mmdit: any head dim, kernel, depth and length, against double precision") {
  const Sizes sizes[] = {
      {"head dim 80, the shortest lengths", with([](auto& c) { c.hidden_dim = 160; c.num_heads = 2; }), {22, 1, 8}},
      {"head dim 128", with([](auto& c) { c.hidden_dim = 128; c.num_heads = 1; c.depth = 1; c.fused_depth = 0; }), {7, 5, 16}},
      {"head dim 2", with([](auto& c) { c.num_heads = 12; }), {5, 2, 8}},
      {"kernel 1", with([](auto& c) { c.kernel_size = 1; }), {13, 4, 8}},
      {"kernel 5, longer than the latent", with([](auto& c) { c.kernel_size = 5; c.fused_depth = 2; }), {2, 3, 8}},
      {"one latent", with([](auto&) {}), {1, 1, 8}},
      {"more CLIP frames than latents", with([](auto&) {}), {6, 11, 40}},
      {"an even sync kernel", with([](auto& c) { c.sync_kernel = 4; }), {11, 4, 8}},
      {"sync kernel 1, wide feed-forward in the blocks alone", with([](auto& c) { c.sync_kernel = 1; c.mlp_ratio = 17.5; }), {9, 3, 16}},
      {"no joint block", with([](auto& c) { c.depth = 2; c.fused_depth = 2; }), {9, 3, 8}},
      {"no fused block", with([](auto& c) { c.fused_depth = 0; }), {9, 3, 8}},
      {"long T5, CLIP text as wide as T5", with([](auto& c) { c.clip_text_dim = 24; }), {9, 3, 8}, 40},
  };
  TS_FOR_EACH_BACKEND(table) {
    for (const Sizes& size : sizes) {
      CAPTURE(size.what);
      const MmditConfig& config = size.config;
      DrawnWeights weights(3);
      Loader loader(weights, table, DType::f32);
      const Mmdit model = Mmdit::load(loader, config);

      constexpr int64_t kBatch = 2;
      MmditCase c;
      c.batch = kBatch;
      c.lengths = size.lengths;
      c.t = {0.25f, 0.875f};
      c.inputs["x"] = drawn({kBatch, size.lengths.latent, config.latent_dim}, 1);
      c.inputs["clip_f"] = drawn({kBatch, size.lengths.clip, config.clip_dim}, 2);
      c.inputs["sync_f"] = drawn({kBatch, size.lengths.sync, config.sync_dim}, 3);
      c.inputs["text_f"] = drawn({kBatch, config.text_seq_len, config.clip_text_dim}, 4);
      c.inputs["t5_features"] = drawn({kBatch, size.t5_len, config.text_dim}, 5);
      const Array flow = run_case(model, c, table);

      const MmditReference reference(config, weights);
      Array expected;
      expected.shape = flow.shape;
      for (int64_t item = 0; item < kBatch; ++item)
        for (const auto& row : reference.flow(rows_of(c.inputs["x"], item), c.t[size_t(item)], rows_of(c.inputs["clip_f"], item),
                                              rows_of(c.inputs["sync_f"], item), rows_of(c.inputs["text_f"], item),
                                              rows_of(c.inputs["t5_features"], item)))
          expected.values.insert(expected.values.end(), row.begin(), row.end());
      // Ten times the float32 floor of the goldens' flow.
      golden::check_close(size.what, flow.view(), expected.view(), {2e-5, 1e-3});

      // Under guidance the conditional half is the same flow.
      c.cfg = 3;
      if (size.t5_len != config.text_seq_len) continue;  // the null half has as many
      golden::Recorder recorder;
      run_case(model, c, table, &recorder.probe());
      const Tensor halves = recorder.heard().at("final_layer").view();
      golden::check_close(size.what, halves.slice(0, kBatch), flow.view(), {2e-6, 1e-4});
    }
  }
}

TEST_CASE("mmdit: synthetic weights of a small published-like model give a finite flow") {
  const auto source = synthetic_weights(1);
  const MmditConfig config = with([](auto& c) { c.hidden_dim = 128; c.num_heads = 2; c.cross_attend = c.add_video = c.triple_fusion = true; });
  Loader loader(*source, plain_table(), DType::bf16);
  const Mmdit model = Mmdit::load(loader, config);
  CHECK(loader.num_parameters() > 1'000'000);
  MmditCase c;
  c.lengths = {11, 4, 8};
  c.t = {0.5f};
  c.cfg = 5;
  c.inputs["x"] = drawn({1, 11, config.latent_dim}, 1);
  const Array flow = run_case(model, c, plain_table(), nullptr, DType::bf16);
  double square = 0;
  for (float value : flow.values) square += double(value) * value;
  CHECK(std::isfinite(square));
  CHECK(square > 0);
}

}  // namespace
}  // namespace ts::test
