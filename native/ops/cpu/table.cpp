#include "ops/cpu/table.h"

#include <hwy/targets.h>

#include "ops/cpu/cpu.h"
#include "ops/cpu/packed_weight.h"

namespace ts::cpu {
namespace {

OperatorTable make_table() {
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());  // once, so that no kernel has to ask the processor
  OperatorTable table = plain_table();
  table.name = "cpu";
  table.pack_weight = pack_weight;
  table.pack_gated_weight = pack_gated_weight;
  table.linear = linear;
  table.gated_linear = gated_linear;
  table.qkv_projection = qkv_projection;
  table.layer_norm = layer_norm;
  table.layer_norm_modulate = layer_norm_modulate;
  table.rms_norm = rms_norm;
  table.add = add;
  table.multiply_add = multiply_add;
  table.activate = activate;
  table.copy_block = copy_block;
  table.gather_rows = gather_rows;
  table.embed = embed;
  table.snake = snake;
  table.snake_conv1d = snake_conv1d;
  table.snake_conv_transpose1d = snake_conv_transpose1d;
  table.attention = attention;
  table.divided_attention = divided_attention;
  return table;
}

}  // namespace

const OperatorTable& table() {
  static const OperatorTable table = make_table();
  return table;
}

}  // namespace ts::cpu
