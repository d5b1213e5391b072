#include "ops/guidance.h"

#include "ops/checks.h"
#include "ops/table.h"

namespace ts::ops {

void guide(Context& ctx, const Tensor& v, const Tensor& cond, const Tensor& uncond, float cfg_scale, float scale_phi) {
  const check::Arguments args("guide");
  args.rank("v", v, 3);
  args.f32("v", v, v.shape);
  args.f32("cond", cond, v.shape);
  args.f32("uncond", uncond, v.shape);
  args.distinct("v", v, "cond", cond);
  args.same_or_distinct("v", v, "uncond", uncond);
  args.require(scale_phi == 0.0f || v.shape[1] >= 2, "scale_phi ", scale_phi, " compares spreads over time, which ", v.shape[1],
               " position does not have");
  ctx.table().guide(ctx, v, cond, uncond, cfg_scale, scale_phi);
}

void guided_euler_step(Context& ctx, const Tensor& x, const Tensor& cond, const Tensor& uncond, float cfg_scale, float dt) {
  const check::Arguments args("guided_euler_step");
  args.rank("x", x, 3);
  args.f32("x", x, x.shape);
  args.f32("cond", cond, x.shape);
  args.distinct("x", x, "cond", cond);
  if (uncond) {
    args.f32("uncond", uncond, x.shape);
    args.distinct("x", x, "uncond", uncond);
  }
  ctx.table().guided_euler_step(ctx, x, cond, uncond, cfg_scale, dt);
}

}  // namespace ts::ops
