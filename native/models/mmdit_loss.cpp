#include "models/mmdit_loss.h"

#include "ops/table.h"

namespace ts {
namespace {

// The goldens hold latents by channel.
void probe_by_channel(Context& ctx, const char* name, const Tensor& value) {
  if (!ctx.probing()) return;
  const Buffer transposed = allocate_buffer(ctx.table(), DType::f32, {value.shape[0], value.shape[2], value.shape[1]});
  ops::transpose(ctx, transposed, value);
  ctx.probe(name, transposed);
}

double mean_squared_difference(Context& ctx, const Tensor& a, const Tensor& b) {
  if (ctx.planning()) return 0;
  std::vector<float> left(size_t(a.numel())), right(left.size());
  ops::download(ctx, tensor_of(left.data(), a.shape), a);
  ops::download(ctx, tensor_of(right.data(), b.shape), b);
  double sum = 0;
  for (size_t i = 0; i < left.size(); ++i) sum += (double(left[i]) - right[i]) * (double(left[i]) - right[i]);
  return sum / double(left.size());
}

}  // namespace

double mmdit_training_loss(Context& ctx, const Mmdit& model, const MmditTrainingBatch& batch, const MmditTrainingTensors& wanted) {
  const Shape& shape = batch.sound.shape;
  require(shape.rank() == 3 && batch.noise.shape == shape, "mmdit: sound ", shape.str(), " and noise ", batch.noise.shape.str(),
          " of a training batch must be [items, length, latent_dim]");
  require(int64_t(batch.t.size()) == shape[0], "mmdit: ", batch.t.size(), " times for ", shape[0], " items");
  const Arena::Scope scope(ctx.arena());
  const Tensor noised = wanted.noised ? wanted.noised : ctx.f32(shape), target = wanted.target ? wanted.target : ctx.f32(shape);
  const Tensor flow = wanted.flow ? wanted.flow : ctx.f32(shape);
  for (int64_t item = 0; item < shape[0]; ++item) {
    const float t = batch.t[size_t(item)];
    ops::scale_add(ctx, noised.slice(item, 1), 1.0f - t, batch.sound.slice(item, 1), t, batch.noise.slice(item, 1));
  }
  ops::scale_add(ctx, target, 1.0f, batch.noise, -1.0f, batch.sound);
  probe_by_channel(ctx, "noised_input", noised);
  probe_by_channel(ctx, "target", target);
  const MmditConditions conditions = model.prepare(ctx, batch.features, batch.lengths, shape[0]);
  model.velocity(ctx, flow, noised, batch.t, conditions);
  return mean_squared_difference(ctx, flow, target);
}

}  // namespace ts
