// What only the CPU backend promises: the same answers on lesser instruction sets, and from several threads at a time.
#if defined(TS_CPU_BACKEND)

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "ops/cpu/product.h"
#include "ops/cpu/table.h"
#include "ops/harness.h"

namespace ts {
namespace {

using test::Harness;
using test::normal;

// This program again, in a process of its own, on oneDNN and SIMD code of at most `isa`; the plain operators know none of it.
int run_operator_tests(const char* isa) {
  char program[4096];
  const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  REQUIRE(length > 0);
  program[length] = 0;
  const std::string command = concat("DNNL_MAX_CPU_ISA=", isa, " '", program, "' --source-file='*tests/native/ops/*' --test-case-exclude='cpu:*' --subcase-exclude=plain --minimal");
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("cpu: every operator gives right answers on AVX-512 without bf16, on AVX2 and below") {
  for (const char* isa : {"AVX512_CORE", "AVX2", "SSE41"}) {
    CAPTURE(isa);
    CHECK(run_operator_tests(isa) == 0);
  }
}

TEST_CASE("cpu: sessions that run at the same time on the same weights and threads do not disturb each other") {
  const OperatorTable& table = cpu::table();
  constexpr int64_t kRows = 97, kIn = 192, kHeads = 3, kDim = 64, kTaps = 3;
  const std::vector<float> w = normal(kIn * kIn * kTaps, 0.05f), wide = normal(3 * kIn * kIn, 0.1f), x = normal(kRows * kIn), a = normal(kIn);
  const Shape rows{1, kRows, kIn}, heads{1, kHeads, kRows, kDim};
  for (DType dtype : {DType::f32, DType::bf16}) {
    const Weight conv = pack_weight(table, tensor_of(w.data(), {kIn, kIn, kTaps}), {.use = WeightUse::conv, .dtype = dtype});
    const Weight qkv = pack_weight(table, tensor_of(wide.data(), {3 * kIn, kIn}), {.dtype = dtype});
    const auto forward = [&](Context& ctx, const Tensor& y) {
      const Arena::Scope scope(ctx.arena());
      const Tensor h = ctx.f32(rows), out = ctx.product(rows);
      const Qkv split{ctx.product(heads), ctx.product(heads), ctx.product(heads)};
      const Tensor one = tensor_of(a.data(), {kIn});
      ops::snake_conv1d(ctx, h, tensor_of(x.data(), rows), {one, one}, *conv, {.offset = 1}, one);
      ops::qkv_projection(ctx, split, h, *qkv, {});
      const AttentionStream stream{split.q, split.k, split.v, out};
      ops::attention(ctx, {&stream, 1}, {.scale = 0.125f});
      ops::add(ctx, y, h, out);
    };
    ThreadPool pool(3);
    const auto result = [&](Parallel& parallel) {
      std::vector<float> y(size_t(rows.numel()));
      Arena plan = Arena::planning();
      Context planning(table, plan, parallel, dtype);
      forward(planning, tensor_of(y.data(), rows));
      const Buffer memory = allocate_buffer(table, DType::u8, {plan.high_water()});
      Arena arena(memory.tensor().data, plan.high_water());
      Context ctx(table, arena, parallel, dtype);
      forward(ctx, tensor_of(y.data(), rows));
      return y;
    };
    Serial serial;
    const std::vector<float> expected = result(serial);
    std::vector<int> different(4, 0);
    std::vector<std::thread> sessions;
    for (size_t i = 0; i < different.size(); ++i)
      sessions.emplace_back([&, i] {
        for (int run = 0; run < 20; ++run) different[i] += result(pool) != expected;
      });
    for (std::thread& session : sessions) session.join();
    for (int count : different) CHECK(count == 0);
  }
}

TEST_CASE("cpu: products of ever new shapes do not fill the memory, and evicted ones stay valid for who holds them") {
  const std::shared_ptr<const cpu::Product> held = cpu::product_for(1, 1, 2, DType::f32);
  for (int64_t m = 1; m <= cpu::kMaxCachedProducts + 40; ++m) cpu::product_for(m, 1, 2, DType::f32);
  CHECK(cpu::num_cached_products() <= cpu::kMaxCachedProducts);
  const float a[2] = {3, 4};
  std::vector<float> b(size_t(cpu::b_numel(DType::f32, 2, 1)), 0.0f);
  b[0] = 5;
  b[cpu::b_layout(DType::f32) == cpu::BLayout::panels ? size_t(cpu::kPanelColumns) : 1] = 6;
  std::vector<std::byte> scratch(size_t(held->scratch_bytes()) + 64);
  float c = 0;
  held->run(a, b.data(), &c, scratch.data());
  CHECK(c == 39);
}

TEST_CASE("cpu: a weight packed by the plain backend is refused") {
  Harness h(cpu::table());
  const std::vector<float> w = normal(4);
  const Weight weight = pack_weight(plain_table(), tensor_of(w.data(), {2, 2}), {});
  Serial serial;
  Arena arena = Arena::planning();
  Context ctx(cpu::table(), arena, serial, DType::f32);
  const Tensor x = h.input(w, {1, 2, 2}), y = h.output({1, 2, 2});
  CHECK_THROWS_WITH_AS(ops::linear(ctx, y, x, *weight), doctest::Contains("packed by another backend"), Error);
}

}  // namespace
}  // namespace ts

#endif
