// Operators that do not read each other's results, side by side where the device can: small ones leave most of it idle.
#pragma once

#include <exception>

#include "ops/table.h"

namespace ts {

// Calls body(0) … body(count − 1), each of which may call operators, allocate what outlives it, and have branches of its own.
// Branch 0 is the one that others wait for longest. None may copy from or to the host.
template <class Body>
void side_by_side(Context& ctx, int32_t count, const Body& body) {
  const OperatorTable& table = ctx.table();
  const auto in_turn = [&] {
    for (int32_t i = 0; i < count; ++i) body(i);
  };
  if (!table.begin_branches || ctx.has_listener()) return in_turn();  // listeners copy to the host
  const Arena::Hold hold(ctx.arena());  // what one branch gives back, another could take while it is still read
  if (ctx.planning()) return in_turn();
  table.begin_branches(count);
  try {
    for (int32_t i = 0; i < count; ++i) {
      table.enter_branch(i);
      body(i);
    }
  } catch (...) {
    const std::exception_ptr first = std::current_exception();
    try {
      table.end_branches();  // a recording with loose ends could not be ended
    } catch (...) {
    }
    std::rethrow_exception(first);
  }
  table.end_branches();
}

}  // namespace ts
