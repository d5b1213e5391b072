#include "ops/cpu/table.h"

#include "ops/cpu/cpu.h"
#include "ops/cpu/packed_weight.h"

namespace ts::cpu {
namespace {

OperatorTable make_table() {
  OperatorTable table = plain_table();
  table.name = "cpu";
  table.pack_weight = pack_weight;
  table.pack_gated_weight = pack_gated_weight;
  table.linear = linear;
  table.gated_linear = gated_linear;
  table.qkv_projection = qkv_projection;
  return table;
}

}  // namespace

const OperatorTable& table() {
  static const OperatorTable table = make_table();
  return table;
}

}  // namespace ts::cpu
