#include "sampler/steps.h"

namespace ts::sampling {

void check_options(const Tensor& x, const SamplerOptions& options) {
  require(x.shape.rank() == 3 && x.dtype == DType::f32, "sampler: x is ", name_of(x.dtype), " ", x.shape.str(),
          ", expected f32 [items, length, latent_dim]");
  require(options.num_steps >= 1 && options.num_steps <= 1000, "sampler: ", options.num_steps, " steps; 1 to 1000 are possible");
  require(options.sigma_max > 0 && options.sigma_max <= 1, "sampler: sigma_max ", options.sigma_max, " must be above 0 and at most 1");
}

void check_mask(std::span<const float> mask, int64_t rows) {
  require(int64_t(mask.size()) == rows, "sampler: the mask has ", mask.size(), " rows, x has ", rows);
  for (float value : mask) require(value >= 0 && value <= 1, "sampler: the mask holds ", value, "; 0 to 1 are possible");
}

RowHold::RowHold(Context& ctx, const Shape& latent, std::span<const float> mask) : ctx_(ctx), mask_(mask) {
  if (mask.empty()) return;
  both_ = ctx.f32({latent[0], 2 * latent[1], latent[2]});
  index_ = ctx.arena().allocate<int32_t>({latent[1]});
}

void RowHold::operator()(const Tensor& x, const Tensor& level, float t) {
  if (mask_.empty()) return;
  choose_rows(t);
  ops::copy_block(ctx_, both_, 0, 0, x);
  ops::copy_block(ctx_, both_, x.shape[1], 0, level);
  ops::gather_rows(ctx_, x, both_, index_);
}

void RowHold::choose_rows(float t) {
  std::vector<int32_t> index(mask_.size());
  for (size_t n = 0; n < mask_.size(); ++n) {
    const bool is_held = mask_[n] > 0 && t >= 1.0f - mask_[n];
    index[n] = int32_t(is_held ? mask_.size() + n : n);
  }
  if (index == chosen_) return;
  chosen_ = std::move(index);
  ops::upload(ctx_, index_, tensor_of(chosen_.data(), index_.shape));
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
