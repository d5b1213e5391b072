#include "ops/cuda/product_measurements.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>

#include "core/log.h"
#include "core/temp_folder.h"
#include "ops/cuda_ways.h"
#include "ops/harness.h"
#include "ops/linear.h"
#include "ops/rows.h"
#include "skip.h"

namespace ts::cuda {
namespace {

constexpr ProductWay kWide{ProductKernel::wgmma, 136, 5}, kNarrow{ProductKernel::wgmma, 64, 1}, kLibrary{ProductKernel::cublaslt};

TEST_CASE("cuda product ways: a name says a way, and what no kernel can is none") {
  for (const char* name : {"simt", "mma", "mma:128", "mma:64/8", "wgmma", "wgmma:64/2", "wgmma:136/5", "wgmma:128", "cublaslt"}) {
    const auto way = find_way(name);
    REQUIRE(way);
    CHECK(name_of(*way) == name);
  }
  CHECK(find_way("wgmma:136/5") == kWide);
  CHECK(find_way("wgmma:136/1") == ProductWay{ProductKernel::wgmma, 136, 1});
  for (const char* name : {"", "wgm", "wgmma:", "wgmma:96", "wgmma:-136", "wgmma:136/", "wgmma:136/0", "wgmma:136/9", "wgmma:128/2", "wgmma:136/2x", "wgmma:136x2", "wgmma:136:2",
                           "wgmma:99999999999", "mma:136", "simt:64", "cublaslt:128", "cublaslt/2"})
    CHECK_MESSAGE(!find_way(name), name);
}

TEST_CASE("cuda product measurements: a product is timed once, and later processes choose as the first did") {
  const test::TempFolder folder;
  const std::string file = folder.file("cache/products.txt");
  const std::vector<ProductWay> ways{kWide, kNarrow, kLibrary};
  int timed = 0;
  const auto takes = [&](double wide, double narrow, double library) {
    return [=, &timed](const ProductWay& way) { return ++timed, way == kWide ? wide : way == kNarrow ? narrow : library; };
  };
  {
    ProductMeasurements first(file);
    CHECK(!first.find("a", ways));
    CHECK(first.measure("a", ways, takes(3, 4, 2)) == kLibrary);
    const int once = timed;
    CHECK(once % 3 == 0);
    CHECK(first.measure("b", ways, takes(4, 2, 3)) == kNarrow);
    CHECK(first.measure("c", ways, takes(2, 2, 2)) == kWide);  // of equals the first
    CHECK(first.measure("d", ways, takes(5, 4, INFINITY)) == kNarrow);
    CHECK(timed == 4 * once);
    CHECK(first.measure("a", ways, takes(1, 9, 9)) == kLibrary);
    CHECK(timed == 4 * once);
  }
  std::ifstream lines(file);
  std::string line;
  std::getline(lines, line);
  CHECK(line == "a\tcublaslt\t2\twgmma:136/5\t3\twgmma:64\t4");

  ProductMeasurements second(file), third(file);
  CHECK(second.find("a", ways) == kLibrary);
  CHECK(second.find("b", ways) == kNarrow);
  CHECK(second.measure("e", ways, takes(1, 2, 2)) == kWide);
  CHECK(third.measure("e", ways, takes(2, 1, 2)) == kNarrow);  // has not seen the other's
  CHECK(ProductMeasurements(file).find("e", ways) == kWide);   // the first line counts
}

TEST_CASE("cuda product measurements: the fastest of a round that others disturbed is not the slowest of the rest") {
  const test::TempFolder folder;
  int call = 0;
  ProductMeasurements measurements(folder.file("products.txt"));
  const auto disturbed = [&](const ProductWay& way) { return (way == kWide ? 2.0 : 3.0) + (++call % 5 == 0 ? 0 : 7); };
  CHECK(measurements.measure("a", {kNarrow, kWide}, disturbed) == kWide);
}

TEST_CASE("cuda product measurements: lines that say nothing, and ways that are gone, are measured anew") {
  const test::TempFolder folder;
  const std::string file = folder.file("products.txt");
  std::ofstream(file) << "a\t3.5\t2.25\nb\n\n\tmma\nc\twgmma:999\t1\nd\tcublaslt\t1\twgmma:64\t2\n" << std::string(100000, 'x') << "\tmma\n";
  const auto takes = [](const ProductWay& way) { return way == kNarrow ? 1.0 : 2.0; };
  const std::vector<ProductWay> ours{kWide, kNarrow};
  ProductMeasurements measurements(file);
  for (const char* product : {"a", "b", "c", "d"}) {
    CHECK(!measurements.find(product, ours));
    CHECK(measurements.measure(product, ours, takes) == kNarrow);
    CHECK(ProductMeasurements(file).find(product, ours) == kNarrow);
  }
  CHECK(ProductMeasurements(file).find("d", {kWide, kNarrow, kLibrary}) == kLibrary);
}

TEST_CASE("cuda product measurements: a file that cannot be written is an error that names it") {
  ProductMeasurements nowhere("/dev/null/products.txt");
  CHECK_THROWS_WITH_AS(nowhere.measure("a", {kWide}, [](const ProductWay&) { return 1.0; }), doctest::Contains("/dev/null/products.txt"), Error);
}

// Of every kind of output, in place too, by what is planned, when it is measured, and when that is known.
TEST_CASE("cuda product measurements: measured products are right, and are measured once") {
  for (const OperatorTable* table : test::backends()) {
    if (!test::is_cuda(*table)) continue;
    constexpr int64_t kItems = 2, kLen = 70, kIn = 64, kOut = 72, kHeads = 2, kDim = 16, kLongest = 16 * kIn;
    const auto values = [](const Shape& shape) { return test::rounded(test::normal(shape), DType::bf16); };
    const auto pack = [&](const Shape& shape, const PackOptions& options) { return pack_weight(*table, tensor_of(values(shape).data(), shape), options); };
    const Weight one_tap = pack({kOut, kIn}, {.dtype = DType::bf16}), long_sum = pack({kOut, kLongest}, {.dtype = DType::bf16}), qkv = pack({3 * kHeads * kDim, kIn}, {.dtype = DType::bf16});
    const Shape taps{kOut, kIn, 3};
    const Weight gated = pack_gated_weight(*table, tensor_of(values(taps).data(), taps), tensor_of(values(taps).data(), taps), {.dtype = DType::bf16});
    const Weight conv = pack({kIn, kIn, 7}, {.use = WeightUse::conv, .dtype = DType::bf16}), up = pack({kIn, kOut, 8}, {.use = WeightUse::conv_transpose, .dtype = DType::bf16, .stride = 4});
    const Weight of_8_bits = pack({kOut, kIn}, {.dtype = DType::bf16, .format = WeightFormat::int8}), of_fp8 = pack({kOut, kIn}, {.dtype = DType::bf16, .format = WeightFormat::fp8});
    const std::vector<float> x = values({kItems, kLen, kIn}), wide_x = values({1, kLen, kLongest}), y = values({kItems, kLen, kOut}), a = values({kIn}), b = values({kIn});

    const test::TempFolder folder;
    const std::string file = folder.file("products.txt");
    const auto num_lines = [&] {
      std::ifstream lines(file);
      return std::count(std::istreambuf_iterator<char>(lines), {}, '\n');
    };
    std::vector<std::vector<float>> planned;
    int64_t num_measured = 0;
    for (const std::string& way : {std::string(), concat("measure:", file), concat("measure:", file)}) {
      const test::CudaWay asked(test::kProductWay, way.c_str());
      test::Harness h(*table, DType::bf16);
      const Tensor from = h.input(x, {kItems, kLen, kIn}, DType::bf16), of_long_sums = h.input(wide_x, {1, kLen, kLongest}, DType::bf16);
      const Tensor waves = h.input(x, {1, kItems * kLen, kIn}), onto = h.in_out(y, {kItems, kLen, kOut}), waves_onto = h.in_out(x, {1, kItems * kLen, kIn});
      const Snake snake{h.input(a, {kIn}), h.input(b, {kIn})};
      std::vector<Tensor> outputs{onto, waves_onto, h.output({1, kLen, kOut}), h.output({kItems, kLen, kOut}), h.output({1, kItems * kLen, kIn}), h.output({1, 4 * kItems * kLen, kOut}),
                                  h.output({kItems, kLen, kOut}), h.output({kItems, kLen, kOut})};
      const Qkv heads{h.output({kItems, kHeads, kLen, kDim}), h.output({kItems, kHeads, kLen, kDim}), h.output({kItems, kHeads, kLen, kDim})};
      h.run([&](Context& ctx) {
        ops::linear(ctx, onto, from, *one_tap, {.residual = onto});
        ops::linear(ctx, onto, from, *one_tap, {.residual = onto});
        ops::snake_conv1d(ctx, waves_onto, waves, snake, *conv, {1, 3, 9}, {}, waves_onto, {.y = outputs[4], .snake = snake});
        ops::linear(ctx, outputs[2], of_long_sums, *long_sum);
        ops::gated_linear(ctx, outputs[3], from, *gated, Activation::silu);
        ops::snake_conv_transpose1d(ctx, outputs[5], waves, snake, *up, {4, 1, 2}, {});
        ops::linear(ctx, outputs[6], from, *of_8_bits);
        ops::linear(ctx, outputs[7], from, *of_fp8);
        ops::qkv_projection(ctx, heads, from, *qkv, {});
      });
      outputs.insert(outputs.end(), {heads.q, heads.k, heads.v});
      for (size_t i = 0; i < outputs.size(); ++i) {
        const std::vector<float> values = h.read(outputs[i]);
        if (way.empty()) {
          planned.push_back(values);
          continue;
        }
        // All are f32 sums of the same products in another order; tensor cores may cut off one bit of a sum each time eight are added.
        const float largest = std::abs(*std::max_element(values.begin(), values.end(), [](float a, float b) { return std::abs(a) < std::abs(b); }));
        for (size_t j = 0; j < values.size(); ++j) CHECK(values[j] == doctest::Approx(planned[i][j]).epsilon(2 * (kLongest / 8) * 0x1p-23).scale(largest));
      }
      if (num_measured == 0) num_measured = num_lines();
      CHECK(num_lines() == num_measured);
    }
    CHECK(num_measured == 8);
  }
}

TEST_CASE("cuda products: what cuBLASLt refuses is computed by our kernels, and the log says so once") {
  for (const OperatorTable* table : test::backends()) {
    if (!test::is_cuda(*table) || !test::is_emulated()) continue;
    constexpr int64_t kLen = 41, kIn = 24, kOut = 28;  // no other test asks for such a product: what is refused once stays so
    const std::vector<float> w = test::rounded(test::normal(kOut * kIn), DType::bf16), x = test::rounded(test::normal(kLen * kIn), DType::bf16), y = test::normal(kLen * kOut);
    const Weight weight = pack_weight(*table, tensor_of(w.data(), {kOut, kIn}), {.dtype = DType::bf16});
    std::vector<std::string> lines;
    set_log([](void* all, ts_log_level, const char* line) { static_cast<std::vector<std::string>*>(all)->push_back(line); }, &lines, TS_LOG_WARNING);
    std::vector<float> results[2];
    for (const bool is_refused : {false, true}) {
      const test::CudaWay asked(test::kProductWay, is_refused ? "cublaslt" : ""), refusing("THINKSOUND_EMULATED_CUBLASLT_REFUSES", "1");
      test::Harness h(*table, DType::bf16);
      const Tensor from = h.input(x, {1, kLen, kIn}, DType::bf16), onto = h.in_out(y, {1, kLen, kOut});
      h.run([&](Context& ctx) { ops::linear(ctx, onto, from, *weight, {.residual = onto}); });
      results[is_refused] = h.read(onto);
    }
    set_log(nullptr, nullptr, TS_LOG_ERROR);
    CHECK(results[1] == results[0]);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0] == "cuBLASLt refuses a product (status 7): 41 rows, 28 columns, 24 channels; ours is taken instead");
  }
}

// Tensors of an arena begin at multiples of 64, not of the 256 that cuBLASLt supposes.
TEST_CASE("cuda products: cuBLASLt computes what lies at any multiple of 64 bytes") {
  for (const OperatorTable* table : test::backends()) {
    if (!test::is_cuda(*table)) continue;
    const std::vector<float> w = test::rounded(test::normal(24 * 16), DType::bf16), x = test::rounded(test::normal(40 * 16), DType::bf16);
    const Weight weight = pack_weight(*table, tensor_of(w.data(), {24, 16}), {.dtype = DType::bf16});
    const auto multiply = [&](const char* way, int64_t before) {
      const test::CudaWay asked(test::kProductWay, way);
      test::Harness h(*table, DType::bf16);
      const Tensor from = h.input(x, {1, 40, 16}, DType::bf16), y = h.output({1, 40, 24});
      h.run([&](Context& ctx) {
        const Arena::Scope scope(ctx.arena());
        ctx.arena().allocate(DType::u8, {before});
        const Tensor moved = ctx.f32({1, 40, 24});
        ops::linear(ctx, moved, from, *weight);
        ops::copy_block(ctx, y, 0, 0, moved);
      });
      return h.read(y);
    };
    const std::vector<float> ours = multiply("", 64);
    try {
      for (int64_t before : {64, 128, 192, 256}) {
        const std::vector<float> theirs = multiply("cublaslt", before);
        for (size_t i = 0; i < ours.size(); ++i) CHECK(theirs[i] == doctest::Approx(ours[i]).epsilon(1e-5));
      }
    } catch (const Error& error) {
      if (error.status() != TS_INVALID_ARGUMENT) throw;
      TS_SKIP(error.what());
    }
  }
}

}  // namespace
}  // namespace ts::cuda
