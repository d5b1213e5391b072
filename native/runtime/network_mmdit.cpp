#include "models/mmdit.h"
#include "models/mmdit_loss.h"
#include "models/mmdit_tables.h"
#include "pipeline/decode.h"
#include "runtime/network.h"
#include "sampler/sampler.h"

namespace ts {
namespace {

// One of the feature inputs on the host, [B, rows, width].
struct HostFeature {
  std::vector<float> values;
  Shape shape;
  Tensor upload(Context& ctx) const {
    if (values.empty()) return {};
    const Tensor tensor = ctx.f32(shape);
    ops::upload(ctx, tensor, tensor_of(values.data(), shape));
    return tensor;
  }
};

HostFeature read_feature(const Inputs& inputs, const char* name, int rank) {
  if (!inputs.has(name)) return {};
  return {inputs.floats(name, rank), inputs.get(name, rank).shape};
}

class MmditNetwork final : public Network {
 public:
  MmditNetwork(const nlohmann::json& config, WeightSource& source, const NetworkDevice& device) : device_(device) {
    Loader loader(source, device.table, device.precision.product, device.precision.weights);
    mmdit_ = std::make_unique<Mmdit>(Mmdit::load(loader, parse_mmdit_config(config, "mmdit config")));
  }

  void run(const std::string& function, const JsonObject& settings, const Inputs& inputs, bool probe_all, const Outputs& outputs) override {
    NetworkWorkspace workspace(device_, probe_all, outputs);
    if (function == "flow") return flow(workspace, settings, inputs, outputs);
    if (function == "sample") return sample(workspace, settings, inputs, outputs);
    if (function == "train") return train(workspace, settings, inputs, outputs);
    if (function == "t_embed") return t_embed(workspace, inputs, outputs);
    unknown_function("mmdit", function, "flow, sample, train, t_embed");
  }

 private:
  // The features of one run, uploaded anew in each forward.
  struct Features {
    HostFeature clip, sync, text, t5, global_text, masked_latent;
    std::vector<uint32_t> absent;
    bool without_t5 = false;

    MmditFeatures upload(Context& ctx) const {
      MmditFeatures features;
      features.clip = clip.upload(ctx);
      features.sync = sync.upload(ctx);
      features.text = text.upload(ctx);
      features.t5 = t5.upload(ctx);
      features.global_text = global_text.upload(ctx);
      features.masked_latent = masked_latent.upload(ctx);
      features.absent = absent;
      features.without_t5 = without_t5;
      return features;
    }
  };

  int64_t latent_dim() const { return mmdit_->config().latent_dim; }

  Features read_features(const JsonObject& settings, const Inputs& inputs, int64_t batch) const {
    Features features;
    features.clip = read_feature(inputs, "clip_f", 3);
    features.sync = read_feature(inputs, "sync_f", 3);
    features.text = read_feature(inputs, "text_f", 3);
    features.t5 = read_feature(inputs, "t5_features", 3);
    features.global_text = read_feature(inputs, "metaclip_global_text_features", 2);
    features.masked_latent = read_feature(inputs, "inpaint_masked_input", 3);
    if (!features.masked_latent.values.empty()) {
      const Shape shape = features.masked_latent.shape;  // by channel outside, by time inside
      features.masked_latent = {transposed_batch(features.masked_latent.values, shape[0], shape[1], shape[2]), {shape[0], shape[2], shape[1]}};
    }
    features.without_t5 = settings.get_bool("no_t5", false);
    features.absent.assign(size_t(batch), 0);
    mark(inputs, "video_exist", 0, kMmditVideo, features.absent);
    mark(inputs, "drop_clip", 1, kMmditClip, features.absent);
    mark(inputs, "drop_sync", 1, kMmditSync, features.absent);
    mark(inputs, "drop_text", 1, kMmditText, features.absent);
    mark(inputs, "drop_t5", 1, kMmditT5, features.absent);
    return features;
  }

  // Items whose flag has `value` lack `modality`.
  static void mark(const Inputs& inputs, const char* name, int value, uint32_t modality, std::vector<uint32_t>& absent) {
    if (!inputs.has(name)) return;
    const std::vector<int32_t> flags = inputs.integers(name, 1);
    require(flags.size() == absent.size(), "input ", name, " has ", flags.size(), " items, expected ", absent.size());
    for (size_t i = 0; i < flags.size(); ++i)
      if ((flags[i] != 0) == (value != 0)) absent[i] |= modality;
  }

  static MmditLengths read_lengths(const JsonObject& settings) {
    const std::vector<int64_t> lengths = settings.get_ints("L", 1, 1 << 20, 3, 3);
    return {lengths[0], lengths[1], lengths[2]};
  }
  static SamplerOptions read_guidance(const JsonObject& settings) {
    SamplerOptions options;
    options.cfg_scale = float(settings.get_number("cfg", -1000, 1000, 1));
    options.scale_phi = float(settings.get_number("phi", 0, 1, 0));
    return options;
  }

  // A latent-like input [B, 64, N], by time.
  std::vector<float> read_latent(const Inputs& inputs, const char* name, const Shape& shape) const {
    const Tensor& given = inputs.get(name, 3);
    require(given.shape == shape, "input ", name, " is ", given.shape.str(), ", expected ", shape.str());
    return transposed_batch(inputs.floats(name, 3), shape[0], shape[1], shape[2]);
  }
  void put_latent(const Outputs& outputs, const char* name, const std::vector<float>& rows, int64_t batch, int64_t len) const {
    const std::vector<float> columns = transposed_batch(rows, batch, len, latent_dim());
    outputs(name, tensor_of(columns.data(), {batch, latent_dim(), len}), true);
  }

  void flow(Workspace& workspace, const JsonObject& settings, const Inputs& inputs, const Outputs& outputs) const {
    const MmditLengths lengths = read_lengths(settings);
    const std::vector<float> t = inputs.floats("t", 1);
    const int64_t batch = int64_t(t.size());
    const std::vector<float> x = read_latent(inputs, "x", {batch, latent_dim(), lengths.latent});
    const Features features = read_features(settings, inputs, batch);
    const SamplerOptions guidance = read_guidance(settings);
    std::vector<float> result(x.size());
    workspace.run([&](Context& ctx) {
      const Arena::Scope scope(ctx.arena());
      const MmditConditions conditions = mmdit_->prepare(ctx, features.upload(ctx), lengths, batch, {.guided = guidance.is_guided()});
      const Shape shape{batch, lengths.latent, latent_dim()};
      const Tensor latent = ctx.f32(shape), answer = ctx.f32({conditions.items, shape[1], shape[2]});
      ops::upload(ctx, latent, tensor_of(x.data(), shape));
      mmdit_->velocity(ctx, answer, latent, t, conditions);
      Tensor guided = answer;
      if (guidance.is_guided()) {
        guided = ctx.f32(shape);
        ops::guide(ctx, guided, answer.slice(0, batch), answer.slice(batch, batch), guidance.cfg_scale, guidance.scale_phi);
      }
      ops::download(ctx, tensor_of(result.data(), shape), guided);
    });
    put_latent(outputs, "flow", result, batch, lengths.latent);
  }

  void sample(Workspace& workspace, const JsonObject& settings, const Inputs& inputs, const Outputs& outputs) const {
    const MmditLengths lengths = read_lengths(settings);
    const int64_t batch = inputs.get("noise", 3).shape[0];
    const std::vector<float> noise = read_latent(inputs, "noise", {batch, latent_dim(), lengths.latent});
    const Features features = read_features(settings, inputs, batch);
    SamplerOptions options = read_guidance(settings);
    options.num_steps = settings.get_int("steps", 1, 1000, 24);
    const std::string kind = settings.get_choice("kind", {"euler", "midpoint", "rk4", "v"}, "euler");
    const Solver solver = kind == "midpoint" ? Solver::midpoint : kind == "rk4" ? Solver::rk4 : Solver::euler;

    // Steps arrive one by one as "x_steps[3]"; whoever listens wants them stacked.
    Stacks stacks(options.num_steps, outputs);
    if (workspace.has_probe()) workspace.set_probe([&](std::string_view name, const Tensor& value) { stacks.add(std::string(name), value); });
    std::vector<float> result(noise.size());
    workspace.run([&](Context& ctx) {
      const Arena::Scope scope(ctx.arena());
      const MmditConditions conditions = mmdit_->prepare(ctx, features.upload(ctx), lengths, batch, {.guided = options.is_guided()});
      const Shape shape{batch, lengths.latent, latent_dim()};
      const Tensor x = ctx.f32(shape);
      ops::upload(ctx, x, tensor_of(noise.data(), shape));
      const FlowFunction network = [&](const Tensor& answer, const Tensor& at, float t) {
        mmdit_->velocity(ctx, answer, at, std::vector<float>(size_t(batch), t), conditions);
      };
      if (kind == "v") v_ddim(ctx, x, network, options);
      else follow(ctx, x, network, options, solver);
      ops::download(ctx, tensor_of(result.data(), shape), x);
    });
    put_latent(outputs, "latent", result, batch, lengths.latent);
  }

  // Collects "<name>[<step>]" into [steps, ...] and hands each stack on when its last step has come.
  class Stacks {
   public:
    Stacks(int64_t num_steps, const Outputs& outputs) : num_steps_(num_steps), outputs_(outputs) {}
    void add(const std::string& name, const Tensor& value) {
      const size_t bracket = name.find('[');
      if (bracket == std::string::npos) return;  // intermediates of single evaluations are for `flow`
      std::vector<float>& stack = stacks_[name.substr(0, bracket)];
      stack.insert(stack.end(), value.as<float>(), value.as<float>() + value.numel());
      if (int64_t(stack.size()) != num_steps_ * value.numel()) return;
      Shape shape{num_steps_};
      for (int64_t dim : value.shape.dims()) shape.push_back(dim);
      outputs_(name.substr(0, bracket), tensor_of(stack.data(), shape), false);
    }

   private:
    const int64_t num_steps_;
    const Outputs& outputs_;
    std::map<std::string, std::vector<float>> stacks_;
  };

  void train(Workspace& workspace, const JsonObject& settings, const Inputs& inputs, const Outputs& outputs) const {
    const MmditLengths lengths = read_lengths(settings);
    const std::vector<float> t = inputs.floats("t", 1);
    const int64_t batch = int64_t(t.size());
    const Shape columns{batch, latent_dim(), lengths.latent}, shape{batch, lengths.latent, latent_dim()};
    const std::vector<float> sound = read_latent(inputs, "data_latent", columns), noise = read_latent(inputs, "noise", columns);
    Features features = read_features(settings, inputs, batch);

    const auto run = [&](const Features& given, std::vector<float>* flow) {
      double loss = 0;
      workspace.run([&](Context& ctx) {
        const Arena::Scope scope(ctx.arena());
        MmditTrainingBatch step;
        step.sound = ctx.f32(shape);
        step.noise = ctx.f32(shape);
        ops::upload(ctx, step.sound, tensor_of(sound.data(), shape));
        ops::upload(ctx, step.noise, tensor_of(noise.data(), shape));
        step.t = t;
        step.features = given.upload(ctx);
        step.lengths = lengths;
        MmditTrainingTensors wanted;
        if (flow) wanted.flow = ctx.f32(shape);
        loss = mmdit_training_loss(ctx, *mmdit_, step, wanted);
        if (flow) ops::download(ctx, tensor_of(flow->data(), shape), wanted.flow);
      });
      return float(loss);
    };
    const float loss = run(features, nullptr);
    outputs("loss", tensor_of(&loss, {}), true);
    workspace.set_probe({});
    features.absent.assign(size_t(batch), 0);
    mark(inputs, "video_exist", 0, kMmditVideo, features.absent);
    std::vector<float> flow(sound.size());
    const float nodrop = run(features, &flow);
    outputs("nodrop.loss", tensor_of(&nodrop, {}), true);
    put_latent(outputs, "nodrop.flow", flow, batch, lengths.latent);
  }

  void t_embed(Workspace& workspace, const Inputs& inputs, const Outputs& outputs) const {
    const std::vector<float> t = inputs.floats("t", 1);
    const MmditConfig& config = mmdit_->config();
    const int64_t count = int64_t(t.size()), width = config.timestep_dim();
    const std::vector<float> frequencies = timestep_frequencies(width, config.v2);
    const std::vector<float> embedding = timestep_embedding(t, frequencies);
    outputs("t_embed_freqs", tensor_of(frequencies.data(), {width / 2}), false);
    outputs("embedding", tensor_of(embedding.data(), {count, width}), false);
    std::vector<float> result(size_t(count * config.hidden_dim));
    workspace.run([&](Context& ctx) {
      const Arena::Scope scope(ctx.arena());
      const Tensor x = ctx.f32({1, count, width}), hidden = ctx.product({1, count, config.hidden_dim}), y = ctx.f32({1, count, config.hidden_dim});
      ops::upload(ctx, x, tensor_of(embedding.data(), x.shape));
      const MmditWeights& weights = mmdit_->weights();
      ops::linear(ctx, hidden, x, *weights.t_embed0.weight, {.bias = weights.t_embed0.bias, .activation = Activation::silu});
      ops::linear(ctx, y, hidden, *weights.t_embed2.weight, {.bias = weights.t_embed2.bias});
      ops::download(ctx, tensor_of(result.data(), y.shape), y);
    });
    outputs("t_embed", tensor_of(result.data(), {count, config.hidden_dim}), true);
  }

  const NetworkDevice device_;
  std::unique_ptr<Mmdit> mmdit_;
};

// The tables that depend on sizes alone; they need no weights.
class MmditTables final : public Network {
 public:
  void run(const std::string& function, const JsonObject& settings, const Inputs&, bool, const Outputs& outputs) override {
    if (function != "tables") unknown_function("mmdit_tables", function, "tables");
    if (settings.has("head_dim")) {
      const int64_t head_dim = settings.get_int("head_dim", 2, 1024);
      const int64_t latent_len = settings.get_int("latent_len", 1, 1 << 20), clip_len = settings.get_int("clip_len", 1, 1 << 20);
      put_rope(outputs, "latent_rot", latent_len, head_dim, 1.0f);
      put_rope(outputs, "clip_rot", clip_len, head_dim, float(double(latent_len) / double(clip_len)));
    }
    if (settings.has("width")) {
      const std::vector<float> frequencies = timestep_frequencies(settings.get_int("width", 2, 1 << 20), settings.get_bool("v2", true));
      outputs("t_embed_freqs", tensor_of(frequencies.data(), {int64_t(frequencies.size())}), true);
      if (settings.has("steps")) {
        const std::vector<float> t = time_grid(settings.get_int("steps", 1, 1000), 1.0f);
        const std::vector<float> embedding = timestep_embedding(t, frequencies);
        outputs("t_embedding", tensor_of(embedding.data(), {int64_t(t.size()), int64_t(2 * frequencies.size())}), true);
      }
    }
    if (settings.has("sync")) {
      const std::vector<int64_t> lengths = settings.get_ints("sync", 1, 1 << 20, 2, 2);
      const std::vector<int32_t> index = nearest_exact_index(lengths[0], lengths[1]);
      outputs("sync_index", tensor_of(index.data(), {int64_t(index.size())}), true);
    }
  }

 private:
  // The goldens keep each rotation as its matrix [[cos, −sin], [sin, cos]].
  static void put_rope(const Outputs& outputs, const char* name, int64_t len, int64_t head_dim, float scale) {
    const std::vector<float> table = rope_table(len, head_dim, scale);
    std::vector<float> matrices;
    for (size_t i = 0; i < table.size(); i += 2) matrices.insert(matrices.end(), {table[i], -table[i + 1], table[i + 1], table[i]});
    outputs(name, tensor_of(matrices.data(), {1, len, head_dim / 2, 2, 2}), true);
  }
};

}  // namespace

std::unique_ptr<Network> create_mmdit_tables_network() { return std::make_unique<MmditTables>(); }

std::unique_ptr<Network> create_mmdit_network(const nlohmann::json& config, WeightSource& source, const NetworkDevice& device) {
  return std::make_unique<MmditNetwork>(config, source, device);
}

}  // namespace ts
