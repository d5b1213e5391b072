// Every layer of the VAE decoder for a chunk of latents, and the sum over all of them.
#include <cstring>

#include "bench.h"

namespace ts::bench {
namespace {

constexpr int64_t kLatents = 32;

struct Layer {
  const char* what;
  int64_t len, in, out, taps, stride = 1, dilation = 1;
  bool transposed = false, residual = false;

  int64_t out_len() const { return transposed ? len * stride : len / stride; }
  double flop() const { return 2.0 * double(in * out * taps) * double(transposed ? len : out_len()); }
  std::string str() const { return concat(what, " ", in, " -> ", out, ", k ", taps, ", s ", stride, ", d ", dilation, ", ", out_len(), " rows"); }
};

std::vector<Layer> decoder_layers() {
  constexpr int64_t kWidths[] = {2048, 1024, 512, 256, 128, 128}, kStrides[] = {8, 8, 4, 4, 2};
  std::vector<Layer> layers{{"in", kLatents, 64, 2048, 7}};
  int64_t len = kLatents;
  for (int i = 0; i < 5; ++i) {
    layers.push_back({"up", len, kWidths[i], kWidths[i + 1], 2 * kStrides[i], kStrides[i], 1, true});
    len *= kStrides[i];
    for (int64_t dilation : {1, 3, 9}) {
      layers.push_back({"unit", len, kWidths[i + 1], kWidths[i + 1], 7, 1, dilation});
      layers.push_back({"unit", len, kWidths[i + 1], kWidths[i + 1], 1, 1, 1, false, true});
    }
  }
  layers.push_back({"out", len, 128, 2, 7});
  return layers;
}

double measure(Bench& bench, const Layer& layer, DType dtype) {
  const Shape shape = layer.transposed ? Shape{layer.in, layer.out, layer.taps} : Shape{layer.out, layer.in, layer.taps};
  const std::vector<float> w = random_values(shape.numel(), 1 / std::sqrt(float(layer.in * layer.taps)));
  const std::vector<float> a = random_values(layer.in), inv_b = random_values(layer.in), bias = random_values(layer.out);
  const PackOptions options{.use = layer.transposed ? WeightUse::conv_transpose : WeightUse::conv, .dtype = dtype, .stride = layer.stride,
                            .dilation = layer.dilation};
  const Buffer x = make_buffer(bench.table(), tensor_of(random_values(layer.len * layer.in).data(), {layer.len, layer.in}), DType::f32);
  const Buffer ours = allocate_buffer(bench.table(), DType::f32, {layer.out_len() * layer.out}),
               theirs = allocate_buffer(plain_table(), DType::f32, {layer.out_len() * layer.out});
  for (const Buffer* y : {&ours, &theirs}) std::memset(y->tensor().data, 0, size_t(y->tensor().bytes()));
  // The first `len` input rows only, so that the plain backend can follow.
  const auto body = [&](const Weight& weight, int64_t len, const Buffer& y) {
    return [&, weight, len](Context& ctx) {
      const int64_t out_len = layer.transposed ? len * layer.stride : len / layer.stride;
      const Snake snake{tensor_of(a.data(), {layer.in}), tensor_of(inv_b.data(), {layer.in})};
      const Tensor from{x.tensor().data, DType::f32, {1, len, layer.in}}, to{y.tensor().data, DType::f32, {1, out_len, layer.out}},
                   offset_bias = tensor_of(bias.data(), {layer.out});
      if (layer.transposed)
        return ops::snake_conv_transpose1d(ctx, to, from, snake, *weight, {.stride = layer.stride, .offset = layer.stride / 2}, offset_bias);
      ops::snake_conv1d(ctx, to, from, snake, *weight,
                        {.stride = layer.stride, .dilation = layer.dilation, .offset = layer.dilation * (layer.taps / 2)}, offset_bias,
                        layer.residual ? Tensor(x.tensor().data, DType::f32, {1, out_len, layer.out}) : Tensor());
    };
  };
  const Weight weight = pack_weight(bench.table(), tensor_of(w.data(), shape), options);
  const int64_t checked = std::min<int64_t>(layer.len, 64);
  bench.run_once(bench.table(), dtype, body(weight, checked, ours));
  bench.run_once(plain_table(), dtype, body(pack_weight(plain_table(), tensor_of(w.data(), shape), options), checked, theirs));
  bench.check(layer.str(), widened(ours), widened(theirs), 1e-3);  // of f32 inputs that are rounded to bf16, a few fall the other way

  const double seconds = bench.best_seconds(dtype, body(weight, layer.len, ours));
  bench.print_rate(layer.str(), dtype, layer.flop(), seconds);
  return seconds;
}

}  // namespace

TS_BENCH("snake") {
  for (DType dtype : bench.dtypes()) {
    double seconds = 0, flop = 0;
    for (const Layer& layer : decoder_layers()) {
      seconds += measure(bench, layer, dtype);
      flop += layer.flop();
    }
    bench.print_rate(concat("decoder, ", kLatents, " latents, no halo"), dtype, flop, seconds);
  }
}

}  // namespace ts::bench
