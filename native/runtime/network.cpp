#include "runtime/network.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "pipeline/decode.h"

namespace ts {
namespace {

constexpr int64_t kMaxElements = int64_t(1) << 34;

template <class Stored>
std::vector<float> widen(const Tensor& tensor) {
  const Stored* values = tensor.as<Stored>();
  std::vector<float> wide(size_t(tensor.numel()));
  for (size_t i = 0; i < wide.size(); ++i) wide[i] = float(values[i]);
  return wide;
}
template <class Stored>
std::vector<float> widen_half(const Tensor& tensor) {
  const Stored* values = tensor.as<Stored>();
  std::vector<float> wide(size_t(tensor.numel()));
  for (size_t i = 0; i < wide.size(); ++i) wide[i] = to_float(values[i]);
  return wide;
}

}  // namespace

const Tensor& Inputs::get(const std::string& name, int rank) const {
  const auto found = tensors_.find(name);
  require(found != tensors_.end(), "input ", name, " is missing");
  const Tensor& tensor = found->second;
  require(tensor.shape.rank() == rank, "input ", name, " is ", tensor.shape.str(), ", expected ", rank, " axes");
  require(tensor.numel() > 0 && tensor.numel() <= kMaxElements, "input ", name, " is ", tensor.shape.str(), ", which is empty or too large");
  require(tensor.data != nullptr, "input ", name, " has no data");
  return tensor;
}

std::vector<float> Inputs::floats(const std::string& name, int rank) const {
  const Tensor& tensor = get(name, rank);
  switch (tensor.dtype) {
    case DType::f32: return widen<float>(tensor);
    case DType::f64: return widen<double>(tensor);
    case DType::f16: return widen_half<f16>(tensor);
    case DType::bf16: return widen_half<bf16>(tensor);
    default: fail(TS_INVALID_ARGUMENT, "input ", name, " holds ", name_of(tensor.dtype), ", expected a float type");
  }
}

std::vector<int32_t> Inputs::integers(const std::string& name, int rank) const {
  const Tensor& tensor = get(name, rank);
  std::vector<int32_t> values(size_t(tensor.numel()));
  for (size_t i = 0; i < values.size(); ++i) {
    int64_t value = 0;
    switch (tensor.dtype) {
      case DType::i64: value = tensor.as<int64_t>()[i]; break;
      case DType::i32: value = tensor.as<int32_t>()[i]; break;
      case DType::u8: value = tensor.as<uint8_t>()[i]; break;
      default: fail(TS_INVALID_ARGUMENT, "input ", name, " holds ", name_of(tensor.dtype), ", expected an integer type");
    }
    require(value >= INT32_MIN && value <= INT32_MAX, "input ", name, " holds ", value);
    values[i] = int32_t(value);
  }
  return values;
}

const uint8_t* Inputs::bytes(const std::string& name, int rank) const {
  const Tensor& tensor = get(name, rank);
  require(tensor.dtype == DType::u8, "input ", name, " holds ", name_of(tensor.dtype), ", expected u8");
  return tensor.as<uint8_t>();
}

std::vector<float> transposed_batch(std::span<const float> x, int64_t batch, int64_t rows, int64_t cols) {
  std::vector<float> y;
  y.reserve(x.size());
  for (int64_t b = 0; b < batch; ++b) {
    const std::vector<float> item = transposed(x.subspan(size_t(b * rows * cols), size_t(rows * cols)), rows, cols);
    y.insert(y.end(), item.begin(), item.end());
  }
  return y;
}

void unknown_function(const char* kind, const std::string& function, const char* known) {
  fail(TS_INVALID_ARGUMENT, kind, " has no function ", in_quotes(function), "; there are ", known);
}

std::unique_ptr<Network> create_network(const std::string& kind, const std::string& config, WeightSource* source, const NetworkDevice& device) {
  if (kind == "preprocess") return create_preprocess_network(device);
  if (kind == "signal") return create_signal_network();
  if (kind == "mmdit_tables") return create_mmdit_tables_network();
  if (kind == "clip_tokens" || kind == "t5_tokens")
    return create_tokens_network(parse_json(config, kind + " config", TS_INVALID_ARGUMENT), kind == "clip_tokens");
  using Create = std::unique_ptr<Network> (*)(const nlohmann::json&, WeightSource&, const NetworkDevice&);
  const std::map<std::string, Create> kinds = {
      {"mmdit", create_mmdit_network},           {"vae", create_vae_network},
      {"t5", create_t5_network},                 {"clip_text", create_clip_text_network},
      {"clip_vision", create_clip_vision_network}, {"synchformer", create_synchformer_network},
      {"recogniser", create_recogniser_network},   {"listener", create_listener_network}};
  const auto found = kinds.find(kind);
  require(found != kinds.end(), "network kind ", in_quotes(kind), " is not known; docs/networks.md lists them");
  require(source != nullptr, "network ", kind, " needs weights");
  return found->second(parse_json(config, kind + " config", TS_BAD_BUNDLE), *source, device);
}

}  // namespace ts
