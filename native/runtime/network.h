// One network by itself: named tensors in, intermediates and results out. docs/networks.md lists the functions.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/weights.h"
#include "pipeline/workspace.h"
#include "runtime/device.h"

namespace ts {

// The caller's tensors, in host memory, of any of the public element types.
class Inputs {
 public:
  void add(const std::string& name, const Tensor& tensor) { tensors_[name] = tensor; }
  bool has(const std::string& name) const { return tensors_.count(name) != 0; }
  // TS_INVALID_ARGUMENT naming the input when it is absent, of another rank, or of a type that cannot be meant.
  const Tensor& get(const std::string& name, int rank) const;
  std::vector<float> floats(const std::string& name, int rank) const;     // F32, F64, F16, BF16
  std::vector<int32_t> integers(const std::string& name, int rank) const; // I64, I32, U8
  const uint8_t* bytes(const std::string& name, int rank) const;          // U8

 private:
  std::map<std::string, Tensor> tensors_;
};

// Where results go. `tensor` is in host memory and valid during the call; throwing or cancelling is the listener's.
using Outputs = std::function<void(const std::string& name, const Tensor& tensor, bool is_output)>;
inline void put(const Outputs& outputs, const char* name, const std::vector<float>& values, const Shape& shape) {
  outputs(name, tensor_of(values.data(), shape), true);
}

class Network {
 public:
  virtual ~Network() = default;
  // TS_INVALID_ARGUMENT for an unknown function, unknown settings and inputs that do not fit.
  virtual void run(const std::string& function, const JsonObject& settings, const Inputs& inputs, bool probe_all, const Outputs& outputs) = 0;
};

// What a network runs on; outlives it.
struct NetworkDevice {
  const OperatorTable& table;
  Parallel& parallel;
  Precision precision;
  MemoryBudget& budget;
};

// A workspace for one run, whose intermediates go to `outputs` when they are asked for.
class NetworkWorkspace : public Workspace {
 public:
  NetworkWorkspace(const NetworkDevice& device, bool probe_all, const Outputs& outputs)
      : Workspace(device.table, device.parallel, device.precision.product, device.budget) {
    if (probe_all) set_probe([&outputs](std::string_view name, const Tensor& value) { outputs(std::string(name), value, false); });
  }
};

// `kind` of docs/networks.md. `source` is null for the kinds without weights, and outlives the network otherwise.
std::unique_ptr<Network> create_network(const std::string& kind, const std::string& config, WeightSource* source, const NetworkDevice& device);

// One per kind, each in its own file.
std::unique_ptr<Network> create_mmdit_network(const nlohmann::json& config, WeightSource& source, const NetworkDevice& device);
std::unique_ptr<Network> create_vae_network(const nlohmann::json& config, WeightSource& source, const NetworkDevice& device);
std::unique_ptr<Network> create_t5_network(const nlohmann::json& config, WeightSource& source, const NetworkDevice& device);
std::unique_ptr<Network> create_clip_text_network(const nlohmann::json& config, WeightSource& source, const NetworkDevice& device);
std::unique_ptr<Network> create_clip_vision_network(const nlohmann::json& config, WeightSource& source, const NetworkDevice& device);
std::unique_ptr<Network> create_synchformer_network(const nlohmann::json& config, WeightSource& source, const NetworkDevice& device);
std::unique_ptr<Network> create_recogniser_network(const nlohmann::json& config, WeightSource& source, const NetworkDevice& device);
std::unique_ptr<Network> create_listener_network(const nlohmann::json& config, WeightSource& source, const NetworkDevice& device);
std::unique_ptr<Network> create_mmdit_tables_network();
std::unique_ptr<Network> create_tokens_network(const nlohmann::json& config, bool clip);
std::unique_ptr<Network> create_preprocess_network(const NetworkDevice& device);
std::unique_ptr<Network> create_signal_network();

// [B, rows, cols] → [B, cols, rows].
std::vector<float> transposed_batch(std::span<const float> x, int64_t batch, int64_t rows, int64_t cols);

// For messages: "vae has no function "x"; there are decode, encode".
[[noreturn]] void unknown_function(const char* kind, const std::string& function, const char* known);

}  // namespace ts
