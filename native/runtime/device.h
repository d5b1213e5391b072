// The devices of this machine, and which one "auto" means.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ops/table.h"

namespace ts {

struct Device {
  std::string id;      // "cpu", "cpu:plain", "cuda:0"
  std::string uuid;    // "GPU-…" of a card; empty else
  std::string name;    // processor or card
  std::string detail;  // backend and instruction sets, or why it is not available and what to do
  const OperatorTable* table = nullptr;  // null = not available
  uint64_t memory_bytes = 0;
  uint32_t num_threads = 0;
  bool has_bf16 = false;
  std::string capability;  // compute capability of a card, "8.6"; empty else
};

// All that this build knows, available or not. Found once; any thread.
const std::vector<Device>& devices();

struct DeviceChoice {
  const Device* device = nullptr;
  std::string reason;
};
// "auto", "cpu", "cpu:plain", "cuda", "cuda:<index>", "cuda:<uuid>" (or as much of it as one card has). TS_DEVICE_ERROR with the device's own reason when it is not
// available, TS_INVALID_ARGUMENT when there is no such name.
DeviceChoice choose_device(const std::string& name);

// What products read, and how their weights are kept.
struct Precision {
  DType product = DType::f32;
  WeightFormat weights = WeightFormat::product;
  std::string_view name() const { return weights == WeightFormat::int8 ? "int8" : weights == WeightFormat::fp8 ? "fp8" : name_of(product); }
  // Of a parameter of a product; norms and tables, few, take what their own types do, and in fp8 layers outside of blocks 2.
  size_t weight_bytes() const { return weights == WeightFormat::product ? size_of(product) : 1; }
};
// What `precision` means on `device`; nothing for TS_PRECISION_AUTO. TS_INVALID_ARGUMENT for numbers that are no precision,
// TS_DEVICE_ERROR for one that the device has not.
std::optional<Precision> precision_of(ts_precision precision, const Device& device);

}  // namespace ts
