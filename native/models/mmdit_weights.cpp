#include "models/mmdit_weights.h"

namespace ts {
namespace {

constexpr int64_t kJointTaps = 3, kFinalTaps = 7, kMlpTaps = 3;
constexpr int64_t kReferenceTextDim = 1024, kReferenceT5Dim = 2048;

// Out row of q | k | v, each head by head, from the file's row head·3d + 3i + {0: q, 1: k, 2: v}.
RowOrder interleaved_by_three(int64_t num_heads, int64_t head_dim) {
  return [=](int64_t row) {
    const int64_t which = row / (num_heads * head_dim), channel = row % (num_heads * head_dim);
    return channel / head_dim * 3 * head_dim + channel % head_dim * 3 + which;
  };
}

class MmditLoader {
 public:
  MmditLoader(Loader& loader, const MmditConfig& config) : loader_(loader), config_(config), dim_(config.hidden_dim) {}

  MmditWeights load() {
    MmditWeights weights;
    const int64_t projection_dim = config_.projection_ffn_dim();
    weights.empty_clip = loader_.vector("empty_clip_feat", {1, config_.clip_dim});
    weights.empty_sync = loader_.vector("empty_sync_feat", {1, config_.sync_dim});
    weights.empty_text = null_sequence("empty_string_feat", config_.clip_text_dim, kReferenceTextDim);
    weights.empty_t5 = null_sequence("empty_t5_feat", config_.text_dim, kReferenceT5Dim);
    weights.sync_pos_emb = position_embedding();

    const int64_t audio_in = config_.latent_dim * (config_.use_inpaint ? 2 : 1);
    const Activation sequence_activation = config_.v2 ? Activation::silu : Activation::selu;
    weights.audio = projection("audio_input_proj", audio_in, config_.audio_kernel(), sequence_activation, config_.audio_kernel());
    weights.sync = projection("sync_input_proj", config_.sync_dim, config_.first_sync_kernel(), sequence_activation, kMlpTaps);
    const Activation token_activation = config_.v2 ? Activation::silu : Activation::none;
    weights.clip = projection("clip_input_proj", config_.clip_dim, 1, token_activation, kMlpTaps);
    weights.text = projection("text_input_proj", config_.text_dim, 1, token_activation, 1);

    weights.clip_cond = loader_.linear("clip_cond_proj", dim_, dim_);
    weights.text_cond.input = loader_.linear(config_.use_mlp ? "text_cond_proj.0" : "text_cond_proj", dim_, config_.clip_text_dim);
    if (config_.use_mlp) weights.text_cond.mlp = gated_mlp("text_cond_proj.1", projection_dim, 1);
    weights.global_mlp = gated_mlp("global_cond_mlp", projection_dim, 1);
    weights.t_embed0 = loader_.linear("t_embed.mlp.0", dim_, config_.timestep_dim());
    weights.t_embed2 = loader_.linear("t_embed.mlp.2", dim_, dim_);

    for (int64_t i = 0; i < config_.num_joint(); ++i) {
      const std::string name = concat("joint_blocks.", i);
      const bool is_last = i + 1 == config_.num_joint();
      weights.joint.push_back({block(name + ".latent_block", kJointTaps, false), block(name + ".clip_block", kJointTaps, is_last),
                               block(name + ".text_block", 1, is_last)});
    }
    for (int64_t i = 0; i < config_.fused_depth; ++i) {
      const std::string name = concat("fused_blocks.", i);
      weights.fused.push_back(block(name, config_.kernel_size, false));
      if (config_.cross_attend) weights.fused.back().cross = cross_attention(name + ".cross_attn");
    }
    // Without add_video these are loaded, as the reference's constructor makes them, and never used.
    if (config_.gated_video) weights.gate = fusion_gate("gated_mlp", 2);
    if (config_.triple_fusion) {
      weights.gate_video = fusion_gate("gated_mlp_v", 3);
      weights.gate_text = fusion_gate("gated_mlp_t", 3);
    }
    weights.final_modulation = loader_.linear("final_layer.adaLN_modulation.1", 2 * dim_, dim_);
    weights.final_conv = loader_.linear("final_layer.conv", config_.latent_dim, dim_, kFinalTaps);
    // Buffers that old files contain and every reader computes.
    for (const char* buffer : {"t_embed.freqs", "latent_rot", "clip_rot"}) loader_.source().ignore(buffer);
    return weights;
  }

 private:
  // The reference fixes these at [77, 1024] and [77, 2048] whatever the configuration says; other models have their own
  // number of rows. Where a sequence does not fit the features, only guidance and the absence of that text are impossible,
  // and prepare() says so.
  Buffer null_sequence(const std::string& name, int64_t width, int64_t reference_width) {
    const Shape usual{config_.text_seq_len, width};
    const Shape stored = loader_.source().take_any(name, usual).shape;
    if (stored.rank() == 0) return {};  // missing, which the source has noted
    const bool fits = stored.rank() == 2 && stored[0] > 0 && (stored[1] == width || stored[1] == reference_width);
    return loader_.vector(name, fits ? stored : usual);
  }

  Buffer position_embedding() {
    const std::vector<float> values = loader_.host("sync_pos_emb", {1, 1, 8, config_.sync_dim});
    return loader_.keep(values, {1, 8, config_.sync_dim});
  }

  GatedMlp gated_mlp(const std::string& name, int64_t width, int64_t taps) {
    GatedMlp mlp;
    mlp.in = loader_.gated(name + ".w1.weight", name + ".w3.weight", width, dim_, taps);
    mlp.out = loader_.linear(name + ".w2", dim_, width, taps, false);
    mlp.width = width;
    return mlp;
  }

  InputProjection projection(const std::string& name, int64_t in, int64_t taps, Activation activation, int64_t mlp_taps) {
    InputProjection layers;
    layers.input = loader_.linear(name + ".0", dim_, in, taps);
    layers.activation = activation;
    // Without an activation module between them, the MLP is the second of the sequence.
    layers.mlp = gated_mlp(name + (activation == Activation::none ? ".1" : ".2"), config_.projection_ffn_dim(), mlp_taps);
    return layers;
  }

  MmditBlock block(const std::string& name, int64_t taps, bool pre_only) {
    const int64_t head_dim = config_.head_dim();
    MmditBlock block;
    block.num_chunks = pre_only ? 2 : 6;
    {
      const Loader::Blocks blocks(loader_);
      block.qkv = loader_.linear(name + ".attn.qkv", 3 * dim_, dim_, 1, true, interleaved_by_three(config_.num_heads, head_dim));
    }
    block.q_norm = loader_.vector(name + ".attn.q_norm.weight", {head_dim});
    block.k_norm = loader_.vector(name + ".attn.k_norm.weight", {head_dim});
    block.modulation = loader_.linear(name + ".adaLN_modulation.1", block.num_chunks * dim_, dim_);
    if (pre_only) return block;
    const Loader::Blocks blocks(loader_);
    block.linear1 = loader_.linear(name + ".linear1", dim_, dim_, taps);
    block.ffn = gated_mlp(name + ".ffn", config_.block_ffn_dim(), taps);
    return block;
  }

  CrossAttention cross_attention(const std::string& name) {
    const Loader::Blocks blocks(loader_);
    CrossAttention cross;
    cross.query = loader_.linear(name + ".to_q", dim_, dim_, 1, false);
    cross.query_norm = loader_.vector(name + ".q_norm.weight", {config_.head_dim()});
    cross.value_norm = loader_.vector(name + ".k_norm.weight", {config_.head_dim()});
    // Channel head·2d + 2i + {0: the normed half, 1: the raw one} → the halves apart, head by head.
    const std::vector<float> interleaved = loader_.host(name + ".to_kv.weight", {2 * dim_, dim_});
    std::vector<float> normed, raw;
    for (size_t at = 0; at < interleaved.size(); at += size_t(dim_)) {
      std::vector<float>& half = at / size_t(dim_) % 2 == 0 ? normed : raw;
      half.insert(half.end(), interleaved.begin() + ptrdiff_t(at), interleaved.begin() + ptrdiff_t(at) + ptrdiff_t(dim_));
    }
    cross.value.weight = loader_.pack(normed, {dim_, dim_}, {.dtype = loader_.product_dtype()});
    cross.key.weight = loader_.pack(raw, {dim_, dim_}, {.dtype = loader_.product_dtype()});
    return cross;
  }

  FusionGate fusion_gate(const std::string& name, int64_t num_inputs) {
    FusionGate gate;
    gate.norm_weight = loader_.vector(name + ".0.weight", {num_inputs * dim_});
    gate.norm_bias = loader_.vector(name + ".0.bias", {num_inputs * dim_});
    gate.in = loader_.linear(name + ".1", 4 * dim_, num_inputs * dim_, 1, false);
    gate.out = loader_.linear(name + ".3", dim_, 4 * dim_, 1, false);
    return gate;
  }

  Loader& loader_;
  const MmditConfig& config_;
  const int64_t dim_;
};

}  // namespace

MmditWeights load_mmdit_weights(Loader& loader, const MmditConfig& config) { return MmditLoader(loader, config).load(); }

}  // namespace ts
