// The reference's trajectories: replayed from its own flows, and followed with our network.
#include "models/mmdit_golden.h"
#include "sampler/sampler.h"
#include "skip.h"

namespace ts::test {
namespace {

constexpr const char* kNeedsFull = "set THINKSOUND_GOLDENS to the folder with the full files";

// [K, B, …] → step i, [B, …].
Array step_of(const Array& steps, int64_t i) {
  Shape shape;
  for (int axis = 1; axis < steps.shape.rank(); ++axis) shape.push_back(steps.shape[axis]);
  Array one(shape);
  std::copy_n(steps.values.begin() + i * shape.numel(), one.values.size(), one.values.begin());
  return one;
}

void sample(Context& ctx, bool is_v, const Tensor& x, const FlowFunction& flow, const SamplerOptions& options) {
  if (is_v)
    v_ddim(ctx, x, flow, options);
  else
    follow(ctx, x, flow, options);
}

// Times bit for bit, latents and flows within the tolerance of a trajectory.
void check_steps(const golden::Recorder& recorder, const golden::File& file, const std::string& name, int64_t num_steps) {
  for (const char* kind : {"t_steps", "x_steps", "flow_steps"}) {
    if (!file.has("mid." + name + "." + kind)) continue;
    const Array steps = file.array("mid." + name + "." + kind);
    REQUIRE(steps.shape[0] == num_steps);
    for (int64_t i = 0; i < num_steps; ++i) {
      const std::string key = concat(kind, "[", i, "]");
      REQUIRE_MESSAGE(recorder.heard().count(key) == 1, "nobody said " << key);
      const Array &ours = recorder.heard().at(key), expected = step_of(steps, i);
      if (kind == std::string("t_steps"))
        CHECK(ours.values == expected.values);
      else
        golden::check_close(key, ours.view(), expected.view(), golden::kTrajectory);
    }
  }
}

// The latent that the model makes of a noise, [B, latent_dim, N].
Array follow(const Mmdit& model, const MmditCase& c, const Array& noise, bool is_v, int64_t num_steps, const OperatorTable& table,
             const Probe* probe = nullptr) {
  Array x = transposed(noise);
  golden::run(table, DType::f32, [&](Context& ctx) {
    const Arena::Scope scope(ctx.arena());
    const SamplerOptions options{.num_steps = num_steps, .cfg_scale = c.cfg, .on_step = {}};
    const Tensor latent = golden::on_device(ctx, x.view());
    const MmditConditions conditions = model.prepare(ctx, c.features(ctx), c.lengths, c.batch, {.guided = options.is_guided()});
    sample(ctx, is_v, latent, [&](const Tensor& flow, const Tensor& at, float t) {
      model.velocity(ctx, flow, at, std::vector<float>(size_t(c.batch), t), conditions);
    }, options);
    ops::download(ctx, x.view(), latent);
  }, probe);
  return transposed(x);
}

TEST_CASE("sampler: replays the reference's trajectories from its flows, times bit for bit") {
  const auto file = golden::open("sampler_small");
  if (!file) TS_SKIP("no golden file sampler_small.safetensors");
  TS_FOR_EACH_BACKEND(table) {
    const nlohmann::json cases = file->metadata("cases");
    for (const auto& entry : cases.items()) {
      const std::string name = entry.key();
      const nlohmann::json& settings = entry.value();
      CAPTURE(name);
      const int64_t num_steps = settings["steps"];
      const Array flows = file->array("mid." + name + ".flow_steps");
      Array x = transposed(file->array("in." + name + ".noise"));
      golden::Recorder recorder;
      golden::run(table, DType::f32, [&, is_v = settings["kind"] == "v"](Context& ctx) {
        const Arena::Scope scope(ctx.arena());
        const Tensor latent = golden::on_device(ctx, x.view());
        int64_t step = 0;
        sample(ctx, is_v, latent, [&](const Tensor& flow, const Tensor&, float) {
          const Array answer = transposed(step_of(flows, step++));
          ops::upload(ctx, flow, answer.view());
        }, {.num_steps = num_steps, .cfg_scale = 1, .on_step = {}});
        ops::download(ctx, x.view(), latent);
      }, &recorder.probe());
      check_steps(recorder, *file, name, num_steps);
      // Only the sampler's own roundings are left.
      golden::check_close("latent", transposed(x).view(), file->tensor("out." + name + ".latent"), {5e-7, 5e-6});
    }
  }
}

TEST_CASE("sampler: latents of the reference from noise, through our network") {
  const auto file = golden::open("sampler_small"), weights = golden::open("mmdit_small");
  if (!file || !weights) TS_SKIP("no golden files sampler_small.safetensors and mmdit_small.safetensors; " << kNeedsFull);
  TS_FOR_EACH_BACKEND(table) {
    const Mmdit model = load_mmdit(*weights, file->metadata("config"), table);
    const nlohmann::json cases = file->metadata("cases");
    for (const auto& entry : cases.items()) {
      const std::string name = entry.key();
      const nlohmann::json& settings = entry.value();
      CAPTURE(name);
      golden::Recorder recorder;
      const Array latent = follow(model, read_case(*file, name), file->array("in." + name + ".noise"), settings["kind"] == "v",
                                  settings["steps"], table, &recorder.probe());
      check_steps(recorder, *file, name, settings["steps"]);
      golden::check_close("latent", latent.view(), file->tensor("out." + name + ".latent"), golden::kTrajectory);
    }
  }
}

TEST_CASE("sampler: the latent of the whole pipeline, one item with video and one without") {
  const auto file = golden::open("pipeline_small"), weights = golden::open("mmdit_small");
  if (!file || !weights || !file->has("in.metaclip_features"))
    TS_SKIP("no golden files pipeline_small.safetensors (with conditions) and mmdit_small.safetensors; " << kNeedsFull);
  const nlohmann::json config = file->metadata("config")["diffusion"];
  MmditCase c;
  c.inputs["clip_f"] = file->array("in.metaclip_features");
  c.inputs["sync_f"] = file->array("in.sync_features");
  c.inputs["text_f"] = file->array("in.metaclip_text_features");
  c.inputs["t5_features"] = file->array("in.t5_features");
  c.lengths = {config["latent_seq_len"], config["clip_seq_len"], config["sync_seq_len"]};
  c.absent = absent_videos(*file, "in.video_exist");
  c.batch = int64_t(c.absent.size());
  c.cfg = 5;
  TS_FOR_EACH_BACKEND(table) {
    const Array latent = follow(load_mmdit(*weights, config, table), c, file->array("in.noise"), false, 24, table);
    golden::check_close("latent", latent.view(), file->tensor("mid.latent"), golden::kTrajectory);
  }
}

}  // namespace
}  // namespace ts::test
