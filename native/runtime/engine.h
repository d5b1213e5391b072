// One device, one bundle, its loaded weights; shared by its sessions.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "models/loader.h"
#include "pipeline/networks.h"
#include "pipeline/progress.h"
#include "pipeline/workspace.h"
#include "runtime/bundle.h"
#include "runtime/device.h"
#include "runtime/thread_pool.h"

namespace ts {

struct EngineOptions {
  ts_precision precision = TS_PRECISION_AUTO;
  std::string bundle_path, device = "auto";
  std::optional<std::string> synthetic;
  uint32_t num_threads = 0;
  ts_components components = TS_COMPONENT_ALL;
  uint64_t memory_cap_bytes = 0;
  Progress progress;  // told of TS_STAGE_LOAD
};

class Engine {
 public:
  // Loads everything asked for that the bundle has. TS_CANCELLED when the progress listener has had enough.
  explicit Engine(const EngineOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const Bundle& bundle() const { return bundle_; }
  const Device& device() const { return *choice_.device; }
  const OperatorTable& table() const { return *choice_.device->table; }
  Parallel& parallel() { return pool_; }
  DType product_dtype() const { return precision_.product; }
  MemoryBudget& budget() { return budget_; }
  ts_engine_info info() const;

  const Networks& networks() const { return networks_; }
  int64_t hop() const;

 private:
  class WeightFiles;
  Precision choose_precision(const EngineOptions& options, WeightFiles& files) const;
  void load_components(const EngineOptions& options);
  template <class Visit>
  void visit_components(const EngineOptions& options, const Visit& visit);
  void check_widths() const;

  MemoryBudget budget_;
  DeviceChoice choice_;
  ThreadPool pool_;
  Bundle bundle_;
  Precision precision_;
  ts_components loaded_ = 0;
  int64_t num_parameters_ = 0, weights_bytes_ = 0;
  Networks networks_;
};

}  // namespace ts
