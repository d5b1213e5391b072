#include "ops/plugin.h"

namespace ts {

const BackendHost& backend_host() {
  static const BackendHost host{[](ts_status status, const char* message) { fail(status, message); }};
  return host;
}

}  // namespace ts
