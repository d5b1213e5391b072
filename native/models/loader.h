// From named tensors to what operators take: every network loads through this.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/weights.h"
#include "ops/memory.h"
#include "ops/packed_weight.h"

namespace ts {

// A linear layer or a "same" convolution along time (weight [out, in] or [out, in, taps]).
struct Linear {
  Weight weight;
  Buffer bias;  // empty = none
};

// Which rows of a packed matrix come from where: out row i of the packed weight = row order(i) of the file.
using RowOrder = std::function<int64_t(int64_t)>;

// Takes tensors of one network from a source, checks their shapes, converts and packs them for a backend, and counts
// them. From the first missing or misshapen tensor on, names and shapes are still checked but nothing is allocated any
// more: every result is empty, and finish() then reports all faults at once. Not thread-safe.
class Loader {
 public:
  Loader(WeightSource& source, const OperatorTable& table, DType product_dtype, WeightFormat format = WeightFormat::product)
      : source_(source), table_(table), product_dtype_(product_dtype), format_(format) {}

  // f32 parameters: norms, biases, embeddings that are added.
  Buffer vector(const std::string& name, Shape shape);
  // The same kept in host memory, for parameters that are only read while a network is being set up.
  std::vector<float> host(const std::string& name, Shape shape);
  // A table that is looked up by rows, in the product dtype (token embeddings).
  Buffer table(const std::string& name, Shape shape);

  // `name`.weight [out, in] or [out, in, taps], `name`.bias [out] if `bias`.
  Linear linear(const std::string& name, int64_t out, int64_t in, int64_t taps = 1, bool bias = true, const RowOrder& order = {});
  // Several layers over one input as a single product, stacked in order: q, k, v of the Hugging Face towers.
  Linear stacked(std::span<const std::string> names, int64_t out_each, int64_t in, bool bias = true);
  // Weights by their full names: `w1` and `w3` [out, in(, taps)] of a gated MLP.
  Weight gated(const std::string& w1, const std::string& w3, int64_t out, int64_t in, int64_t taps = 1);
  // Values that a network has worked out itself from host() or folded(); empty values give an empty result. Weights are packed
  // in the loader's format, whatever the options say.
  Buffer keep(const std::vector<float>& values, Shape shape);
  Weight pack(const std::vector<float>& values, Shape shape, PackOptions options);

  // The tensor as f32 on the host, weight_g/weight_v folded where the file has them (spec 03 §1): for the VAE.
  std::vector<float> folded(const std::string& name, Shape shape);

  // As long as one lives, the linear layers that are loaded are of the blocks that a network is many of: what
  // WeightFormat::fp8 is for. In that format all else is packed as products read it: what a network begins and ends with and
  // what modulates it is little work, and every value passes it.
  class Blocks {
   public:
    explicit Blocks(Loader& loader) : loader_(loader) { ++loader_.blocks_; }
    ~Blocks() { --loader_.blocks_; }
    Blocks(const Blocks&) = delete;
    Blocks& operator=(const Blocks&) = delete;

   private:
    Loader& loader_;
  };

  // Called after each tensor with the number of parameters so far; what it throws ends the loading.
  using Listener = std::function<void(int64_t num_parameters)>;
  void on_tensor(Listener listener) { listener_ = std::move(listener); }

  WeightSource& source() { return source_; }
  const OperatorTable& backend() const { return table_; }
  DType product_dtype() const { return product_dtype_; }
  int64_t num_parameters() const { return num_parameters_; }
  int64_t bytes() const { return bytes_; }
  void finish() { source_.finish(); }

 private:
  std::vector<float> take_f32(const std::string& name, const Shape& shape);
  WeightFormat format_for(WeightUse use) const {
    return format_ == WeightFormat::fp8 && (blocks_ == 0 || use != WeightUse::linear) ? WeightFormat::product : format_;
  }

  WeightSource& source_;
  const OperatorTable& table_;
  DType product_dtype_;
  WeightFormat format_;
  int blocks_ = 0;
  Listener listener_;
  int64_t num_parameters_ = 0, bytes_ = 0;
  bool faulty_ = false;
};

}  // namespace ts
