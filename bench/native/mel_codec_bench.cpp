// The mel codec at the sizes of docs/mel-codec.md with random weights: where the time of 10 s of sound goes.
#include <cstdio>

#include <nlohmann/json.hpp>

#include "bench.h"
#include "pipeline/decode.h"

namespace ts::bench {
namespace {

constexpr int64_t kLatents = 216;  // 10.03 s

nlohmann::json config() {
  return nlohmann::json::parse(R"({"type": "mel", "config": {"latent_dim": 64, "fine_width": 128, "coarse_width": 256, "fine_blocks": 4,
    "coarse_blocks": 4, "expansion": 3}})");
}

}  // namespace

TS_BENCH("mel-codec") {
  for (DType dtype : bench.dtypes()) {
    const auto source = synthetic_weights(5);
    Loader loader(*source, bench.table(), dtype);
    const std::unique_ptr<AudioDecoder> decoder = load_audio_decoder(loader, config(), "decoder");
    const std::unique_ptr<AudioEncoder> encoder = load_audio_encoder(loader, config(), "encoder");
    MemoryBudget budget;
    Workspace workspace(bench.table(), bench.parallel(), dtype, budget);
    const std::vector<float> latent = random_values(kLatents * decoder->latent_dim());
    std::vector<float> left, right;
    const double all = bench.best_of([&] {
      left.clear();
      right.clear();
      decode(workspace, *decoder, latent, 0, {}, [&](std::span<float> l, std::span<float> r, int64_t) {
        left.insert(left.end(), l.begin(), l.end());
        right.insert(right.end(), r.begin(), r.end());
      });
    });
    const std::vector<float> rows = random_values(kLatents * decoder->rows_per_latent() * decoder->row_width(), 0.5f);
    const double phase = bench.best_of([&] {
      std::vector<float> a, b;
      const std::unique_ptr<Synthesis> synthesis = decoder->synthesis();
      synthesis->push(rows, a, b);
      synthesis->flush(a, b);
    });
    const double encoding = bench.best_of([&] { encode_moments(workspace, *encoder, left, right, {}); });
    std::printf("  mel codec, 10 s of sound, %s: decode %.0f ms, of which phase reconstruction %.0f ms on one thread; encode %.0f ms\n",
                std::string(name_of(dtype)).c_str(), 1e3 * all, 1e3 * phase, 1e3 * encoding);
  }
}

TS_BENCH("depthwise-conv") {
  constexpr int64_t kRows = 4096, kDim = 256, kTaps = 7;
  const std::vector<float> x = random_values(kRows * kDim), weight = random_values(kTaps * kDim);
  std::vector<float> y(x.size());
  const Tensor from = tensor_of(x.data(), {1, kRows, kDim}), w = tensor_of(weight.data(), {kTaps, kDim}), v = w.slice(0, 1).reshape({kDim});
  for (DType stored : {DType::bf16, DType::f32}) {
    const Tensor to(y.data(), stored, from.shape);
    const auto body = [&](Context& ctx) { ops::depthwise_conv_norm(ctx, to, from, {w, v, v, v}, kTaps / 2); };
    const auto values_of = [&](const OperatorTable& table) {
      bench.run_once(table, stored, body);
      return widened(to);
    };
    const std::vector<float> plain = values_of(plain_table());
    bench.check("depthwise_conv_norm", values_of(bench.table()), plain, stored == DType::bf16 ? 5e-3 : 1e-5);
    bench.bandwidth(concat("depthwise_conv_norm, 7 taps [4096, 256] -> ", name_of(stored)), double(kRows * kDim) * double(4 + size_of(stored)), body);
  }
}

}  // namespace ts::bench
