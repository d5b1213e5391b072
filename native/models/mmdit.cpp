#include "models/mmdit.h"

#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <string>

#include "models/mmdit_layers.h"
#include "models/mmdit_tables.h"
#include "ops/branches.h"

namespace ts {
namespace {

constexpr float kLayerNormEps = 1e-5f;
constexpr int64_t kMaxChunks = 6, kFinalChunks = 2;  // of a modulation

// What a chunk of a block's modulation is for, in the order of the reference (spec 01 §7 point 1).
enum ModulationChunk : int64_t { kShiftAttention, kScaleAttention, kGateAttention, kShiftMlp, kScaleMlp, kGateMlp };

// One stream on its way through one block.
struct Stream {
  const MmditBlock& weights;
  Tensor x;            // f32 [B', n, D], read
  Tensor y;            // the same or another: where a full block leaves its result
  Tensor rope;         // empty for text
  Tensor modulation;   // f32 [B', 1 or n, chunks·D], or [1, R, chunks·D] of which
  Tensor rows = {};    // i32 [B', n] says who takes which
  Qkv qkv = {};
  Tensor attended = {};

  Chunk chunk(ModulationChunk which) const { return {modulation, which, x.shape[2], rows}; }
};

// A forward pass in flight.
class Evaluation {
 public:
  Evaluation(Context& ctx, const Mmdit& model, const MmditTimes& time, const MmditConditions& conditions)
      : ctx_(ctx), config_(model.config()), weights_(model.weights()), time_(time), conditions_(conditions), items_(conditions.items),
        latent_len_(conditions.lengths.latent), dim_(config_.hidden_dim) {}

  void run(const Tensor& flow, const Tensor& x) {
    const Tensor latent = ctx_.f32({items_, latent_len_, dim_});
    const Tensor& distinct = conditions_.distinct_rows;
    silu_extended_ = ctx_.product(distinct ? Shape{1, distinct.shape[0], dim_} : Shape{items_, latent_len_, dim_});
    for (Tensor& modulation : modulations_) modulation = ctx_.f32({silu_extended_.shape[0], silu_extended_.shape[1], kMaxChunks * dim_});
    extend_condition();
    {
      const Arena::Scope scope(ctx_.arena());
      side_by_side(ctx_, 2, [&](int32_t branch) { branch == 0 ? project_audio(latent, x) : modulate(0); });
    }

    Tensor clip = conditions_.clip, text = conditions_.text;
    if (weights_.joint.size() > 1) {
      clip_out_ = ctx_.f32(clip.shape);
      text_out_ = ctx_.f32(text.shape);
    }
    for (size_t i = 0; i < weights_.joint.size(); ++i)
      beside_next_modulation(i, [&] { joint_block(i, latent, clip, text); });
    if (config_.add_video) add_video(latent, clip, text);
    for (size_t i = 0; i < weights_.fused.size(); ++i)
      beside_next_modulation(weights_.joint.size() + i, [&] { fused_block(i, latent, text); });
    final_layer(flow, latent);
  }

 private:
  // extended_c = global_c + sync; all that is kept of it is what the modulations read.
  void extend_condition() {
    const Arena::Scope scope(ctx_.arena());
    Tensor extended = ctx_.f32({items_, latent_len_, dim_});
    ops::add(ctx_, extended, conditions_.sync, time_.global.reshape({items_, 1, dim_}));  // [B', N, D]
    ctx_.probe("extended_c", extended);
    if (conditions_.distinct_rows) {
      const Tensor all = extended.reshape({1, items_ * latent_len_, dim_});
      extended = ctx_.f32(silu_extended_.shape);
      ops::gather_rows(ctx_, extended, all, conditions_.distinct_rows);        // [1, R, D]
    }
    ops::activate(ctx_, silu_extended_, extended, Activation::silu);
  }

  // Both halves of guidance see the same x, so it is projected once, unless they see different masked latents.
  void project_audio(const Tensor& latent, const Tensor& x) {
    const Arena::Scope scope(ctx_.arena());
    const int64_t batch = conditions_.batch, channels = config_.latent_dim;
    const int64_t rows = conditions_.has_masked_latent ? items_ : batch;
    Tensor input = x;
    if (config_.use_inpaint) {
      input = ctx_.product({rows, latent_len_, 2 * channels});
      for (int64_t first = 0; first < rows; first += batch) ops::copy_block(ctx_, input.slice(first, batch), 0, 0, x);
      ops::copy_block(ctx_, input, 0, channels, conditions_.masked_latent.slice(0, rows));
    }
    project(ctx_, latent.slice(0, rows), input, weights_.audio);               // [B', N, D]
    if (rows < items_) ops::copy_block(ctx_, latent.slice(batch, batch), 0, 0, latent.slice(0, batch));
    ctx_.probe("audio_input_proj", latent);
  }

  // Modulations of the latent in the order in which they are wanted: joint blocks, fused blocks, the final layer.
  size_t num_modulations() const { return weights_.joint.size() + weights_.fused.size() + 1; }
  void modulate(size_t index) {
    const size_t num_joint = weights_.joint.size(), num_blocks = num_modulations() - 1;
    const MmditBlock* const block = index < num_joint ? &weights_.joint[index].latent : index < num_blocks ? &weights_.fused[index - num_joint] : nullptr;
    const Linear& layer = block ? block->modulation : weights_.final_modulation;
    ops::linear(ctx_, modulation(index, block ? block->num_chunks : kFinalChunks), silu_extended_, *layer.weight, {.bias = layer.bias});
  }
  // That of `index`: in one of two places, so that the next can be computed while it is read.
  Tensor modulation(size_t index, int64_t num_chunks) const {
    Tensor part = modulations_[index % 2];
    part.shape = {part.shape[0], part.shape[1], num_chunks * dim_};
    return part;
  }
  template <class Body>
  void beside_next_modulation(size_t index, const Body& body) {
    ctx_.check_cancelled();
    const Arena::Scope scope(ctx_.arena());
    side_by_side(ctx_, 2, [&](int32_t branch) { branch == 0 ? body() : modulate(index + 1); });
  }

  // Leaves `clip` and `text` at the streams that come out: the last block passes them through.
  void joint_block(size_t i, const Tensor& latent, Tensor& clip, Tensor& text) {
    const JointBlock& block = weights_.joint[i];
    const bool is_last = i + 1 == weights_.joint.size();
    const Tensor both = is_last ? time_.last_modulation : time_.modulation.slice(int64_t(2 * i), 2);
    const auto global = [&](int64_t which) { return both.slice(which, 1).reshape({items_, 1, both.shape[2]}); };
    std::array<Stream, 3> streams{Stream{block.latent, latent, latent, conditions_.latent_rope, modulation(i, block.latent.num_chunks), conditions_.chosen_rows},
                                  Stream{block.clip, clip, clip_out_, conditions_.clip_rope, global(0)},
                                  Stream{block.text, text, text_out_, {}, global(1)}};
    side_by_side(ctx_, 3, [&](int32_t which) { before_attention(streams[size_t(which)]); });
    attend(streams);
    if (block.clip.pre_only()) {
      after_attention(streams[0], {}, {});
    } else {
      side_by_side(ctx_, 3, [&](int32_t which) { after_attention(streams[size_t(which)], {}, {}); });
      clip = clip_out_;
      text = text_out_;
    }
    if (!ctx_.probing()) return;
    ctx_.probe(concat("joint", i, ".latent"), latent);
    ctx_.probe(concat("joint", i, ".clip"), clip);
    ctx_.probe(concat("joint", i, ".text"), text);
  }

  void fused_block(size_t i, const Tensor& latent, const Tensor& context) {
    const MmditBlock& block = weights_.fused[i];
    std::array<Stream, 1> streams{
        Stream{block, latent, latent, conditions_.latent_rope, modulation(weights_.joint.size() + i, block.num_chunks), conditions_.chosen_rows}};
    before_attention(streams[0]);
    attend(streams);
    after_attention(streams[0], context, ctx_.probing() ? concat("fused", i) : std::string());
    if (ctx_.probing()) ctx_.probe(concat("fused", i), latent);
  }

  // q, k and v of one stream, modulated. Allocates them in the scope of the block.
  void before_attention(Stream& stream) {
    const MmditBlock& weights = stream.weights;
    const int64_t length = stream.x.shape[1];
    const Shape heads{items_, config_.num_heads, length, config_.head_dim()};
    stream.qkv = {ctx_.product(heads), ctx_.product(heads), ctx_.product(heads)};
    stream.attended = ctx_.product({items_, length, dim_});

    const Arena::Scope scope(ctx_.arena());
    const Tensor h = ctx_.product(stream.x.shape);
    ops::layer_norm_modulate(ctx_, h, stream.x, stream.chunk(kShiftAttention), stream.chunk(kScaleAttention), kLayerNormEps);
    ops::qkv_projection(ctx_, stream.qkv, h, *weights.qkv.weight,
                        {.bias = weights.qkv.bias, .q_norm = weights.q_norm, .k_norm = weights.k_norm, .eps = conditions_.rms_eps,
                         .rope = stream.rope});
  }

  // All streams over all streams' keys. Whoever listens also hears what pre-only streams would have asked.
  void attend(std::span<Stream> streams) {
    std::array<AttentionStream, 3> inputs;
    for (size_t i = 0; i < streams.size(); ++i) {
      const Stream& stream = streams[i];
      inputs[i].k = stream.qkv.k;
      inputs[i].v = stream.qkv.v;
      if (stream.weights.pre_only() && !ctx_.probing()) continue;
      inputs[i].q = stream.qkv.q;
      inputs[i].out = stream.attended;
    }
    const std::span<const AttentionStream> used(inputs.data(), streams.size());
    ops::attention(ctx_, used, {.scale = 1.0f / std::sqrt(float(config_.head_dim()))});
    probe_attention(used);
  }

  // attn<i>.{q, k, v, out}, counted over the forward pass, streams one after the other as the reference joins them.
  void probe_attention(std::span<const AttentionStream> streams) {
    if (!ctx_.probing()) return;
    const std::string name = concat("attn", num_attentions_++);
    const auto report = [&](const char* what, Tensor AttentionStream::*member, int axis) {
      Shape joined;
      int64_t length = 0;
      for (const AttentionStream& stream : streams)
        if (const Tensor& part = stream.*member) length += part.shape[axis];
      const Tensor& first = streams[0].*member;
      for (int i = 0; i < first.shape.rank(); ++i) joined.push_back(i == axis ? length : first.shape[i]);
      // Everything before the axis is a batch to copy_block.
      const Shape flat{first.numel() / (first.shape[axis] * first.shape[-1]), length, first.shape[-1]};
      const Buffer all = allocate_buffer(ctx_.table(), DType::f32, flat);
      int64_t row = 0;
      for (const AttentionStream& stream : streams)
        if (const Tensor& part = stream.*member) {
          ops::copy_block(ctx_, all, row, 0, part.reshape({flat[0], part.shape[axis], flat[2]}));
          row += part.shape[axis];
        }
      ctx_.probe(name + what, all, joined);
    };
    report(".q", &AttentionStream::q, 2);
    report(".k", &AttentionStream::k, 2);
    report(".v", &AttentionStream::v, 2);
    report(".out", &AttentionStream::out, 1);
  }

  // x + linear1(attended)·gate, cross attention where there is a context, x + FFN(modulated LN(x))·gate.
  void after_attention(Stream& stream, const Tensor& context, const std::string& name) {
    const MmditBlock& weights = stream.weights;
    ops::linear(ctx_, stream.y, stream.attended, *weights.linear1.weight,
                {.bias = weights.linear1.bias, .gate = stream.chunk(kGateAttention), .residual = stream.x});
    stream.x = stream.y;
    if (weights.cross) cross_attention(weights.cross, stream.y, context, name);

    const Arena::Scope scope(ctx_.arena());
    const Tensor h = ctx_.product(stream.x.shape);
    ops::layer_norm_modulate(ctx_, h, stream.x, stream.chunk(kShiftMlp), stream.chunk(kScaleMlp), kLayerNormEps);
    run_mlp(ctx_, stream.y, h, weights.ffn, {.gate = stream.chunk(kGateMlp), .residual = stream.x});
  }

  // x += softmax(q Kᵀ/√d) V over the text: K the raw half of to_kv, V the normed one (spec 01 §7a).
  void cross_attention(const CrossAttention& cross, const Tensor& x, const Tensor& context, const std::string& name) {
    const Arena::Scope scope(ctx_.arena());
    AttentionStream stream;
    stream.q = by_heads(x, cross.query, cross.query_norm, conditions_.latent_heads);
    stream.k = by_heads(context, cross.key, {}, conditions_.context_heads);
    stream.v = by_heads(context, cross.value, cross.value_norm, conditions_.context_heads);
    stream.out = ctx_.f32(x.shape);
    const std::span<const AttentionStream> streams(&stream, 1);
    ops::attention(ctx_, streams, {.scale = 1.0f / std::sqrt(float(config_.head_dim()))});
    probe_attention(streams);
    if (ctx_.probing()) {
      ctx_.probe(name + ".cross.q", stream.q);
      ctx_.probe(name + ".cross.k", stream.k);
      ctx_.probe(name + ".cross.v", stream.v);
      ctx_.probe(name + ".cross.out", stream.out);
    }
    ops::add(ctx_, x, x, stream.out);
  }

  // [B', heads, n, d] of linear(x) [B', n, heads·d], each head normed where there is a norm.
  Tensor by_heads(const Tensor& x, const Linear& layer, const Tensor& norm, const Tensor& order) {
    const int64_t length = x.shape[1], heads = config_.num_heads, head_dim = config_.head_dim();
    const Tensor out = ctx_.product({items_, heads, length, head_dim});
    const Arena::Scope scope(ctx_.arena());
    const Shape rows{items_, length * heads, head_dim};
    Tensor y = ctx_.f32(x.shape);
    ops::linear(ctx_, y, x, *layer.weight);
    if (norm) {
      const Tensor normed = ctx_.f32(rows);
      ops::rms_norm(ctx_, normed, y.reshape(rows), norm, conditions_.rms_eps);
      y = normed;
    }
    ops::gather_rows(ctx_, out.reshape(rows), y.reshape(rows), order);
    return out;
  }

  // The clip stream joins the latent, gated or not (spec 01 §7a). With triple fusion `text` becomes its own mean, N times.
  void add_video(const Tensor& latent, const Tensor& clip, Tensor& text) {
    if (config_.triple_fusion) {
      const Tensor mean = ctx_.f32({items_, 1, dim_}), repeated = ctx_.f32(latent.shape);
      ops::mean_rows(ctx_, mean.reshape({items_, dim_}), text);
      ops::gather_rows(ctx_, repeated, mean, conditions_.first_row);
      text = repeated;                                                         // [B', N, D]
    }
    const Arena::Scope scope(ctx_.arena());
    Tensor video = clip;
    if (conditions_.spline) {
      video = ctx_.f32(latent.shape);
      ops::resample_rows(ctx_, video, clip, conditions_.spline);               // [B', N, D]
      ctx_.probe("fusion.clip", video);
    }
    if (config_.triple_fusion) {
      const std::array<Tensor, 3> parts{latent, video, text};
      const Tensor gate_video = fusion_gate("fusion.gate_v", weights_.gate_video, parts);
      const Tensor gate_text = fusion_gate("fusion.gate_t", weights_.gate_text, parts);
      ops::multiply_add(ctx_, latent, gate_video, video);
      ops::multiply_add(ctx_, latent, gate_text, text);
    } else if (config_.gated_video) {
      const std::array<Tensor, 2> parts{latent, video};
      const Tensor gate = fusion_gate("fusion.gate", weights_.gate, parts);
      const Tensor gated = ctx_.f32(latent.shape);                             // the latent gates itself: the clip only steers
      ops::copy_block(ctx_, gated, 0, 0, latent);
      ops::multiply_add(ctx_, latent, gate, gated);
    } else {
      ops::add(ctx_, latent, latent, video);
    }
    ctx_.probe("fusion.latent", latent);
  }

  // σ(W3·silu(W1·LN([parts])))
  Tensor fusion_gate(const char* name, const FusionGate& gate, std::span<const Tensor> parts) {
    const Tensor out = ctx_.f32({items_, latent_len_, dim_});
    const Arena::Scope scope(ctx_.arena());
    const int64_t width = int64_t(parts.size()) * dim_;
    const Tensor joined = ctx_.f32({items_, latent_len_, width}), h = ctx_.product(joined.shape);
    for (size_t i = 0; i < parts.size(); ++i) ops::copy_block(ctx_, joined, 0, int64_t(i) * dim_, parts[i]);
    ops::layer_norm(ctx_, h, joined, gate.norm_weight, gate.norm_bias, kLayerNormEps);
    const Tensor hidden = ctx_.product({items_, latent_len_, 4 * dim_});
    ops::linear(ctx_, hidden, h, *gate.in.weight, {.activation = Activation::silu});
    ops::linear(ctx_, out, hidden, *gate.out.weight, {.activation = Activation::sigmoid});
    ctx_.probe(name, out);
    return out;
  }

  void final_layer(const Tensor& flow, const Tensor& latent) {
    const Arena::Scope scope(ctx_.arena());
    const Tensor table = modulation(num_modulations() - 1, kFinalChunks), h = ctx_.product(latent.shape);
    const Tensor& rows = conditions_.chosen_rows;
    ops::layer_norm_modulate(ctx_, h, latent, {table, kShiftAttention, dim_, rows}, {table, kScaleAttention, dim_, rows}, kLayerNormEps);
    ops::linear(ctx_, flow, h, *weights_.final_conv.weight, {.bias = weights_.final_conv.bias});  // [B', N, latent_dim]
    ctx_.probe("final_layer", flow);
  }

  Context& ctx_;
  const MmditConfig& config_;
  const MmditWeights& weights_;
  const MmditTimes& time_;
  const MmditConditions& conditions_;
  const int64_t items_, latent_len_, dim_;
  Tensor silu_extended_;                 // silu(extended_c): every modulation of the latent begins with it
  std::array<Tensor, 2> modulations_;    // f32 [1, R or B'·n, 6·D]: this one and the next
  Tensor clip_out_, text_out_;           // what the joint blocks make of clip and text
  int num_attentions_ = 0;
};

}  // namespace

Mmdit Mmdit::load(Loader& loader, const MmditConfig& config) {
  Mmdit model;
  model.config_ = config;
  model.weights_ = load_mmdit_weights(loader, config);
  loader.finish();
  return model;
}

MmditTimes Mmdit::allocate_times(Context& ctx, int64_t count, const MmditConditions& conditions) const {
  const int64_t rows = count * conditions.items, width = config_.hidden_dim, num_joint = config_.num_joint();
  MmditTimes times;
  times.count = count;
  times.global = ctx.f32({1, rows, width});
  if (num_joint > 1) times.modulation = ctx.f32({2 * (num_joint - 1), rows, 6 * width});
  if (num_joint > 0) times.last_modulation = ctx.f32({2, rows, 2 * width});
  return times;
}

void Mmdit::prepare_times(Context& ctx, const MmditTimes& times, std::span<const float> t, const MmditConditions& conditions) const {
  const int64_t batch = conditions.batch, items = conditions.items, width = config_.hidden_dim, rows = times.count * items;
  require(int64_t(t.size()) == times.count * batch, "mmdit: ", t.size(), " times for ", times.count, " evaluations of ", batch, " items");
  const Arena::Scope scope(ctx.arena());
  std::vector<float> of_rows;
  for (int64_t row = 0; row < rows; ++row) of_rows.push_back(t[size_t(row / items * batch + row % items % batch)]);
  const std::vector<float> table = timestep_embedding(of_rows, timestep_frequencies(config_.timestep_dim(), config_.v2));
  const Tensor waves = ctx.f32({1, rows, config_.timestep_dim()}), hidden = ctx.product({1, rows, width});
  ops::upload(ctx, waves, tensor_of(table.data(), waves.shape));
  ops::linear(ctx, hidden, waves, *weights_.t_embed0.weight, {.bias = weights_.t_embed0.bias, .activation = Activation::silu});
  ops::linear(ctx, times.global, hidden, *weights_.t_embed2.weight, {.bias = weights_.t_embed2.bias});
  ctx.probe("t_embed", times.global, {rows, width});
  const Tensor global = times.global.reshape({times.count, items, width});
  ops::add(ctx, global, global, conditions.global.reshape({1, items, width}));   // [T, B', D]
  ctx.probe("global_c", times.global, {rows, 1, width});
  ops::activate(ctx, hidden, times.global, Activation::silu);
  const auto modulate = [&](const MmditBlock& block, const Tensor& modulation) {
    ops::linear(ctx, modulation, hidden, *block.modulation.weight, {.bias = block.modulation.bias});
  };
  for (size_t i = 0; i < weights_.joint.size(); ++i) {
    const bool is_last = i + 1 == weights_.joint.size();
    const Tensor both = is_last ? times.last_modulation : times.modulation.slice(int64_t(2 * i), 2);
    modulate(weights_.joint[i].clip, both.slice(0, 1));                          // [1, T·B', 6·D or 2·D]
    modulate(weights_.joint[i].text, both.slice(1, 1));
  }
}

void Mmdit::choose_time(Context& ctx, const MmditTimes& one, const MmditTimes& times, int64_t index) const {
  const int64_t items = one.global.shape[1];
  require(index >= 0 && index < times.count, "mmdit: evaluation ", index, " of ", times.count);
  const Arena::Scope scope(ctx.arena());
  std::vector<int32_t> rows(static_cast<size_t>(items));
  std::iota(rows.begin(), rows.end(), int32_t(index * items));
  const Tensor chosen = ctx.arena().allocate<int32_t>({items});
  ops::upload(ctx, chosen, tensor_of(rows.data(), chosen.shape));
  for (Tensor MmditTimes::*part : {&MmditTimes::global, &MmditTimes::modulation, &MmditTimes::last_modulation})
    if (times.*part) ops::gather_rows(ctx, one.*part, times.*part, chosen);
}

void Mmdit::velocity(Context& ctx, const Tensor& flow, const Tensor& x, std::span<const float> t, const MmditConditions& conditions) const {
  const Arena::Scope scope(ctx.arena());
  const MmditTimes time = allocate_times(ctx, 1, conditions);
  prepare_times(ctx, time, t, conditions);
  velocity(ctx, flow, x, time, conditions);
}

std::vector<int64_t> Mmdit::velocity_key(const Tensor& flow, const Tensor& x, const MmditTimes& time, const MmditConditions& conditions) const {
  const MmditConditions& c = conditions;
  const auto place = [](const void* pointer) { return int64_t(reinterpret_cast<uintptr_t>(pointer)); };
  std::vector<int64_t> key{place(this),     c.lengths.latent, c.lengths.clip, c.lengths.sync, c.lengths.text, c.batch,
                           c.items,         c.has_masked_latent, int64_t(std::bit_cast<uint32_t>(c.rms_eps)), time.count};
  for (const Tensor& tensor : {flow, x, time.global, time.modulation, time.last_modulation, c.clip, c.text, c.sync, c.global, c.masked_latent, c.latent_rope,
                               c.clip_rope, c.spline, c.latent_heads, c.context_heads, c.distinct_rows, c.chosen_rows, c.first_row}) {
    key.insert(key.end(), {place(tensor.data), int64_t(tensor.dtype), tensor.shape.rank()});
    for (int64_t size : tensor.shape.dims()) key.push_back(size);
  }
  return key;
}

void Mmdit::velocity(Context& ctx, const Tensor& flow, const Tensor& x, const MmditTimes& time, const MmditConditions& conditions) const {
  const int64_t n = conditions.lengths.latent;
  require(x.shape == Shape({conditions.batch, n, config_.latent_dim}), "mmdit: x is ", x.shape.str(), ", expected [", conditions.batch, ", ", n,
          ", ", config_.latent_dim, "]");
  require(flow.shape == Shape({conditions.items, n, config_.latent_dim}), "mmdit: flow is ", flow.shape.str(), ", expected [", conditions.items,
          ", ", n, ", ", config_.latent_dim, "]");
  require(time.count == 1 && time.global.shape[1] == conditions.items, "mmdit: ", time.count, " evaluations of ", time.global.shape[1],
          " items are prepared, expected 1 of ", conditions.items);
  const Arena::Scope scope(ctx.arena());
  Evaluation(ctx, *this, time, conditions).run(flow, x);
}

}  // namespace ts
