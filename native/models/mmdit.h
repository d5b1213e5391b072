// The velocity network: a multimodal diffusion transformer over latent, CLIP, text and Synchformer features. Spec 01.
//
//   x    [B, N, 64]   ─ audio projection ────────────────► latent [B, N, D] ─┐
//   clip [B, C, 1024] ─ projection ──────────────────────► clip   [B, C, D] ─┼─ joint blocks ─ latent ─ fused blocks ─ final layer ─ flow [B, N, 64]
//   text [B, 77, 1024] ⊕ t5 [B, 77, 2048] ─ projection ──► text [B, 154, D] ─┘   (one attention      (self attention,
//   sync [B, S, 768]  ─ projection ─ nearest row of N ───► sync   [B, N, D]       over all three)     latent alone)
//
//   global_c   [B, 1, D] = timestep embedding + MLP(pooled clip + pooled text)   modulates clip and text
//   extended_c [B, N, D] = global_c + sync                                       modulates the latent, position by position
//
// Whatever depends on neither t nor x is computed once per clip, by prepare(); what depends on t alone, for many times in
// one go, by prepare_times(); velocity() is one evaluation. Under guidance the batch is doubled: first the B conditional items, then their B null twins.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/mmdit_weights.h"

namespace ts {

struct MmditLengths {
  int64_t latent = 0, clip = 0, sync = 0;  // N, C, S
  int64_t text = 0;                        // CLIP text; 0 = the configuration's text_seq_len
};

// What an item may lack. Its place is then taken as in training: by the learned empty features, by zeros for a global
// text feature or a masked latent.
enum MmditModality : uint32_t {
  kMmditClip = 1, kMmditSync = 2, kMmditText = 4, kMmditT5 = 8, kMmditGlobalText = 16, kMmditMaskedLatent = 32,
  kMmditVideo = kMmditClip | kMmditSync  // the reference's video_exist = 0
};

// Device tensors, f32 or bf16, of B items, or of one item that serves them all. An empty tensor: absent from every item.
struct MmditFeatures {
  Tensor clip;           // [B, C, clip_dim]
  Tensor sync;           // [B, S, sync_dim]
  Tensor text;           // [B, text length, clip_text_dim]: CLIP's last hidden states
  Tensor t5;             // [B, any length, text_dim]
  Tensor global_text;    // [B, clip_text_dim], CLIP's pooled text; empty = the mean of `text`, as the published model has it
  Tensor masked_latent;  // [B, N, latent_dim], with use_inpaint only; empty = zeros
  std::vector<uint32_t> absent;  // of each item a sum of MmditModality; empty = nothing is
  bool without_t5 = false;       // no T5 sequence at all (not even an empty one): `text` alone, text_dim wide

  // The null half of guidance: a negative prompt's features in place of the empties.
  Tensor negative_text, negative_t5;  // [B or 1, length, width]
};

struct MmditOptions {
  bool guided = false;             // a null half follows the conditional one
  float rms_eps = 1.1920929e-7f;   // of the q and k norms: 2⁻²³, the framework's default for f32 (spec 01 §7)
};

// What prepare() has worked out. Its tensors live in the arena of the context that prepared them, below whatever that
// arena hands out later. B' = B, or 2·B with guidance.
struct MmditConditions {
  MmditLengths lengths;
  int64_t batch = 0;           // B
  int64_t items = 0;           // B'
  float rms_eps = 0;
  Tensor clip, text, sync;     // f32 [B', C, D], [B', T, D], [B', N, D]
  Tensor global;               // f32 [B', 1, D]: MLP(pooled clip + pooled text)
  Tensor masked_latent;        // f32 [B', N, latent_dim]; empty without use_inpaint
  bool has_masked_latent = false;  // somebody gave one: the halves of guidance see different inputs
  Tensor latent_rope, clip_rope;   // f32 [N, d/2, 2], [C, d/2, 2] of (cos, sin)
  Tensor spline;               // f32 [N, C]: clip rows at latent positions, with add_video where C ≠ N
  Tensor latent_heads, context_heads;  // i32: row order that brings [n, heads, d] to [heads, n, d], with cross_attend
  // Positions whose extended_c is the same, in the null half nearly all, are modulated once: i32 [R], which of the B'·N
  // rows differ, and i32 [B', N], which of those each position takes. Both empty where no two are equal.
  Tensor distinct_rows, chosen_rows;
  Tensor first_row;            // i32 [N] of zeros: repeats one row, with triple_fusion
};

// What the network makes of times alone: the clip and text streams' modulation in every joint block. Of T evaluations, each
// with a time for every item.
struct MmditTimes {
  int64_t count = 0;        // T
  Tensor global;            // f32 [1, T·B', D]: global_c
  Tensor modulation;        // f32 [2·(J − 1), T·B', 6·D]: clip's and text's in each of J joint blocks but the last
  Tensor last_modulation;   // f32 [2, T·B', 2·D]
};

// Immutable once loaded; any number of contexts may use it at a time.
class Mmdit {
 public:
  // Takes every tensor of the network from the loader's source and finishes it.
  static Mmdit load(Loader& loader, const MmditConfig& config);
  const MmditConfig& config() const { return config_; }
  const MmditWeights& weights() const { return weights_; }

  // Rows of CLIP text and T5 that the null half has, and that guidance therefore asks of everyone.
  int64_t null_text_len() const { return weights_.empty_text.tensor().shape[0]; }
  int64_t null_t5_len() const { return weights_.empty_t5.tensor().shape[0]; }

  // Everything of a batch that depends on neither t nor x. With guidance, clip, sync and text of another length are
  // repaired as the reference does it: cut, or followed by zeros, before anything else sees them; without guidance
  // lengths must match. TS_INVALID_ARGUMENT naming what does not fit.
  MmditConditions prepare(Context& ctx, const MmditFeatures& features, const MmditLengths& lengths, int64_t batch,
                          const MmditOptions& options = {}) const;

  // Room in the context's arena for `count` evaluations.
  MmditTimes allocate_times(Context& ctx, int64_t count, const MmditConditions& conditions) const;
  // Fills `times` for t (1 = noise, 0 = sound), B of them for every evaluation.
  void prepare_times(Context& ctx, const MmditTimes& times, std::span<const float> t, const MmditConditions& conditions) const;
  // Fills `one`, of a single evaluation, with evaluation `index` of `times`.
  void choose_time(Context& ctx, const MmditTimes& one, const MmditTimes& times, int64_t index) const;
  // flow f32 [B', N, latent_dim] of x f32 [B, N, latent_dim] at the times of one evaluation. Calls nothing but operators on
  // the device, so it can be recorded and replayed (ops/replay.h).
  void velocity(Context& ctx, const Tensor& flow, const Tensor& x, const MmditTimes& time, const MmditConditions& conditions) const;
  // Equal for calls of velocity() that call the same operators on the same memory, where their arenas begin at the same place.
  std::vector<int64_t> velocity_key(const Tensor& flow, const Tensor& x, const MmditTimes& time, const MmditConditions& conditions) const;
  // All at once.
  void velocity(Context& ctx, const Tensor& flow, const Tensor& x, std::span<const float> t, const MmditConditions& conditions) const;

 private:
  MmditConfig config_;
  MmditWeights weights_;
};

}  // namespace ts
