// Attention of the DiT (joint over latent, clip and text; fused over the latent), the CLIP tower, Synchformer.
#include "bench.h"

namespace ts::bench {
namespace {

struct Case {
  const char* what;
  int64_t items, heads, dim;
  std::vector<int64_t> lens;
};

Buffer random_buffer(Bench& bench, const Shape& shape, DType dtype) {
  return make_buffer(bench.table(), tensor_of(random_values(shape.numel()).data(), shape), dtype);
}

void measure(Bench& bench, const Case& c, DType dtype) {
  std::vector<AttentionStream> streams;
  std::vector<Buffer> buffers;
  int64_t total = 0;
  for (int64_t len : c.lens) {
    for (int i = 0; i < 3; ++i) buffers.push_back(random_buffer(bench, {c.items, c.heads, len, c.dim}, dtype));
    const size_t last = buffers.size() - 1;
    streams.push_back({buffers[last - 2], buffers[last - 1], buffers[last], {}});
    total += len;
  }
  // The answer of a backend, or what it takes to compute it.
  const auto body = [&](const std::vector<Buffer>& outs) {
    return [&](Context& ctx) {
      for (size_t i = 0; i < streams.size(); ++i) streams[i].out = outs[i];
      ops::attention(ctx, streams, {.scale = 1 / std::sqrt(float(c.dim))});
    };
  };
  const auto outputs = [&](DType stored) {
    std::vector<Buffer> outs;
    for (int64_t len : c.lens) outs.push_back(allocate_buffer(bench.table(), stored, {c.items, len, c.heads * c.dim}));
    return outs;
  };
  const std::vector<Buffer> ours = outputs(DType::f32), theirs = outputs(DType::f32), stored = outputs(dtype);
  bench.run_once(bench.table(), dtype, body(ours));
  bench.run_once(plain_table(), dtype, body(theirs));
  for (size_t i = 0; i < ours.size(); ++i) bench.check(c.what, widened(ours[i]), widened(theirs[i]), dtype == DType::bf16 ? 4e-3 : 1e-5);
  bench.rate(concat(c.what, ", ", total, " tokens, ", c.heads, " heads of ", c.dim), dtype, 4.0 * double(c.items * c.heads * total * total * c.dim),
             body(stored));
}

}  // namespace

TS_BENCH("attention") {
  const Case cases[] = {{"joint", 2, 16, 64, {194, 72, 154}}, {"fused", 2, 16, 64, {194}}, {"clip vision, 8 frames", 8, 16, 80, {257}}};
  for (DType dtype : bench.dtypes())
    for (const Case& c : cases) measure(bench, c, dtype);
}

TS_BENCH("divided_attention") {
  constexpr int64_t kHeads = 12, kFrames = 8, kSites = 196, kDim = 64, kLen = 1 + kFrames * kSites;
  for (DType dtype : bench.dtypes()) {
    const Shape shape{1, kHeads, kLen, kDim};
    const Buffer q = random_buffer(bench, shape, dtype), k = random_buffer(bench, shape, dtype), v = random_buffer(bench, shape, dtype),
                 out = allocate_buffer(bench.table(), dtype, {1, kLen, kHeads * kDim});
    for (ops::DividedAxis axis : {ops::DividedAxis::time, ops::DividedAxis::space}) {
      const bool in_time = axis == ops::DividedAxis::time;
      const double pairs = double(kLen) + double(kLen - 1) * (1 + (in_time ? kFrames : kSites));
      bench.rate(in_time ? "divided attention in time, a segment" : "divided attention in space, a segment", dtype, 4.0 * kHeads * kDim * pairs,
                 [&](Context& ctx) {
                   ops::divided_attention(ctx, out, {q, k, v}, kFrames, kSites, axis, 0.125f);
                 });
    }
  }
}

}  // namespace ts::bench
