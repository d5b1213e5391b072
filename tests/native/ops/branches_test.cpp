#include "ops/branches.h"

#include "ops/harness.h"
#include "ops/noted.h"
#include "ops/replay.h"

namespace ts {
namespace {

using test::calls;
using test::Run;

// The plain operators with branches that are only noted.
const OperatorTable& noting_table() {
  static const OperatorTable table = [] {
    OperatorTable t = plain_table();
    t.begin_branches = [](int32_t count) { calls += concat("begin ", count, " "); };
    t.enter_branch = [](int32_t index) { calls += concat("enter ", index, " "); };
    t.end_branches = [] { calls += "end "; };
    return t;
  }();
  return table;
}

const auto kBody = [](int32_t i) { calls += concat("body ", i, " "); };

TEST_CASE("branches: each body is called in its branch, and branches nest") {
  Run run(noting_table());
  side_by_side(run.ctx, 2, [&](int32_t i) {
    kBody(i);
    if (i == 0) side_by_side(run.ctx, 3, kBody);
  });
  CHECK(calls == "begin 2 enter 0 body 0 begin 3 enter 0 body 0 enter 1 body 1 enter 2 body 2 end enter 1 body 1 end ");
}

TEST_CASE("branches: where there are none, while planning and under a listener the bodies follow each other") {
  const Probe probe = [](std::string_view, const Tensor&) {};
  for (int which = 0; which < 3; ++which) {
    Run run(which == 0 ? plain_table() : noting_table(), which == 1);
    if (which == 2) run.ctx.set_probe(&probe);
    side_by_side(run.ctx, 3, kBody);
    CHECK(calls == "body 0 body 1 body 2 ");
  }
}

TEST_CASE("branches: a body that throws leaves no branch open") {
  Run run(noting_table());
  CHECK_THROWS_WITH_AS(side_by_side(run.ctx, 3, [](int32_t i) { kBody(i), i == 1 ? fail(TS_CANCELLED, "cancelled") : void(); }), "cancelled", Error);
  CHECK(calls == "begin 3 enter 0 body 0 enter 1 body 1 end ");
}

TEST_CASE("branches: what one gives back the others do not get, in the plan as in the run") {
  int64_t planned = 0;
  for (bool planning : {true, false}) {
    Run run(noting_table(), planning);
    const void* taken[2] = {};
    {
      const Arena::Scope outer(run.arena);
      side_by_side(run.ctx, 2, [&](int32_t i) {
        const Arena::Scope inner(run.arena);
        taken[i] = run.ctx.f32({16}).data;
      });
      CHECK(run.arena.used() == 128);
    }
    CHECK(taken[0] != taken[1]);
    CHECK(run.arena.used() == 0);
    if (planning) planned = run.arena.high_water();
    else CHECK(run.arena.high_water() == planned);
    const Arena::Scope after(run.arena);
    {
      const Arena::Scope inner(run.arena);
      run.ctx.f32({16});
    }
    CHECK(run.arena.used() == 0);  // scopes give back again
  }
}

TEST_CASE("branches: what comes after them waits for all, on every device, recorded or not") {
  TS_FOR_EACH_BACKEND(table) {
    const Shape shape{2, 7, 5};
    const std::vector<float> a = test::normal(shape), b = test::normal(shape);
    for (bool recorded : {false, true}) {
      test::Harness h(table);
      const Tensor x = h.input(a, shape), y = h.input(b, shape), sum = h.output(shape);
      h.run([&](Context& ctx) {
        const Arena::Scope scope(ctx.arena());
        const Tensor parts[2] = {ctx.f32(shape), ctx.f32(shape)};
        Replay replay(ctx.table());
        for (int run = 0; run < (recorded ? 3 : 1); ++run)
          replay.run(ctx, [&] {
            side_by_side(ctx, 2, [&](int32_t i) { ops::add(ctx, parts[i], x, i == 0 ? x : y); });
            ops::add(ctx, sum, parts[0], parts[1]);
          });
      });
      const std::vector<float> read = h.read(sum);
      for (size_t i = 0; i < a.size(); ++i) CHECK(read[i] == (a[i] + a[i]) + (a[i] + b[i]));
    }
  }
}

}  // namespace
}  // namespace ts
