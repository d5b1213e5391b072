// A line is a stream and a ring of pinned memory. Host memory passes through the ring:
//
//   pageable ─ threads of the engine ─► slot of 4 MB ─ the card fetches it, beside its work ─► device
//
// because a copy straight out of pageable memory waits for what its stream has still to do, and is made by one thread. A
// slot is filled again when the card has fetched it. The stream has the higher priority: a resize of some microseconds is
// not to wait behind the products of a tower.
//
// Lines are a device's, lent to one thread at a time and kept as long as the program: as many as there were threads at once. They outlive the destructors of the program, when the driver may be gone.
#include "ops/cuda/beside.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "ops/cuda/stream.h"

namespace ts::cuda {
namespace {

constexpr int kSlots = 3;
constexpr int64_t kSlotBytes = 4 << 20;
constexpr int64_t kGatherBytes = 256 << 10;  // of a slot, by one thread

// Null where no memory can be pinned.
std::byte* pinned(int64_t bytes) {
  void* memory = nullptr;
  if (cudaHostAlloc(&memory, size_t(bytes), cudaHostAllocDefault) == cudaSuccess) return static_cast<std::byte*>(memory);
  cudaGetLastError();
  return nullptr;
}

// Bytes [begin, begin + bytes) of `rows` laid one after the other.
void gather(std::byte* to, const HostRows& rows, int64_t begin, int64_t bytes) {
  while (bytes > 0) {
    const int64_t row = begin / rows.row_bytes, offset = begin % rows.row_bytes, count = std::min(bytes, rows.row_bytes - offset);
    std::memcpy(to, rows.first + row / rows.num_rows * rows.frame_step + row % rows.num_rows * rows.row_step + offset, size_t(count));
    to += count;
    begin += count;
    bytes -= count;
  }
}

class Line {
 public:
  cudaStream_t stream() const { return stream_; }
  bool is_pinned() const { return ring_ != nullptr; }

  void copy(void* device, const HostRows& rows, Parallel& parallel) {
    const int64_t total = rows.row_bytes * rows.num_rows * rows.num_frames;
    for (int64_t begin = 0; begin < total; begin += kSlotBytes) {
      const int64_t bytes = std::min(kSlotBytes, total - begin);
      std::byte* slot = ring_ + next_ * kSlotBytes;
      fetched_[next_].wait("the copies before");
      parallel_blocks(parallel, bytes, kGatherBytes, [&](int64_t from, int64_t end) { gather(slot + from, rows, begin + from, end - from); });
      check(cudaMemcpyAsync(static_cast<std::byte*>(device) + begin, slot, size_t(bytes), cudaMemcpyHostToDevice, stream_), "copy to the device");
      fetched_[next_].record(stream_, "a copy to the device");
      next_ = (next_ + 1) % kSlots;
    }
  }
  // What `stream` is given next comes after all that this line has been given.
  void join(cudaStream_t stream) {
    end_.record(stream_, "the end of a line");
    hold(stream);
  }
  // The same for what it had been given when it was last joined, by whichever thread.
  void hold(cudaStream_t stream) { end_.hold(stream, "the end of a line"); }

 private:
  Stream stream_{true};
  std::byte* ring_ = pinned(kSlots * kSlotBytes);  // null: copies are made out of pageable memory
  Event fetched_[kSlots], end_;
  int next_ = 0;
};

// A device's lines that no thread is on; made with that device current.
class IdleLines {
 public:
  std::unique_ptr<Line> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Line> line = std::move(idle_.back());
        idle_.pop_back();
        return line;
      }
    }
    return std::make_unique<Line>();
  }
  void give(std::unique_ptr<Line> line) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(line));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Line>> idle_;
};
IdleLines& idle_lines(int index) {
  static IdleLines* all = new IdleLines[kMaxDevices];
  return all[index];
}

thread_local Line *line = nullptr, *last = nullptr;  // that this thread is on, and was on last

}  // namespace

cudaStream_t current_stream(int index) { return line ? line->stream() : branch_stream(index); }

bool copy_through_line(void* device, const HostRows& rows, Parallel& parallel) {
  if (!line || !line->is_pinned()) return false;
  line->copy(device, rows, parallel);
  return true;
}

void begin_beside(int index) {
  check(cudaSetDevice(index), "cudaSetDevice");
  require(!line, "cuda: work beside work beside work");
  std::unique_ptr<Line> begun = idle_lines(index).take();
  if (last && last != begun.get()) last->hold(begun->stream());  // work of two lines may share memory, as that of one may
  line = last = begun.release();
}

// Another thread may have the line next: what it starts there comes after what was started here, which is soon done.
void end_beside(int index) {
  check(cudaSetDevice(index), "cudaSetDevice");
  std::unique_ptr<Line> ended(std::exchange(line, nullptr));
  try {
    ended->join(cudaStreamPerThread);
  } catch (...) {
    idle_lines(index).give(std::move(ended));
    throw;
  }
  idle_lines(index).give(std::move(ended));
}

}  // namespace ts::cuda
