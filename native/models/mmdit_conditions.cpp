// Spec 01 §§3-6, 9: from raw features to what every step reads.
#include <algorithm>

#include "models/mmdit.h"
#include "models/mmdit_layers.h"
#include "models/mmdit_tables.h"

namespace ts {
namespace {

constexpr int64_t kSyncSegment = 8;

// One kind of feature for every item of the batch.
struct Sequence {
  const char* name;
  uint32_t modality;
  int64_t length, width;  // of what the model is to see
  Tensor given;           // [B or 1, any length, width]
  Tensor negative;        // for the null half
  Tensor empty;           // what stands for an absent one: [length, width], [1, width] for every row, or zeros
};

// [[cos, −sin], [sin, cos]] of every position and pair, as the goldens hold it.
void probe_rotation(Context& ctx, const char* name, const std::vector<float>& table, int64_t length, int64_t head_dim) {
  if (!ctx.probing()) return;
  std::vector<float> matrices;
  for (size_t i = 0; i < table.size(); i += 2) matrices.insert(matrices.end(), {table[i], -table[i + 1], table[i + 1], table[i]});
  ctx.listener()(name, tensor_of(matrices.data(), {1, length, head_dim / 2, 2, 2}));
}

Tensor rope(Context& ctx, const char* name, int64_t length, int64_t head_dim, float scale) {
  const std::vector<float> table = rope_table(length, head_dim, scale);
  const Tensor device = ctx.f32({length, head_dim / 2, 2});
  ops::upload(ctx, device, tensor_of(table.data(), device.shape));
  probe_rotation(ctx, name, table, length, head_dim);
  return device;
}

Tensor indices(Context& ctx, const std::vector<int32_t>& values) {
  const Tensor device = ctx.arena().allocate<int32_t>({int64_t(values.size())});
  ops::upload(ctx, device, tensor_of(values.data(), device.shape));
  return device;
}

std::vector<int32_t> heads_first(int64_t length, int64_t num_heads) {
  std::vector<int32_t> order;
  for (int64_t head = 0; head < num_heads; ++head)
    for (int64_t n = 0; n < length; ++n) order.push_back(int32_t(n * num_heads + head));
  return order;
}

// One batch under preparation.
class Preparation {
 public:
  Preparation(Context& ctx, const Mmdit& model, const MmditFeatures& features, const MmditLengths& lengths, int64_t batch,
              const MmditOptions& options)
      : ctx_(ctx), config_(model.config()), weights_(model.weights()), features_(features), batch_(batch), guided_(options.guided),
        clip_{"clip", kMmditClip, lengths.clip, config_.clip_dim, features.clip, {}, weights_.empty_clip},
        sync_{"sync", kMmditSync, lengths.sync, config_.sync_dim, features.sync, {}, weights_.empty_sync},
        text_{"text", kMmditText, lengths.text ? lengths.text : config_.text_seq_len, config_.clip_text_dim, features.text,
              features.negative_text, weights_.empty_text},
        t5_{"T5", kMmditT5, 0, config_.text_dim, features.t5, features.negative_t5, weights_.empty_t5},
        masked_{"masked latent", kMmditMaskedLatent, lengths.latent, config_.latent_dim, features.masked_latent, {}, {}} {
    out_.lengths = lengths;
    out_.batch = batch;
    out_.items = guided_ ? 2 * batch : batch;
    out_.rms_eps = options.rms_eps;
    if (features.without_t5)
      text_.width = config_.text_dim;
    else if (features.text)
      text_.width = features.text.cols();  // CLIP text may be narrower than its null where neither needs the other
    if (!features.without_t5) t5_.length = features.t5 && !guided_ ? features.t5.shape[1] : weights_.empty_t5.tensor().shape[0];
  }

  MmditConditions run() {
    check();
    const int64_t b = out_.items, n = out_.lengths.latent, d = config_.hidden_dim;
    out_.clip = ctx_.f32({b, clip_.length, d});
    out_.text = ctx_.f32({b, text_.length + t5_.length, d});
    out_.sync = ctx_.f32({b, n, d});
    out_.global = ctx_.f32({b, 1, d});
    make_tables();
    if (config_.use_inpaint) {
      out_.masked_latent = ctx_.f32({b, n, config_.latent_dim});
      out_.has_masked_latent = bool(features_.masked_latent);
      assemble(out_.masked_latent, masked_);
    }
    const Arena::Scope scope(ctx_.arena());
    const Tensor pooled_clip = ctx_.f32({b, 1, d}), pooled_text = ctx_.f32({b, 1, d});
    prepare_clip(pooled_clip);
    prepare_sync();
    prepare_text(pooled_text);
    ops::add(ctx_, pooled_clip, pooled_clip, pooled_text);
    run_mlp(ctx_, out_.global, pooled_clip, weights_.global_mlp);              // [B', 1, D]
    ctx_.probe("global_cond_mlp", out_.global, {b, d});
    return out_;
  }

 private:
  void check() const {
    const int64_t n = out_.lengths.latent, c = out_.lengths.clip, s = out_.lengths.sync;
    require(batch_ > 0 && n > 0 && c > 0 && s > 0 && text_.length > 0, "mmdit: batch ", batch_, " with lengths ", n, ", ", c, ", ", s, ", ",
            text_.length, ": all must be positive");
    require(s % kSyncSegment == 0, "mmdit: ", s, " sync features; they come in segments of ", kSyncSegment);
    require(features_.absent.empty() || int64_t(features_.absent.size()) == batch_, "mmdit: absent modalities of ", features_.absent.size(),
            " items, the batch has ", batch_);
    require(config_.use_inpaint || !features_.masked_latent, "mmdit: a masked latent was given, but the model was made without use_inpaint");
    require(!features_.without_t5 || (!features_.t5 && !features_.negative_t5), "mmdit: T5 features were given to a run without T5");
    check(clip_, guided_);
    check(sync_, guided_);
    check(masked_, false);
    check(text_, guided_);
    if (!features_.without_t5) check(t5_, false);
    require(text_.width <= config_.text_dim, "mmdit: text features are ", text_.width, " wide, the projection takes ", config_.text_dim);
    const int64_t pooled_width = features_.global_text ? config_.clip_text_dim : features_.without_t5 ? config_.hidden_dim : text_.width;
    require(pooled_width == config_.clip_text_dim, "mmdit: the pooled text is ", pooled_width, " wide, its projection takes ",
            config_.clip_text_dim, "; give a global text feature");
    if (!features_.global_text) return;
    const Shape& shape = features_.global_text.shape;
    require(shape.rank() == 2 && (shape[0] == batch_ || shape[0] == 1) && shape[1] == config_.clip_text_dim, "mmdit: the global text is ",
            shape.str(), ", expected [", batch_, ", ", config_.clip_text_dim, "]");
  }

  // `repaired`: other lengths than the model's are mended while assembling.
  void check(const Sequence& sequence, bool repaired) const {
    for (const Tensor& tensor : {sequence.given, sequence.negative}) {
      if (!tensor) continue;
      const Shape& shape = tensor.shape;
      require(shape.rank() == 3, "mmdit: ", sequence.name, " features are ", shape.str(), ", expected [items, length, width]");
      require(shape[0] == batch_ || shape[0] == 1, "mmdit: ", sequence.name, " features for ", shape[0], " items, the batch has ", batch_);
      require(shape[1] > 0, "mmdit: ", sequence.name, " features have no rows; leave them out to use the learned empties");
      require(shape[2] == sequence.width, "mmdit: ", sequence.name, " features are ", shape[2], " wide, expected ", sequence.width);
      require(repaired || shape[1] == sequence.length, "mmdit: ", shape[1], " rows of ", sequence.name, " features, expected ",
              sequence.length, "; lengths are repaired under guidance only, and that of T5 never");
    }
    if (!sequence.empty || !needs_empty(sequence)) return;
    const Shape& empty = sequence.empty.shape;
    require((empty[0] == 1 || empty[0] == sequence.length) && empty[1] == sequence.width, "mmdit: the learned empty ", sequence.name,
            " sequence is ", empty.str(), " and cannot stand for features [", sequence.length, ", ", sequence.width,
            "], neither for absent ones nor in the null half of guidance");
  }

  bool lacks(int64_t item, uint32_t modality) const {
    return !features_.absent.empty() && (features_.absent[size_t(item)] & modality) != 0;
  }

  // Whether an empty will stand somewhere.
  bool needs_empty(const Sequence& sequence) const {
    bool needs = !sequence.given || (guided_ && !sequence.negative);
    for (int64_t item = 0; item < batch_; ++item) needs = needs || lacks(item, sequence.modality);
    return needs;
  }

  // y [B', length, width]: conditional items, then null ones.
  void assemble(const Tensor& y, const Sequence& sequence) {
    for (int64_t item = 0; item < out_.items; ++item) {
      const Tensor to = y.slice(item, 1);
      const Tensor from = item >= batch_ ? sequence.negative : lacks(item, sequence.modality) ? Tensor() : sequence.given;
      if (from)
        put(to, from.slice(from.shape[0] == 1 ? 0 : item % batch_, 1));
      else
        put_empty(to, sequence.empty);
    }
  }

  // Length repair (spec 01 §9): rows beyond the length are cut, missing ones are zeros.
  void put(const Tensor& to, const Tensor& from) {
    const int64_t length = to.shape[1], given = from.shape[1], width = from.shape[2];
    if (given < length) ops::fill(ctx_, to, 0);
    const Tensor rows = from.reshape({given, width}).slice(0, std::min(length, given));
    ops::copy_block(ctx_, to, 0, 0, rows.reshape({1, rows.shape[0], width}));
  }

  void put_empty(const Tensor& to, const Tensor& empty) {
    const int64_t length = to.shape[1], width = to.shape[2];
    if (!empty)
      ops::fill(ctx_, to, 0);
    else if (empty.shape[0] == 1)  // one row for all: let rows be the batch, over which copy_block repeats
      ops::copy_block(ctx_, to.reshape({length, 1, width}), 0, 0, empty.reshape({1, 1, width}));
    else
      ops::copy_block(ctx_, to, 0, 0, empty.reshape({1, length, width}));
  }

  void prepare_clip(const Tensor& pooled) {
    const Arena::Scope scope(ctx_.arena());
    const int64_t b = out_.items, d = config_.hidden_dim;
    const Tensor raw = ctx_.product({b, clip_.length, clip_.width});
    assemble(raw, clip_);
    project(ctx_, out_.clip, raw, weights_.clip);                              // [B', C, D]
    ctx_.probe("clip_input_proj", out_.clip);
    ctx_.probe("cond.clip_f", out_.clip);
    const Tensor mean = ctx_.f32({b, 1, d});
    ops::mean_rows(ctx_, mean.reshape({b, d}), out_.clip);
    ops::linear(ctx_, pooled, mean, *weights_.clip_cond.weight, {.bias = weights_.clip_cond.bias});
    ctx_.probe("cond.clip_f_c", pooled, {b, d});
  }

  void prepare_sync() {
    const Arena::Scope scope(ctx_.arena());
    const int64_t b = out_.items;
    const Tensor raw = ctx_.f32({b, sync_.length, sync_.width}), placed = ctx_.product(raw.shape);
    assemble(raw, sync_);
    const Shape segments{b * sync_.length / kSyncSegment, kSyncSegment, sync_.width};
    ops::add(ctx_, placed.reshape(segments), raw.reshape(segments), weights_.sync_pos_emb);
    const int64_t projected_len = config_.projected_sync_len(sync_.length);
    const Tensor projected = ctx_.f32({b, projected_len, config_.hidden_dim});
    project(ctx_, projected, placed, weights_.sync);                           // [B', S, D]
    ctx_.probe("sync_input_proj", projected);
    ops::gather_rows(ctx_, out_.sync, projected, indices(ctx_, sync_row_));    // [B', N, D]
    ctx_.probe("cond.sync_f", out_.sync);
  }

  void prepare_text(const Tensor& pooled) {
    const Arena::Scope scope(ctx_.arena());
    const int64_t b = out_.items, d = config_.hidden_dim;
    const Tensor raw = ctx_.f32({b, text_.length, text_.width});
    assemble(raw, text_);
    const Tensor joined = ctx_.product({b, text_.length + t5_.length, config_.text_dim});
    if (text_.width < config_.text_dim) ops::fill(ctx_, joined, 0);            // right of the CLIP text: zeros
    ops::copy_block(ctx_, joined, 0, 0, raw);
    if (t5_.length > 0) {
      const Tensor raw_t5 = ctx_.product({b, t5_.length, t5_.width});
      assemble(raw_t5, t5_);
      ops::copy_block(ctx_, joined, text_.length, 0, raw_t5);
    }
    project(ctx_, out_.text, joined, weights_.text);                           // [B', T, D]
    ctx_.probe("text_input_proj", out_.text);
    ctx_.probe("cond.text_f", out_.text);

    // The mean runs over the raw text, zero rows of the repair included; without T5 over the projected one (spec 01 §6).
    const Tensor global = ctx_.f32({b, 1, config_.clip_text_dim});
    if (features_.global_text) {
      const Tensor& given = features_.global_text;
      assemble(global, {"global text", kMmditGlobalText, 1, given.shape[1], given.reshape({given.shape[0], 1, given.shape[1]}), {}, {}});
    } else {
      ops::mean_rows(ctx_, global.reshape({b, config_.clip_text_dim}), features_.without_t5 ? out_.text : raw);
    }
    const TextCondProjection& layers = weights_.text_cond;
    if (config_.use_mlp) {
      const Tensor hidden = ctx_.product({b, 1, d});
      ops::linear(ctx_, hidden, global, *layers.input.weight, {.bias = layers.input.bias});
      run_mlp(ctx_, pooled, hidden, layers.mlp);
    } else {
      ops::linear(ctx_, pooled, global, *layers.input.weight, {.bias = layers.input.bias});
    }
    ctx_.probe("cond.text_f_c", pooled, {b, d});
  }

  bool has_sync(int64_t item) const { return item < batch_ && sync_.given && !lacks(item, kMmditSync); }

  // What the sync feature at a position is made of. Without a video its rows repeat as the position embedding does, except
  // where the convolutions reach beyond an end.
  int64_t sync_key(int64_t item, int64_t row) const {
    int64_t before = 0, after = 0;
    for (const PackedWeight* kernel : {weights_.sync.input.weight.get(), weights_.sync.mlp.in.get(), weights_.sync.mlp.out.weight.get()}) {
      before += (kernel->taps - 1) / 2;
      after += kernel->taps / 2;
    }
    const bool repeats = !has_sync(item) && row >= before && row + after < sync_.length;
    return item * sync_.length + (repeats ? before + (row - before) % kSyncSegment : row);
  }

  void share_positions() {
    std::vector<int64_t> keys;
    for (int64_t item = 0; item < out_.items; ++item)
      for (int32_t row : sync_row_) keys.push_back(sync_key(item, row));
    const SharedRows rows = share_rows(keys);
    if (rows.distinct.size() == keys.size()) return;
    out_.distinct_rows = indices(ctx_, rows.distinct);
    out_.chosen_rows = indices(ctx_, rows.chosen).reshape({out_.items, out_.lengths.latent});
  }

  // What follows from lengths alone.
  void make_tables() {
    const int64_t n = out_.lengths.latent, c = out_.lengths.clip;
    sync_row_ = nearest_exact_index(config_.projected_sync_len(sync_.length), n);
    share_positions();
    out_.latent_rope = rope(ctx_, "latent_rot", n, config_.head_dim(), 1.0f);
    out_.clip_rope = rope(ctx_, "clip_rot", c, config_.head_dim(), float(double(n) / double(c)));
    if (config_.add_video && c != n) {
      const std::vector<float> matrix = natural_spline_matrix(c, n);
      out_.spline = ctx_.f32({n, c});
      ops::upload(ctx_, out_.spline, tensor_of(matrix.data(), {n, c}));
    }
    const bool text_is_mean = config_.add_video && config_.triple_fusion;
    if (text_is_mean) out_.first_row = indices(ctx_, std::vector<int32_t>(size_t(n), 0));
    if (!config_.cross_attend) return;
    const int64_t context_len = text_is_mean ? n : text_.length + t5_.length;
    out_.latent_heads = indices(ctx_, heads_first(n, config_.num_heads));
    out_.context_heads = indices(ctx_, heads_first(context_len, config_.num_heads));
  }

  Context& ctx_;
  const MmditConfig& config_;
  const MmditWeights& weights_;
  const MmditFeatures& features_;
  const int64_t batch_;
  const bool guided_;
  Sequence clip_, sync_, text_, t5_, masked_;
  std::vector<int32_t> sync_row_;  // the projected sync feature of each position
  MmditConditions out_;
};

}  // namespace

MmditConditions Mmdit::prepare(Context& ctx, const MmditFeatures& features, const MmditLengths& lengths, int64_t batch,
                               const MmditOptions& options) const {
  return Preparation(ctx, *this, features, lengths, batch, options).run();
}

}  // namespace ts
