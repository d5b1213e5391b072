// Branches (ops/branches.h) as streams beside the thread's own, tied to it by events; a recording holds them as branches of its
// graph.
#include <array>
#include <deque>
#include <vector>

#include "ops/cuda/devices.h"
#include "ops/cuda/stream.h"

namespace ts::cuda {
namespace {

// A stream and how far it, or the one it was forked from, has come.
struct Lane {
  explicit Lane(bool is_urgent) : stream(is_urgent) {}
  Stream stream;
  Event reached;
};

// One set of branches: lanes [first, first + count) of the thread's.
struct Fork {
  cudaStream_t parent;
  size_t first;
  int32_t count;
};

// A thread's lanes on one device, made as they are needed, and the forks that it is within.
struct Lanes {
  std::deque<Lane> lanes;
  std::vector<Fork> forks;
  cudaStream_t current = cudaStreamPerThread;

  void make(size_t count, bool is_first_urgent) {
    for (bool is_urgent = is_first_urgent; lanes.size() < count; is_urgent = false) lanes.emplace_back(is_urgent);
  }
};

Lanes& lanes_of(int index) {
  thread_local std::array<Lanes, kMaxDevices> of_devices;
  return of_devices[size_t(index)];
}

}  // namespace

cudaStream_t branch_stream(int index) { return lanes_of(index).current; }

// Lanes of forks at the same depth are the same ones, the first of them the one with priority. THINKSOUND_CUDA_BRANCHES=0: there
// are none, and the branches run one after the other.
void begin_branches(int index, int32_t count) {
  check(cudaSetDevice(index), "cudaSetDevice");
  if (is_switched_off("THINKSOUND_CUDA_BRANCHES")) count = 0;
  Lanes& all = lanes_of(index);
  const size_t first = all.forks.empty() ? 0 : all.forks.back().first + size_t(all.forks.back().count);
  if (all.lanes.size() < first + size_t(count)) all.make(first + size_t(count), all.lanes.size() == first);
  all.forks.push_back({all.current, first, count});
  if (count == 0) return;
  Event& begun = all.lanes[first].reached;
  begun.record(all.current, "the begin of branches");
  for (int32_t i = 0; i < count; ++i) begun.hold(all.lanes[first + size_t(i)].stream, "the begin of branches");
}

void enter_branch(int index, int32_t branch) {
  Lanes& all = lanes_of(index);
  if (all.forks.back().count > 0) all.current = all.lanes[all.forks.back().first + size_t(branch)].stream;
}

void end_branches(int index) {
  Lanes& all = lanes_of(index);
  const Fork fork = all.forks.back();
  all.forks.pop_back();
  all.current = fork.parent;
  for (size_t i = fork.first; i < fork.first + size_t(fork.count); ++i) {
    all.lanes[i].reached.record(all.lanes[i].stream, "the end of branches");
    all.lanes[i].reached.hold(fork.parent, "the end of branches");
  }
}

}  // namespace ts::cuda
