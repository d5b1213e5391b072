#include "golden.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "source_dir.h"

namespace ts::golden {

Array to_array(const Tensor& tensor) {
  Array array(tensor.shape);
  if (tensor.dtype == DType::u8) std::copy_n(tensor.as<uint8_t>(), array.values.size(), array.values.begin());
  else array.values = to_f32(tensor, "a golden tensor");
  return array;
}

const Tensor& File::tensor(const std::string& key) const {
  const auto found = file_->tensors().find(key);
  REQUIRE_MESSAGE(found != file_->tensors().end(), file_->path() << " holds no " << key);
  return found->second;
}

std::vector<std::string> File::under(const std::string& prefix) const {
  std::vector<std::string> names;
  for (auto it = file_->tensors().lower_bound(prefix); it != file_->tensors().end() && it->first.starts_with(prefix); ++it)
    names.push_back(it->first.substr(prefix.size()));
  return names;
}

nlohmann::json File::metadata(const std::string& key) const {
  const auto found = file_->metadata().find(key);
  return found == file_->metadata().end() ? nlohmann::json::object() : test::parsed(found->second);
}

std::shared_ptr<const File> open(const std::string& name) {
  const char* set = std::getenv("THINKSOUND_GOLDENS");
  const std::filesystem::path folder = set && *set ? std::filesystem::path(set) : std::filesystem::path(test::source_dir()) / "tests/golden";
  const std::filesystem::path path = folder / (name + ".safetensors");
  return std::filesystem::exists(path) ? std::make_shared<const File>(path.string()) : nullptr;
}

Difference difference(const Tensor& ours, const Tensor& reference) {
  REQUIRE_MESSAGE(ours.shape == reference.shape, "ours is " << ours.shape.str() << ", the reference " << reference.shape.str());
  const bool exact = reference.dtype == DType::f64;
  const std::vector<float> narrow = exact ? std::vector<float>{} : to_array(reference).values;
  Difference result;
  double square = 0, total = 0;
  for (int64_t i = 0; i < ours.numel(); ++i) {
    const double expected = exact ? reference.as<double>()[i] : narrow[size_t(i)];
    const double delta = double(ours.as<float>()[i]) - expected;
    square += delta * delta;
    total += expected * expected;
    result.max_abs = std::max(result.max_abs, std::isfinite(delta) ? std::abs(delta) : INFINITY);
  }
  result.reference_norm = std::sqrt(total);
  result.rel_l2 = total > 0 ? std::sqrt(square / total) : (square > 0 ? INFINITY : 0);
  return result;
}

void check_close(const std::string& name, const Tensor& ours, const Tensor& reference, Tolerance tolerance) {
  const Difference d = difference(ours, reference);
  INFO(name << ": rel L2 " << d.rel_l2 << " (up to " << tolerance.rel_l2 << "), max abs " << d.max_abs << " (up to " << tolerance.max_abs << ")");
  CHECK(d.max_abs <= tolerance.max_abs);
  CHECK((d.rel_l2 <= tolerance.rel_l2 || d.reference_norm < 1e-6));  // near zero only the absolute figure means anything
}

Array leading(const Array& x, const Shape& shape) {
  REQUIRE_MESSAGE(x.shape.rank() == shape.rank(), "ours is " << x.shape.str() << ", the reference " << shape.str());
  for (int axis = 0; axis < shape.rank(); ++axis) REQUIRE(shape[axis] <= x.shape[axis]);
  Array part(shape);
  for (int64_t i = 0; i < shape.numel(); ++i) {
    int64_t rest = i, offset = 0, stride = 1;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      offset += rest % shape[axis] * stride;
      rest /= shape[axis];
      stride *= x.shape[axis];
    }
    part.values[size_t(i)] = x.values[size_t(offset)];
  }
  return part;
}

Recorder::Recorder() : probe_([this](std::string_view name, const Tensor& value) { heard_[std::string(name)] = to_array(value); }) {}

void Recorder::check_all(const File& golden, const std::string& prefix, Tolerance tolerance) const {
  for (const std::string& name : golden.under(prefix)) {
    const auto found = heard_.find(name);
    CHECK_MESSAGE(found != heard_.end(), "nobody said " << name);
    if (found == heard_.end()) continue;
    const Tensor& reference = golden.tensor(prefix + name);
    check_close(name, leading(found->second, reference.shape).view(), reference, tolerance);
  }
}

Tensor on_device(Context& ctx, const Tensor& host) {
  if (!host) return {};
  const Tensor tensor = ctx.arena().allocate(host.dtype, host.shape);
  ops::upload(ctx, tensor, host);
  return tensor;
}

}  // namespace ts::golden
