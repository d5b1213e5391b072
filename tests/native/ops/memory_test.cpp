#include "ops/memory.h"

#include <limits>

#include "ops/harness.h"

namespace ts {
namespace {

using test::Harness;

TEST_CASE("memory: a buffer is aligned and gives back what was put in, narrowed where asked") {
  TS_FOR_EACH_BACKEND(table) {
    for (int64_t count : {1, 7, 255, 257}) {
      const std::vector<float> values = test::normal(count);
      const Buffer wide = make_buffer(table, tensor_of(values.data(), {count}), DType::f32);
      CHECK(reinterpret_cast<uintptr_t>(wide.tensor().data) % uintptr_t(Arena::kAlignment) == 0);
      CHECK(Harness(table).read(wide) == values);
      for (DType dtype : test::narrow_types(table)) {
        const Buffer narrow = make_buffer(table, tensor_of(values.data(), {count}), dtype);
        CHECK(Harness(table).read(narrow) == test::rounded(values, dtype));
      }
    }
    const Buffer empty = allocate_buffer(table, DType::f32, {0, 3});
    CHECK(bool(empty));
    CHECK(empty.tensor().numel() == 0);
    const std::vector<int32_t> ids{1, -2, 3};
    CHECK_THROWS_WITH_AS(make_buffer(table, tensor_of(ids.data(), {3}), DType::f32), "memory: cannot convert i32 to f32", Error);
  }
}

TEST_CASE("memory: sizes beyond any memory are refused before anything is allocated, a full device in words") {
  constexpr int64_t kHuge = int64_t(1) << 40;
  CHECK_THROWS_WITH_AS(allocate_buffer(plain_table(), DType::f32, {kHuge, kHuge}), doctest::Contains("exceeds any memory"), Error);
  OperatorTable full = plain_table();
  full.allocate = [](int64_t) -> void* { return nullptr; };
  try {
    allocate_buffer(full, DType::f32, {3, 1 << 20});
    FAIL("allocated");
  } catch (const Error& error) {
    CHECK(error.status() == TS_OUT_OF_MEMORY);
    CHECK(std::string(error.what()) == "memory: 12 MiB for a tensor [3, 1048576] of f32 could not be allocated on the plain device");
  }
}

TEST_CASE("memory: upload and download copy elements of one type, under any shape") {
  TS_FOR_EACH_BACKEND(table) {
    Harness h(table);
    const std::vector<float> values = test::normal(12);
    const Tensor device = h.output({3, 4});
    std::vector<float> back(12);
    h.run([&](Context& ctx) {
      ops::upload(ctx, device, tensor_of(values.data(), {12}));
      ops::download(ctx, tensor_of(back.data(), {2, 6}), device);
    });
    CHECK(back == values);
    Arena arena = Arena::planning();
    Serial serial;
    Context ctx(table, arena, serial, DType::f32);
    std::vector<int32_t> ids(12);
    CHECK_THROWS_WITH_AS(ops::upload(ctx, device, tensor_of(ids.data(), {12})), "upload: host holds i32, the device f32", Error);
    CHECK_THROWS_WITH_AS(ops::upload(ctx, device, tensor_of(values.data(), {11})), doctest::Contains("host is [11], device is [3, 4]"), Error);
  }
}

TEST_CASE("memory: fill writes every element and none beside") {
  TS_FOR_EACH_BACKEND(table) {
    for (DType dtype : test::product_types(table))
      for (int64_t count : {1, 7, 255, 257, 40961}) {
        Harness h(table);
        const Tensor y = h.output({count}, dtype);
        h.run([&](Context& ctx) { ops::fill(ctx, y, 0.1f); });
        CHECK(h.read(y) == std::vector<float>(size_t(count), test::rounded(0.1f, dtype)));
      }
  }
}

TEST_CASE("context: a listener hears f32 in host memory, and nothing of a planning run") {
  TS_FOR_EACH_BACKEND(table) {
    Harness h(table);
    const std::vector<float> values = test::rounded(test::normal(6), DType::bf16);
    int heard = 0;
    const Probe probe = [&](std::string_view name, const Tensor& value) {
      ++heard;
      CHECK(name == "x");
      CHECK(value.shape == Shape({2, 3}));
      CHECK(std::vector<float>(value.as<float>(), value.as<float>() + 6) == values);
    };
    Serial serial;
    Arena plan = Arena::planning();
    Context planning(table, plan, serial, DType::f32);
    planning.set_probe(&probe);
    CHECK(!planning.probing());
    planning.probe("x", h.input(values, {6}), {2, 3});
    CHECK(heard == 0);
    const Buffer block = allocate_buffer(table, DType::u8, {64});
    Arena arena(block.tensor().data, 64);
    Context ctx(table, arena, serial, DType::f32);
    CHECK(!ctx.probing());
    ctx.probe("x", h.input(values, {6}));
    ctx.set_probe(&probe);
    ctx.probe("x", h.input(values, {6}), {2, 3});
    for (DType dtype : test::narrow_types(table)) ctx.probe("x", h.input(values, {2, 3}, dtype));
    CHECK(heard == int(test::product_types(table).size()));
  }
}

TEST_CASE("context: a cancelled forward stops with its own status") {
  Serial serial;
  Arena arena = Arena::planning();
  Context ctx(plain_table(), arena, serial, DType::f32);
  CHECK_NOTHROW(ctx.check_cancelled());
  std::atomic<bool> cancel{false};
  ctx.set_cancel(&cancel);
  CHECK_NOTHROW(ctx.check_cancelled());
  cancel = true;
  try {
    ctx.check_cancelled();
    FAIL("went on");
  } catch (const Error& error) {
    CHECK(error.status() == TS_CANCELLED);
  }
}

}  // namespace
}  // namespace ts
