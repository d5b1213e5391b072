// Blocks, threads, barriers and shared memory.
#include "emulation/emulation.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "emulation/asynchronous.h"
#include "emulation/runtime.h"

#ifndef __x86_64__
#error "fibers change stacks by a few instructions of x86-64"
#endif

// Saves this stack's registers and its pointer to *from, goes on where `to` was left.
extern "C" void ts_emulation_switch(void** from, void* to);
asm(R"(
.text
.type ts_emulation_switch, @function
ts_emulation_switch:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
)");

namespace ts::emulation {

Here here;

namespace {

constexpr int kWarp = 32, kMaxThreads = 1024, kMaxCluster = 8, kMaxBarriers = 16;
constexpr size_t kStackBytes = size_t(512) << 10;
constexpr uint32_t kDynamicAddress = 1024, kStaticAddress = 0x80000000u;

// Some threads come, all leave together.
struct Meeting {
  int arrived = 0, line = 0;
  uint64_t generation = 0;
  void* brought[kWarp] = {};
};

struct Barrier {
  Meeting meeting;
  int lines[kMaxThreads / kWarp] = {};  // where each warp's first lane came from
};

class Left final : public Condition {
 public:
  Left(const Meeting& meeting, const char* what) : meeting_(meeting), generation_(meeting.generation), what_(what) {}
  bool holds() const override { return meeting_.generation != generation_; }
  const char* what() const override { return what_; }

 private:
  const Meeting& meeting_;
  uint64_t generation_;
  const char* what_;
};

struct Fiber {
  void* stack_pointer = nullptr;
  std::byte* stack = nullptr;
  const Condition* waiting = nullptr;
  bool is_done = false;
};

struct Block {
  std::unique_ptr<std::byte, decltype(&std::free)> shared{nullptr, std::free};
  Barrier barriers[kMaxBarriers];
  Meeting warps[kMaxThreads / kWarp];
  int left = 0;  // threads that have not ended
};

struct Launch {
  const char* kernel = "no kernel";
  const std::function<void()>* body = nullptr;
  int threads = 0, cluster = 1;  // of a block; blocks that run together
  size_t shared_bytes = 0;
  uint32_t dynamic_address = kDynamicAddress;
  bool is_late = false, is_backward = false;
  Block blocks[kMaxCluster];
  Meeting all;
};

std::mutex running;
std::vector<Fiber> fibers;
Launch* now = nullptr;
int current = -1;
void* scheduler = nullptr;
uint64_t num_launches = 0;

Block& block() { return now->blocks[here.rank]; }

// One meeting for `count` threads: true for the last, who leaves it open.
bool arrive(Meeting& meeting, int count, const char* what) {
  if (++meeting.arrived < count) {
    wait_for(Left(meeting, what));
    return false;
  }
  return true;
}
void release(Meeting& meeting) {
  meeting.arrived = 0;
  ++meeting.generation;
}

extern "C" void ts_emulation_thread() {
  (*now->body)();
  fibers[size_t(current)].is_done = true;
  ts_emulation_switch(&fibers[size_t(current)].stack_pointer, scheduler);
}

void start(Fiber& fiber) {
  if (!fiber.stack) {
    void* memory = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) die("no memory for the threads' stacks");
    fiber.stack = static_cast<std::byte*>(memory);
  }
  void** top = reinterpret_cast<void**>(fiber.stack + kStackBytes - 64);
  *--top = nullptr;  // where ts_emulation_thread would return to
  *--top = reinterpret_cast<void*>(&ts_emulation_thread);
  for (int i = 0; i < 6; ++i) *--top = nullptr;
  fiber.stack_pointer = top;
  fiber.waiting = nullptr;
  fiber.is_done = false;
}

// What nobody has written, or a block had that has ended, is not a number.
void forget_shared(Block& block) {
  if (now->shared_bytes) std::memset(block.shared.get(), 0xFF, now->shared_bytes);
}

// The blocks of one cluster, the first of which is `first`, to their end.
void run_cluster(uint3 first) {
  Launch& launch = *now;
  const int total = launch.threads * launch.cluster;
  for (int rank = 0; rank < launch.cluster; ++rank) {
    Block& block = launch.blocks[rank];
    for (Barrier& barrier : block.barriers) barrier = {};
    for (Meeting& warp : block.warps) warp = {};
    block.left = launch.threads;
    forget_shared(block);
  }
  launch.all = {};
  reset_asynchronous(launch.cluster, launch.threads);
  for (int i = 0; i < total; ++i) start(fibers[size_t(i)]);
  for (int left = total; left > 0;) {
    bool has_run = false;
    for (int turn = 0; turn < total; ++turn) {
      current = launch.is_backward ? total - 1 - turn : turn;
      Fiber& fiber = fibers[size_t(current)];
      if (fiber.is_done || (fiber.waiting && !fiber.waiting->holds())) continue;
      const auto index = unsigned(current % launch.threads), x = here.block_dim.x, y = here.block_dim.y;
      here.index = int(index);
      here.rank = current / launch.threads;
      here.thread = {index % x, index / x % y, index / x / y};
      here.block = {first.x + unsigned(here.rank), first.y, first.z};
      ts_emulation_switch(&scheduler, fiber.stack_pointer);
      has_run = true;
      if (!fiber.is_done) continue;
      --left;
      if (Block& block = launch.blocks[current / launch.threads]; --block.left == 0) forget_shared(block);
    }
    if (has_run || complete_late_copy()) continue;
    for (current = 0; current < total; ++current)
      if (const Fiber& fiber = fibers[size_t(current)]; !fiber.is_done) {
        std::fprintf(stderr, "emulation: thread %d waits for %s\n", current % launch.threads, fiber.waiting->what());
        here.index = current % launch.threads;
        die("the block waits for ever");
      }
  }
}

}  // namespace

void die(const char* what) {
  std::fprintf(stderr, "emulation: %s: %s, in thread %d of block (%u, %u, %u)\n", now ? now->kernel : "no kernel", what, here.index, here.block.x,
               here.block.y, here.block.z);
  std::abort();
}

void run(const char* kernel, const std::function<void()>& body, dim3 grid, dim3 block, size_t shared_bytes, int cluster) {
  const std::lock_guard lock(running);
  Launch launch;
  launch.kernel = kernel;
  launch.body = &body;
  launch.threads = int(block.x * block.y * block.z);
  launch.cluster = cluster;
  launch.shared_bytes = shared_bytes;
  const uint64_t mixed = ++num_launches * 0x9E3779B97F4A7C15u;  // the golden ratio: bits without a period
  launch.is_late = mixed >> 40 & 1;
  launch.is_backward = mixed >> 41 & 1;
  now = &launch;
  here.grid_dim = grid;
  here.block_dim = block;
  if (fibers.size() < size_t(launch.threads * cluster)) fibers.resize(size_t(launch.threads * cluster));
  for (int rank = 0; rank < cluster && shared_bytes; ++rank) {
    void* memory = nullptr;
    if (posix_memalign(&memory, 1024, shared_bytes) != 0) die("no memory for shared memory");
    launch.blocks[rank].shared.reset(static_cast<std::byte*>(memory));
  }
  for (unsigned z = 0; z < grid.z; ++z)
    for (unsigned y = 0; y < grid.y; ++y)
      for (unsigned x = 0; x < grid.x; x += unsigned(cluster)) run_cluster({x, y, z});
  now = nullptr;
  here = {};
  current = -1;
}

bool is_late() { return now->is_late; }

void* dynamic_shared(int alignment) {
  if (now->shared_bytes == 0) return nullptr;
  now->dynamic_address = alignment >= 1024 ? kDynamicAddress : kDynamicAddress + 16;  // no better aligned than asked for
  return block().shared.get();
}

// Static shared memory lies in this library, all of it within 2 GB of any of its variables.
uint32_t shared_address(const void* pointer) {
  const auto* byte = static_cast<const std::byte*>(pointer);
  const std::byte* dynamic = block().shared.get();
  if (dynamic && byte >= dynamic && byte <= dynamic + now->shared_bytes) return now->dynamic_address + uint32_t(byte - dynamic);
  return kStaticAddress + uint32_t(uintptr_t(byte) - uintptr_t(&here) + (kStaticAddress >> 1));
}
std::byte* shared_pointer(uint32_t address, int rank) {
  if (address < kStaticAddress) return now->blocks[rank < 0 ? here.rank : rank].shared.get() + (int64_t(address) - now->dynamic_address);
  if (now->cluster > 1) die("static shared memory of a cluster, which the emulation does not tell apart");
  return reinterpret_cast<std::byte*>(&here) + (int64_t(address - kStaticAddress) - int64_t(kStaticAddress >> 1));
}

void wait_for(const Condition& condition) {
  if (condition.holds()) return;
  Fiber& fiber = fibers[size_t(current)];
  const Here me = here;
  fiber.waiting = &condition;
  ts_emulation_switch(&fiber.stack_pointer, scheduler);
  fiber.waiting = nullptr;
  here = me;
}

void sync_threads(int id, int count, int line) {
  if (id < 0 || id >= kMaxBarriers) die("a barrier that does not exist");
  Barrier& barrier = block().barriers[id];
  int& warp_line = barrier.lines[here.index / kWarp];
  if (warp_line && warp_line != line) die("lanes of a warp come to a barrier from different places");
  warp_line = line;
  if (!arrive(barrier.meeting, count < 0 ? now->threads : count, "a barrier of the block")) return;
  std::memset(barrier.lines, 0, sizeof barrier.lines);
  release(barrier.meeting);
}

void sync_cluster() {
  if (arrive(now->all, now->threads * now->cluster, "a barrier of the cluster")) release(now->all);
}

void meet_warp(int line, void* brought, WarpWork work) {
  Meeting& warp = block().warps[here.index / kWarp];
  if (warp.arrived > 0 && warp.line != line) die("lanes of a warp do different things where they must do one together");
  warp.line = line;
  warp.brought[here.index % kWarp] = brought;
  if (!arrive(warp, kWarp, "the other lanes of its warp")) return;
  work(warp.brought);
  release(warp);
}

float shuffle_xor(float value, int mask, int line) {
  struct Lane {
    float value;
    int mask;
    float result;
  } lane{value, mask, 0};
  meet_warp(line, &lane, [](void* const (&lanes)[32]) {
    for (int i = 0; i < 32; ++i) {
      Lane& to = *static_cast<Lane*>(lanes[i]);
      to.result = static_cast<const Lane*>(lanes[i ^ to.mask])->value;
    }
  });
  return lane.result;
}

}  // namespace ts::emulation
