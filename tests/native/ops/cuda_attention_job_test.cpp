// The index arithmetic of the CUDA attention kernels, walked through on the host: what the blocks of a launch read and
// write must be exactly the operator.
#include <cmath>

#include "ops/cuda/attention_boxes.h"
#include "ops/cuda/attention_paths.h"
#include "ops/harness.h"

namespace ts {
namespace {

using cuda::AttentionJob;
using cuda::AttentionPath;
using test::Harness;
using test::normal;

// Keys by position, as the simt and mma kernels find them, or box by box, as the wgmma kernel does.
enum class Walk { positions, boxes };

void attend_query(const AttentionJob& job, const cuda::QueryTile& tile, int32_t row, Walk walk) {
  const cuda::QueryRows& queries = job.queries[tile.stream];
  const float* q = static_cast<const float*>(queries.q) + cuda::query_offset(queries, tile, row);
  std::vector<double> sums(size_t(job.dim), 0.0);
  double total = 0;
  const auto see = [&](int32_t position, const cuda::KeyRows& keys, int64_t offset) {
    if (job.causal && position > row) return;
    if (job.key_mask && !job.key_mask[tile.item * queries.num_keys + position]) return;
    double score = 0;
    for (int d = 0; d < job.dim; ++d) score += double(q[d]) * static_cast<const float*>(keys.k)[offset + d];
    score *= job.scale;
    if (job.bias) score += job.bias[(int64_t(tile.head) * queries.count + row) * queries.num_keys + position];
    total += std::exp(score);
    for (int d = 0; d < job.dim; ++d) sums[size_t(d)] += std::exp(score) * static_cast<const float*>(keys.v)[offset + d];
  };
  if (walk == Walk::positions) {
    for (int32_t position = 0; position < cuda::keys_seen(job, queries, tile, 16); ++position) {
      const cuda::KeyRows& keys = job.keys[cuda::stream_of(job, queries, position)];
      see(position, keys, cuda::key_offset(keys, tile, position));
    }
  } else {
    const cuda::BoxPlan plan = cuda::box_plan(job, 7);
    for (int32_t b = 0; b < (plan.num_boxes[tile.stream] + 6) / 7 * 7; ++b) {
      const cuda::Box box = cuda::box_of(plan, queries, b);
      if (box.valid < cuda::kBoxRows) CHECK((plan.partial_tiles[tile.stream] >> std::min(b / 7, 63) & 1) == 1);
      const cuda::KeyRows& keys = job.keys[box.stream];
      for (int32_t i = 0; i < box.valid; ++i)
        see(box.position + i, keys, tile.slot * keys.slot_stride + (plan.keys[box.stream].is_grouped ? tile.group : 0) * keys.group_stride + (box.row + i) * keys.row_stride);
    }
  }
  for (int d = 0; d < job.dim; ++d) static_cast<float*>(queries.out)[cuda::out_offset(job, queries, tile, row) + d] = float(total == 0 ? 0 : sums[size_t(d)] / total);
}

void run_on_host(AttentionJob job, Walk walk, int32_t rows) {
  const int64_t blocks = cuda::set_tiles(job, rows);
  for (int64_t block = 0; block < blocks; ++block) {
    const cuda::QueryTile tile = cuda::tile_of(job, block, rows);
    for (int32_t row = tile.first; row < std::min(tile.first + rows, job.queries[tile.stream].count); ++row) attend_query(job, tile, row, walk);
  }
}

void check_close(const std::vector<float>& ours, const std::vector<float>& theirs) {
  REQUIRE(ours.size() == theirs.size());
  float worst = 0;
  for (size_t i = 0; i < ours.size(); ++i) worst = std::max(worst, std::isfinite(ours[i]) ? std::abs(ours[i] - theirs[i]) : INFINITY);
  CHECK(worst < 1e-5f);
}

TEST_CASE("cuda attention job: blocks read and write what joint, masked, causal and biased attention says") {
  struct Case { std::vector<std::array<int64_t, 2>> streams; bool causal, mask, bias; };
  const Case cases[] = {{{{37, 37}, {13, 13}, {51, 51}}, false, false, false},
                        {{{5, 0}, {0, 11}, {20, 3}}, false, true, false},
                        {{{77, 77}}, true, true, true}};
  constexpr int64_t kBatch = 2, kHeads = 3, kDim = 4;
  for (const Case& c : cases) {
    Harness h(plain_table());
    std::vector<AttentionStream> streams;
    int64_t num_queries = 0, num_keys = 0;
    for (const auto& [queries, keys] : c.streams) {
      AttentionStream& stream = streams.emplace_back();
      const Shape q{kBatch, kHeads, queries, kDim}, k{kBatch, kHeads, keys, kDim};
      if (queries) stream.q = h.input(normal(q), q);
      if (queries) stream.out = h.output({kBatch, queries, kHeads * kDim});
      if (keys) stream.k = h.input(normal(k), k);
      if (keys) stream.v = h.input(normal(k), k);
      num_queries += queries;
      num_keys += keys;
    }
    AttentionOptions options{.scale = 0.5f, .causal = c.causal};
    std::vector<uint8_t> mask(size_t(kBatch * num_keys));
    for (size_t i = 0; i < mask.size(); ++i) mask[i] = i % 3 != 1;
    if (c.mask) options.key_mask = h.input(mask, {kBatch, num_keys});
    if (c.bias) options.bias = h.input(normal(kHeads * num_queries * num_keys), {kHeads, num_queries, num_keys});
    h.run([&](Context& ctx) { ops::attention(ctx, streams, options); });
    std::vector<std::vector<float>> expected;
    for (const AttentionStream& stream : streams) expected.push_back(stream.out ? h.read(stream.out) : std::vector<float>());
    for (Walk walk : {Walk::positions, Walk::boxes})
      for (int32_t rows : {16, 64}) {
        if (walk == Walk::positions && rows != 16) continue;
        std::vector<std::vector<float>> results;
        for (size_t i = 0; i < streams.size(); ++i) {
          results.emplace_back(expected[i].size(), NAN);
          if (streams[i].out) streams[i].out.data = results[i].data();
        }
        run_on_host(cuda::attention_job(streams, options), walk, rows);
        for (size_t i = 0; i < streams.size(); ++i) check_close(results[i], expected[i]);
      }
  }
}

TEST_CASE("cuda attention job: divided attention is one launch over the cls query and the groups") {
  constexpr int64_t kFrames = 3, kSites = 21, kHeads = 2;
  const Shape shape{2, kHeads, 1 + kFrames * kSites, 4};
  for (ops::DividedAxis axis : {ops::DividedAxis::time, ops::DividedAxis::space})
    for (Walk walk : {Walk::positions, Walk::boxes}) {
      Harness h(plain_table());
      const Qkv qkv{h.input(normal(shape), shape), h.input(normal(shape), shape), h.input(normal(shape), shape)};
      Tensor out = h.output({2, shape[2], kHeads * 4});
      h.run([&](Context& ctx) { ops::divided_attention(ctx, out, qkv, kFrames, kSites, axis, 0.5f); });
      const std::vector<float> expected = h.read(out);
      std::vector<float> ours(expected.size(), NAN);
      out.data = ours.data();
      run_on_host(cuda::divided_attention_job(out, qkv, kFrames, kSites, axis, 0.5f), walk, 16);
      check_close(ours, expected);
    }
}

TEST_CASE("cuda attention job: streams are cut into full boxes, and blocks are sized by the work there is") {
  AttentionJob job{};
  job.slots = 32;
  job.heads = 16;
  job.num_query_streams = job.num_key_streams = 3;
  int32_t begin = 0;
  for (int i = 0; const int32_t len : {194, 72, 154}) {
    job.keys[i].begin = begin;
    job.keys[i].end = begin += len;
    job.queries[i].count = len;
    job.queries[i].groups = 1;
    job.queries[i++].last_stream = 3;
  }
  const cuda::BoxPlan plan = cuda::box_plan(job, 7);
  CHECK(plan.num_boxes[0] == 13 + 5 + 10);     // four tiles of 112 keys
  CHECK(plan.partial_tiles[0] == 0b1110);      // 194, 72 and 154 end inside tiles 1, 2 and 3
  CHECK(cuda::mma_warps(job, 132) == 5);       // 6 blocks a slot, 192 of them
  CHECK(cuda::wgmma_query_tiles(job, 132) == 2);  // 2 + 1 + 2 blocks a slot, 160 of 264 that run at once
  CHECK(cuda::preferred_path(job) == AttentionPath::mma);
  job.num_query_streams = 1;
  job.slots = 1152;
  job.queries[0].count = 257;
  CHECK(cuda::mma_warps(job, 132) == 6);       // 3 × 96 queries, not 3 × 128
  CHECK(cuda::wgmma_query_tiles(job, 132) == 5);  // a block a slot
  CHECK(cuda::preferred_path(job) == AttentionPath::wgmma);
}

TEST_CASE("cuda attention job: the path is the best that type, head dim, addresses, scale and card allow") {
  const auto path = [](int64_t dim, DType in, float scale, int64_t skip, AttentionPath allowed, bool has_wgmma) {
    alignas(64) static float memory[4096];
    AttentionStream stream;
    stream.q = stream.k = stream.v = {memory + skip, in, {1, 1, 3, dim}};
    stream.out = {memory, DType::f32, {1, 3, dim}};
    return cuda::best_path(cuda::attention_job({&stream, 1}, {.scale = scale}), in, allowed, has_wgmma);
  };
  CHECK(path(64, DType::bf16, 1, 0, AttentionPath::wgmma, true) == AttentionPath::wgmma);
  CHECK(path(64, DType::f16, 1, 0, AttentionPath::wgmma, true) == AttentionPath::wgmma);
  CHECK(path(64, DType::bf16, 1, 0, AttentionPath::wgmma, false) == AttentionPath::mma);
  CHECK(path(64, DType::bf16, 1, 0, AttentionPath::mma, true) == AttentionPath::mma);
  CHECK(path(32, DType::bf16, 1, 0, AttentionPath::wgmma, true) == AttentionPath::mma);
  CHECK(path(64, DType::f32, 1, 0, AttentionPath::wgmma, true) == AttentionPath::simt);
  CHECK(path(64, DType::bf16, -1, 0, AttentionPath::wgmma, true) == AttentionPath::simt);
  CHECK(path(64, DType::bf16, 1, 2, AttentionPath::wgmma, true) == AttentionPath::simt);
  CHECK(path(48, DType::bf16, 1, 0, AttentionPath::wgmma, true) == AttentionPath::simt);
  CHECK(path(64, DType::bf16, 1, 0, AttentionPath::simt, true) == AttentionPath::simt);
}

}  // namespace
}  // namespace ts
