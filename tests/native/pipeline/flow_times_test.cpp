#include "pipeline/flow_times.h"

#include "models/mmdit_golden.h"
#include "sampler/sampler.h"
#include "skip.h"

namespace ts::test {
namespace {

TEST_CASE("flow times: a time that was worked out among others gives the flow that it gives alone") {
  const auto file = golden::open("mmdit_flags_small");
  if (!file) TS_SKIP("no golden file mmdit_flags_small.safetensors");
  const MmditCase c = read_case(*file, "plain");
  const std::vector<float> times = evaluation_times(20, 1.0f, Solver::midpoint);  // more than are held at once
  TS_FOR_EACH_BACKEND(table) {
    const Mmdit model = load_flag_model(*file, "plain", table);
    for (const bool guided : {false, true}) {
      const Shape shape{guided ? 2 : 1, c.lengths.latent, model.config().latent_dim};
      // On and on, then back as a jump goes.
      for (const size_t i : {size_t(0), size_t(1), times.size() - 1, size_t(3)}) {
        CAPTURE(times[i]);
        Array together(shape), alone(shape);
        golden::run(table, DType::f32, [&](Context& ctx) {
          const Arena::Scope scope(ctx.arena());
          const MmditConditions conditions = model.prepare(ctx, c.features(ctx), c.lengths, 1, {.guided = guided});
          const Tensor x = c.input(ctx, "x"), first = ctx.f32(shape), second = ctx.f32(shape);
          FlowTimes known(ctx, model, conditions, times);
          known.at(times[5]);
          model.velocity(ctx, first, x, known.at(times[i]), conditions);
          model.velocity(ctx, second, x, {&times[i], 1}, conditions);
          ops::download(ctx, together.view(), first);
          ops::download(ctx, alone.view(), second);
        });
        golden::check_close("flow", together.view(), alone.view(), golden::kFlow);
      }
    }
  }
}

TEST_CASE("flow times: a time that no one announced is refused") {
  const auto file = golden::open("mmdit_flags_small");
  if (!file) TS_SKIP("no golden file mmdit_flags_small.safetensors");
  const MmditCase c = read_case(*file, "plain");
  const Mmdit model = load_flag_model(*file, "plain", plain_table());
  golden::run(plain_table(), DType::f32, [&](Context& ctx) {
    const Arena::Scope scope(ctx.arena());
    const MmditConditions conditions = model.prepare(ctx, c.features(ctx), c.lengths, 1);
    FlowTimes known(ctx, model, conditions, {1.0f, 0.5f});
    known.at(0.5f);
    CHECK_THROWS_WITH_AS(known.at(0.25f), "the flow is asked at t = 0.25, which is none of its run's 2 times", Error);
  });
}

}  // namespace
}  // namespace ts::test
