#include "ops/guidance.h"

#include "ops/harness.h"

namespace ts {
namespace {

using test::Harness;
using test::normal;

// Unbiased spread over positions of one item's channel.
template <class T>
T spread(const std::vector<T>& x, const Shape& shape, int64_t item, int64_t channel) {
  T mean = 0, square = 0;
  const auto at = [&](int64_t n) { return x[size_t((item * shape[1] + n) * shape[2] + channel)]; };
  for (int64_t n = 0; n < shape[1]; ++n) mean += at(n) / T(shape[1]);
  for (int64_t n = 0; n < shape[1]; ++n) square += (at(n) - mean) * (at(n) - mean);
  return std::sqrt(square / T(shape[1] - 1));
}

template <class T>
std::vector<T> guided(const Shape& shape, const std::vector<float>& c, const std::vector<float>& u, float w, float phi) {
  std::vector<T> v, wide(c.begin(), c.end());
  for (size_t i = 0; i < c.size(); ++i) v.push_back(T(u[i]) + T(w) * (T(c[i]) - T(u[i])));
  if (phi == 0) return v;
  std::vector<T> rescaled;
  for (int64_t i = 0; i < shape.numel(); ++i) {
    const int64_t channel = i % shape[2], item = i / shape[2] / shape[1];
    rescaled.push_back(T(phi) * v[size_t(i)] * spread(wide, shape, item, channel) / spread(v, shape, item, channel) + (1 - T(phi)) * v[size_t(i)]);
  }
  return rescaled;
}

TEST_CASE("guide: guidance with and without rescaling, onto the unconditional half too") {
  TS_FOR_EACH_BACKEND(table)
    for (const Shape& shape : {Shape{1, 2, 1}, Shape{2, 7, 5}, Shape{1, 194, 64}, Shape{3, 255, 3}})
      for (float w : {0.0f, 1.0f, 5.0f})
        for (float phi : {0.0f, 0.7f, 1.0f}) {
          const std::vector<float> c = normal(shape), u = normal(shape);
          Harness h(table);
          const Tensor cond = h.input(c, shape), uncond = h.input(u, shape), v = h.output(shape), in_place = h.in_out(u, shape);
          h.run([&](Context& ctx) {
            ops::guide(ctx, v, cond, uncond, w, phi);
            ops::guide(ctx, in_place, cond, in_place, w, phi);
          });
          TS_CHECK_ERROR(concat(shape.str(), ", scale ", w, ", phi ", phi), h.read(v), DType::f32, guided, shape, c, u, w, phi);
          CHECK(h.read(in_place) == h.read(v));
        }
}

template <class T>
std::vector<T> stepped(const std::vector<float>& x, const std::vector<float>& c, const std::vector<float>& u, float w, float dt) {
  std::vector<T> y;
  for (size_t i = 0; i < x.size(); ++i) y.push_back(T(x[i]) + T(dt) * (u.empty() ? T(c[i]) : T(u[i]) + T(w) * (T(c[i]) - T(u[i]))));
  return y;
}

TEST_CASE("guided_euler_step: one step with guidance and without") {
  TS_FOR_EACH_BACKEND(table)
    for (const Shape& shape : {Shape{1, 1, 1}, Shape{2, 7, 5}, Shape{1, 255, 64}, Shape{2, 257, 64}})
      for (bool guided : {false, true}) {
        const std::vector<float> start = normal(shape), c = normal(shape), u = guided ? normal(shape) : std::vector<float>();
        Harness h(table);
        const Tensor x = h.in_out(start, shape), cond = h.input(c, shape), uncond = guided ? h.input(u, shape) : Tensor();
        h.run([&](Context& ctx) { ops::guided_euler_step(ctx, x, cond, uncond, 5.0f, -1.0f / 24); });
        TS_CHECK_ERROR(shape.str(), h.read(x), DType::f32, stepped, start, c, u, 5.0f, -1.0f / 24);
      }
}

TEST_CASE("guide: a spread over a single position is refused") {
  Harness h(plain_table());
  Serial serial;
  Arena arena = Arena::planning();
  Context ctx(plain_table(), arena, serial, DType::f32);
  const Tensor c = h.input(normal(4), {1, 1, 4}), v = h.output({1, 1, 4});
  CHECK_THROWS_WITH_AS(ops::guide(ctx, v, c, h.input(normal(4), {1, 1, 4}), 3, 0.5f), doctest::Contains("which 1 position does not have"), Error);
}

}  // namespace
}  // namespace ts
