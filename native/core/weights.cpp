#include "core/weights.h"

#include <cmath>
#include <limits>

#include "core/json.h"

namespace ts {
namespace {

constexpr size_t kMaxListed = 12;
constexpr std::string_view kScaleSuffix = ".scale";

std::string listed(const std::vector<std::string>& faults) {
  std::string text;
  for (size_t i = 0; i < faults.size() && i < kMaxListed; ++i) text += (i ? ", " : "") + faults[i];
  if (faults.size() > kMaxListed) text += concat(" and ", faults.size() - kMaxListed, " more");
  return text;
}

class FileSource final : public WeightSource {
 public:
  explicit FileSource(std::vector<WeightFile> files) : files_(std::move(files)) {
    for (const WeightFile& entry : files_) require(entry.file != nullptr, "weights: a file is null");
  }

  std::string description() const override {
    std::string text;
    for (const WeightFile& entry : files_) {
      text += (text.empty() ? "" : ", ") + entry.file->path();
      if (!entry.prefix.empty()) text += " (" + entry.prefix + "*)";
    }
    return text;
  }

  std::string origin(std::string_view name) const override {
    const SafetensorsFile* file = locate(name).first;
    return file ? file->path() : description();
  }

 protected:
  const Tensor* find(std::string_view name) const override { return locate(name).second; }

  void release_stored(std::string_view name) override {
    if (const auto [file, tensor] = locate(name); tensor) file->release(*tensor);
  }

  std::string why_missing(std::string_view name) const override {
    for (const WeightFile& entry : files_) {
      const auto& unsupported = entry.file->unsupported();
      if (const auto found = unsupported.find(entry.prefix + std::string(name)); found != unsupported.end())
        return found->second;
    }
    return "";
  }

  std::vector<std::string> names() const override {
    std::set<std::string, std::less<>> unique;
    const auto collect = [&](const auto& named, const std::string& prefix) {
      for (auto it = named.lower_bound(prefix); it != named.end() && it->first.starts_with(prefix); ++it)
        unique.insert(it->first.substr(prefix.size()));
    };
    for (const WeightFile& entry : files_) {
      collect(entry.file->tensors(), entry.prefix);
      collect(entry.file->unsupported(), entry.prefix);
    }
    return {unique.begin(), unique.end()};
  }

 private:
  std::pair<const SafetensorsFile*, const Tensor*> locate(std::string_view name) const {
    for (const WeightFile& entry : files_) {
      const auto& tensors = entry.file->tensors();
      if (const auto found = tensors.find(entry.prefix + std::string(name)); found != tensors.end())
        return {entry.file.get(), &found->second};
    }
    return {nullptr, nullptr};
  }

  std::vector<WeightFile> files_;
};

// NaN and infinity are the values whose exponent bits are all ones. As integers, in blocks of a length known to the
// compiler, the search vectorises; a float sum would not.
template <class Bits, Bits kExponent, class T>
bool all_finite(const T* values, int64_t count) {
  constexpr int64_t kBlock = 512;
  int64_t i = 0;
  for (; i + kBlock <= count; i += kBlock) {
    Bits found = 0;
    for (int64_t j = 0; j < kBlock; ++j) found |= Bits((std::bit_cast<Bits>(values[i + j]) & kExponent) == kExponent);
    if (found) return false;
  }
  for (; i < count; ++i)
    if ((std::bit_cast<Bits>(values[i]) & kExponent) == kExponent) return false;
  return true;
}
bool all_finite(const float* values, int64_t count) { return all_finite<uint32_t, 0x7F800000u>(values, count); }
bool all_finite(const double* values, int64_t count) {
  return all_finite<uint64_t, 0x7FF0000000000000u>(values, count);
}
bool all_finite(const f16* values, int64_t count) { return all_finite<uint16_t, 0x7C00u>(values, count); }
bool all_finite(const bf16* values, int64_t count) { return all_finite<uint16_t, 0x7F80u>(values, count); }

float as_float(double value) { return float(value); }
template <class T>
float as_float(T value) {
  return to_float(value);
}

// Calls body(typed pointer to the elements) for any float tensor.
template <class Body>
void with_floats(const Tensor& tensor, std::string_view name, const Body& body) {
  switch (tensor.dtype) {
    case DType::f32: return body(tensor.as<const float>());
    case DType::f64: return body(tensor.as<const double>());
    case DType::f16: return body(tensor.as<const f16>());
    case DType::bf16: return body(tensor.as<const bf16>());
    default: fail(TS_BAD_WEIGHTS, "weights: ", in_quotes(name), " holds ", name_of(tensor.dtype), ", expected floats");
  }
}

}  // namespace

Tensor WeightSource::take_checked(std::string_view name, const Shape& usual, bool any_shape) {
  taken_.emplace(name);
  const Tensor* tensor = find_or_make(name, usual);
  if (!tensor) {
    const std::string why = why_missing(name);
    missing_.push_back(why.empty() ? std::string(name) : concat(name, " (", why, ")"));
    return {};
  }
  const DType dtype = tensor->dtype;
  if (dtype != DType::f32 && dtype != DType::f16 && dtype != DType::bf16 && dtype != DType::i8) {
    mismatched_.push_back(concat(name, " holds ", name_of(tensor->dtype), ", expected f32, f16 or bf16"));
    return {};
  }
  if (!any_shape && !(tensor->shape == usual)) {
    mismatched_.push_back(concat(name, " is ", tensor->shape.str(), ", expected ", usual.str()));
    return {};
  }
  return dtype == DType::i8 ? widen(name, *tensor) : *tensor;
}

Tensor WeightSource::widen(std::string_view name, const Tensor& stored) {
  const std::string scale_name = scale_of(name);
  const Tensor* scale = find(scale_name);
  const auto wrong = [&](const auto&... parts) {
    mismatched_.push_back(concat(parts...));
    return Tensor();
  };
  if (stored.shape.rank() < 2) return wrong(name, " holds i8 of shape ", stored.shape.str(), ", two axes or more needed");
  if (!scale) {
    missing_.push_back(concat(scale_name, " (", name, " holds i8)"));
    return {};
  }
  const Shape rows{stored.shape[0]};
  if (scale->dtype != DType::f32) return wrong(scale_name, " holds ", name_of(scale->dtype), ", expected f32");
  if (!(scale->shape == rows)) return wrong(scale_name, " is ", scale->shape.str(), ", expected ", rows.str());
  const std::span<const float> scales(scale->as<const float>(), size_t(rows[0]));
  for (size_t row = 0; row < scales.size(); ++row)
    if (!(scales[row] >= 0 && std::isfinite(scales[row])))
      return wrong(scale_name, " is ", scales[row], " at row ", row, ", a finite number of 0 or more needed");
  if (!missing_.empty() || !mismatched_.empty()) return {};
  std::vector<float>& wide = widened_[std::string(name)];
  wide.resize(size_t(stored.numel()));
  widen_rows(wide, stored, scales);
  return tensor_of(wide.data(), stored.shape);
}

void WeightSource::release(std::string_view name) {
  if (const auto found = widened_.find(name); found != widened_.end()) {
    widened_.erase(found);
    release_stored(scale_of(name));
  }
  release_stored(name);
}

bool WeightSource::scales_another(std::string_view name) const {
  if (!name.ends_with(kScaleSuffix)) return false;
  const Tensor* scaled = find(name.substr(0, name.size() - kScaleSuffix.size()));
  return scaled && scaled->dtype == DType::i8;
}

Tensor WeightSource::take(std::string_view name, const Shape& shape) { return take_checked(name, shape, false); }
Tensor WeightSource::take_any(std::string_view name, const Shape& usual) { return take_checked(name, usual, true); }

void WeightSource::finish() {
  std::vector<std::string> left_over;
  for (std::string& name : names()) {
    if (taken_.contains(name)) continue;
    bool ignored = scales_another(name);
    for (const std::string& prefix : ignored_) ignored = ignored || name.starts_with(prefix);
    if (!ignored) left_over.push_back(in_quotes(name));
  }
  std::string faults;
  const auto add = [&](std::string_view kind, const std::vector<std::string>& list) {
    if (!list.empty()) faults += concat(faults.empty() ? "" : "; ", kind, ": ", listed(list));
  };
  add("missing", missing_);
  add("wrong shape or type", mismatched_);
  add("left over", left_over);
  if (!faults.empty())
    fail(TS_BAD_WEIGHTS, description(), ": do not fit the configuration: ", faults);
}

std::unique_ptr<WeightSource> open_weights(std::vector<WeightFile> files) {
  return std::make_unique<FileSource>(std::move(files));
}

std::string scale_of(std::string_view name) { return std::string(name).append(kScaleSuffix); }

void widen_rows(std::span<float> out, const Tensor& stored, std::span<const float> scale) {
  const auto* values = stored.as<const int8_t>();
  const size_t cols = scale.empty() ? 0 : out.size() / scale.size();
  for (size_t row = 0; row < scale.size(); ++row)
    for (size_t i = row * cols; i < (row + 1) * cols; ++i) out[i] = scale[row] * float(values[i]);
}

void check_finite(const Tensor& tensor, std::string_view name, std::string_view origin) {
  with_floats(tensor, name, [&](const auto* values) {
    if (all_finite(values, tensor.numel())) return;
    for (int64_t i = 0; i < tensor.numel(); ++i) {
      const float value = as_float(values[i]);
      if (!std::isfinite(value))
        fail(TS_BAD_WEIGHTS, origin, ": ", in_quotes(name), " holds ", std::isnan(value) ? "NaN" : "infinity",
             " at element ", i, "; the file is damaged or its training diverged");
    }
  });
}

std::vector<float> to_f32(const Tensor& tensor, std::string_view name, std::string_view origin) {
  std::vector<float> out(static_cast<size_t>(tensor.numel()));
  with_floats(tensor, name, [&](const auto* values) {
    for (size_t i = 0; i < out.size(); ++i) out[i] = as_float(values[i]);
  });
  // After the conversion, because a finite f64 may be infinite as f32.
  check_finite(tensor_of(out.data(), tensor.shape), name, origin);
  return out;
}

}  // namespace ts
