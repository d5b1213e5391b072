#include "ops/plugin.h"

#include "core/log.h"

namespace ts {

const BackendHost& backend_host() {
  static const BackendHost host{.raise = [](ts_status status, const char* message) { fail(status, message); },
                                .log = [](ts_log_level level, const char* line) { log(level, line); }};
  return host;
}

}  // namespace ts
