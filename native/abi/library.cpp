// Version, errors and logging: what belongs to the library and not to a handle.
#include "abi/guard.h"
#include "core/log.h"

namespace {
thread_local std::string last_error;
}

namespace ts::abi {

void set_last_error(const char* message) noexcept {
  try {
    last_error = message;
  } catch (...) {  // no memory even for the sentence: the status still tells
    last_error.clear();
  }
}

}  // namespace ts::abi

extern "C" {

uint32_t ts_abi_version(void) { return TS_ABI_VERSION; }
const char* ts_version(void) { return TS_VERSION; }
const char* ts_last_error(void) { return last_error.c_str(); }

const char* ts_status_name(ts_status status) {
  switch (status) {
    case TS_OK: return "TS_OK";
    case TS_INVALID_ARGUMENT: return "TS_INVALID_ARGUMENT";
    case TS_BUFFER_TOO_SMALL: return "TS_BUFFER_TOO_SMALL";
    case TS_NOT_FOUND: return "TS_NOT_FOUND";
    case TS_IO_ERROR: return "TS_IO_ERROR";
    case TS_BAD_WEIGHTS: return "TS_BAD_WEIGHTS";
    case TS_BAD_BUNDLE: return "TS_BAD_BUNDLE";
    case TS_BAD_MEDIA: return "TS_BAD_MEDIA";
    case TS_OUT_OF_MEMORY: return "TS_OUT_OF_MEMORY";
    case TS_DEVICE_ERROR: return "TS_DEVICE_ERROR";
    case TS_CANCELLED: return "TS_CANCELLED";
    case TS_UNSUPPORTED: return "TS_UNSUPPORTED";
    case TS_INTERNAL: return "TS_INTERNAL";
    default: return "unknown status";
  }
}

}  // extern "C"
