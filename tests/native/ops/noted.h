// For what only asks a table to do something in the right order: a table that notes its calls, and a context to call it in.
#pragma once

#include <string>

#include "ops/harness.h"

namespace ts::test {

inline std::string calls;  // what the table and the bodies noted since the last Run

struct Run {
  explicit Run(const OperatorTable& table, bool planning = false)
      : block(allocate_buffer(table, DType::u8, {kBytes})), arena(planning ? Arena::planning() : Arena(block.tensor().data, kBytes)),
        ctx(table, arena, serial, DType::f32) {
    calls.clear();
  }
  static constexpr int64_t kBytes = 1024;
  Serial serial;
  Buffer block;
  Arena arena;
  Context ctx;
};

}  // namespace ts::test
