// What every operator test does around the call: fenced outputs, the planning run, one and several threads.
//
//   Harness h(table);
//   const Tensor x = h.input(values, {2, 7, 5}), y = h.output({2, 7, 9});
//   h.run([&](Context& ctx) { ops::linear(ctx, y, x, *weight); });
//   check_error("linear", h.read(y), exact, obvious);
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include "core/philox.h"
#include "core/split_mix.h"
#include "ops/backends.h"
#include "runtime/thread_pool.h"

namespace ts::test {

// Reproducible N(0, 1): other values in every call of a test case, the same ones whatever ran before it.
inline std::vector<float> normal(int64_t count, float scale = 1.0f) {
  static const char* drawing = nullptr;
  static uint64_t stream = 0;
  const char* test = doctest::getContextOptions()->currentTest->m_name;
  stream = std::exchange(drawing, test) == test ? stream + 1 : 0;
  uint64_t seed = 0;
  for (const char* letter = test; *letter; ++letter) seed = split_mix(seed + uint8_t(*letter));
  std::vector<float> values(static_cast<size_t>(count));
  fill_normal(values, seed, stream);
  for (float& value : values) value *= scale;
  return values;
}
inline std::vector<float> normal(const Shape& shape, float scale = 1.0f) { return normal(shape.numel(), scale); }

inline float rounded(float value, DType dtype) { return as_stored(value, dtype); }
inline std::vector<float> rounded(std::vector<float> values, DType dtype) {
  for (float& value : values) value = rounded(value, dtype);
  return values;
}

// The weights that a product of `format` computes with, of weights as they are given to pack_weight.
inline std::vector<float> kept(std::vector<float> w, const Shape& shape, WeightFormat format, WeightUse use = WeightUse::linear) {
  if (format == WeightFormat::product) return w;
  const bool is_int8 = format == WeightFormat::int8;
  const std::vector<float> scales = is_int8 ? int8_scales(tensor_of(w.data(), shape), use) : fp8_scales(tensor_of(w.data(), shape));
  const bool transposed = use == WeightUse::conv_transpose;
  const int64_t per_first = shape.numel() / shape[0], taps = shape.rank() == 3 ? shape[2] : 1;
  for (int64_t i = 0; i < shape.numel(); ++i) {
    const float scale = scales[size_t(transposed ? i % per_first / taps : i / per_first)];
    w[size_t(i)] = scale * (is_int8 ? float(to_int8(w[size_t(i)], scale)) : to_float(to_fp8(w[size_t(i)], scale)));
  }
  return w;
}
// And what it multiplies them with, of the rows of x, `in` values each, that it is given.
inline std::vector<float> as_read(std::vector<float> x, int64_t in, WeightFormat format) {
  if (format != WeightFormat::fp8) return x;
  for (size_t row = 0; row < x.size(); row += size_t(in)) {
    float largest = 0;
    for (size_t i = row; i < row + size_t(in); ++i) largest = std::max(largest, std::abs(x[i]));
    const float scale = largest / kLargestE4m3, factor = largest > 0 ? kLargestE4m3 / largest : 0;
    for (size_t i = row; i < row + size_t(in); ++i) x[i] = scale * to_float(to_e4m3(x[i] * factor));
  }
  return x;
}

class Harness {
 public:
  explicit Harness(const OperatorTable& table, DType product_dtype = DType::f32) : table_(table), product_dtype_(product_dtype) {}

  const OperatorTable& table() const { return table_; }

  // A copy on the device; `values` must be exact in `dtype` (see rounded).
  Tensor input(const std::vector<float>& values, const Shape& shape, DType dtype = DType::f32) {
    return keep(make_buffer(table_, tensor_of(values.data(), shape), dtype));
  }
  Tensor input(const std::vector<int32_t>& values, const Shape& shape) { return keep(make_buffer(table_, tensor_of(values.data(), shape), DType::i32)); }
  Tensor input(const std::vector<uint8_t>& values, const Shape& shape) { return keep(make_buffer(table_, tensor_of(values.data(), shape), DType::u8)); }

  // Fenced on both sides and full of a pattern that reads as a huge number.
  Tensor output(const Shape& shape, DType dtype = DType::f32) { return fenced(nullptr, shape, dtype); }
  // Read and written: what it holds before the call.
  Tensor in_out(const std::vector<float>& values, const Shape& shape, DType dtype = DType::f32) {
    return fenced(make_buffer(plain_table(), tensor_of(values.data(), shape), dtype).tensor().data, shape, dtype);
  }

  // Plans: nothing may be touched. Then computes with exactly the memory planned. On one, two and three threads, whose
  // plans may differ by the working memory of a thread; expects the same bits.
  template <class Body>
  void run(const Body& body) {
    Serial serial;
    static ThreadPool two(2), three(3);
    std::vector<std::vector<uint8_t>> first;
    for (Parallel* parallel : {static_cast<Parallel*>(&serial), static_cast<Parallel*>(&two), static_cast<Parallel*>(&three)}) {
      Arena plan = Arena::planning();
      Context planning(table_, plan, *parallel, product_dtype_);
      body(planning);
      CHECK(plan.used() == 0);
      for (const Output& output : outputs_)
        if (parallel == &serial) CHECK_MESSAGE(fetch(output) == output.before, "a planning run wrote to memory");

      for (const Output& output : outputs_) table_.copy_to_device(output.memory.tensor().data, output.before.data(), int64_t(output.before.size()));
      const Output scratch = make_output(nullptr, plan.high_water());
      Arena arena(inside(scratch), plan.high_water());
      Context ctx(table_, arena, *parallel, product_dtype_);
      body(ctx);
      CHECK(arena.high_water() == plan.high_water());
      CHECK_MESSAGE(fences_hold(fetch(scratch)), "wrote beside the arena");
      std::vector<std::vector<uint8_t>> after;
      for (const Output& output : outputs_) {
        after.push_back(fetch(output));
        CHECK_MESSAGE(fences_hold(after.back()), "wrote beside an output");
      }
      if (parallel == &serial) first = after;
      else CHECK_MESSAGE(after == first, "the result depends on the number of threads");
    }
  }

  // f32, bf16 and f16 as f32.
  std::vector<float> read(const Tensor& tensor) const {
    std::vector<float> values(size_t(tensor.numel()));
    if (tensor.dtype == DType::f32) {
      table_.copy_to_host(values.data(), tensor.data, tensor.bytes());
    } else {
      std::vector<uint16_t> narrow(values.size());
      table_.copy_to_host(narrow.data(), tensor.data, tensor.bytes());
      const bool is_bf16 = tensor.dtype == DType::bf16;
      std::transform(narrow.begin(), narrow.end(), values.begin(), [=](uint16_t bits) { return is_bf16 ? to_float(bf16{bits}) : to_float(f16{bits}); });
    }
    return values;
  }
  std::vector<uint8_t> read_bytes(const Tensor& tensor) const {
    std::vector<uint8_t> bytes(size_t(tensor.bytes()));
    table_.copy_to_host(bytes.data(), tensor.data, tensor.bytes());
    return bytes;
  }

 private:
  static constexpr int64_t kFence = 256;
  static constexpr uint8_t kPattern = 0x7A;

  struct Output {
    Buffer memory;                // fence, tensor, fence
    std::vector<uint8_t> before;  // all of it
  };

  Tensor keep(Buffer buffer) { return inputs_.emplace_back(std::move(buffer)).tensor(); }
  static void* inside(const Output& output) { return static_cast<std::byte*>(output.memory.tensor().data) + kFence; }
  Output make_output(const void* content, int64_t bytes) {
    Output output{allocate_buffer(table_, DType::u8, {bytes + 2 * kFence}), std::vector<uint8_t>(size_t(bytes + 2 * kFence), kPattern)};
    if (content) std::memcpy(output.before.data() + kFence, content, size_t(bytes));
    table_.copy_to_device(output.memory.tensor().data, output.before.data(), int64_t(output.before.size()));
    return output;
  }
  Tensor fenced(const void* content, const Shape& shape, DType dtype) {
    const Output& output = outputs_.emplace_back(make_output(content, shape.numel() * int64_t(size_of(dtype))));
    return {inside(output), dtype, shape};
  }
  std::vector<uint8_t> fetch(const Output& output) const {
    std::vector<uint8_t> bytes(output.before.size());
    table_.copy_to_host(bytes.data(), output.memory.tensor().data, int64_t(bytes.size()));
    return bytes;
  }
  static bool fences_hold(const std::vector<uint8_t>& bytes) {
    const auto is_pattern = [](uint8_t byte) { return byte == kPattern; };
    return std::all_of(bytes.begin(), bytes.begin() + kFence, is_pattern) && std::all_of(bytes.end() - kFence, bytes.end(), is_pattern);
  }

  const OperatorTable& table_;
  DType product_dtype_;
  std::list<Buffer> inputs_;
  std::list<Output> outputs_;
};

// Rounding of the last few operations, relative to the largest value: what is granted beside the error of the obvious loop.
constexpr double kFloor = 4.0 / (1 << 24);

// `exact` is computed in f64, `obvious` by the plainest loop in f32 over the same inputs, both by one template. With `e`
// the largest error of the obvious loop, ours may be off by 2e + (kFloor + cut)·max|exact|.
inline void check_error(const std::string& what, const std::vector<float>& ours, const std::vector<double>& exact, std::vector<float> obvious,
                        DType stored = DType::f32, double cut = 0) {
  REQUIRE(ours.size() == exact.size());
  REQUIRE(ours.size() == obvious.size());
  double largest = 0, obvious_error = 0, our_error = 0;
  size_t worst = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    largest = std::max(largest, std::abs(exact[i]));
    obvious_error = std::max(obvious_error, std::abs(double(rounded(obvious[i], stored)) - exact[i]));
    const double error = std::isfinite(ours[i]) ? std::abs(double(ours[i]) - exact[i]) : INFINITY;
    if (error > our_error) {
      our_error = error;
      worst = i;
    }
  }
  const double allowed = 2 * obvious_error + (kFloor + cut) * largest;
  CHECK_MESSAGE(our_error <= allowed, what << ": element " << worst << " is " << ours[worst] << ", exactly " << exact[worst] << "; error " << our_error
                                           << ", allowed " << allowed);
}

// check_error with body<T>() giving the values computed in T.
#define TS_CHECK_ERROR(what, ours, stored, function, ...) \
  TS_CHECK_CUT_ERROR(what, ours, stored, 0, function, __VA_ARGS__)
#define TS_CHECK_CUT_ERROR(what, ours, stored, cut, function, ...) \
  ::ts::test::check_error(what, ours, function<double>(__VA_ARGS__), function<float>(__VA_ARGS__), stored, cut)

}  // namespace ts::test
