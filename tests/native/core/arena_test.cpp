#include "core/arena.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <random>

using namespace ts;

namespace {

struct Block {
  explicit Block(int64_t bytes) : data(std::aligned_alloc(size_t(Arena::kAlignment), size_t(bytes))) {}
  ~Block() { std::free(data); }
  void* data;
};

// A forward pass of random nesting and sizes; records every address relative to the first.
void forward(Arena& arena, std::mt19937& random, int depth, std::vector<uintptr_t>& addresses) {
  const Arena::Scope scope(arena);
  for (int i = 0; i < 4; ++i) {
    const Tensor tensor = arena.allocate(random() % 2 ? DType::f32 : DType::bf16,
                                         {int64_t(random() % 5), int64_t(random() % 300) + 1});
    addresses.push_back(reinterpret_cast<uintptr_t>(tensor.data));
    if (tensor.shape[0] > 1) addresses.push_back(reinterpret_cast<uintptr_t>(tensor.slice(1, 1).data));
    if (!arena.is_planning()) std::memset(tensor.data, 0xAB, size_t(tensor.bytes()));
    if (depth > 0) forward(arena, random, depth - 1, addresses);
  }
}

}  // namespace

TEST_CASE("arena: a plan is the exact size that the same pass then needs, address for address") {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    Arena plan = Arena::planning();
    std::vector<uintptr_t> planned, real;
    std::mt19937 random(seed);
    forward(plan, random, 3, planned);
    CHECK(plan.used() == 0);

    const Block block(plan.high_water());
    Arena arena(block.data, plan.high_water());
    random.seed(seed);
    forward(arena, random, 3, real);
    CHECK(arena.high_water() == plan.high_water());
    REQUIRE(planned.size() == real.size());
    for (size_t i = 0; i < real.size(); ++i) REQUIRE(real[i] - real[0] == planned[i] - planned[0]);

    if (plan.high_water() > 0) {
      Arena tight(block.data, plan.high_water() - 1);
      random.seed(seed);
      CHECK_THROWS_AS(forward(tight, random, 3, real), Error);
    }
  }
}

TEST_CASE("arena: planned tensors are true and aligned") {
  Arena plan = Arena::planning();
  const Tensor first = plan.allocate<float>({3}), second = plan.allocate<float>({3});
  CHECK(bool(first));
  CHECK(reinterpret_cast<uintptr_t>(second.data) % Arena::kAlignment == 0);
  CHECK(reinterpret_cast<uintptr_t>(second.data) - reinterpret_cast<uintptr_t>(first.data) == 64);
  CHECK(bool(plan.allocate<float>({0})));
}

TEST_CASE("arena: a full arena says what did not fit, and sizes beyond memory do not overflow") {
  const Block block(256);
  Arena arena(block.data, 256);
  arena.allocate<float>({32});
  try {
    arena.allocate<float>({40});
    FAIL("was accepted");
  } catch (const Error& error) {
    CHECK(error.status() == TS_OUT_OF_MEMORY);
    CHECK(std::string(error.what()).find("[40]") != std::string::npos);
  }
  Arena plan = Arena::planning();
  CHECK_THROWS_AS(plan.allocate<double>({INT64_MAX / 2, 8, 8}), Error);
  CHECK_THROWS_AS(plan.allocate<double>({INT64_MAX}), Error);
  CHECK(plan.allocate<double>({INT64_MAX / 16 - 64, 0}).bytes() == 0);
}

TEST_CASE("arena: a base that is null or not aligned is refused") {
  const Block block(256);
  CHECK_THROWS_AS(Arena(nullptr, 256), Error);
  CHECK_THROWS_AS(Arena(static_cast<std::byte*>(block.data) + 8, 128), Error);
}
