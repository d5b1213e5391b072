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

TEST_CASE("cuda product measurements: a product is timed once, and later processes choose as the first did") {
  const test::TempFolder folder;
  const std::string file = folder.file("cache/products.txt");
  int timed = 0;
  const auto us = [&](double value) { return [&timed, value] { return ++timed, value; }; };
  {
    ProductMeasurements first(file);
    CHECK(!first.find("a"));
    CHECK(first.measure("a", us(3), us(2)) == FasterWay::library);
    CHECK(first.measure("b", us(2), us(3)) == FasterWay::ours);
    CHECK(first.measure("c", us(2), us(2)) == FasterWay::ours);
    CHECK(timed == 6);
    CHECK(first.measure("a", us(1), us(9)) == FasterWay::library);
    CHECK(timed == 6);
  }
  ProductMeasurements second(file), third(file);
  CHECK(second.find("a") == FasterWay::library);
  CHECK(second.find("b") == FasterWay::ours);
  CHECK(second.measure("d", us(1), us(2)) == FasterWay::ours);
  CHECK(third.measure("d", us(2), us(1)) == FasterWay::library);  // has not seen the other's
  CHECK(ProductMeasurements(file).find("d") == FasterWay::ours);  // the first line counts
}

TEST_CASE("cuda product measurements: a file that cannot be written is an error that names it") {
  ProductMeasurements nowhere("/dev/null/products.txt");
  CHECK_THROWS_WITH_AS(nowhere.measure("a", [] { return 1.0; }, [] { return 2.0; }), doctest::Contains("/dev/null/products.txt"), Error);
}

TEST_CASE("cuda product measurements: measured products are right, in place too, and are measured once") {
  for (const OperatorTable* table : test::backends()) {
    if (!test::is_cuda(*table)) continue;
    const test::TempFolder folder;
    const std::string file = folder.file("products.txt");
    const auto num_lines = [&] {
      std::ifstream lines(file);
      return std::count(std::istreambuf_iterator<char>(lines), {}, '\n');
    };
    const std::vector<float> w = test::rounded(test::normal(24 * 16), DType::bf16), x = test::rounded(test::normal(40 * 16), DType::bf16), y = test::normal(40 * 24);
    const Weight weight = pack_weight(*table, tensor_of(w.data(), {24, 16}), {.dtype = DType::bf16});
    std::vector<float> results[2];
    for (int i = 0; i < 2; ++i) {
      const test::CudaWay asked(test::kProductWay, i == 0 ? "wgmma" : concat("measure:", file).c_str());
      test::Harness h(*table, DType::bf16);
      const Tensor from = h.input(x, {1, 40, 16}, DType::bf16), onto = h.in_out(y, {1, 40, 24});
      h.run([&](Context& ctx) {
        ops::linear(ctx, onto, from, *weight, {.residual = onto});
        ops::linear(ctx, onto, from, *weight, {.residual = onto});
      });
      results[i] = h.read(onto);
    }
    for (size_t i = 0; i < y.size(); ++i) CHECK(results[1][i] == doctest::Approx(results[0][i]).epsilon(1e-5));
    if (num_lines() == 0) TS_SKIP("cuBLASLt is not installed beside the " << table->name << " backend, so nothing is measured");
    CHECK(num_lines() == 1);
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
