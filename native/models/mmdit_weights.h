// The parameters of the MM-DiT under the names of the reference's state dict. Spec 07 §2; D = hidden_dim, d = head_dim,
// F = feed-forward width.
#pragma once

#include <string>
#include <vector>

#include "models/loader.h"
#include "models/mmdit_config.h"
#include "ops/linear.h"

namespace ts {

// w2( silu(w1 x) ⊙ (w3 x) ), convolutions of `taps` or linear layers.
struct GatedMlp {
  Weight in;       // .w1, .w3 [F, D(, taps)]
  Linear out;      // .w2 [D, F(, taps)]
  int64_t width = 0;
};

// <stream>_input_proj: a linear layer or convolution, an activation, a gated MLP.
struct InputProjection {
  Linear input;
  Activation activation = Activation::silu;
  GatedMlp mlp;
};

// Linear, or with use_mlp Linear and gated MLP: text_cond_proj.
struct TextCondProjection {
  Linear input;
  GatedMlp mlp;    // empty without use_mlp
};

// .cross_attn. of a fused block. The reference swaps its keys and values: keys are the raw half of to_kv, values the
// normed one (spec 01 §7a), and they are named here for what they are used as.
struct CrossAttention {
  Linear query, key, value;
  Buffer query_norm, value_norm;
  explicit operator bool() const { return bool(query.weight); }
};

struct MmditBlock {
  Linear modulation;          // .adaLN_modulation.1, 6·D rows, or 2·D where only queries, keys and values are needed
  Linear qkv;                 // .attn.qkv, rows re-ordered from the file's interleaving to q, k, v, each head by head
  Buffer q_norm, k_norm;      // .attn.{q,k}_norm [d]
  Linear linear1;             // empty in a pre-only block, like ffn
  GatedMlp ffn;
  CrossAttention cross;       // fused blocks with cross_attend
  int64_t num_chunks = 6;
  bool pre_only() const { return num_chunks == 2; }
};

struct JointBlock {
  MmditBlock latent, clip, text;
};

// gated_mlp, gated_mlp_v, gated_mlp_t: sigmoid(W3·silu(W1·LayerNorm(x))).
struct FusionGate {
  Buffer norm_weight, norm_bias;
  Linear in, out;
  explicit operator bool() const { return bool(in.weight); }
};

struct MmditWeights {
  Buffer empty_clip, empty_sync;  // [1, clip_dim], [1, sync_dim]: one row for every frame
  Buffer empty_text, empty_t5;    // [77, clip_text_dim], [77, text_dim], as the file has them
  Buffer sync_pos_emb;            // [1, 8, sync_dim]
  InputProjection audio, clip, sync, text;
  Linear clip_cond;
  TextCondProjection text_cond;
  GatedMlp global_mlp;
  Linear t_embed0, t_embed2;      // t_embed.mlp.{0,2}
  std::vector<JointBlock> joint;
  std::vector<MmditBlock> fused;
  FusionGate gate, gate_video, gate_text;
  Linear final_modulation, final_conv;
};

// Takes every tensor that the configuration demands; the caller finishes the source.
MmditWeights load_mmdit_weights(Loader& loader, const MmditConfig& config);

}  // namespace ts
