// Golden files: what the reference computed, and how far from it we may be. tests/golden/README.md describes them.
//
//   const auto golden = golden::open("t5_small");
//   if (!golden) TS_SKIP("no golden file t5_small.safetensors");
//   golden::check_close("hidden state", ours, golden->tensor("out.last_hidden_state"), golden::kEncoder);
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/weights.h"
#include "ops/table.h"
#include "source_dir.h"

namespace ts::golden {

// Host memory of its own, f32.
struct Array {
  std::vector<float> values;
  Shape shape;

  Array() = default;
  explicit Array(Shape shape) : values(size_t(shape.numel())), shape(shape) {}
  Tensor view() const { return tensor_of(values.data(), shape); }
};

// Floats and bytes as f32.
inline Array to_array(const Tensor& tensor) {
  Array array(tensor.shape);
  if (tensor.dtype == DType::u8) std::copy_n(tensor.as<uint8_t>(), array.values.size(), array.values.begin());
  else array.values = to_f32(tensor, "a golden tensor");
  return array;
}

class File {
 public:
  explicit File(const std::string& path) : file_(std::make_shared<SafetensorsFile>(path)) {}

  bool has(const std::string& key) const { return file_->tensors().count(key) != 0; }
  const Tensor& tensor(const std::string& key) const {
    const auto found = file_->tensors().find(key);
    REQUIRE_MESSAGE(found != file_->tensors().end(), file_->path() << " holds no " << key);
    return found->second;
  }
  Array array(const std::string& key) const { return to_array(tensor(key)); }
  template <class T>
  std::vector<T> integers(const std::string& key) const {  // of I64
    const Tensor& stored = tensor(key);
    return {stored.as<int64_t>(), stored.as<int64_t>() + stored.numel()};
  }
  // Keys behind a prefix, without it: "mid." → "block0", …
  std::vector<std::string> under(const std::string& prefix) const {
    std::vector<std::string> names;
    for (auto it = file_->tensors().lower_bound(prefix); it != file_->tensors().end() && it->first.starts_with(prefix); ++it)
      names.push_back(it->first.substr(prefix.size()));
    return names;
  }
  // "config", "cases", "floors", …; an empty object if absent.
  nlohmann::json metadata(const std::string& key) const {
    const auto found = file_->metadata().find(key);
    return found == file_->metadata().end() ? nlohmann::json::object() : nlohmann::json::parse(found->second);
  }
  std::unique_ptr<WeightSource> weights(const std::string& prefix = "w.") const { return open_weights({{file_, prefix}}); }
  const std::shared_ptr<const SafetensorsFile>& file() const { return file_; }

 private:
  std::shared_ptr<const SafetensorsFile> file_;
};

// From THINKSOUND_GOLDENS, else the committed subset; null when there is no such file.
inline std::shared_ptr<const File> open(const std::string& name) {
  const char* set = std::getenv("THINKSOUND_GOLDENS");
  const std::filesystem::path folder = set && *set ? std::filesystem::path(set) : std::filesystem::path(test::source_dir()) / "tests/golden";
  const std::filesystem::path path = folder / (name + ".safetensors");
  return std::filesystem::exists(path) ? std::make_shared<const File>(path.string()) : nullptr;
}

// The figures of the README, about ten times the reference's own f32 noise.
struct Tolerance {
  double rel_l2, max_abs;
};
constexpr Tolerance kEncoder{1e-5, 5e-5};                 // T5, both CLIP towers, Synchformer
constexpr Tolerance kVaeLatent{2e-5, 2e-4}, kVaeAudio{2e-5, 1e-4};
constexpr Tolerance kFlow{3e-5, 2e-4}, kGuidedFlow{3e-5, 5e-4}, kTrajectory{5e-5, 3e-4};
// Products that read bf16 (8 bits of mantissa) accumulate roundings of 2⁻⁹ over a handful of layers. Not parity: a
// guard against a path that is wrong rather than coarse.
constexpr Tolerance kBf16{3e-2, 3e-1}, kEncoderBf16{1.5e-2, 1e-1};
// f16 has three bits more.
inline Tolerance coarse(DType product, Tolerance bf16) { return product == DType::f16 ? Tolerance{bf16.rel_l2 / 8, bf16.max_abs / 8} : bf16; }

struct Difference {
  double rel_l2 = 0, max_abs = 0, reference_norm = 0;
};

// `ours` f32; `reference` f32, f64 or f16 of the same shape.
inline Difference difference(const Tensor& ours, const Tensor& reference) {
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

inline void check_close(const std::string& name, const Tensor& ours, const Tensor& reference, Tolerance tolerance) {
  const Difference d = difference(ours, reference);
  INFO(name << ": rel L2 " << d.rel_l2 << " (up to " << tolerance.rel_l2 << "), max abs " << d.max_abs << " (up to " << tolerance.max_abs << ")");
  CHECK(d.max_abs <= tolerance.max_abs);
  CHECK((d.rel_l2 <= tolerance.rel_l2 || d.reference_norm < 1e-6));  // near zero only the absolute figure means anything
}

// The leading part of `x` along every axis: some goldens keep only the first tokens or the first frame.
inline Array leading(const Array& x, const Shape& shape) {
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

// Everything a forward said about its intermediates.
class Recorder {
 public:
  Recorder() : probe_([this](std::string_view name, const Tensor& value) { heard_[std::string(name)] = to_array(value); }) {}
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  const Probe& probe() const { return probe_; }
  const std::map<std::string, Array>& heard() const { return heard_; }

  // Every stored intermediate must have been heard, and agree.
  void check_all(const File& golden, const std::string& prefix, Tolerance tolerance) const {
    for (const std::string& name : golden.under(prefix)) {
      const auto found = heard_.find(name);
      CHECK_MESSAGE(found != heard_.end(), "nobody said " << name);
      if (found == heard_.end()) continue;
      const Tensor& reference = golden.tensor(prefix + name);
      check_close(name, leading(found->second, reference.shape).view(), reference, tolerance);
    }
  }

 private:
  std::map<std::string, Array> heard_;
  Probe probe_;
};

// `host` in the context's arena; nothing of nothing.
inline Tensor on_device(Context& ctx, const Tensor& host) {
  if (!host) return {};
  const Tensor tensor = ctx.arena().allocate(host.dtype, host.shape);
  ops::upload(ctx, tensor, host);
  return tensor;
}

// Calls body(Context&) as the pipeline does, first to plan and then with exactly the memory planned.
template <class Body>
void run(const OperatorTable& table, DType product_dtype, const Body& body, const Probe* probe = nullptr) {
  Serial serial;
  Arena plan = Arena::planning();
  Context planning(table, plan, serial, product_dtype);
  planning.set_probe(probe);
  body(planning);
  CHECK(plan.used() == 0);
  const Buffer block = allocate_buffer(table, DType::u8, {plan.high_water()});
  Arena arena(block.tensor().data, plan.high_water());
  Context ctx(table, arena, serial, product_dtype);
  ctx.set_probe(probe);
  body(ctx);
  CHECK(arena.high_water() == plan.high_water());
}

}  // namespace ts::golden
