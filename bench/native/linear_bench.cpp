// The products of the DiT at 9 s with guidance (388 rows) and of the vision towers.
#include "bench.h"

namespace ts::bench {
namespace {

struct Shape3 {
  const char* what;
  int64_t items, rows, in, out, taps;
  Activation activation = Activation::none;
  bool gated = false, residual = false;
};

void measure(Bench& bench, const Shape3& s, DType dtype) {
  const Shape shape = s.taps > 1 ? Shape{s.out, s.in, s.taps} : Shape{s.out, s.in};
  const std::vector<float> w1 = random_values(shape.numel(), 1 / std::sqrt(float(s.in * s.taps))), w3 = s.gated ? random_values(shape.numel()) : w1;
  const std::vector<float> x = random_values(s.items * s.rows * s.in), bias = random_values(s.out), residual = random_values(s.items * s.rows * s.out);
  const Shape in{s.items, s.rows, s.in}, out{s.items, s.rows, s.out};
  const Buffer operand = make_buffer(bench.table(), tensor_of(x.data(), in), dtype);  // large pages, as an arena has
  const Tensor input = operand;
  const DType stored = s.residual ? DType::f32 : dtype;

  const auto body = [&](const OperatorTable& table, void* y) {
    const PackOptions options{.dtype = dtype};
    const Weight weight = s.gated ? pack_gated_weight(table, tensor_of(w1.data(), shape), tensor_of(w3.data(), shape), options)
                                  : pack_weight(table, tensor_of(w1.data(), shape), options);
    return [&, weight, y](Context& ctx) {
      if (s.gated) return ops::gated_linear(ctx, {y, stored, out}, input, *weight, s.activation);
      Epilogue epilogue{.bias = tensor_of(bias.data(), {s.out}), .activation = s.activation};
      if (s.residual) epilogue.residual = tensor_of(residual.data(), out);
      ops::linear(ctx, {y, stored, out}, input, *weight, epilogue);
    };
  };
  const Buffer ours = allocate_buffer(bench.table(), stored, out), theirs = allocate_buffer(plain_table(), stored, out);
  const auto ours_body = body(bench.table(), ours.tensor().data);
  bench.run_once(bench.table(), dtype, ours_body);
  bench.run_once(plain_table(), dtype, body(plain_table(), theirs.tensor().data));
  bench.check(s.what, widened(ours), widened(theirs), stored == DType::bf16 ? 1e-3 : 1e-5);

  bench.rate(concat(s.what, " [", s.items * s.rows, ", ", s.in, "]x", s.taps, " -> ", s.out), dtype,
             2.0 * double(s.items * s.rows * s.in * s.taps * s.out) * (s.gated ? 2 : 1), ours_body);
}

}  // namespace

TS_BENCH("linear") {
  const Shape3 shapes[] = {
      {"dit modulation", 2, 194, 1024, 6144, 1},
      {"dit linear1", 2, 194, 1024, 1024, 3, Activation::none, false, true},
      {"dit ffn w1, w3", 2, 194, 1024, 2816, 3, Activation::silu, true},
      {"dit ffn w2", 2, 194, 2816, 1024, 3, Activation::none, false, true},
      {"dit text mlp", 2, 154, 1024, 2816, 1, Activation::silu, true},
      {"dit modulation of an item", 2, 1, 1024, 6144, 1},
      {"clip fc1", 8, 257, 1280, 5120, 1, Activation::quick_gelu},
      {"clip fc2", 8, 257, 5120, 1280, 1, Activation::none, false, true},
      {"synchformer fc1", 1, 1569, 768, 3072, 1, Activation::gelu_erf},
  };
  for (DType dtype : bench.dtypes())
    for (const Shape3& shape : shapes) measure(bench, shape, dtype);
}

TS_BENCH("qkv") {
  constexpr int64_t kItems = 2, kRows = 194, kDim = 1024, kHeads = 16, kHeadDim = 64;
  const std::vector<float> w = random_values(3 * kDim * kDim, 1 / 32.0f), x = random_values(kItems * kRows * kDim), bias = random_values(3 * kDim),
                           norm = random_values(kHeadDim), rope = random_values(kRows * kHeadDim);
  const Shape heads{kItems, kHeads, kRows, kHeadDim};
  for (DType dtype : bench.dtypes()) {
    const Weight weight = pack_weight(bench.table(), tensor_of(w.data(), {3 * kDim, kDim}), {.dtype = dtype});
    std::vector<float> q(size_t(heads.numel())), k(q.size()), v(q.size());
    bench.rate("dit qkv, norm, rope [388, 1024] -> 3072", dtype, 2.0 * kItems * kRows * kDim * 3 * kDim, [&](Context& ctx) {
      ops::qkv_projection(ctx, {{q.data(), dtype, heads}, {k.data(), dtype, heads}, {v.data(), dtype, heads}},
                          tensor_of(x.data(), {kItems, kRows, kDim}), *weight,
                          {.bias = tensor_of(bias.data(), {3 * kDim}), .q_norm = tensor_of(norm.data(), {kHeadDim}),
                           .k_norm = tensor_of(norm.data(), {kHeadDim}), .rope = tensor_of(rope.data(), {kRows, kHeadDim / 2, 2})});
    });
  }
}

}  // namespace ts::bench
