#include "ops/divided_attention.h"

#include "ops/cuda_ways.h"
#include "ops/harness.h"
#include "ops/obvious.h"

namespace ts {
namespace {

using test::Harness;
using test::normal;
using test::rounded;

struct DividedCase {
  int64_t batch, heads, dim, frames, sites;
  int64_t len() const { return 1 + frames * sites; }
};

template <class T>
std::vector<T> divided(const DividedCase& c, const std::vector<float>& q, const std::vector<float>& k, const std::vector<float>& v, ops::DividedAxis axis,
                       float scale, DType dtype) {
  const int64_t len = c.len();
  std::vector<T> out(size_t(c.batch * len * c.heads * c.dim));
  // The whole attention with everything hidden that a query must not see.
  const auto visible = [&](int64_t i, int64_t j) {
    if (i == 0 || j == 0) return true;
    return axis == ops::DividedAxis::time ? (i - 1) % c.sites == (j - 1) % c.sites : (i - 1) / c.sites == (j - 1) / c.sites;
  };
  for (int64_t slot = 0; slot < c.batch * c.heads; ++slot) {
    const size_t begin = size_t(slot * len * c.dim);
    const std::vector<T> rows = test::obvious_attention<T>(&q[begin], &k[begin], &v[begin], len, len, c.dim, scale, dtype, visible, [](int64_t, int64_t) { return 0.0f; });
    for (int64_t i = 0; i < len; ++i)
      std::copy_n(rows.begin() + i * c.dim, c.dim, out.begin() + ((slot / c.heads * len + i) * c.heads + slot % c.heads) * c.dim);
  }
  return out;
}

TEST_CASE("divided_attention: the class token sees all, the others their site or their frame") {
  const DividedCase cases[] = {{1, 1, 2, 1, 1}, {2, 2, 4, 3, 5}, {1, 2, 48, 8, 9}, {1, 1, 64, 2, 67}, {2, 2, 64, 8, 33}, {1, 3, 6, 8, 16}, {1, 1, 128, 5, 4}};
  TS_FOR_EACH_BACKEND(table)
    for (const char* way : test::attention_ways(table)) {
      const test::CudaWay asked(test::kAttentionWay, way);
      for (const DividedCase& c : cases)
        for (ops::DividedAxis axis : {ops::DividedAxis::time, ops::DividedAxis::space})
          for (DType dtype : test::product_types(table))
            for (DType stored : test::stored_types(dtype)) {
              const Shape shape{c.batch, c.heads, c.len(), c.dim};
              const std::vector<float> q = rounded(normal(shape), dtype), k = rounded(normal(shape), dtype), v = rounded(normal(shape), dtype);
              const float scale = 1.0f / std::sqrt(float(c.dim));
              Harness h(table, dtype);
              const Qkv qkv{h.input(q, shape, dtype), h.input(k, shape, dtype), h.input(v, shape, dtype)};
              const Tensor out = h.output({c.batch, c.len(), c.heads * c.dim}, stored);
              h.run([&](Context& ctx) { ops::divided_attention(ctx, out, qkv, c.frames, c.sites, axis, scale); });
              TS_CHECK_ERROR(concat(c.frames, " frames of ", c.sites), h.read(out), stored, divided, c, q, k, v, axis, scale, dtype);
            }
    }
}

TEST_CASE("divided_attention: a number of tokens that is not 1 + frames·sites is refused") {
  Harness h(plain_table());
  Serial serial;
  Arena arena = Arena::planning();
  Context ctx(plain_table(), arena, serial, DType::f32);
  const Tensor q = h.input(normal(14), {1, 1, 7, 2});
  CHECK_THROWS_WITH_AS(ops::divided_attention(ctx, h.output({1, 7, 2}), {q, q, q}, 2, 4, ops::DividedAxis::time, 1),
                       doctest::Contains("q is [1, 1, 7, 2], [1, 1, 9, 2] needed"), Error);
}

}  // namespace
}  // namespace ts
