#include <cuda_runtime.h>

#include <array>
#include <utility>

#include "ops/cuda/cuda.h"
#include "ops/cuda/devices.h"
#include "ops/cuda/guarded.h"
#include "ops/cuda/launch.h"
#include "ops/plugin.h"

namespace ts::cuda {
namespace {

// THINKSOUND_CUDA_GRAPHS=0 has every operator started by itself, for profilers and to look for faults.
bool records() { return !is_switched_off("THINKSOUND_CUDA_GRAPHS"); }

// Products of e4m3 are in Ada, Hopper and what came after them.
bool has_fp8(int index) {
  int major = 0, minor = 0;
  const bool is_known = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, index) == cudaSuccess &&
                        cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, index) == cudaSuccess;
  cudaGetLastError();  // there are fewer devices than tables
  return is_known && 10 * major + minor >= 89;
}

template <int index>
OperatorTable make_table() {
  OperatorTable table;
  table.name = "cuda";
  table.build_id = kBackendBuildId;
  table.is_host = false;
  table.has_f16 = table.has_int8 = true;
  table.has_fp8 = has_fp8(index);
  table.finish = [] { guarded([] { cuda::finish(index); }); };
  if (records()) {
    table.begin_recording = [] { guarded([] { cuda::begin_recording(index); }); };
    table.end_recording = [] { return guarded([] { return cuda::end_recording(index); }); };
    table.replay = [](void* recording) { guarded([&] { cuda::replay(index, recording); }); };
    table.forget_recording = [](void* recording) { cuda::forget_recording(index, recording); };
  }
  table.begin_branches = [](int32_t count) { guarded([&] { cuda::begin_branches(index, count); }); };
  table.enter_branch = [](int32_t branch) { guarded([&] { cuda::enter_branch(index, branch); }); };
  table.end_branches = [] { guarded([] { cuda::end_branches(index); }); };
  table.begin_beside = [] { guarded([] { cuda::begin_beside(index); }); };
  table.end_beside = [] { guarded([] { cuda::end_beside(index); }); };
  table.allocate = [](int64_t bytes) { return guarded([&] { return cuda::allocate(index, bytes); }); };
  table.release = [](void* memory) { cuda::release(index, memory); };
  table.copy_to_device = [](void* device, const void* host, int64_t bytes) { guarded([&] { cuda::copy_to_device(index, device, host, bytes); }); };
  table.copy_to_host = [](void* host, const void* device, int64_t bytes) { guarded([&] { cuda::copy_to_host(index, host, device, bytes); }); };
  table.pack_weight = Guarded<cuda::pack_weight>::call;
  table.pack_gated_weight = Guarded<cuda::pack_gated_weight>::call;
  table.fill = Guarded<cuda::fill>::call;
  table.linear = Guarded<cuda::linear>::call;
  table.gated_linear = Guarded<cuda::gated_linear>::call;
  table.qkv_projection = Guarded<cuda::qkv_projection>::call;
  table.layer_norm = Guarded<cuda::layer_norm>::call;
  table.layer_norm_modulate = Guarded<cuda::layer_norm_modulate>::call;
  table.rms_norm = Guarded<cuda::rms_norm>::call;
  table.attention = Guarded<cuda::attention>::call;
  table.divided_attention = Guarded<cuda::divided_attention>::call;
  table.add = Guarded<cuda::add>::call;
  table.multiply_add = Guarded<cuda::multiply_add>::call;
  table.activate = Guarded<cuda::activate>::call;
  table.scale_add = Guarded<cuda::scale_add>::call;
  table.copy_block = Guarded<cuda::copy_block>::call;
  table.gather_rows = Guarded<cuda::gather_rows>::call;
  table.embed = Guarded<cuda::embed>::call;
  table.mean_rows = Guarded<cuda::mean_rows>::call;
  table.max_rows = Guarded<cuda::max_rows>::call;
  table.resample_rows = Guarded<cuda::resample_rows>::call;
  table.transpose = Guarded<cuda::transpose>::call;
  table.stores_snake = true;
  table.snake = Guarded<cuda::snake>::call;
  table.snake_conv1d = Guarded<cuda::snake_conv1d>::call;
  table.snake_conv_transpose1d = Guarded<cuda::snake_conv_transpose1d>::call;
  table.depthwise_conv_norm = Guarded<cuda::depthwise_conv_norm>::call;
  table.guide = Guarded<cuda::guide>::call;
  table.guided_euler_step = Guarded<cuda::guided_euler_step>::call;
  table.resize = Guarded<cuda::resize>::call;
  table.normalise = Guarded<cuda::normalise>::call;
  table.patchify = Guarded<cuda::patchify>::call;
  return table;
}

template <int... indices>
const std::array<OperatorTable, kMaxDevices>& make_tables(std::integer_sequence<int, indices...>) {
  static const std::array<OperatorTable, kMaxDevices> tables{make_table<indices>()...};
  return tables;
}

const std::array<OperatorTable, kMaxDevices>& tables() { return make_tables(std::make_integer_sequence<int, kMaxDevices>()); }

}  // namespace

const OperatorTable& table(int index) { return tables()[size_t(index)]; }
int device_of(const OperatorTable& table) { return int(&table - tables().data()); }

}  // namespace ts::cuda
