#include "ops/attention.h"

#include "ops/cuda_ways.h"
#include "ops/harness.h"
#include "ops/obvious.h"

namespace ts {
namespace {

using test::Harness;
using test::normal;
using test::rounded;

struct Lengths {
  int64_t queries, keys;  // 0 = the stream does not ask, or gives none
};
struct AttentionCase {
  int64_t batch, heads, dim;
  std::vector<Lengths> streams;
  bool causal = false, mask = false, bias = false;
  float spread = 1;  // of q: large ones make the softmax nearly one-hot

  std::string str() const {
    std::string text = concat("batch ", batch, ", ", heads, " heads of ", dim, ", streams");
    for (const Lengths& s : streams) text += concat(" ", s.queries, ":", s.keys);
    return text;
  }
};

struct AttentionData {
  std::vector<std::vector<float>> q, k, v;
  std::vector<uint8_t> mask;
  std::vector<float> bias;
  float scale;
};

// The streams' outputs one after the other, [B, n, heads·dim] each.
template <class T>
std::vector<T> attention(const AttentionCase& c, const AttentionData& data, DType dtype) {
  int64_t num_keys = 0;
  for (const Lengths& s : c.streams) num_keys += s.keys;
  std::vector<T> all;
  for (size_t asking = 0; asking < c.streams.size(); ++asking) {
    const int64_t queries = c.streams[asking].queries;
    std::vector<T> out(size_t(c.batch * queries * c.heads * c.dim));
    for (int64_t b = 0; b < c.batch; ++b)
      for (int64_t head = 0; queries > 0 && head < c.heads; ++head) {
        std::vector<float> k, v;  // of all streams
        for (size_t s = 0; s < c.streams.size(); ++s) {
          const int64_t size = c.streams[s].keys * c.dim, begin = (b * c.heads + head) * size;
          k.insert(k.end(), data.k[s].begin() + begin, data.k[s].begin() + begin + size);
          v.insert(v.end(), data.v[s].begin() + begin, data.v[s].begin() + begin + size);
        }
        const auto visible = [&](int64_t i, int64_t j) { return (!c.causal || j <= i) && (data.mask.empty() || data.mask[size_t(b * num_keys + j)]); };
        const auto bias = [&](int64_t i, int64_t j) { return data.bias.empty() ? 0.0f : data.bias[size_t((head * queries + i) * num_keys + j)]; };
        const std::vector<T> rows = test::obvious_attention<T>(&data.q[asking][size_t((b * c.heads + head) * queries * c.dim)], k.data(), v.data(), queries,
                                                               num_keys, c.dim, data.scale, dtype, visible, bias);
        for (int64_t i = 0; i < queries; ++i)
          std::copy_n(rows.begin() + i * c.dim, c.dim, out.begin() + ((b * queries + i) * c.heads + head) * c.dim);
      }
    all.insert(all.end(), out.begin(), out.end());
  }
  return all;
}

// The largest score between any query and key of an item and head, before masks and bias.
double largest_score(const AttentionCase& c, const AttentionData& data) {
  double largest = 0;
  for (size_t a = 0; a < c.streams.size(); ++a)
    for (size_t b = 0; b < c.streams.size(); ++b)
      for (int64_t item = 0; item < c.batch * c.heads; ++item)
        for (int64_t i = 0; i < c.streams[a].queries; ++i)
          for (int64_t j = 0; j < c.streams[b].keys; ++j) {
            const float* q = &data.q[a][size_t((item * c.streams[a].queries + i) * c.dim)];
            const float* k = &data.k[b][size_t((item * c.streams[b].keys + j) * c.dim)];
            double score = 0;
            for (int64_t d = 0; d < c.dim; ++d) score += double(q[d]) * double(k[d]);
            largest = std::max(largest, std::abs(score) * double(data.scale));
          }
  return largest;
}

void check_case(const OperatorTable& table, const AttentionCase& c, DType dtype, DType stored) {
  Harness h(table, dtype);
  AttentionData data;
  data.scale = 1.0f / std::sqrt(float(c.dim));
  std::vector<AttentionStream> streams;
  int64_t num_queries = 0, num_keys = 0;
  for (const Lengths& s : c.streams) {
    const Shape queries{c.batch, c.heads, s.queries, c.dim}, keys{c.batch, c.heads, s.keys, c.dim};
    data.q.push_back(rounded(normal(queries, c.spread), dtype));
    data.k.push_back(rounded(normal(keys), dtype));
    data.v.push_back(rounded(normal(keys), dtype));
    AttentionStream& stream = streams.emplace_back();
    if (s.queries) {
      stream.q = h.input(data.q.back(), queries, dtype);
      stream.out = h.output({c.batch, s.queries, c.heads * c.dim}, stored);
    }
    if (s.keys) {
      stream.k = h.input(data.k.back(), keys, dtype);
      stream.v = h.input(data.v.back(), keys, dtype);
    }
    num_queries += s.queries;
    num_keys += s.keys;
  }
  AttentionOptions options{.scale = data.scale, .causal = c.causal};
  if (c.mask) {
    for (int64_t i = 0; i < c.batch * num_keys; ++i) data.mask.push_back(i % 3 != 1);
    options.key_mask = h.input(data.mask, {c.batch, num_keys});
  }
  if (c.bias) {
    data.bias = normal(c.heads * num_queries * num_keys);
    options.bias = h.input(data.bias, {c.heads, num_queries, num_keys});
  }
  h.run([&](Context& ctx) { ops::attention(ctx, streams, options); });
  std::vector<float> ours;
  for (const AttentionStream& stream : streams) {
    if (!stream.out) continue;
    const std::vector<float> values = h.read(stream.out);
    ours.insert(ours.end(), values.begin(), values.end());
  }
  // A score is scaled before its sum or after it, which is a rounding elsewhere, and a weight changes by as much as its score.
  TS_CHECK_CUT_ERROR(c.str(), ours, stored, largest_score(c, data) / (1 << 24), attention, c, data, dtype);
}

TEST_CASE("attention: self, cross and joint attention of every length match the obvious loop") {
  const AttentionCase cases[] = {
      {1, 1, 2, {{1, 1}}},
      {2, 3, 4, {{7, 7}}},
      {1, 2, 64, {{65, 65}}},
      {1, 1, 128, {{3, 255}}},
      {2, 2, 80, {{17, 257}}},
      {1, 2, 6, {{63, 129}}},
      {2, 2, 32, {{37, 37}, {13, 13}, {51, 51}}},       // joint
      {1, 2, 64, {{33, 33}, {0, 9}, {0, 20}}},          // joint, only the first stream asks
      {2, 1, 16, {{5, 0}, {0, 11}}},                    // cross
      {1, 2, 64, {{77, 77}}, true},                     // causal
      {3, 2, 32, {{9, 9}}, true, true},                 // causal and masked, as CLIP reads text
      {2, 2, 64, {{77, 77}}, false, true, true},        // masked, with bias: T5
      {2, 2, 8, {{4, 6}, {5, 70}}, false, true},
      {1, 2, 64, {{20, 300}}, false, false, false, 60}, // scores in the hundreds
      {1, 2, 80, {{130, 257}}},                         // several tiles of queries
      {1, 1, 128, {{70, 40}, {9, 30}}, false, true},
  };
  TS_FOR_EACH_BACKEND(table)
    for (const char* way : test::attention_ways(table)) {
      const test::CudaWay asked(test::kAttentionWay, way);
      for (const AttentionCase& c : cases)
        for (DType dtype : test::product_types(table))
          for (DType stored : test::stored_types(dtype)) check_case(table, c, dtype, stored);
    }
}

TEST_CASE("attention: masked keys weigh exactly nothing, and a query without keys gives zeros") {
  TS_FOR_EACH_BACKEND(table) {
    Harness h(table);
    const int64_t keys = 130, dim = 8;
    std::vector<float> k = normal(2 * keys * dim), v = normal(2 * keys * dim);
    std::vector<uint8_t> mask(size_t(2 * keys), 0);
    mask[5] = 1;  // item 0 sees one key, item 1 none
    for (size_t i = 0; i < k.size(); ++i)
      if (i / dim != 5) k[i] = v[i] = 1e30f;  // what is masked may be anything
    AttentionStream stream{h.input(normal(2 * 3 * dim), {2, 1, 3, dim}), h.input(k, {2, 1, keys, dim}), h.input(v, {2, 1, keys, dim}), h.output({2, 3, dim})};
    h.run([&](Context& ctx) { ops::attention(ctx, {&stream, 1}, {.key_mask = h.input(mask, {2, keys})}); });
    const std::vector<float> out = h.read(stream.out);
    for (size_t i = 0; i < out.size(); ++i) CHECK(out[i] == (i < 3 * dim ? v[5 * dim + i % dim] : 0.0f));
  }
}

TEST_CASE("attention: arguments that do not fit are refused in words") {
  Harness h(plain_table());
  Serial serial;
  Arena arena = Arena::planning();
  Context ctx(plain_table(), arena, serial, DType::f32);
  const auto call = [&](int64_t dim, AttentionOptions options = {}, int64_t queries = 3) {
    AttentionStream stream{h.input(normal(queries * dim), {1, 1, queries, dim}), h.input(normal(4 * dim), {1, 1, 4, dim}),
                           h.input(normal(4 * dim), {1, 1, 4, dim}), h.output({1, queries, dim})};
    ops::attention(ctx, {&stream, 1}, options);
  };
  CHECK_NOTHROW(call(128));
  CHECK_THROWS_WITH_AS(call(81), "attention: head_dim 81 is odd (even, up to 128)", Error);
  CHECK_THROWS_WITH_AS(call(130), "attention: head_dim 130 is out of range (even, up to 128)", Error);
  CHECK_THROWS_WITH_AS(call(8, {.causal = true}), doctest::Contains("3 queries and 4 keys"), Error);
  CHECK_THROWS_WITH_AS(call(8, {.key_mask = h.input(std::vector<uint8_t>(3), {1, 3})}), doctest::Contains("key_mask is [1, 3], [1, 4] needed"), Error);
  CHECK_THROWS_WITH_AS(call(8, {.bias = h.input(normal(12), {1, 4, 3})}), doctest::Contains("bias is [1, 4, 3], [1, 3, 4] needed"), Error);
}

}  // namespace
}  // namespace ts
