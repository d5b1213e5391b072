// Random weights for speed tests: the published sizes hold 3.7 billion values, so a value has to cost about as much
// as writing it. One 64-bit mix gives four values uniform over 16 bits; what matters is that activations neither
// vanish nor explode, not the tails.
#include <cmath>

#include "core/split_mix.h"
#include "core/weights.h"

namespace ts {
namespace {

uint64_t hash_of(std::string_view name) {  // FNV-1a
  uint64_t hash = 0xCBF29CE484222325u;
  for (char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return hash;
}

struct Distribution {
  float mean, std;
};

// As the goldens draw theirs: biases 0.05, norm weights near 1, snake log-parameters 0.2, embeddings 0.3, and 1/√fan_in
// for whatever multiplies.
Distribution distribution_of(std::string_view name, const Shape& shape) {
  const std::string_view leaf = name.substr(name.rfind('.') + 1);  // npos + 1 = 0
  if (leaf == "alpha" || leaf == "beta") return {0, 0.2f};
  if (leaf == "weight_g") return {1, 0.05f};
  if (leaf.ends_with("bias")) return {0, 0.05f};
  for (std::string_view ending : {"_emb", "_embed", "_embedding", "_embedding.weight", "embed_tokens.weight",
                                  "cls_token", "_feat"})
    if (name.ends_with(ending)) return {0, 0.3f};
  if (shape.rank() <= 1) return {1, 0.05f};
  const int64_t fan_in = shape[0] ? shape.numel() / shape[0] : 1;
  return {0, 1.0f / std::sqrt(float(fan_in > 0 ? fan_in : 1))};
}

void draw(std::span<uint16_t> values, uint64_t key, Distribution distribution) {
  // A 16-bit integer k is uniform over ±1 as (k + ½)/2¹⁵, and ±√3·std has standard deviation std.
  const float scale = std::sqrt(3.0f) * distribution.std * 0x1p-15f;
  const float offset = distribution.mean + 0.5f * scale;
  const auto value = [&](uint64_t random, int part) {  // rounded half up: finite by construction
    const float exact = float(int16_t(random >> (16 * part))) * scale + offset;
    return uint16_t((std::bit_cast<uint32_t>(exact) + 0x8000u) >> 16);
  };
  const size_t whole = values.size() / 4 * 4;
  for (size_t i = 0; i < whole; i += 4) {
    const uint64_t random = split_mix(key + kGoldenGamma * uint64_t(i));
    for (int part = 0; part < 4; ++part) values[i + size_t(part)] = value(random, part);
  }
  const uint64_t random = split_mix(key + kGoldenGamma * uint64_t(whole));
  for (size_t i = whole; i < values.size(); ++i) values[i] = value(random, int(i - whole));
}

class SyntheticSource final : public WeightSource {
 public:
  explicit SyntheticSource(uint64_t seed) : seed_(seed) {}

  std::string description() const override { return concat("synthetic weights (seed ", seed_, ")"); }
 protected:
  void release_stored(std::string_view name) override {
    if (const auto found = made_.find(name); found != made_.end()) made_.erase(found);
  }
  const Tensor* find(std::string_view name) const override {
    const auto found = made_.find(name);
    return found == made_.end() ? nullptr : &found->second.tensor;
  }
  const Tensor* find_or_make(std::string_view name, const Shape& usual) override {
    if (const Tensor* made = find(name)) return made;
    const size_t count = static_cast<size_t>(usual.numel());
    Made made{std::make_unique_for_overwrite<uint16_t[]>(count), {}};
    draw({made.values.get(), count}, split_mix(seed_) ^ hash_of(name), distribution_of(name, usual));
    made.tensor = Tensor(made.values.get(), DType::bf16, usual);
    return &made_.emplace(std::string(name), std::move(made)).first->second.tensor;
  }
  std::vector<std::string> names() const override { return {}; }

 private:
  struct Made {
    std::unique_ptr<uint16_t[]> values;  // the bits of bf16
    Tensor tensor;
  };
  uint64_t seed_;
  std::map<std::string, Made, std::less<>> made_;
};

}  // namespace

std::unique_ptr<WeightSource> synthetic_weights(uint64_t seed) { return std::make_unique<SyntheticSource>(seed); }

}  // namespace ts
