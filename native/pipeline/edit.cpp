#include "pipeline/edit.h"

#include "core/philox.h"
#include "pipeline/decode.h"
#include "pipeline/flow_times.h"
#include "sampler/flow_edit.h"

namespace ts {
namespace {

// Streams of one seed (core/philox.h), apart from those of sampling: one for each draw.
constexpr uint64_t kEditStream = uint64_t(3) << 32;

// One side of an edit: what it is asked, and the network with that prepared.
class Side {
 public:
  Side(Context& ctx, const Mmdit& mmdit, const HostFeatures& features, const Lengths& lengths, float cfg_scale, int64_t num_steps)
      : conditions_(mmdit.prepare(ctx, upload_features(ctx, mmdit.config(), features, lengths.latent),
                                  {lengths.latent, lengths.clip, lengths.sync}, 1, {.guided = cfg_scale != 1.0f})),
        times_(ctx, mmdit, conditions_, evaluation_times(num_steps, 1.0f)),
        flow_([this, &ctx, &mmdit](const Tensor& answer, const Tensor& x, float t) { mmdit.velocity(ctx, answer, x, times_.at(t), conditions_); }) {}
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;
  const FlowFunction& flow() const { return flow_; }

 private:
  const MmditConditions conditions_;
  FlowTimes times_;
  const FlowFunction flow_;
};

}  // namespace

void check_edit(const Networks& networks, const Conditions& source, const Conditions& target, const EditOptions& options, const Lengths& lengths) {
  check_conditions(networks, source, options.source_cfg_scale, lengths.latent);
  check_conditions(networks, target, options.target_cfg_scale, lengths.latent);
  require(!options.source_latent.empty(), "source_latent is NULL: there is nothing to edit");
  check_latent(options.source_latent, "source_latent", networks.mmdit->config().latent_dim, lengths.latent);
  check_known_mask(options.known_mask, lengths.latent);
}

std::vector<float> edit_latent(Workspace& workspace, const Networks& networks, const Conditions& source, const Conditions& target,
                               const EditOptions& options, const Lengths& lengths, const Progress& progress) {
  const Mmdit& mmdit = *networks.mmdit;
  const MmditConfig& config = mmdit.config();
  const Conditions* const asked[] = {&source, &target};
  std::vector<HostFeatures> features = gather_features(workspace, networks, asked, progress);
  const std::vector<float> rows = transposed(options.source_latent, config.latent_dim, lengths.latent);
  for (HostFeatures& side : features) show_known(side, config, rows, options.known_mask);
  FlowEdit edit;
  edit.num_steps = options.num_steps;
  edit.num_edit_steps = options.num_edit_steps;
  edit.num_target_steps = options.num_target_steps;
  edit.num_averages = options.num_averages;
  edit.source_cfg_scale = options.source_cfg_scale;
  edit.target_cfg_scale = options.target_cfg_scale;
  edit.kept = options.known_mask;
  edit.noise = [&](std::span<float> noise, int64_t draw) { fill_normal(noise, options.seed, kEditStream + uint64_t(draw)); };
  edit.on_step = [&](int64_t done, int64_t num_steps) { progress.report(TS_STAGE_SAMPLE, done, num_steps); };
  std::vector<float> latent(rows.size());
  progress.report(TS_STAGE_SAMPLE, 0, options.num_edit_steps);
  workspace.run([&](Context& ctx) {
    const Arena::Scope scope(ctx.arena());
    const Side from(ctx, mmdit, features[0], lengths, options.source_cfg_scale, options.num_steps);
    const Side to(ctx, mmdit, features[1], lengths, options.target_cfg_scale, options.num_steps);
    const Tensor x = upload_rows(ctx, rows, lengths.latent, config.latent_dim);
    flow_edit(ctx, x, from.flow(), to.flow(), edit);
    ops::download(ctx, tensor_of(latent.data(), x.shape), x);
  });
  return latent;
}

}  // namespace ts
