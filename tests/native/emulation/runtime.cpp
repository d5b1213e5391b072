// The CUDA runtime, and the one function of the driver, of the emulated card: a Hopper with a memory of its own that lies on
// the host's heap, so that AddressSanitizer guards every allocation. Work is done when it is asked for; a recording keeps
// its launches and does them when it is replayed.
#include "emulation/runtime.h"

#include <cstdio>
#include <cstdlib>
#include <chrono>
#include <cstring>
#include <vector>

#include "emulation/asynchronous.h"
#include "emulation/emulation.h"
#include "ops/cuda/tensor_map.h"

namespace ts::emulation {
namespace {

constexpr size_t kMemoryBytes = size_t(8) << 30, kSharedBytes = 227 << 10, kFreeSharedBytes = 48 << 10;
constexpr unsigned kMaxThreads = 1024, kMaxGrid = 65535;

using Launches = std::vector<std::function<void()>>;
struct Stream {  // of a thread
  cudaError_t last = cudaSuccess;
  size_t allowed_shared = kFreeSharedBytes;  // for the next launch
  bool is_recording = false;
  Launches launches;
};
thread_local Stream stream;

cudaError_t answer(cudaError_t error) {
  if (error != cudaSuccess) stream.last = error;
  return error;
}
cudaError_t outside_recording() { return answer(stream.is_recording ? cudaErrorStreamCaptureUnsupported : cudaSuccess); }

int multiprocessors() {
  const char* number = std::getenv("THINKSOUND_EMULATED_MULTIPROCESSORS");
  return number ? std::atoi(number) : 3;
}

cudaError_t start(const char* kernel, std::function<void()> body, dim3 grid, dim3 block, size_t shared_bytes, int cluster) {
  const size_t allowed = std::exchange(stream.allowed_shared, kFreeSharedBytes);
  const unsigned threads = block.x * block.y * block.z;
  if (grid.x == 0 || grid.x > 0x7FFFFFFFu || grid.y == 0 || grid.y > kMaxGrid || grid.z == 0 || grid.z > kMaxGrid || threads == 0 ||
      threads > kMaxThreads || threads % 32 || grid.x % unsigned(cluster))
    return answer(cudaErrorInvalidConfiguration);
  if (shared_bytes > allowed) return answer(cudaErrorInvalidValue);
  auto work = [=, body = std::move(body)] { run(kernel, body, grid, block, shared_bytes, cluster); };
  if (stream.is_recording) stream.launches.push_back(std::move(work));
  else work();
  return cudaSuccess;
}

}  // namespace

void launch(const char* kernel, std::function<void()> body, dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t) {
  start(kernel, std::move(body), grid, block, shared_bytes, 1);
}
cudaError_t launch(const char* kernel, std::function<void()> body, const cudaLaunchConfig_t& config) {
  int cluster = 1;
  for (unsigned i = 0; i < config.numAttrs; ++i)
    if (config.attrs[i].id == cudaLaunchAttributeClusterDimension) cluster = int(config.attrs[i].val.clusterDim.x);
  return start(kernel, std::move(body), config.gridDim, config.blockDim, config.dynamicSmemBytes, cluster);
}

namespace {

// What cuTensorMapEncodeTiled accepts, by the driver's manual.
CUresult encode(CUtensorMap* result, CUtensorMapDataType type, cuuint32_t rank, void* data, const cuuint64_t* sizes, const cuuint64_t* strides,
                const cuuint32_t* box, const cuuint32_t* steps, CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle, CUtensorMapL2promotion,
                CUtensorMapFloatOOBfill fill) {
  const cuuint64_t element_bytes = type == CU_TENSOR_MAP_DATA_TYPE_UINT8 ? 1 : 2;
  TensorMap map{static_cast<const std::byte*>(data), {1, 1, 1, 1}, {element_bytes, 0, 0, 0}, {1, 1, 1, 1}, rank, 0};
  map.swizzle_bytes = swizzle == CU_TENSOR_MAP_SWIZZLE_128B ? 128 : swizzle == CU_TENSOR_MAP_SWIZZLE_32B ? 32 : 0;
  bool is_valid = (type == CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 || element_bytes == 1) && interleave == CU_TENSOR_MAP_INTERLEAVE_NONE && fill == CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE &&
                  rank >= 1 && rank <= 4 && uintptr_t(data) % 16 == 0 && map.swizzle_bytes > 0 && box[0] * element_bytes == map.swizzle_bytes;
  for (cuuint32_t axis = 0; is_valid && axis < rank; ++axis) {
    map.sizes[axis] = sizes[axis];
    map.box[axis] = box[axis];
    if (axis > 0) map.strides[axis] = strides[axis - 1];
    is_valid = sizes[axis] >= 1 && sizes[axis] <= (cuuint64_t(1) << 32) && box[axis] >= 1 && box[axis] <= 256 && steps[axis] == 1 &&
               (axis == 0 || (strides[axis - 1] % 16 == 0 && strides[axis - 1] < (cuuint64_t(1) << 40)));
  }
  if (!is_valid) return CUDA_ERROR_INVALID_VALUE;
  std::memcpy(result, &map, sizeof map);
  return CUDA_SUCCESS;
}

}  // namespace
}  // namespace ts::emulation

namespace ts::cuda {

decltype(&cuTensorMapEncodeTiled) tensor_map_encoder() { return emulation::encode; }

}  // namespace ts::cuda

using ts::emulation::answer;
using ts::emulation::outside_recording;
using ts::emulation::stream;

struct CUgraph_st {
  ts::emulation::Launches launches;
};
struct CUgraphExec_st {
  ts::emulation::Launches launches;
};

extern "C" {

cudaError_t cudaGetLastError() { return std::exchange(stream.last, cudaSuccess); }
const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "cudaSuccess";
    case cudaErrorInvalidValue: return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration: return "cudaErrorInvalidConfiguration";
    case cudaErrorInvalidDevice: return "cudaErrorInvalidDevice";
    case cudaErrorStreamCaptureUnsupported: return "cudaErrorStreamCaptureUnsupported";
    default: return "an error that the emulated card does not know";
  }
}
const char* cudaGetErrorString(cudaError_t error) { return cudaGetErrorName(error); }
cudaError_t cudaDriverGetVersion(int* version) { return *version = CUDART_VERSION, cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int* version) { return *version = CUDART_VERSION, cudaSuccess; }

cudaError_t cudaGetDeviceCount(int* count) { return *count = 1, cudaSuccess; }
cudaError_t cudaGetDevice(int* device) { return *device = 0, cudaSuccess; }
cudaError_t cudaSetDevice(int device) { return answer(device == 0 ? cudaSuccess : cudaErrorInvalidDevice); }
cudaError_t cudaGetDeviceProperties_v2(cudaDeviceProp* properties, int device) {
  if (device != 0) return answer(cudaErrorInvalidDevice);
  *properties = {};
  std::snprintf(properties->name, sizeof properties->name, "an emulated Hopper");
  for (int i = 0; i < 16; ++i) properties->uuid.bytes[i] = char(i);
  properties->totalGlobalMem = ts::emulation::kMemoryBytes;
  properties->major = 9;
  properties->multiProcessorCount = ts::emulation::multiprocessors();
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount: return *value = ts::emulation::multiprocessors(), cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor: return *value = 9, cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor: return *value = 0, cudaSuccess;
    default: return answer(cudaErrorInvalidValue);
  }
}
cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute attribute, int value) {
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || size_t(value) > ts::emulation::kSharedBytes) return answer(cudaErrorInvalidValue);
  stream.allowed_shared = size_t(value);
  return cudaSuccess;
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void*) {
  *attributes = {};
  attributes->binaryVersion = 90;
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** memory, size_t bytes) {
  if (const cudaError_t error = outside_recording()) return error;
  *memory = nullptr;
  if (bytes == 0) return cudaSuccess;
  if (bytes > ts::emulation::kMemoryBytes || posix_memalign(memory, 256, bytes) != 0) return answer(cudaErrorMemoryAllocation);
  std::memset(*memory, 0xFF, bytes);  // what nobody has written is not a number
  return cudaSuccess;
}
cudaError_t cudaFree(void* memory) {
  std::free(memory);
  return cudaSuccess;
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void*) {
  *attributes = {};
  attributes->type = cudaMemoryTypeUnregistered;
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t) {
  if (const cudaError_t error = outside_recording()) return error;
  if (bytes > 0) std::memcpy(to, from, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemcpy2DAsync(void* to, size_t to_step, const void* from, size_t from_step, size_t bytes, size_t rows, cudaMemcpyKind, cudaStream_t) {
  if (const cudaError_t error = outside_recording()) return error;
  for (size_t row = 0; row < rows; ++row) std::memcpy(static_cast<std::byte*>(to) + row * to_step, static_cast<const std::byte*>(from) + row * from_step, bytes);
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) { return outside_recording(); }

cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode) {
  if (const cudaError_t error = outside_recording()) return error;
  stream.is_recording = true;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
  if (!stream.is_recording) return answer(cudaErrorInvalidValue);
  stream.is_recording = false;
  *graph = new CUgraph_st{std::exchange(stream.launches, {})};
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  *executable = new CUgraphExec_st{graph->launches};
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t) {
  for (const auto& launch : executable->launches) launch();
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = reinterpret_cast<cudaEvent_t>(new double(0));  // when it was recorded, in milliseconds
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete reinterpret_cast<double*>(event);
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
  *reinterpret_cast<double*>(event) = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
  return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t begin, cudaEvent_t end) {
  *ms = float(*reinterpret_cast<double*>(end) - *reinterpret_cast<double*>(begin));
  return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t, cudaStreamCaptureStatus* status) {
  *status = stream.is_recording ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) { return *least = 0, *greatest = -5, cudaSuccess; }
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* made, unsigned, int) { return *made = nullptr, cudaSuccess; }
cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }
cudaError_t cudaEventSynchronize(cudaEvent_t) { return outside_recording(); }

}  // extern "C"
