#include "ops/replay.h"

#include "ops/harness.h"
#include "ops/noted.h"

namespace ts {
namespace {

using test::calls;
using test::Run;

// The plain operators with a recorder that notes its calls. As nothing is really recorded, a replay does nothing.
const OperatorTable& noting_table() {
  static const OperatorTable table = [] {
    OperatorTable t = plain_table();
    t.begin_recording = [] { calls += "begin "; };
    t.end_recording = []() -> void* {
      calls += "end ";
      return &calls;
    };
    t.replay = [](void* recording) { calls += recording == &calls ? "replay " : "another's replay "; };
    t.forget_recording = [](void*) { calls += "forget "; };
    return t;
  }();
  return table;
}

const auto kBody = [] { calls += "body "; };

TEST_CASE("replay: runs once, is recorded the second time, and is replayed from then on") {
  Run run(noting_table());
  {
    Replay replay(run.ctx.table());
    for (int i = 0; i < 4; ++i) replay.run(run.ctx, kBody);
    CHECK(calls == "body begin body end replay replay replay ");
  }
  CHECK(calls.ends_with("replay forget "));
}

TEST_CASE("replay: without a recorder, while planning and under a listener the body runs every time") {
  const Probe probe = [](std::string_view, const Tensor&) {};
  for (int which = 0; which < 3; ++which) {
    Run run(which == 0 ? plain_table() : noting_table(), which == 1);
    if (which == 2) run.ctx.set_probe(&probe);
    Replay replay(run.ctx.table());
    for (int i = 0; i < 3; ++i) replay.run(run.ctx, kBody);
    CHECK(calls == "body body body ");
  }
}

TEST_CASE("replay: a body that throws while it is recorded leaves no recording behind") {
  Run run(noting_table());
  {
    Replay replay(run.ctx.table());
    replay.run(run.ctx, kBody);
    CHECK_THROWS_WITH_AS(replay.run(run.ctx, [] { fail(TS_CANCELLED, "cancelled"); }), "cancelled", Error);
    CHECK(calls == "body begin end forget ");
    replay.run(run.ctx, kBody);
    CHECK(calls == "body begin end forget begin body end replay ");
  }
  CHECK(calls.ends_with("replay forget "));
}

TEST_CASE("replay: a first call that throws is not counted") {
  Run run(noting_table());
  Replay replay(run.ctx.table());
  CHECK_THROWS_WITH_AS(replay.run(run.ctx, [] { fail(TS_CANCELLED, "cancelled"); }), "cancelled", Error);
  replay.run(run.ctx, kBody);
  CHECK(calls == "body ");
}

TEST_CASE("replay: those of a key are kept, and the one that was not wanted for longest is forgotten for a fifth") {
  Run run(noting_table());
  Replays replays(run.ctx.table());
  const auto ask = [&](int64_t key) {
    calls.clear();
    replays.of(run.ctx, {key}).run(run.ctx, kBody);
    return calls;
  };
  for (int64_t key : {1, 2, 3, 4}) {
    CHECK(ask(key) == "body ");
    CHECK(ask(key) == "begin body end replay ");
  }
  CHECK(ask(1) == "replay ");
  {
    const Arena::Scope scope(run.arena);
    run.ctx.f32({1});  // scratch begins elsewhere
    CHECK(ask(1) == "forget body ");  // 2
  }
  CHECK(ask(1) == "replay ");
  CHECK(ask(5) == "forget body ");  // 3
  CHECK(ask(1) == "replay ");
  CHECK(ask(2) == "forget body ");  // 4
  calls.clear();
  replays.clear();
  CHECK(calls == "forget ");  // 1: of the others nothing was recorded yet
  CHECK(ask(1) == "body ");
}

TEST_CASE("replay: operators on every device give the same from a recording as when they are called") {
  TS_FOR_EACH_BACKEND(table) {
    const Shape shape{2, 7, 5};
    const std::vector<float> start = test::normal(shape), slope = test::normal(shape);
    test::Harness h(table);
    const Tensor x = h.in_out(start, shape), c = h.input(slope, shape);
    constexpr int kSteps = 5;
    h.run([&](Context& ctx) {
      Replay step(ctx.table());
      for (int i = 0; i < (ctx.planning() ? 1 : kSteps); ++i) step.run(ctx, [&] { ops::guided_euler_step(ctx, x, c, {}, 1.0f, -0.25f); });
    });
    std::vector<float> expected = start;
    for (int i = 0; i < kSteps; ++i)
      for (size_t k = 0; k < expected.size(); ++k) expected[k] += -0.25f * slope[k];
    CHECK(h.read(x) == expected);
  }
}

}  // namespace
}  // namespace ts
