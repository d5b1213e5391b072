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

#include "ops/table.h"

namespace ts {

// One body for one set of tensors. Lives no longer than the memory that its body works on; one thread.
class Replay {
 public:
  explicit Replay(Context& ctx) : ctx_(ctx) {}
  ~Replay() {
    if (recording_) ctx_.table().forget_recording(recording_);
  }
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  // `body` may only call operators, between tensors whose places do not change from call to call, and may not copy from
  // or to the host: that would be the same bytes for ever.
  template <class Body>
  void run(const Body& body) {
    const OperatorTable& table = ctx_.table();
    if (!table.begin_recording || ctx_.planning() || ctx_.probing() || num_runs_++ == 0) return body();
    if (!recording_) record(body);
    table.replay(recording_);
  }

 private:
  template <class Body>
  void record(const Body& body) {
    ctx_.table().begin_recording();
    try {
      body();
    } catch (...) {
      if (void* half = ctx_.table().end_recording()) ctx_.table().forget_recording(half);
      throw;
    }
    recording_ = ctx_.table().end_recording();
  }

  Context& ctx_;
  void* recording_ = nullptr;
  int64_t num_runs_ = 0;
};

}  // namespace ts
