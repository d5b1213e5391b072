#include "abi/guard.h"
#include "core/log.h"
#include "runtime/device.h"

using namespace ts;
using namespace ts::abi;

extern "C" {

void ts_set_log(ts_log_fn callback, void* user_data, ts_log_level level) {
  guarded([&] { set_log(callback, user_data, level); });
}

void ts_device_info_init(ts_device_info* info) { init_struct(info); }

uint32_t ts_device_count(void) {
  uint32_t count = 0;
  guarded([&] { count = uint32_t(devices().size()); });
  return count;
}

ts_status ts_device_get(uint32_t index, ts_device_info* info) {
  return guarded([&] {
    require(index < devices().size(), "device ", index, " of ", devices().size());
    const Device& device = devices()[index];
    ts_device_info value{};
    value.available = device.table != nullptr;
    copy_text(value.id, device.id);
    copy_text(value.name, device.name);
    copy_text(value.detail, device.detail);
    value.memory_bytes = device.memory_bytes;
    value.num_threads = device.num_threads;
    value.has_bf16 = device.has_bf16;
    write_struct(info, value, "ts_device_info");
  });
}

}  // extern "C"
