// Recordings (ops/replay.h) as CUDA graphs of the thread's stream.
#include <memory>

#include "ops/cuda/devices.h"
#include "ops/cuda/launch.h"

namespace ts::cuda {
namespace {

// Replays that may be outstanding: enough that the device never waits for the host.
constexpr int kAhead = 2;

struct Recording {
  cudaGraphExec_t executable = nullptr;
  cudaEvent_t done[kAhead] = {};
  int64_t num_replays = 0;

  ~Recording() {
    for (cudaEvent_t event : done)
      if (event) cudaEventDestroy(event);
    if (executable) cudaGraphExecDestroy(executable);
    cudaGetLastError();
  }
};

}  // namespace

// Only this thread is kept from what a recording cannot hold: others may allocate meanwhile.
void begin_recording(int index) {
  check(cudaSetDevice(index), "cudaSetDevice");
  check(cudaStreamBeginCapture(cudaStreamPerThread, cudaStreamCaptureModeThreadLocal), "begin of a recording");
}

void* end_recording(int index) {
  check(cudaSetDevice(index), "cudaSetDevice");
  cudaGraph_t graph = nullptr;
  check(cudaStreamEndCapture(cudaStreamPerThread, &graph), "end of a recording");
  auto recording = std::make_unique<Recording>();
  const cudaError_t error = cudaGraphInstantiate(&recording->executable, graph, cudaGraphInstantiateFlagUseNodePriority);
  cudaGraphDestroy(graph);
  check(error, "a recording");
  for (cudaEvent_t& event : recording->done) check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "cudaEventCreate");
  return recording.release();
}

void replay(int index, void* memory) {
  check(cudaSetDevice(index), "cudaSetDevice");
  auto& recording = *static_cast<Recording*>(memory);
  cudaEvent_t& event = recording.done[recording.num_replays++ % kAhead];
  check(cudaEventSynchronize(event), "a replay");  // of kAhead replays before; at once if there were none
  check(cudaGraphLaunch(recording.executable, cudaStreamPerThread), "a replay");
  check(cudaEventRecord(event, cudaStreamPerThread), "a replay");
}

// A recording may still be running, when the loop was left by an exception.
void forget_recording(int index, void* memory) {
  if (cudaSetDevice(index) == cudaSuccess) cudaStreamSynchronize(cudaStreamPerThread);
  delete static_cast<Recording*>(memory);
}

}  // namespace ts::cuda
