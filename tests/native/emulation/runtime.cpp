// The CUDA runtime, and the one function of the driver, of the emulated card: a Hopper with a memory of its own that lies on
// the host's heap, so that AddressSanitizer guards every allocation. A recording keeps its launches and does them when it is
// replayed. Work of a thread's own stream is done when it is asked for, until the thread makes another stream wait for it or the
// other way round; from then on every stream does its work as late as it may: when somebody waits for it. So a wait that is
// missing is found by what it should have kept apart.
#include "emulation/runtime.h"

#include <cstdio>
#include <cstdlib>
#include <chrono>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
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

// What a stream has been given and not done yet.
struct Queue {
  std::recursive_mutex mutex;
  std::deque<std::function<void()>> work;
  uint64_t num_given = 0, num_done = 0;
  bool is_late = false;

  void give(std::function<void()> body) {
    const std::lock_guard lock(mutex);
    ++num_given;
    work.push_back(std::move(body));
    if (!is_late) finish(num_given);
  }
  // The first `count` of all that were ever given.
  void finish(uint64_t count) {
    const std::lock_guard lock(mutex);
    while (num_done < count) {
      const std::function<void()> next = std::move(work.front());
      work.pop_front();
      ++num_done;
      next();
    }
  }
  void finish() { finish(num_given); }
};
Queue& queue_of(cudaStream_t handle) {
  thread_local Queue own;
  if (!handle || handle == cudaStreamPerThread) return own;
  return *reinterpret_cast<Queue*>(handle);
}

// A place in a stream's work: waited for when that stream has come to it.
struct Event {
  Queue* queue = nullptr;
  uint64_t place = 0;
  double ms = 0;  // when it was passed
};

// Memory that is pinned, begin and end: copies of it need not wait.
struct Pinned {
  std::mutex mutex;
  std::map<const std::byte*, size_t> blocks;
  bool holds(const void* memory) {
    const std::lock_guard lock(mutex);
    const auto after = blocks.upper_bound(static_cast<const std::byte*>(memory));
    if (after == blocks.begin()) return false;
    const auto& [begin, bytes] = *std::prev(after);
    return static_cast<const std::byte*>(memory) < begin + bytes;
  }
};
Pinned& pinned() {
  static Pinned* memory = new Pinned;
  return *memory;
}

cudaError_t answer(cudaError_t error) {
  if (error != cudaSuccess) stream.last = error;
  return error;
}
cudaError_t outside_recording() { return answer(stream.is_recording ? cudaErrorStreamCaptureUnsupported : cudaSuccess); }

int multiprocessors() {
  const char* number = std::getenv("THINKSOUND_EMULATED_MULTIPROCESSORS");
  return number ? std::atoi(number) : 3;
}

cudaError_t start(const char* kernel, std::function<void()> body, dim3 grid, dim3 block, size_t shared_bytes, int cluster, cudaStream_t on) {
  const size_t allowed = std::exchange(stream.allowed_shared, kFreeSharedBytes);
  const unsigned threads = block.x * block.y * block.z;
  if (grid.x == 0 || grid.x > 0x7FFFFFFFu || grid.y == 0 || grid.y > kMaxGrid || grid.z == 0 || grid.z > kMaxGrid || threads == 0 ||
      threads > kMaxThreads || threads % 32 || grid.x % unsigned(cluster))
    return answer(cudaErrorInvalidConfiguration);
  if (shared_bytes > allowed) return answer(cudaErrorInvalidValue);
  auto work = [=, body = std::move(body)] { run(kernel, body, grid, block, shared_bytes, cluster); };
  if (stream.is_recording) stream.launches.push_back(std::move(work));
  else queue_of(on).give(std::move(work));
  return cudaSuccess;
}

// Once it may be done; the host's end of it now, where it is pageable.
cudaError_t copy(const void* from, const void* to, cudaMemcpyKind kind, cudaStream_t on, std::function<void()> body) {
  if (const cudaError_t error = outside_recording()) return error;
  const void* host = kind == cudaMemcpyHostToDevice ? from : to;
  queue_of(on).give(std::move(body));
  if (kind == cudaMemcpyDeviceToDevice || pinned().holds(host)) return cudaSuccess;
  queue_of(on).finish();
  return cudaSuccess;
}

}  // namespace

void launch(const char* kernel, std::function<void()> body, dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t on, int cluster) {
  start(kernel, std::move(body), grid, block, shared_bytes, cluster, on);
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
using ts::emulation::queue_of;
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
    case cudaDevAttrL2CacheSize: return *value = 4096, cudaSuccess;
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
  queue_of(cudaStreamPerThread).finish();
  std::free(memory);
  return cudaSuccess;
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void*) {
  *attributes = {};
  attributes->type = cudaMemoryTypeUnregistered;
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t on) {
  return ts::emulation::copy(from, to, kind, on, [=] {
    if (bytes > 0) std::memcpy(to, from, bytes);
  });
}
cudaError_t cudaMemcpy2DAsync(void* to, size_t to_step, const void* from, size_t from_step, size_t bytes, size_t rows, cudaMemcpyKind kind, cudaStream_t on) {
  return ts::emulation::copy(from, to, kind, on, [=] {
    for (size_t row = 0; row < rows; ++row) std::memcpy(static_cast<std::byte*>(to) + row * to_step, static_cast<const std::byte*>(from) + row * from_step, bytes);
  });
}
cudaError_t cudaStreamSynchronize(cudaStream_t on) {
  if (const cudaError_t error = outside_recording()) return error;
  queue_of(on).finish();
  return cudaSuccess;
}
cudaError_t cudaDeviceGetStreamPriorityRange(int* lowest, int* highest) {
  *lowest = 0;
  *highest = -5;
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* made, unsigned, int) {
  if (const cudaError_t error = outside_recording()) return error;
  auto* queue = new ts::emulation::Queue;
  queue->is_late = true;
  *made = reinterpret_cast<cudaStream_t>(queue);
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t on) {
  queue_of(on).finish();
  delete &queue_of(on);
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t on, cudaEvent_t handle, unsigned) {
  if (stream.is_recording) return cudaSuccess;  // a recording's work is done in the order in which it was asked for
  const auto event = *reinterpret_cast<ts::emulation::Event*>(handle);
  queue_of(on).is_late = true;
  if (event.queue) queue_of(on).give([event] { event.queue->finish(event.place); });
  return cudaSuccess;
}
cudaError_t cudaHostAlloc(void** memory, size_t bytes, unsigned) {
  if (const cudaError_t error = outside_recording()) return error;
  if (std::getenv("THINKSOUND_EMULATED_PAGEABLE")) return answer(cudaErrorMemoryAllocation);  // a system that pins none
  *memory = std::malloc(bytes);
  const std::lock_guard lock(ts::emulation::pinned().mutex);
  ts::emulation::pinned().blocks[static_cast<std::byte*>(*memory)] = bytes;
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* memory) {
  const std::lock_guard lock(ts::emulation::pinned().mutex);
  ts::emulation::pinned().blocks.erase(static_cast<std::byte*>(memory));
  std::free(memory);
  return cudaSuccess;
}

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
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t on) {
  for (const auto& launch : executable->launches) queue_of(on).give(launch);
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
  *event = reinterpret_cast<cudaEvent_t>(new ts::emulation::Event);
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete reinterpret_cast<ts::emulation::Event*>(event);
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t on) {
  if (stream.is_recording) return cudaSuccess;
  auto* event = reinterpret_cast<ts::emulation::Event*>(handle);
  ts::emulation::Queue& queue = queue_of(on);
  event->queue = &queue;
  event->place = queue.num_given;
  queue.finish(queue.is_late ? 0 : queue.num_given);
  event->ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
  return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t begin, cudaEvent_t end) {
  *ms = float(reinterpret_cast<ts::emulation::Event*>(end)->ms - reinterpret_cast<ts::emulation::Event*>(begin)->ms);
  return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t, cudaStreamCaptureStatus* status) {
  *status = stream.is_recording ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  if (const cudaError_t error = outside_recording()) return error;
  const auto& event = *reinterpret_cast<ts::emulation::Event*>(handle);
  if (event.queue) event.queue->finish(event.place);
  return cudaSuccess;
}

}  // extern "C"
