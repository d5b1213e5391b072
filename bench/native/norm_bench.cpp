// What only moves memory: norms, element-wise operators, copies.
#include "bench.h"

namespace ts::bench {

TS_BENCH("norm") {
  constexpr int64_t kRows = 4096, kDim = 1024;
  const std::vector<float> x = random_values(kRows * kDim), weight = random_values(kDim), table = random_values(2 * kRows * kDim);
  std::vector<float> y(x.size());
  const Shape shape{1, kRows, kDim};
  const Tensor from = tensor_of(x.data(), shape), modulation = tensor_of(table.data(), {1, kRows, 2 * kDim}), w = tensor_of(weight.data(), {kDim});
  for (DType stored : {DType::bf16, DType::f32}) {
    const Tensor to(y.data(), stored, shape);
    const double bytes = double(kRows * kDim) * double(4 + size_of(stored));
    const std::string suffix = concat(" [4096, 1024] -> ", name_of(stored));
    bench.bandwidth("layer_norm" + suffix, bytes, [&](Context& ctx) { ops::layer_norm(ctx, to, from, w, w, 1e-5f); });
    bench.bandwidth("layer_norm_modulate" + suffix, bytes + 8.0 * kRows * kDim, [&](Context& ctx) {
      ops::layer_norm_modulate(ctx, to, from, {modulation, 0, kDim}, {modulation, 1, kDim}, 1e-5f);
    });
    bench.bandwidth("rms_norm" + suffix, bytes, [&](Context& ctx) { ops::rms_norm(ctx, to, from, w, 1e-6f); });
    bench.bandwidth("silu" + suffix, bytes, [&](Context& ctx) { ops::activate(ctx, to, from, Activation::silu); });
    bench.bandwidth("copy_block" + suffix, bytes, [&](Context& ctx) { ops::copy_block(ctx, to, 0, 0, from); });
  }
  bench.bandwidth("snake [4096, 1024]", 8.0 * kRows * kDim, [&](Context& ctx) { ops::snake(ctx, tensor_of(y.data(), shape), from, {w, w}); });
  bench.bandwidth("add [4096, 1024]", 12.0 * kRows * kDim,
                  [&](Context& ctx) { ops::add(ctx, tensor_of(y.data(), shape), from, modulation.slice(0, 1).reshape({2, kRows, kDim}).slice(0, 1)); });
}

}  // namespace ts::bench
