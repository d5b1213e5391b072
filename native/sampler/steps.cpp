#include "sampler/steps.h"

namespace ts::sampling {

void check_options(const Tensor& x, const SamplerOptions& options) {
  require(x.shape.rank() == 3 && x.dtype == DType::f32, "sampler: x is ", name_of(x.dtype), " ", x.shape.str(),
          ", expected f32 [items, length, latent_dim]");
  require(options.num_steps >= 1 && options.num_steps <= 1000, "sampler: ", options.num_steps, " steps; 1 to 1000 are possible");
  require(options.sigma_max > 0 && options.sigma_max <= 1, "sampler: sigma_max ", options.sigma_max, " must be above 0 and at most 1");
}

void probe_step(Context& ctx, const char* name, int64_t step, const Tensor& value) {
  if (!ctx.probing()) return;
  const Shape shape{value.shape[0], value.shape[2], value.shape[1]};
  const Buffer transposed = allocate_buffer(ctx.table(), DType::f32, shape);
  ops::transpose(ctx, transposed, value);
  ctx.probe(concat(name, "[", step, "]"), transposed);
}

void probe_time(Context& ctx, int64_t step, int64_t batch, float t) {
  if (!ctx.probing()) return;
  const std::vector<float> times(size_t(batch), t);
  ctx.listener()(concat("t_steps[", step, "]"), tensor_of(times.data(), {batch}));
}

}  // namespace ts::sampling
