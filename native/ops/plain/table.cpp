#include <cstring>
#include <new>

#include "ops/plain/plain.h"
#include "ops/plugin.h"

namespace ts {
namespace {

constexpr std::align_val_t kHostAlignment{Arena::kAlignment};

void* allocate(int64_t bytes) { return ::operator new(size_t(bytes), kHostAlignment, std::nothrow); }
void release(void* memory) { ::operator delete(memory, kHostAlignment); }
void copy(void* to, const void* from, int64_t bytes) { std::memcpy(to, from, size_t(bytes)); }

OperatorTable make_table() {
  OperatorTable table;
  table.name = "plain";
  table.build_id = kBackendBuildId;
  table.is_host = true;
  table.has_f16 = table.has_int8 = true;
  table.allocate = allocate;
  table.release = release;
  table.copy_to_device = copy;
  table.copy_to_host = copy;
  table.pack_weight = plain::pack_weight;
  table.pack_gated_weight = plain::pack_gated_weight;
  table.fill = plain::fill;
  table.linear = plain::linear;
  table.gated_linear = plain::gated_linear;
  table.qkv_projection = plain::qkv_projection;
  table.layer_norm = plain::layer_norm;
  table.layer_norm_modulate = plain::layer_norm_modulate;
  table.rms_norm = plain::rms_norm;
  table.attention = plain::attention;
  table.divided_attention = plain::divided_attention;
  table.add = plain::add;
  table.multiply_add = plain::multiply_add;
  table.activate = plain::activate;
  table.scale_add = plain::scale_add;
  table.copy_block = plain::copy_block;
  table.gather_rows = plain::gather_rows;
  table.embed = plain::embed;
  table.mean_rows = plain::mean_rows;
  table.max_rows = plain::max_rows;
  table.resample_rows = plain::resample_rows;
  table.transpose = plain::transpose;
  table.stores_snake = true;
  table.snake = plain::snake;
  table.snake_conv1d = plain::snake_conv1d;
  table.snake_conv_transpose1d = plain::snake_conv_transpose1d;
  table.depthwise_conv_norm = plain::depthwise_conv_norm;
  table.guide = plain::guide;
  table.guided_euler_step = plain::guided_euler_step;
  table.resize = plain::resize;
  table.normalise = plain::normalise;
  table.patchify = plain::patchify;
  return table;
}

}  // namespace

const OperatorTable& plain_table() {
  static const OperatorTable table = make_table();
  return table;
}

}  // namespace ts
