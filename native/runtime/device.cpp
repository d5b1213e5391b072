#include "runtime/device.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "core/log.h"
#include "ops/plugin.h"
#include "runtime/thread_pool.h"

namespace ts {
namespace {

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "CPU";
}

bool has_bf16_products() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

std::string instruction_sets() {
  std::string text;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) text += " AVX2";
  if (__builtin_cpu_supports("avx512f")) text += " AVX-512";
  if (__builtin_cpu_supports("avx512bf16")) text += " AVX-512-BF16";
#endif
  return text.empty() ? " none beyond the baseline" : text;
}

Device cpu_device(const char* id, const OperatorTable& table, bool bf16) {
  Device device;
  device.id = id;
  device.name = processor_name();
  device.detail = concat("backend ", table.name, "; instruction sets:", instruction_sets());
  device.table = &table;
  device.memory_bytes = uint64_t(sysconf(_SC_PHYS_PAGES)) * uint64_t(sysconf(_SC_PAGESIZE));
  device.num_threads = uint32_t(num_physical_cores());
  device.has_bf16 = bf16;
  return device;
}

// Beside this library, unless THINKSOUND_CUDA_LIBRARY names another.
std::string plugin_path() {
  if (const char* path = std::getenv("THINKSOUND_CUDA_LIBRARY")) return path;
  Dl_info info;
  if (dladdr(reinterpret_cast<const void*>(&devices), &info) && info.dli_fname) {
    const std::string self = info.dli_fname;
    if (const size_t slash = self.rfind('/'); slash != std::string::npos) return self.substr(0, slash + 1) + "libthinksound_cuda.so";
  }
  return "libthinksound_cuda.so";
}

Device missing_cuda(const std::string& why) {
  Device device;
  device.id = "cuda";
  device.name = "NVIDIA GPU";
  device.detail = why;
  return device;
}

void add_cuda_devices(std::vector<Device>& list) {
  const std::string path = plugin_path();
  if (access(path.c_str(), R_OK) != 0) {
    list.push_back(missing_cuda(concat("the CUDA backend is not installed: ", path, " is not there; build it with the preset `cuda`")));
    return;
  }
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* why = dlerror();
    list.push_back(missing_cuda(concat(path, " cannot be loaded: ", why ? why : "no reason given")));
    return;
  }
  const auto entry = reinterpret_cast<BackendPluginEntry>(dlsym(library, kBackendPluginSymbol));
  const BackendPlugin* plugin = entry ? entry(backend_host()) : nullptr;
  if (!plugin || plugin->build_id != kBackendBuildId) {
    list.push_back(missing_cuda(concat(path, " belongs to another build of ThinkSound; install both libraries from one build")));
    return;
  }
  char why[512] = "";
  const int32_t count = plugin->count(why, sizeof why);
  if (count <= 0) list.push_back(missing_cuda(why));
  for (int32_t i = 0; i < count; ++i) {
    BackendDevice found{};
    plugin->describe(i, &found);
    Device device;
    device.id = concat("cuda:", i);
    device.uuid = found.uuid;
    device.name = found.name;
    device.detail = found.detail;
    device.table = found.table;
    device.memory_bytes = found.memory_bytes;
    device.has_bf16 = found.has_bf16;
    device.capability = found.capability;
    list.push_back(device);
  }
}

std::vector<Device> find_devices() {
  std::vector<Device> list;
  list.push_back(cpu_device("cpu", cpu_table(), has_bf16_products()));
  list.push_back(cpu_device("cpu:plain", plain_table(), false));
  add_cuda_devices(list);
  for (const Device& device : list) log(TS_LOG_DEBUG, "device ", device.id, device.table ? ": " : " (not available): ", device.detail);
  return list;
}

}  // namespace

const std::vector<Device>& devices() {
  static const std::vector<Device> list = find_devices();
  return list;
}

DeviceChoice choose_device(const std::string& name) {
  const std::vector<Device>& list = devices();
  const Device* cuda = nullptr;  // the first that works, else the first that says why not
  for (const Device& device : list)
    if (device.id.rfind("cuda", 0) == 0 && (!cuda || (!cuda->table && device.table))) cuda = &device;
  if (name.empty() || name == "auto") {
    if (cuda && cuda->table) return {cuda, concat(cuda->id, ": the first GPU that works")};
    return {&list.front(), concat("cpu, because there is no GPU to use: ", cuda ? cuda->detail : "none known")};
  }
  const bool is_uuid = name.rfind("cuda:GPU-", 0) == 0;
  const Device* found = name == "cuda" ? cuda : nullptr;
  for (const Device& device : list)
    if (device.id == name || (is_uuid && device.uuid.rfind(name.substr(5), 0) == 0)) {
      require(!found || !is_uuid, "device \"", name, "\" could be ", found ? found->uuid : "", " or ", device.uuid, "; write more of it");
      found = &device;
    }
  if (!found && name.rfind("cuda:", 0) == 0) found = cuda && !cuda->table ? cuda : nullptr;
  require(found != nullptr, "device \"", name, "\" is not known; there are auto, cpu, cpu:plain, cuda, cuda:<index> and cuda:GPU-<uuid>");
  if (!found->table) fail(TS_DEVICE_ERROR, "device \"", name, "\" cannot be used: ", found->detail);
  return {found, concat(found->id, ", as asked for")};
}

std::optional<Precision> precision_of(ts_precision precision, const Device& device) {
  const auto needs = [&](bool has, const char* name, const char* what) {
    if (!has)
      fail(TS_DEVICE_ERROR, "precision ", name, ": device ", device.id, " has ", what, "; take f32 or bf16, or a device that has it: cuda, cpu:plain");
  };
  switch (precision) {
    case TS_PRECISION_AUTO: return std::nullopt;
    case TS_PRECISION_F32: return Precision{DType::f32};
    case TS_PRECISION_BF16: return Precision{DType::bf16};
    case TS_PRECISION_F16: needs(device.table->has_f16, "f16", "no products of f16"); return Precision{DType::f16};
    case TS_PRECISION_INT8: needs(device.table->has_int8, "int8", "no weights of 8 bits"); return Precision{DType::bf16, WeightFormat::int8};
    case TS_PRECISION_FP8:
      if (!device.table->has_fp8)
        fail(TS_DEVICE_ERROR, "precision fp8: device ", device.id, " (", device.name, device.capability.empty() ? "" : ", compute capability ", device.capability,
             ") has no products of 8-bit floats, which GPUs of compute capability 8.9 or later have; take bf16", device.table->has_int8 ? " or int8" : " or f32");
      return Precision{DType::bf16, WeightFormat::fp8};
  }
  fail(TS_INVALID_ARGUMENT, "precision ", precision, " is not known");
}

}  // namespace ts
