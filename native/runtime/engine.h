// One device, one bundle, its loaded weights; shared by its sessions.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "models/clip_text.h"
#include "models/clip_vision.h"
#include "models/mmdit.h"
#include "models/oobleck.h"
#include "models/synchformer.h"
#include "models/t5.h"
#include "pipeline/request.h"
#include "pipeline/workspace.h"
#include "runtime/bundle.h"
#include "runtime/device.h"
#include "runtime/thread_pool.h"
#include "text/tokenizer.h"

namespace ts {

struct EngineOptions {
  ts_precision precision = TS_PRECISION_AUTO;
  std::string bundle_path, device = "auto";
  std::optional<std::string> synthetic;
  uint32_t num_threads = 0;
  ts_components components = TS_COMPONENT_ALL;
  uint64_t memory_cap_bytes = 0;
};

class Engine {
 public:
  // Loads everything asked for that the bundle has.
  explicit Engine(const EngineOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const Bundle& bundle() const { return bundle_; }
  const Device& device() const { return *choice_.device; }
  const OperatorTable& table() const { return *choice_.device->table; }
  Parallel& parallel() { return pool_; }
  DType product_dtype() const { return product_dtype_; }
  MemoryBudget& budget() { return budget_; }
  ts_engine_info info() const;

  // The network, or TS_UNSUPPORTED with what is missing in words.
  const Mmdit& mmdit() const { return need(mmdit_, "mmdit", "make latents"); }
  const OobleckDecoder& decoder() const { return need(decoder_, "vae decoder", "decode latents"); }
  const OobleckEncoder& encoder() const { return need(encoder_, "vae encoder", "encode sound"); }
  const T5& t5() const { return need(t5_, "t5", "read a chain of thought"); }
  const ClipText& clip_text() const { return need(clip_text_, "clip_text", "read a caption"); }
  const ClipVision& clip_vision() const { return need(clip_vision_, "clip_vision", "see frames"); }
  const Synchformer& synchformer() const { return need(synchformer_, "synchformer", "hear the picture's rhythm"); }
  const Tokenizer& tokenizer(ts_text_encoder encoder) const;
  bool has(ts_components component) const { return (loaded_ & component) == component; }

  int64_t hop() const;
  int64_t text_len() const;

 private:
  template <class Network>
  const Network& need(const std::unique_ptr<Network>& network, const char* name, const char* purpose) const {
    if (!network)
      fail(TS_UNSUPPORTED, "bundle ", bundle_.name, ": component ", name, " is ", "not loaded, so it cannot ", purpose);
    return *network;
  }
  void load_components(const EngineOptions& options);

  MemoryBudget budget_;
  DeviceChoice choice_;
  ThreadPool pool_;
  Bundle bundle_;
  DType product_dtype_ = DType::f32;
  ts_components loaded_ = 0;
  int64_t num_parameters_ = 0, weights_bytes_ = 0;
  std::unique_ptr<Mmdit> mmdit_;
  std::unique_ptr<OobleckDecoder> decoder_;
  std::unique_ptr<OobleckEncoder> encoder_;
  std::unique_ptr<T5> t5_;
  std::unique_ptr<ClipText> clip_text_;
  std::unique_ptr<ClipVision> clip_vision_;
  std::unique_ptr<Synchformer> synchformer_;
  std::unique_ptr<Tokenizer> clip_tokenizer_, t5_tokenizer_;
};

}  // namespace ts
