// The door: which devices there are, or why there is none. The runtime is linked statically and finds the driver itself,
// so a machine without either loads this library and is told.
#include "ops/plugin.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <cstring>

#include "ops/cuda/devices.h"
#include "ops/cuda/guarded.h"

namespace ts::cuda {

const BackendHost* host = nullptr;

namespace {

constexpr int kMinMajor = 8;  // Ampere: bf16 products on tensor cores, cp.async

template <size_t size>
void copy(char (&to)[size], const std::string& text) {
  const size_t length = std::min(size - 1, text.size());
  std::memcpy(to, text.data(), length);
  to[length] = 0;
}

std::string version(int number) { return concat(number / 1000, ".", number % 1000 / 10); }

std::string uuid(const cudaDeviceProp& properties) {
  std::string text = "GPU-";
  for (int i = 0; i < 16; ++i) {
    const auto byte = uint8_t(properties.uuid.bytes[i]);
    constexpr const char* kHex = "0123456789abcdef";
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += {kHex[byte >> 4], kHex[byte & 15]};
  }
  return text;
}

// Why the runtime sees no device, and what to do.
std::string why_none(cudaError_t error) {
  int driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  const std::string said = concat(" (", cudaGetErrorName(error), ")");
  if (driver == 0) return "no NVIDIA driver was found; install the driver of your card" + said;
  if (error == cudaErrorInsufficientDriver)
    return concat("the NVIDIA driver is made for CUDA ", version(driver), ", this build needs ", version(runtime), "; install a newer driver", said);
  if (error == cudaErrorNoDevice || error == cudaSuccess)
    return "the NVIDIA driver sees no GPU; check nvidia-smi and CUDA_VISIBLE_DEVICES" + said;
  return concat("the NVIDIA driver does not work: ", cudaGetErrorString(error), said);
}

int32_t count(char* why, uint64_t capacity) {
  int devices = 0;  // stays what it is on error
  const cudaError_t error = cudaGetDeviceCount(&devices);
  cudaGetLastError();
  if (error == cudaSuccess && devices > 0) return std::min(devices, kMaxDevices);
  if (capacity > 0) {
    const std::string text = why_none(error);
    const size_t length = std::min(size_t(capacity - 1), text.size());
    std::memcpy(why, text.data(), length);
    why[length] = 0;
  }
  return 0;
}

void describe(int32_t index, BackendDevice* device) {
  *device = {};
  cudaDeviceProp properties{};
  const cudaError_t error = cudaGetDeviceProperties(&properties, index);
  cudaGetLastError();
  require(error != cudaErrorInvalidDevice && index >= 0 && index < kMaxDevices, "cuda: there is no device ", index);
  if (error != cudaSuccess) return copy(device->detail, concat("cannot be asked what it is: ", cudaGetErrorString(error), " (", cudaGetErrorName(error), ")"));
  copy(device->name, properties.name);
  copy(device->uuid, uuid(properties));
  device->memory_bytes = properties.totalGlobalMem;
  device->has_bf16 = true;
  const std::string capability = concat(properties.major, ".", properties.minor);
  copy(device->capability, capability);
  if (properties.major < kMinMajor) return copy(device->detail, concat("its compute capability is ", capability, "; ", kMinMajor, ".0 or later is needed"));
  int driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  copy(device->detail, concat("backend cuda; compute capability ", capability, ", ", properties.multiProcessorCount, " multiprocessors; ", device->uuid,
                              "; built with CUDA ", version(runtime), ", driver for ", version(driver)));
  device->table = &table(index);
}

}  // namespace
}  // namespace ts::cuda

extern "C" __attribute__((visibility("default"))) const ts::BackendPlugin* ts_backend_plugin(const ts::BackendHost& host) {
  static const ts::BackendPlugin plugin{ts::kBackendBuildId, ts::cuda::count, ts::cuda::Guarded<ts::cuda::describe>::call};
  ts::cuda::host = &host;
  return &plugin;
}
