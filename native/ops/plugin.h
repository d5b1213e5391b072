// The door between libthinksound and a backend that is a library of its own (libthinksound_cuda).
//
// Both sides are built from the same tree; there is no second ABI to keep stable. The plug-in exports one symbol,
// `ts_backend_plugin`, and is refused unless its build id is ours.
#pragma once

#include <cstdint>

#include "ops/table.h"

namespace ts {

// Changes with the size of the table and of everything that crosses; the version covers the rest.
constexpr uint64_t kBackendBuildId = (uint64_t(sizeof(OperatorTable)) << 32) ^ (uint64_t(sizeof(Context)) << 20) ^
                                     (uint64_t(sizeof(Tensor)) << 10) ^ uint64_t(sizeof(PackedWeight)) ^ (uint64_t(3) << 60);

struct BackendDevice {
  char name[128];
  char uuid[64];             // "GPU-…", the same wherever the card is plugged in; empty when unknown
  char detail[512];          // when `table` is null: why, and what to do
  uint64_t memory_bytes;
  bool has_bf16;
  char capability[8];        // compute capability, "8.6"
  const OperatorTable* table;
};

// What libthinksound does for a plug-in. Each of the two carries its own C++ runtime, and an exception must be thrown and
// caught by the same one: a plug-in catches its own at its door and has `raise`, which never returns, throw an Error in their stead.
struct BackendHost {
  void (*raise)(ts_status status, const char* message);
  // A line for the library's log (core/log.h), of which a plug-in has a copy that nobody listens to.
  void (*log)(ts_log_level level, const char* line);
};
const BackendHost& backend_host();

struct BackendPlugin {
  uint64_t build_id;
  // Number of devices; 0 with the reason in `why` when there is none. Never throws.
  int32_t (*count)(char* why, uint64_t capacity);
  void (*describe)(int32_t index, BackendDevice* device);
};
using BackendPluginEntry = const BackendPlugin* (*)(const BackendHost& host);
constexpr const char* kBackendPluginSymbol = "ts_backend_plugin";

}  // namespace ts
