// Owners of a stream and of an event, made with their device current. The driver may have gone before them.
#pragma once

#include "ops/cuda/launch.h"

namespace ts::cuda {

class Stream {
 public:
  explicit Stream(bool is_urgent) {
    int lowest = 0, highest = 0;
    check(cudaDeviceGetStreamPriorityRange(&lowest, &highest), "priorities of streams");
    check(cudaStreamCreateWithPriority(&stream_, cudaStreamNonBlocking, is_urgent ? highest : lowest), "a stream");
  }
  ~Stream() {
    cudaStreamDestroy(stream_);
    cudaGetLastError();
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  operator cudaStream_t() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

// How far a stream has come; `what` is for messages.
class Event {
 public:
  Event() { check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "an event"); }
  ~Event() {
    cudaEventDestroy(event_);
    cudaGetLastError();
  }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void record(cudaStream_t stream, const char* what) { check(cudaEventRecord(event_, stream), what); }
  // The host waits, or what `stream` is given next; neither where it was never recorded.
  void wait(const char* what) { check(cudaEventSynchronize(event_), what); }
  void hold(cudaStream_t stream, const char* what) { check(cudaStreamWaitEvent(stream, event_, 0), what); }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace ts::cuda
