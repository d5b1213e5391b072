#include <array>
#include <utility>

#include "ops/cuda/cuda.h"
#include "ops/cuda/devices.h"
#include "ops/plugin.h"

namespace ts::cuda {
namespace {

template <int index>
OperatorTable make_table() {
  OperatorTable table;
  table.name = "cuda";
  table.build_id = kBackendBuildId;
  table.is_host = false;
  table.allocate = [](int64_t bytes) { return cuda::allocate(index, bytes); };
  table.release = [](void* memory) { cuda::release(index, memory); };
  table.copy_to_device = [](void* device, const void* host, int64_t bytes) { cuda::copy_to_device(index, device, host, bytes); };
  table.copy_to_host = [](void* host, const void* device, int64_t bytes) { cuda::copy_to_host(index, host, device, bytes); };
  table.finish = [] { cuda::finish(index); };
  table.pack_weight = cuda::pack_weight;
  table.pack_gated_weight = cuda::pack_gated_weight;
  table.fill = cuda::fill;
  table.linear = cuda::linear;
  table.gated_linear = cuda::gated_linear;
  table.qkv_projection = cuda::qkv_projection;
  table.layer_norm = cuda::layer_norm;
  table.layer_norm_modulate = cuda::layer_norm_modulate;
  table.rms_norm = cuda::rms_norm;
  table.attention = cuda::attention;
  table.divided_attention = cuda::divided_attention;
  table.add = cuda::add;
  table.multiply_add = cuda::multiply_add;
  table.activate = cuda::activate;
  table.scale_add = cuda::scale_add;
  table.copy_block = cuda::copy_block;
  table.gather_rows = cuda::gather_rows;
  table.embed = cuda::embed;
  table.mean_rows = cuda::mean_rows;
  table.max_rows = cuda::max_rows;
  table.resample_rows = cuda::resample_rows;
  table.transpose = cuda::transpose;
  table.snake = cuda::snake;
  table.snake_conv1d = cuda::snake_conv1d;
  table.snake_conv_transpose1d = cuda::snake_conv_transpose1d;
  table.depthwise_conv_norm = cuda::depthwise_conv_norm;
  table.guide = cuda::guide;
  table.guided_euler_step = cuda::guided_euler_step;
  table.resize = cuda::resize;
  table.normalise = cuda::normalise;
  table.patchify = cuda::patchify;
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
