#include "ops/cpu/table.h"

#include <dnnl.hpp>
#include <hwy/targets.h>

#include "ops/cpu/cpu.h"
#include "ops/cpu/memory.h"
#include "ops/cpu/packed_weight.h"

namespace ts::cpu {
namespace {

// Highway's instruction set: the best there is, but no better than oneDNN's, so that its DNNL_MAX_CPU_ISA bounds the
// whole backend. Chosen once, so that no kernel has to ask the processor.
void choose_instructions() {
  int64_t targets = hwy::SupportedTargets();
#if HWY_ARCH_X86
  const auto has = [](dnnl::cpu_isa isa) { return (int(dnnl::get_effective_cpu_isa()) & int(isa)) == int(isa); };
  if (!has(dnnl::cpu_isa::avx512_core)) targets &= ~int64_t(HWY_AVX3 | HWY_AVX3_DL);
  if (!has(dnnl::cpu_isa::avx2)) targets &= ~int64_t(HWY_AVX2);
#endif
  hwy::GetChosenTarget().Update(targets);
}

OperatorTable make_table() {
  choose_instructions();
  OperatorTable table = plain_table();
  table.name = "cpu";
  table.has_f16 = table.has_int8 = false;  // these kernels know f32 and bf16
  table.allocate = allocate;
  table.release = release;
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
  table.stores_snake = false;
  table.snake = snake;
  table.snake_conv1d = snake_conv1d;
  table.snake_conv_transpose1d = snake_conv_transpose1d;
  table.depthwise_conv_norm = depthwise_conv_norm;
  table.attention = attention;
  table.divided_attention = divided_attention;
  table.resize = resize;
  return table;
}

}  // namespace

const OperatorTable& table() {
  static const OperatorTable table = make_table();
  return table;
}

}  // namespace ts::cpu
