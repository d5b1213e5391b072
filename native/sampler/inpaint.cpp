#include "sampler/inpaint.h"

#include <algorithm>
#include <cmath>

#include "sampler/steps.h"

namespace ts {

using namespace sampling;

namespace {

constexpr int64_t kMaxJumps = 1000;

void check_known(const Tensor& x, const KnownLatent& known) {
  require(known.sound.shape == x.shape && known.noise.shape == x.shape, "inpaint: known ", known.sound.shape.str(), " and noise ",
          known.noise.shape.str(), " must be as x, ", x.shape.str());
  check_mask(known.mask, x.shape[1]);
  require(known.num_jumps >= 0 && known.num_jumps <= kMaxJumps, "inpaint: ", known.num_jumps, " jumps; 0 to ", kMaxJumps, " are possible");
  require(known.jump_length >= 1, "inpaint: a jump of ", known.jump_length, " steps");
  require(known.num_jumps == 0 || known.jump_noise, "inpaint: jumps need fresh noise");
}

}  // namespace

std::vector<FlowMove> resampling_moves(int64_t num_steps, int64_t jump_length, int64_t num_jumps, bool from_noise_alone) {
  std::vector<FlowMove> moves;
  for (int64_t begin = 0, end; begin < num_steps; begin = end) {
    end = begin + std::min(jump_length, num_steps - begin);
    const int64_t repeats = begin == 0 && from_noise_alone ? 0 : num_jumps;
    for (int64_t round = 0; round <= repeats; ++round) {
      if (round > 0) moves.push_back({end, begin});
      for (int64_t i = begin; i < end; ++i) moves.push_back({i, i + 1});
    }
  }
  return moves;
}

int64_t count_steps(std::span<const FlowMove> moves) {
  return std::count_if(moves.begin(), moves.end(), [](FlowMove move) { return move.from < move.to; });
}

void inpaint(Context& ctx, const Tensor& x, const FlowFunction& flow, const KnownLatent& known, const SamplerOptions& options, Solver solver) {
  check_options(x, options);
  check_known(x, known);
  const Arena::Scope scope(ctx.arena());
  const std::vector<float> t = time_grid(options.num_steps, options.sigma_max);
  const std::vector<FlowMove> moves = resampling_moves(options.num_steps, known.jump_length, known.num_jumps, options.sigma_max == 1.0f);
  const int64_t num_steps = count_steps(moves);
  FlowSolver solve(ctx, x.shape, flow, options, solver);
  const Tensor level = ctx.f32(x.shape);
  RowHold hold_rows(ctx, x.shape, known.mask);
  std::vector<float> drawn(known.num_jumps > 0 && !ctx.planning() ? size_t(x.numel()) : 0);
  int64_t jumps_done = 0, steps_done = 0;

  const auto hold = [&](float time) {
    ops::scale_add(ctx, level, 1.0f - time, known.sound, time, known.noise);
    hold_rows(x, level, time);
  };
  const auto jump = [&](float s, float to) {
    if (!ctx.planning()) known.jump_noise(drawn, jumps_done);
    ++jumps_done;
    ops::upload(ctx, known.noise, tensor_of(drawn.data(), x.shape));
    const float kept = (1.0f - to) / (1.0f - s);
    ops::scale_add(ctx, x, kept, x, std::sqrt(std::max(0.0f, to * to - kept * kept * s * s)), known.noise);
  };
  hold(t[0]);
  for (const FlowMove move : moves) {
    ctx.check_cancelled();
    const Arena::Scope step_scope(ctx.arena());
    const float from = t[size_t(move.from)], to = t[size_t(move.to)];
    const bool is_step = move.from < move.to;
    if (is_step) solve.step(x, from, to, steps_done);
    else jump(from, to);
    hold(to);
    if (ctx.planning()) break;  // all moves need the same memory
    steps_done += is_step;
    if (is_step && options.on_step) options.on_step(steps_done, num_steps);
  }
}

}  // namespace ts
