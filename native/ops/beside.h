// A second line of work: what is brought to the device, and made ready there, while the thread's own work runs.
//
//   line          frames 0 │ frames 1 │ frames 2 │
//   the thread             │ tower 0  │ tower 1  │ tower 2
//
// Where operators return with their work done there is no such line, and everything runs in its turn.
#pragma once

#include "ops/table.h"

namespace ts {

class Beside {
 public:
  // Takes from ctx's arena what `body` needs when it is called with a Context that plans: for as long as the caller's scope.
  template <class Body>
  Beside(Context& ctx, const Body& body) : ctx_(ctx) {
    if (!exists(ctx)) return;
    Arena plan = Arena::planning();
    Context planning(ctx.table(), plan, ctx.parallel(), ctx.product_dtype());
    body(planning);
    memory_ = ctx.arena().allocate<uint8_t>({plan.high_water()});
  }

  static bool exists(const Context& ctx) { return ctx.table().begin_beside != nullptr; }

  // Starts body(Context&) beside all that the thread has started; what it starts next comes after both. Beside means: the
  // body reads and writes nothing that unfinished work writes, and writes nothing that it reads. What the thread has waited
  // for is finished (ops::download), what it has merely started is not.
  template <class Body>
  void run(const Body& body) {
    if (!exists(ctx_)) return body(ctx_);
    if (ctx_.planning()) return;  // memory_ is the plan
    Arena arena(memory_.data, memory_.numel());
    Context beside(ctx_.table(), arena, ctx_.parallel(), ctx_.product_dtype());
    ctx_.table().begin_beside();
    try {
      body(beside);
    } catch (...) {
      ctx_.table().end_beside();
      throw;
    }
    ctx_.table().end_beside();
  }

 private:
  Context& ctx_;
  Tensor memory_;
};

}  // namespace ts
