// The recogniser by itself.
#include "models/recogniser.h"
#include "runtime/model_network.h"

namespace ts {
namespace {

// Columns [first, first + count) of rows of `width`.
std::vector<float> columns(const std::vector<float>& rows, int64_t width, int64_t first, int64_t count) {
  std::vector<float> part;
  for (auto row = rows.begin(); row != rows.end(); row += width) part.insert(part.end(), row + first, row + first + count);
  return part;
}

void recognise(const Recogniser& recogniser, NetworkWorkspace& workspace, const Inputs& inputs, const Outputs& outputs) {
  const RecogniserConfig& config = recogniser.config();
  const Shape clip_shape = inputs.get("clip", 3).shape, sync_shape = inputs.get("sync", 3).shape;
  const std::vector<float> clip = inputs.floats("clip", 3), sync = inputs.floats("sync", 3);
  const int64_t batch = clip_shape[0], classes = config.num_classes(), materials = config.num_materials();
  const Shape scene_shape{batch, config.scene_dim()}, onsets_shape{batch, sync_shape[1], config.onsets_per_step};
  std::vector<float> scene(size_t(scene_shape.numel())), onsets(size_t(onsets_shape.numel()));
  workspace.run([&](Context& ctx) {
    const Arena::Scope scope(ctx.arena());
    const Tensor x = ctx.f32(clip_shape), y = ctx.f32(sync_shape), scene_out = ctx.f32(scene_shape), onsets_out = ctx.f32(onsets_shape);
    ops::upload(ctx, x, tensor_of(clip.data(), clip_shape));
    ops::upload(ctx, y, tensor_of(sync.data(), sync_shape));
    recogniser.forward(ctx, scene_out, onsets_out, x, y);
    ops::download(ctx, tensor_of(scene.data(), scene_shape), scene_out);
    ops::download(ctx, tensor_of(onsets.data(), onsets_shape), onsets_out);
  });
  put(outputs, "classes", columns(scene, config.scene_dim(), 0, classes), {batch, classes});
  put(outputs, "materials", columns(scene, config.scene_dim(), classes, materials), {batch, materials});
  put(outputs, "onsets", onsets, onsets_shape);
}

}  // namespace

std::unique_ptr<Network> create_recogniser_network(const nlohmann::json& config, WeightSource& source, const NetworkDevice& device) {
  return load_model_network<Recogniser>({"recogniser", "recognise", recognise}, parse_recogniser_config(config, "recogniser config"), source, device);
}

}  // namespace ts
