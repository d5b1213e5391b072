// The same operators with the same arguments again and again, as a denoising step is: where the device can, they are
// recorded once and then started with one call instead of some hundred.
//
//   call        1      2                    3, 4, …
//   operators   run    are recorded         are not called
//   device      runs   runs the recording   runs the recording
//
// Nothing waits inside, except that the caller is held back while more than two replays are outstanding: so that
// progress means something and a cancelled loop ends soon.
#pragma once

#include <algorithm>
#include <list>
#include <vector>

#include "ops/table.h"

namespace ts {

// One body for one set of tensors. Lives no longer than the memory that its body works on; one call at a time.
class Replay {
 public:
  explicit Replay(const OperatorTable& table) : table_(table) {}
  ~Replay() {
    if (recording_) table_.forget_recording(recording_);
  }
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  // `body` may only call operators, between tensors whose places do not change from call to call, and may not copy from
  // or to the host: that would be the same bytes for ever.
  template <class Body>
  void run(Context& ctx, const Body& body) {
    if (!table_.begin_recording || ctx.planning() || ctx.probing()) return body();
    if (!has_run_) {
      body();
      has_run_ = true;
      return;
    }
    if (!recording_) record(body);
    table_.replay(recording_);
  }

 private:
  template <class Body>
  void record(const Body& body) {
    table_.begin_recording();
    try {
      body();
    } catch (...) {
      if (void* half = table_.end_recording()) table_.forget_recording(half);
      throw;
    }
    recording_ = table_.end_recording();
  }

  const OperatorTable& table_;
  void* recording_ = nullptr;
  bool has_run_ = false;  // to its end: what the first call loads or measures is there
};

// Replays that outlive a run, since a recording takes as long to make as several steps. One call at a time.
class Replays {
 public:
  explicit Replays(const OperatorTable& table) : table_(table) {}

  // That of a body: `key` has all that the body's operators depend on but the contents of device memory and where ctx's arena
  // begins for them, which is added. Valid until the next call; of more than kMost the one that was not wanted for longest is
  // forgotten.
  Replay& of(Context& ctx, std::vector<int64_t> key) {
    key.push_back(ctx.arena().used());
    auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return kept.key == key; });
    if (found == kept_.end()) {
      if (kept_.size() >= kMost) kept_.pop_back();
      kept_.emplace_front(key, table_);
    } else {
      kept_.splice(kept_.begin(), kept_, found);
    }
    return kept_.front().replay;
  }
  // Before the memory goes that the bodies work on.
  void clear() { kept_.clear(); }

 private:
  static constexpr size_t kMost = 4;
  struct Kept {
    Kept(const std::vector<int64_t>& key, const OperatorTable& table) : key(key), replay(table) {}
    std::vector<int64_t> key;
    Replay replay;
  };

  const OperatorTable& table_;
  std::list<Kept> kept_;
};

}  // namespace ts
