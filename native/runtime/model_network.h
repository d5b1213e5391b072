// The frame of a network that is one model with one function.
#pragma once

#include <utility>

#include "models/loader.h"
#include "runtime/network.h"

namespace ts {

// What is run under `name`, of the kind `kind`.
template <class Model>
struct ModelFunction {
  const char *kind, *name;
  void (*run)(const Model& model, NetworkWorkspace& workspace, const Inputs& inputs, const Outputs& outputs);
};

template <class Model>
class ModelNetwork final : public Network {
 public:
  ModelNetwork(const ModelFunction<Model>& function, Model model, const NetworkDevice& device)
      : function_(function), model_(std::move(model)), device_(device) {}
  void run(const std::string& function, const JsonObject&, const Inputs& inputs, bool probe_all, const Outputs& outputs) override {
    if (function != function_.name) unknown_function(function_.kind, function, function_.name);
    NetworkWorkspace workspace(device_, probe_all, outputs);
    function_.run(model_, workspace, inputs, outputs);
  }

 private:
  const ModelFunction<Model> function_;
  const Model model_;
  const NetworkDevice device_;
};

template <class Model, class Config>
std::unique_ptr<Network> load_model_network(const ModelFunction<Model>& function, const Config& config, WeightSource& source, const NetworkDevice& device) {
  Loader loader(source, device.table, device.precision.product, device.precision.weights);
  return std::make_unique<ModelNetwork<Model>>(function, Model::load(loader, config), device);
}

}  // namespace ts
