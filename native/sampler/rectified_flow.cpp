#include "core/linspace.h"
#include "sampler/steps.h"

namespace ts {

using namespace sampling;

std::vector<float> time_grid(int64_t num_steps, float sigma_max) { return linspace_f32(sigma_max, 0.0f, num_steps + 1); }

std::vector<float> evaluation_times(int64_t num_steps, float sigma_max, Solver solver) {
  const std::vector<float> grid = time_grid(num_steps, sigma_max);
  std::vector<float> times;
  for (size_t i = 0; i + 1 < grid.size(); ++i) {
    if (times.empty() || times.back() != grid[i]) times.push_back(grid[i]);
    if (solver != Solver::euler) times.push_back(middle(grid[i], grid[i + 1]));
    if (solver == Solver::rk4) times.push_back(grid[i + 1]);
  }
  return times;
}

void start_latent(Context& ctx, const Tensor& x, const Tensor& noise, const Tensor& init, float sigma_max) {
  require(sigma_max > 0 && sigma_max <= 1, "sampler: sigma_max ", sigma_max, " must be above 0 and at most 1");
  require(bool(init) || sigma_max == 1.0f, "sampler: sigma_max ", sigma_max, " starts from a mixture, which needs an initial latent");
  ops::scale_add(ctx, x, sigma_max, noise, 1.0f - sigma_max, init);
}

void follow(Context& ctx, const Tensor& x, const FlowFunction& flow, const SamplerOptions& options, Solver solver) {
  check_options(x, options);
  const Arena::Scope scope(ctx.arena());
  const std::vector<float> t = time_grid(options.num_steps, options.sigma_max);
  FlowSolver solve(ctx, x.shape, flow, options, solver);
  for_each_step(ctx, options, [&](int64_t i) { solve.step(x, t[size_t(i)], t[size_t(i + 1)], i); });
}

namespace sampling {

FlowSolver::FlowSolver(Context& ctx, const Shape& latent, const FlowFunction& network, const SamplerOptions& options, Solver solver)
    : ctx_(ctx), solver_(solver), velocity_(ctx, latent, network, options) {
  if (solver != Solver::euler) stage_ = ctx.f32(latent);
  if (solver == Solver::rk4) sum_ = ctx.f32(latent);
}

void FlowSolver::step(const Tensor& x, float t, float next, int64_t i) {
  switch (solver_) {
    case Solver::euler: return euler(x, t, next, i);
    case Solver::midpoint: return midpoint(x, t, next, i);
    case Solver::rk4: return rk4(x, t, next, i);
  }
}

void FlowSolver::euler(const Tensor& x, float t, float next, int64_t i) {
  probe_step(ctx_, "x_steps", i, x);
  velocity_.euler_step(x, t, next - t);
  probe_step(ctx_, "flow_steps", i, velocity_.value());
  probe_time(ctx_, i, x.shape[0], t);
}

void FlowSolver::midpoint(const Tensor& x, float t, float next, int64_t i) {
  const float dt = next - t;
  const Tensor& slope = velocity_(x, t);
  begin(x, t, i, slope);
  ops::scale_add(ctx_, stage_, 1.0f, x, dt / 2, slope);
  ops::scale_add(ctx_, x, 1.0f, x, dt, velocity_(stage_, middle(t, next)));
}

void FlowSolver::rk4(const Tensor& x, float t, float next, int64_t i) {
  const float dt = next - t, half = dt / 2;
  const Tensor& slope = velocity_(x, t);                                     // k1
  begin(x, t, i, slope);
  ops::scale_add(ctx_, sum_, 1.0f, x, dt / 6, slope);
  ops::scale_add(ctx_, stage_, 1.0f, x, half, slope);
  velocity_(stage_, middle(t, next));                                        // k2
  ops::scale_add(ctx_, sum_, 1.0f, sum_, dt / 3, slope);
  ops::scale_add(ctx_, stage_, 1.0f, x, half, slope);
  velocity_(stage_, middle(t, next));                                        // k3
  ops::scale_add(ctx_, sum_, 1.0f, sum_, dt / 3, slope);
  ops::scale_add(ctx_, stage_, 1.0f, x, dt, slope);
  velocity_(stage_, next);                                                   // k4
  ops::scale_add(ctx_, x, 1.0f, sum_, dt / 6, slope);
}

void FlowSolver::begin(const Tensor& x, float t, int64_t i, const Tensor& slope) {
  probe_step(ctx_, "x_steps", i, x);
  probe_step(ctx_, "flow_steps", i, slope);
  probe_time(ctx_, i, x.shape[0], t);
}

}  // namespace sampling
}  // namespace ts
