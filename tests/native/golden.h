// Golden files: what the reference computed, and how far from it we may be. tests/golden/README.md describes them.
//
//   const auto golden = golden::open("t5_small");
//   if (!golden) TS_SKIP("no golden file t5_small.safetensors");
//   golden::check_close("hidden state", ours, golden->tensor("out.last_hidden_state"), golden::kEncoder);
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/weights.h"
#include "json_text.h"
#include "ops/table.h"

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
Array to_array(const Tensor& tensor);

class File {
 public:
  explicit File(const std::string& path) : file_(std::make_shared<SafetensorsFile>(path)) {}

  bool has(const std::string& key) const { return file_->tensors().count(key) != 0; }
  const Tensor& tensor(const std::string& key) const;
  Array array(const std::string& key) const { return to_array(tensor(key)); }
  template <class T>
  std::vector<T> integers(const std::string& key) const {  // of I64
    const Tensor& stored = tensor(key);
    return {stored.as<int64_t>(), stored.as<int64_t>() + stored.numel()};
  }
  // Keys behind a prefix, without it: "mid." → "block0", …
  std::vector<std::string> under(const std::string& prefix) const;
  // "config", "cases", "floors", …; an empty object if absent.
  nlohmann::json metadata(const std::string& key) const;
  std::unique_ptr<WeightSource> weights(const std::string& prefix = "w.") const { return open_weights({{file_, prefix}}); }
  const std::shared_ptr<const SafetensorsFile>& file() const { return file_; }

 private:
  std::shared_ptr<const SafetensorsFile> file_;
};

// From THINKSOUND_GOLDENS, else the committed subset; null when there is no such file.
std::shared_ptr<const File> open(const std::string& name);

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
Difference difference(const Tensor& ours, const Tensor& reference);

void check_close(const std::string& name, const Tensor& ours, const Tensor& reference, Tolerance tolerance);

// The leading part of `x` along every axis: some goldens keep only the first tokens or the first frame.
Array leading(const Array& x, const Shape& shape);

// Everything a forward said about its intermediates.
class Recorder {
 public:
  Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  const Probe& probe() const { return probe_; }
  const std::map<std::string, Array>& heard() const { return heard_; }

  // Every stored intermediate must have been heard, and agree.
  void check_all(const File& golden, const std::string& prefix, Tolerance tolerance) const;

 private:
  std::map<std::string, Array> heard_;
  Probe probe_;
};

// `host` in the context's arena; nothing of nothing.
Tensor on_device(Context& ctx, const Tensor& host);

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
