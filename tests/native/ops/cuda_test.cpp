// The CUDA plug-in as a library: loaded with or without a GPU, it says what there is, and its errors arrive.
#include <dlfcn.h>

#include <cstdlib>

#include "ops/harness.h"
#include "ops/plugin.h"
#include "skip.h"

namespace ts {
namespace {

const BackendPlugin* load_plugin() {
  const char* path = std::getenv("THINKSOUND_CUDA_LIBRARY");
  void* library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : nullptr;
  const auto entry = library ? reinterpret_cast<BackendPluginEntry>(dlsym(library, kBackendPluginSymbol)) : nullptr;
  return entry ? entry(backend_host()) : nullptr;
}

TEST_CASE("cuda: the operator tests run on a GPU") {
  if (!test::gpu().table) TS_SKIP("operators on a GPU: " << test::gpu().detail);
  MESSAGE(test::gpu().name << ": " << test::gpu().detail);
}

TEST_CASE("cuda: the plug-in belongs to this build and counts its devices, or says why there are none") {
  const BackendPlugin* plugin = load_plugin();
  if (!plugin) TS_SKIP("libthinksound_cuda.so is not part of this build");
  CHECK(plugin->build_id == kBackendBuildId);
  char why[512] = "";
  const int32_t count = plugin->count(why, sizeof why);
  CHECK(count >= 0);
  if (count == 0) CHECK_MESSAGE(std::string(why).find("NVIDIA driver") != std::string::npos, why);
  char little[8] = "1234567";
  if (plugin->count(little, 5) == 0) CHECK(std::string(little) == std::string(why).substr(0, 4));
  for (int32_t i = 0; i < count; ++i) {
    BackendDevice device{};
    plugin->describe(i, &device);
    CHECK(std::string(device.name) != "");
    CHECK(std::string(device.uuid).size() == 40);  // GPU- and 32 digits in five groups
    CHECK((device.table == nullptr || !device.table->is_host));
    CHECK(device.memory_bytes > 0);
  }
}

// Each library carries its own C++ runtime, which counts what it throws and what it catches.
TEST_CASE("cuda: an error thrown in the plug-in is caught outside as what it is") {
  const BackendPlugin* plugin = load_plugin();
  if (!plugin) TS_SKIP("libthinksound_cuda.so is not part of this build");
  BackendDevice device{};
  for (int i = 0; i < 3; ++i) {
    try {
      plugin->describe(99, &device);
      FAIL("described a device that does not exist");
    } catch (const Error& error) {
      CHECK(error.status() == TS_INVALID_ARGUMENT);
      CHECK(std::string(error.what()) == "cuda: there is no device 99");
    }
    CHECK(std::uncaught_exceptions() == 0);
  }
  CHECK_THROWS_AS(plugin->describe(99, &device), std::exception);
}

TEST_CASE("cuda: a device that is not there is refused with its reason, and auto says what it chose and why") {
  const DeviceChoice automatic = choose_device("auto");
  if (test::gpu().table) {
    CHECK(automatic.device->table == test::gpu().table);
    CHECK(choose_device("cuda:" + test::gpu().uuid).device == automatic.device);
    CHECK(choose_device("cuda:" + test::gpu().uuid.substr(0, 12)).device == automatic.device);
  } else {
    CHECK(automatic.device->id == "cpu");
    CHECK(automatic.reason == "cpu, because there is no GPU to use: " + test::gpu().detail);
    for (const char* name : {"cuda", "cuda:0", "cuda:GPU-01234567"})
      CHECK_THROWS_WITH_AS(choose_device(name), concat("device \"", name, "\" cannot be used: ", test::gpu().detail).c_str(), Error);
  }
  if (test::gpu().table) CHECK_THROWS_WITH_AS(choose_device("cuda:99"), doctest::Contains("is not known"), Error);
}

TEST_CASE("cuda: memory that a device does not have is a null, and its next launch knows nothing of it") {
  const OperatorTable* table = test::gpu().table;
  if (!table) TS_SKIP("operators on a GPU: " << test::gpu().detail);
  CHECK(table->allocate(int64_t(1) << 50) == nullptr);
  test::Harness h(*table);
  const Tensor y = h.output({7});
  h.run([&](Context& ctx) { ops::fill(ctx, y, 1.0f); });
  CHECK(h.read(y) == std::vector<float>(7, 1.0f));
}

}  // namespace
}  // namespace ts
