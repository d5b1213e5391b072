#include "ops/cuda/product_measurements.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>

#include "core/temp_folder.h"
#include "ops/cuda_ways.h"
#include "ops/harness.h"
#include "ops/linear.h"
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

}  // namespace
}  // namespace ts::cuda
