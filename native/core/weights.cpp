#include "core/weights.h"

#include <cmath>
#include <limits>

#include "core/json.h"

namespace ts {
namespace {

constexpr size_t kMaxListed = 12;

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

  void release(std::string_view name) override {
    if (const auto [file, tensor] = locate(name); tensor) file->release(*tensor);
  }

 protected:
  const Tensor* find(std::string_view name) const override { return locate(name).second; }

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

// Reports the first value that is no number. The sum of x·0 is 0 exactly when all are finite, and vectorises.
template <class T>
void check_values(const T* values, int64_t count, std::string_view name) {
  constexpr int64_t kBlock = 4096;
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const int64_t end = std::min(begin + kBlock, count);
    float sum = 0;
    for (int64_t i = begin; i < end; ++i) {
      if constexpr (std::is_same_v<T, double>) sum += float(values[i] * 0.0);
      else sum += to_float(values[i]) * 0.0f;
    }
    if (sum == 0.0f) continue;
    for (int64_t i = begin; i < end; ++i) {
      double value;
      if constexpr (std::is_same_v<T, double>) value = values[i];
      else value = to_float(values[i]);
      if (!std::isfinite(value))
        fail(TS_BAD_WEIGHTS, "weights: ", in_quotes(name), " holds ", std::isnan(value) ? "NaN" : "infinity",
             " at element ", i, "; the file is damaged or its training diverged");
    }
  }
}

template <class T>
std::vector<float> widened(const Tensor& tensor) {
  const T* values = tensor.as<T>();
  std::vector<float> out(static_cast<size_t>(tensor.numel()));
  for (size_t i = 0; i < out.size(); ++i) {
    if constexpr (std::is_same_v<T, double>) out[i] = float(values[i]);
    else out[i] = to_float(values[i]);
  }
  return out;
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
  const bool is_weight = tensor->dtype == DType::f32 || tensor->dtype == DType::f16 || tensor->dtype == DType::bf16;
  if (!is_weight) {
    mismatched_.push_back(concat(name, " holds ", name_of(tensor->dtype), ", expected f32, f16 or bf16"));
    return {};
  }
  if (!any_shape && !(tensor->shape == usual)) {
    mismatched_.push_back(concat(name, " is ", tensor->shape.str(), ", expected ", usual.str()));
    return {};
  }
  return *tensor;
}

Tensor WeightSource::take(std::string_view name, const Shape& shape) { return take_checked(name, shape, false); }
Tensor WeightSource::take_any(std::string_view name, const Shape& usual) { return take_checked(name, usual, true); }

void WeightSource::finish() {
  std::vector<std::string> left_over;
  for (std::string& name : names()) {
    if (taken_.contains(name)) continue;
    bool ignored = false;
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

void check_finite(const Tensor& tensor, std::string_view name) {
  const int64_t count = tensor.numel();
  switch (tensor.dtype) {
    case DType::f32: return check_values(tensor.as<float>(), count, name);
    case DType::f64: return check_values(tensor.as<double>(), count, name);
    case DType::f16: return check_values(tensor.as<f16>(), count, name);
    case DType::bf16: return check_values(tensor.as<bf16>(), count, name);
    default: fail(TS_BAD_WEIGHTS, "weights: ", in_quotes(name), " holds ", name_of(tensor.dtype), ", expected floats");
  }
}

std::vector<float> to_f32(const Tensor& tensor, std::string_view name) {
  check_finite(tensor, name);
  switch (tensor.dtype) {
    case DType::f64: {
      // A finite double may still be infinite as a float.
      std::vector<float> values = widened<double>(tensor);
      check_values(values.data(), int64_t(values.size()), name);
      return values;
    }
    case DType::f16: return widened<f16>(tensor);
    case DType::bf16: return widened<bf16>(tensor);
    default: return widened<float>(tensor);
  }
}

}  // namespace ts
