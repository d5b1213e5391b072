// Every operator test runs on every backend that is here; one that is not is a visible skip.
#pragma once

#include <vector>

#include "ops/walled.h"
#include "runtime/device.h"

namespace ts::test {

// The first GPU that works, or the one that says why it does not.
inline const Device& gpu() {
  const std::vector<Device>& all = devices();
  const Device* found = nullptr;
  for (const Device& device : all)
    if (device.id.starts_with("cuda") && (!found || (!found->table && device.table))) found = &device;
  return *found;
}

// Plain first, behind walls. The CPU's own table only where it is built, a GPU's where there is one.
inline std::vector<const OperatorTable*> backends() {
  std::vector<const OperatorTable*> tables{&walled_table()};
  if (&cpu_table() != &plain_table()) tables.push_back(&cpu_table());
  if (gpu().table) tables.push_back(gpu().table);
  return tables;
}

// What products of a backend may read, and operators read and write.
inline std::vector<DType> product_types(const OperatorTable& table) {
  return table.has_f16 ? std::vector{DType::f32, DType::bf16, DType::f16} : std::vector{DType::f32, DType::bf16};
}
// Those of 16 bits.
inline std::vector<DType> narrow_types(const OperatorTable& table) {
  return table.has_f16 ? std::vector{DType::bf16, DType::f16} : std::vector{DType::bf16};
}
// How its weights may be kept; those of linear layers, more.
inline std::vector<WeightFormat> weight_formats(const OperatorTable& table) {
  return table.has_int8 ? std::vector{WeightFormat::product, WeightFormat::int8} : std::vector{WeightFormat::product};
}
inline std::vector<WeightFormat> linear_formats(const OperatorTable& table, DType product) {
  std::vector<WeightFormat> formats = weight_formats(table);
  if (table.has_fp8 && product == DType::bf16) formats.push_back(WeightFormat::fp8);
  return formats;
}
// What may stand beside products of one type: itself or f32.
inline std::vector<DType> stored_types(DType product) { return {DType::f32, product == DType::f32 ? DType::bf16 : product}; }

}  // namespace ts::test

// Runs the rest of the test case once per backend, each under its own name: `table` is a const OperatorTable&.
#define TS_FOR_EACH_BACKEND(table)                                             \
  for (const ::ts::OperatorTable* ts_backend : ::ts::test::backends())         \
    if (const ::ts::OperatorTable& table = *ts_backend; true)                  \
      if (const ::doctest::detail::Subcase ts_subcase(table.name, __FILE__, __LINE__); ts_subcase)
