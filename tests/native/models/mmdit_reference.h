// The MM-DiT once more, in double precision and by the obvious loops, from the reference's names and layouts: the truth
// for shapes that no golden has. Written for reading; only what v2 models without optional branches need.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "core/philox.h"
#include "core/weights.h"
#include "models/mmdit_config.h"

namespace ts::test {

// Draws every tensor that a loader asks for, keeps it, and can be asked for it later.
class DrawnWeights final : public WeightSource {
 public:
  explicit DrawnWeights(uint64_t seed) : seed_(seed) {}
  std::string description() const override { return "drawn weights"; }
  const std::vector<float>& values(const std::string& name) const { return drawn_.at(name).values; }
  const Shape& shape(const std::string& name) const { return drawn_.at(name).tensor.shape; }
  void set(const std::string& name, Shape shape, std::vector<float> values) {
    Drawn& drawn = drawn_[name];
    drawn.values = std::move(values);
    drawn.tensor = tensor_of(drawn.values.data(), shape);
  }
  const auto& all() const { return drawn_; }

 protected:
  const Tensor* find(std::string_view name) const override {
    const auto found = drawn_.find(name);
    return found == drawn_.end() ? nullptr : &found->second.tensor;
  }
  const Tensor* find_or_make(std::string_view name, const Shape& shape) override {
    if (const Tensor* known = find(name)) return known;
    std::vector<float> values(size_t(shape.numel()));
    fill_normal(values, seed_, std::hash<std::string_view>{}(name));
    const bool is_norm = name.ends_with("_norm.weight");
    const bool is_empty = name.ends_with("_feat") || name.ends_with("_emb");
    const float scale = is_norm ? 0.1f : shape.rank() < 2 ? 0.05f : is_empty ? 0.3f : 1.0f / std::sqrt(float(shape.numel() / shape[0]));
    for (float& value : values) value = value * scale + (is_norm ? 1.0f : 0.0f);
    set(std::string(name), shape, std::move(values));
    return find(name);
  }
  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (const auto& [name, drawn] : drawn_) names.push_back(name);
    return names;
  }

 private:
  struct Drawn {
    std::vector<float> values;
    Tensor tensor;
  };
  uint64_t seed_;
  std::map<std::string, Drawn, std::less<>> drawn_;
};

class MmditReference {
 public:
  using Rows = std::vector<std::vector<double>>;  // [length][channels]

  MmditReference(const MmditConfig& config, const DrawnWeights& weights) : config_(config), weights_(weights) {}

  // Flow [N][latent_dim] of one item; features [length][width].
  Rows flow(const Rows& x, float t, const Rows& clip_raw, Rows sync_raw, const Rows& text_raw, const Rows& t5_raw) const {
    const size_t n = x.size(), d = size_t(config_.hidden_dim);
    for (size_t i = 0; i < sync_raw.size(); ++i)
      for (size_t c = 0; c < sync_raw[i].size(); ++c) sync_raw[i][c] += w("sync_pos_emb")[i % 8 * sync_raw[i].size() + c];
    Rows clip = projection("clip_input_proj", clip_raw), sync_short = projection("sync_input_proj", sync_raw);
    Rows joined;
    for (const Rows* part : {&text_raw, &t5_raw})
      for (const std::vector<double>& row : *part) {
        joined.push_back(row);
        joined.back().resize(size_t(config_.text_dim), 0.0);
      }
    Rows text = projection("text_input_proj", joined);
    Rows latent = projection("audio_input_proj", x);

    Rows pooled = layer("clip_cond_proj", {mean(clip)});
    const Rows pooled_text = layer("text_cond_proj", {mean(text_raw)});
    for (size_t c = 0; c < d; ++c) pooled[0][c] += pooled_text[0][c];
    Rows global = mlp("global_cond_mlp", pooled);
    Rows embedding(1);
    std::vector<float> frequencies;
    for (size_t j = 0; j < d / 2; ++j) {
      const float power = float(std::pow(10000.0, double(float(2 * j) / float(d))));
      frequencies.push_back(10000.0f * (1.0f / power));
    }
    for (float f : frequencies) embedding[0].push_back(std::cos(double(t * f)));
    for (float f : frequencies) embedding[0].push_back(std::sin(double(t * f)));
    const Rows t_emb = layer("t_embed.mlp.2", silu(layer("t_embed.mlp.0", embedding)));
    for (size_t c = 0; c < d; ++c) global[0][c] += t_emb[0][c];
    Rows extended(n, global[0]);
    const float scale = float(sync_short.size()) / float(n);
    for (size_t i = 0; i < n; ++i) {
      const size_t from = std::min(size_t((float(i) + 0.5f) * scale), sync_short.size() - 1);
      for (size_t c = 0; c < d; ++c) extended[i][c] += sync_short[from][c];
    }

    const double clip_scale = double(n) / double(clip.size());
    for (int64_t i = 0; i < config_.num_joint(); ++i) {
      const std::string name = concat("joint_blocks.", i, ".");
      Block a = before(name + "latent_block", latent, extended, 1.0), b = before(name + "clip_block", clip, global, clip_scale),
            c = before(name + "text_block", text, global, 0.0);
      const std::vector<const Block*> all{&a, &b, &c};
      const Rows to_latent = attend(a, all), to_clip = attend(b, all), to_text = attend(c, all);
      latent = after(name + "latent_block", a, latent, to_latent);
      if (i + 1 == config_.num_joint()) continue;
      clip = after(name + "clip_block", b, clip, to_clip);
      text = after(name + "text_block", c, text, to_text);
    }
    for (int64_t i = 0; i < config_.fused_depth; ++i) {
      const std::string name = concat("fused_blocks.", i);
      const Block a = before(name, latent, extended, 1.0);
      latent = after(name, a, latent, attend(a, {&a}));
    }
    const Rows modulation = layer("final_layer.adaLN_modulation.1", silu(extended));
    return layer("final_layer.conv", modulated(latent, modulation, 0));
  }

 private:
  struct Block {
    Rows modulation;
    std::vector<Rows> q, k, v;  // [head][position][channel]
  };

  const std::vector<float>& w(const std::string& name) const { return weights_.values(name); }

  // Linear or "same" convolution, by the rank of the stored weight.
  Rows product(const std::string& name, const Rows& x, const std::vector<float>* bias) const {
    const Shape& shape = weights_.shape(name);
    const std::vector<float>& weight = w(name);
    const int64_t out = shape[0], in = shape[1], taps = shape.rank() == 3 ? shape[2] : 1;
    const int64_t pad = (taps - 1) / 2, length = int64_t(x.size()) - (taps % 2 == 0 ? 1 : 0);
    Rows y(size_t(length), std::vector<double>(size_t(out), 0.0));
    for (int64_t n = 0; n < length; ++n)
      for (int64_t o = 0; o < out; ++o) {
        double sum = bias ? (*bias)[size_t(o)] : 0.0;
        for (int64_t j = 0; j < taps; ++j) {
          const int64_t from = n + j - pad;
          if (from < 0 || from >= int64_t(x.size())) continue;
          for (int64_t i = 0; i < in; ++i) sum += double(weight[size_t((o * in + i) * taps + j)]) * x[size_t(from)][size_t(i)];
        }
        y[size_t(n)][size_t(o)] = sum;
      }
    return y;
  }
  Rows layer(const std::string& name, const Rows& x) const { return product(name + ".weight", x, &w(name + ".bias")); }
  Rows mlp(const std::string& name, const Rows& x) const {
    Rows a = silu(product(name + ".w1.weight", x, nullptr));
    const Rows b = product(name + ".w3.weight", x, nullptr);
    for (size_t n = 0; n < a.size(); ++n)
      for (size_t c = 0; c < a[n].size(); ++c) a[n][c] *= b[n][c];
    return product(name + ".w2.weight", a, nullptr);
  }
  Rows projection(const std::string& name, const Rows& x) const { return mlp(name + ".2", silu(layer(name + ".0", x))); }

  static Rows silu(Rows x) {
    for (auto& row : x)
      for (double& value : row) value /= 1 + std::exp(-value);
    return x;
  }
  static std::vector<double> mean(const Rows& x) {
    std::vector<double> sum(x[0].size(), 0.0);
    for (const auto& row : x)
      for (size_t c = 0; c < row.size(); ++c) sum[c] += row[c] / double(x.size());
    return sum;
  }

  // LN(x)·(1 + scale) + shift with the two chunks from `first` on.
  Rows modulated(Rows x, const Rows& modulation, size_t first) const {
    for (size_t n = 0; n < x.size(); ++n) {
      const size_t d = x[n].size();
      double average = 0, variance = 0;
      for (double value : x[n]) average += value / double(d);
      for (double value : x[n]) variance += (value - average) * (value - average) / double(d);
      const std::vector<double>& m = modulation[modulation.size() == 1 ? 0 : n];
      for (size_t c = 0; c < d; ++c)
        x[n][c] = (x[n][c] - average) / std::sqrt(variance + 1e-5) * (1 + m[(first + 1) * d + c]) + m[first * d + c];
    }
    return x;
  }

  // `rope_scale` 0: no rotation.
  Block before(const std::string& name, const Rows& x, const Rows& condition, double rope_scale) const {
    Block block;
    block.modulation = layer(name + ".adaLN_modulation.1", silu(condition));
    const Rows qkv = layer(name + ".attn.qkv", modulated(x, block.modulation, 0));
    const size_t heads = size_t(config_.num_heads), d = size_t(config_.head_dim());
    for (size_t head = 0; head < heads; ++head)
      for (size_t which = 0; which < 3; ++which) {
        Rows part(x.size(), std::vector<double>(d));
        for (size_t n = 0; n < x.size(); ++n) {
          std::vector<double>& row = part[n];
          for (size_t i = 0; i < d; ++i) row[i] = qkv[n][head * 3 * d + 3 * i + which];
          if (which == 2) continue;
          const std::vector<float>& norm = w(name + (which == 0 ? ".attn.q_norm.weight" : ".attn.k_norm.weight"));
          double square = 0;
          for (double value : row) square += value * value / double(d);
          for (size_t i = 0; i < d; ++i) row[i] *= norm[i] / std::sqrt(square + std::pow(2.0, -23));
          for (size_t i = 0; i < d && rope_scale > 0; i += 2) {
            const double angle = double(n) * rope_scale * std::pow(10000.0, -double(i) / double(d));
            const double a = row[i], b = row[i + 1];
            row[i] = a * std::cos(angle) - b * std::sin(angle);
            row[i + 1] = a * std::sin(angle) + b * std::cos(angle);
          }
        }
        (which == 0 ? block.q : which == 1 ? block.k : block.v).push_back(std::move(part));
      }
    return block;
  }

  // One block's queries over the keys of all.
  Rows attend(const Block& asking, const std::vector<const Block*>& all) const {
    const size_t d = size_t(config_.head_dim());
    Rows out(asking.q[0].size(), std::vector<double>(size_t(config_.hidden_dim)));
    for (size_t head = 0; head < asking.q.size(); ++head)
      for (size_t n = 0; n < out.size(); ++n) {
        std::vector<double> sum(d, 0.0);
        double total = 0;
        for (const Block* block : all)
          for (size_t m = 0; m < block->k[head].size(); ++m) {
            double score = 0;
            for (size_t i = 0; i < d; ++i) score += asking.q[head][n][i] * block->k[head][m][i];
            const double weight = std::exp(score / std::sqrt(double(d)));
            total += weight;
            for (size_t i = 0; i < d; ++i) sum[i] += weight * block->v[head][m][i];
          }
        for (size_t i = 0; i < d; ++i) out[n][head * d + i] = sum[i] / total;
      }
    return out;
  }

  Rows after(const std::string& name, const Block& block, Rows x, const Rows& attended) const {
    add_gated(x, layer(name + ".linear1", attended), block.modulation, 2);
    add_gated(x, mlp(name + ".ffn", modulated(x, block.modulation, 3)), block.modulation, 5);
    return x;
  }
  static void add_gated(Rows& x, const Rows& y, const Rows& modulation, size_t chunk) {
    for (size_t n = 0; n < x.size(); ++n)
      for (size_t c = 0; c < x[n].size(); ++c) x[n][c] += y[n][c] * modulation[modulation.size() == 1 ? 0 : n][chunk * x[n].size() + c];
  }

  const MmditConfig& config_;
  const DrawnWeights& weights_;
};

}  // namespace ts::test
