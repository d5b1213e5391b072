#include "models/mmdit.h"

#include "models/mmdit_golden.h"
#include "models/mmdit_loss.h"
#include "skip.h"

namespace ts::test {
namespace {

constexpr const char* kNeedsFull = "set THINKSOUND_GOLDENS to the folder with the full files";

// A case with everything the golden holds of it. An intermediate is allowed ten times its own float32 floor.
void check_case(const Mmdit& model, const golden::File& file, const std::string& name, golden::Tolerance tolerance, const OperatorTable& table) {
  CAPTURE(name);
  golden::Recorder recorder;
  const Array flow = transposed(run_case(model, read_case(file, name), table, &recorder.probe()));
  golden::check_close("flow", flow.view(), file.tensor("out." + name + ".flow"), tolerance);
  const nlohmann::json floors = file.metadata("floors")[name];
  for (const std::string& key : file.under("mid." + name + ".")) {
    REQUIRE_MESSAGE(recorder.heard().count(key) == 1, "nobody said " << key);
    const golden::Tolerance own = floors.contains(key) ? golden::Tolerance{10 * floors[key]["rel_l2"].get<double>(), 10 * floors[key]["max_abs"].get<double>()}
                                                       : golden::kFlow;
    golden::check_close(key, recorder.heard().at(key).view(), file.tensor("mid." + name + "." + key), own);
  }
}

TEST_CASE("mmdit: every case and intermediate of the reference") {
  TS_FOR_EACH_BACKEND(table) {
    for (const char* name : {"mmdit_small", "mmdit_hd64_small"}) {
      const auto file = golden::open(name);
      if (!file) TS_SKIP("no golden file " << name << ".safetensors; " << kNeedsFull);
      const Mmdit model = load_mmdit(*file, file->metadata("config"), table);
      const nlohmann::json cases = file->metadata("cases");
      for (const auto& [one, settings] : cases.items())
        check_case(model, *file, one, settings.contains("cfg") ? golden::kGuidedFlow : golden::kFlow, table);
    }
  }
}

TEST_CASE("mmdit: every optional branch of the reference") {
  const auto file = golden::open("mmdit_flags_small");
  if (!file) TS_SKIP("no golden file mmdit_flags_small.safetensors");
  TS_FOR_EACH_BACKEND(table) {
    const nlohmann::json cases = file->metadata("cases");
    for (const auto& [name, settings] : cases.items())
      check_case(load_flag_model(*file, settings["model"], table), *file, name, golden::kGuidedFlow, table);
  }
}

TEST_CASE("mmdit: the training loss of the reference, with and without dropped conditions") {
  const auto file = golden::open("train_small"), weights = golden::open("mmdit_small");
  if (!file || !weights) TS_SKIP("no golden files train_small.safetensors and mmdit_small.safetensors; " << kNeedsFull);
  const nlohmann::json settings = file->metadata("batch");
  std::map<std::string, Array> in;
  for (const std::string& name : file->under("in.")) in[name] = file->array("in." + name);
  const Array sound = transposed(in["data_latent"]), noise = transposed(in["noise"]);
  MmditTrainingBatch batch;
  batch.t = in["t"].values;
  batch.lengths = {settings["L"][0], settings["L"][1], settings["L"][2]};
  const std::pair<const char*, uint32_t> drops[] = {
      {"drop_clip", kMmditClip}, {"drop_sync", kMmditSync}, {"drop_text", kMmditText}, {"drop_t5", kMmditT5}};

  TS_FOR_EACH_BACKEND(table) {
    const Mmdit model = load_mmdit(*weights, file->metadata("config"), table);
    for (const bool dropped : {true, false}) {
      CAPTURE(dropped);
      batch.features.absent = absent_videos(*file, "in.video_exist");
      for (size_t item = 0; item < batch.t.size(); ++item)
        for (const auto& [name, modality] : drops)
          if (dropped && in[name].values[item] != 0) batch.features.absent[item] |= modality;
      golden::Recorder recorder;
      Array flow(sound.shape);
      double loss = 0;
      golden::run(table, DType::f32, [&](Context& ctx) {
        const Arena::Scope scope(ctx.arena());
        batch.sound = golden::on_device(ctx, sound.view());
        batch.noise = golden::on_device(ctx, noise.view());
        batch.features.clip = golden::on_device(ctx, in["clip_f"].view());
        batch.features.sync = golden::on_device(ctx, in["sync_f"].view());
        batch.features.text = golden::on_device(ctx, in["text_f"].view());
        batch.features.t5 = golden::on_device(ctx, in["t5_features"].view());
        const Tensor out = ctx.f32(sound.shape);
        loss = mmdit_training_loss(ctx, model, batch, {.noised = {}, .target = {}, .flow = out});
        ops::download(ctx, flow.view(), out);
      }, &recorder.probe());
      const double expected = file->array(dropped ? "out.loss" : "out.nodrop.loss").values[0];
      CHECK(std::abs(loss - expected) / expected < 2e-6);
      CHECK(recorder.heard().at("noised_input").values == file->array("mid.noised_input").values);
      CHECK(recorder.heard().at("target").values == file->array("mid.target").values);
      if (!dropped) golden::check_close("flow", transposed(flow).view(), file->tensor("out.nodrop.flow"), golden::kFlow);
    }
  }
}

TEST_CASE("mmdit: a listener changes nothing, and a second run gives the same bits") {
  const auto file = golden::open("mmdit_flags_small");
  if (!file) TS_SKIP("no golden file mmdit_flags_small.safetensors");
  TS_FOR_EACH_BACKEND(table) {
    const MmditCase c = read_case(*file, "combo_cfg3_phi05");
    const Mmdit model = load_flag_model(*file, "combo", table);
    golden::Recorder recorder;
    const Array heard = run_case(model, c, table, &recorder.probe());
    CHECK(recorder.heard().size() > 40);
    CHECK(bit_identical(heard, run_case(model, c, table)));
  }
}

TEST_CASE("mmdit: a negative prompt that is the empties gives the null half, another prompt does not") {
  const auto file = golden::open("mmdit_flags_small");
  if (!file) TS_SKIP("no golden file mmdit_flags_small.safetensors");
  const Mmdit model = load_flag_model(*file, "plain", plain_table());
  MmditCase c = read_case(*file, "plain");
  c.cfg = 5;
  const Array plain = run_case(model, c, plain_table());
  Array text = file->array("w.empty_string_feat"), t5 = file->array("w.empty_t5_feat");
  text.shape = {1, text.shape[0], text.shape[1]};
  t5.shape = {1, t5.shape[0], t5.shape[1]};

  const auto with_negative = [&](const Tensor& negative_text, const Tensor& negative_t5) {
    Array flow(plain.shape);
    golden::run(plain_table(), DType::f32, [&](Context& ctx) {
      const Arena::Scope scope(ctx.arena());
      MmditFeatures features = c.features();
      features.negative_text = negative_text;
      features.negative_t5 = negative_t5;
      const Tensor halves = ctx.f32({2, plain.shape[1], plain.shape[2]});
      model.velocity(ctx, halves, c.input("x"), c.t, model.prepare(ctx, features, c.lengths, 1, {.guided = true}));
      ops::guide(ctx, flow.view(), halves.slice(0, 1), halves.slice(1, 1), c.cfg, 0);
    });
    return flow;
  };
  CHECK(bit_identical(with_negative(text.view(), t5.view()), plain));
  CHECK(bit_identical(with_negative({}, t5.view()), plain));
  CHECK(golden::difference(with_negative(c.input("text_f"), {}).view(), plain.view()).rel_l2 > 1e-3);
  t5.shape = {1, 76, t5.shape[2]};
  CHECK_THROWS_WITH_AS(with_negative({}, t5.view()), doctest::Contains("76 rows of T5 features, expected 77"), Error);
}

TEST_CASE("mmdit: absent modalities are the learned empties, whichever way they are absent") {
  const auto file = golden::open("mmdit_flags_small");
  if (!file) TS_SKIP("no golden file mmdit_flags_small.safetensors");
  const Mmdit model = load_flag_model(*file, "plain", plain_table());
  const MmditCase c = read_case(*file, "plain");
  MmditCase flagged = c, missing = c;
  flagged.absent = {kMmditVideo | kMmditText | kMmditT5};
  for (const char* input : {"clip_f", "sync_f", "text_f", "t5_features"}) missing.inputs.erase(input);
  const Array by_flag = run_case(model, flagged, plain_table());
  CHECK(bit_identical(by_flag, run_case(model, missing, plain_table())));
  CHECK(golden::difference(by_flag.view(), run_case(model, c, plain_table()).view()).rel_l2 > 1e-3);

  // With every modality absent, both halves of guidance are the same.
  missing.cfg = 5;
  CHECK(bit_identical(run_case(model, missing, plain_table()), by_flag));
}

TEST_CASE("mmdit: without a video, positions that hear the same are modulated once, and nothing else changes") {
  const auto file = golden::open("mmdit_flags_small");
  if (!file) TS_SKIP("no golden file mmdit_flags_small.safetensors");
  constexpr int64_t kLatents = 86, kSyncLen = 96, kAtEnds = 2 * 5, kKinds = 8;
  MmditCase c = read_case(*file, "plain");
  c.lengths.latent = kLatents;
  c.lengths.sync = kSyncLen;
  const Array one = c.inputs["x"], empty = file->array("w.empty_sync_feat");
  Array x({1, kLatents, one.shape[2]}), sync({1, kSyncLen, c.inputs["sync_f"].shape[2]});
  for (size_t i = 0; i < x.values.size(); ++i) x.values[i] = one.values[i % one.values.size()];
  for (size_t i = 0; i < sync.values.size(); ++i) sync.values[i] = empty.values[i % empty.values.size()];
  c.inputs["x"] = x;
  c.inputs["sync_f"] = sync;
  TS_FOR_EACH_BACKEND(table) {
    const Mmdit model = load_flag_model(*file, "plain", table);
    const Array given = run_case(model, c, table);
    MmditCase absent = c;
    absent.inputs.erase("sync_f");
    golden::check_close("flow", run_case(model, absent, table).view(), given.view(), golden::kFlow);
    golden::run(table, DType::f32, [&](Context& ctx) {
      const auto num_distinct = [&](const MmditCase& of, bool guided) {
        const Arena::Scope scope(ctx.arena());
        const MmditConditions conditions = model.prepare(ctx, of.features(ctx), of.lengths, 1, {.guided = guided});
        return conditions.distinct_rows ? conditions.distinct_rows.shape[0] : 0;
      };
      CHECK(num_distinct(c, false) == 0);
      CHECK(num_distinct(absent, false) <= kAtEnds + kKinds);
      CHECK(num_distinct(c, true) == kLatents + num_distinct(absent, false));
      CHECK(num_distinct(absent, true) == 2 * num_distinct(absent, false));
    });
  }
}

TEST_CASE("mmdit: products of 16 bits stay near the reference") {
  const auto file = golden::open("mmdit_flags_small");
  if (!file) TS_SKIP("no golden file mmdit_flags_small.safetensors");
  TS_FOR_EACH_BACKEND(table)
    for (DType product : test::narrow_types(table))
      for (const auto& [name, model] : {std::pair("plain", "plain"), {"combo_cfg3_phi05", "combo"}}) {
        const Array flow = run_case(load_flag_model(*file, model, table, product), read_case(*file, name), table, nullptr, product);
        golden::check_close(name, transposed(flow).view(), file->tensor(std::string("out.") + name + ".flow"), golden::coarse(product, golden::kBf16));
      }
}

TEST_CASE("mmdit: items of a batch do not see each other, and may share one set of features") {
  const auto file = golden::open("mmdit_flags_small");
  if (!file) TS_SKIP("no golden file mmdit_flags_small.safetensors");
  TS_FOR_EACH_BACKEND(table) {
    const Mmdit model = load_flag_model(*file, "combo", table);
    MmditCase c = read_case(*file, "combo_cfg3_phi05");
    const Array alone = run_case(model, c, table);
    for (const char* latent : {"x", "inpaint_masked_input"}) {
      const Array one = c.inputs[latent];
      Array three({3, one.shape[1], one.shape[2]});
      for (size_t i = 0; i < three.values.size(); ++i) three.values[i] = one.values[i % one.values.size()];
      for (size_t i = 0; i < one.values.size(); ++i) three.values[i] += 1;
      c.inputs[latent] = three;
    }
    c.batch = 3;
    c.t = {0.1f, c.t[0], 0.9f};
    const Array together = run_case(model, c, table);
    // Tiles over three items may sum in another order than over one: the float noise of two implementations.
    golden::check_close("second item", together.view().slice(1, 1), alone.view(), golden::kGuidedFlow);
  }
}

TEST_CASE("mmdit: what does not fit is refused by name") {
  const auto file = golden::open("mmdit_flags_small");
  if (!file) TS_SKIP("no golden file mmdit_flags_small.safetensors");
  const Mmdit model = load_flag_model(*file, "plain", plain_table()), addv = load_flag_model(*file, "addv", plain_table());
  const MmditCase good = read_case(*file, "plain");
  const auto refusal = [&](const auto& spoil, bool guided = false, const Mmdit* of = nullptr) -> std::string {
    MmditFeatures features = good.features();
    MmditLengths lengths = good.lengths;
    spoil(features, lengths);
    Arena arena = Arena::planning();
    Serial serial;
    Context ctx(plain_table(), arena, serial, DType::f32);
    try {
      (of ? of : &model)->prepare(ctx, features, lengths, 1, {.guided = guided});
    } catch (const Error& error) {
      CHECK(error.status() == TS_INVALID_ARGUMENT);
      return error.what();
    }
    return "accepted";
  };
  const auto cut = [](Tensor& tensor, int64_t rows) { tensor.shape = {1, rows, tensor.shape[2]}; };
  const auto narrow = [](Tensor& tensor) { tensor.shape = {1, tensor.shape[1], tensor.shape[2] - 1}; };
  const auto says = [](const std::string& message, std::string_view part) {
    CAPTURE(message);
    CHECK(message.find(part) != std::string::npos);
  };
  says(refusal([](auto&, auto&) {}), "accepted");
  says(refusal([](auto&, auto& lengths) { lengths.sync = 20; }), "segments of 8");
  says(refusal([&](auto& features, auto&) { cut(features.clip, 7); }), "7 rows of clip features, expected 8");
  says(refusal([&](auto& features, auto&) { cut(features.clip, 7); }, true), "accepted");
  says(refusal([&](auto& features, auto&) { cut(features.t5, 24); }), "accepted");
  says(refusal([&](auto& features, auto&) { cut(features.t5, 24); }, true), "24 rows of T5 features, expected 77");
  says(refusal([&](auto& features, auto&) { narrow(features.sync); }), "sync features are 11 wide, expected 12");
  says(refusal([&](auto& features, auto&) { narrow(features.text); }), "pooled text is 1023 wide");
  says(refusal([&](auto& features, auto&) { features.absent = {0, 0}; }), "absent modalities of 2 items");
  says(refusal([&](auto& features, auto&) { features.masked_latent = good.input("x"); }), "without use_inpaint");
  says(refusal([&](auto& features, auto&) { features.without_t5 = true; }), "given to a run without T5");
  says(refusal([&](auto& features, auto&) { features.t5 = {}; features.without_t5 = true; }), "text features are 1024 wide, expected 2048");
  says(refusal([&](auto& features, auto&) { features.t5 = features.text = {}; features.without_t5 = true; }), "cannot stand for features [77, 2048]");
  says(refusal([&](auto& features, auto&) { features.text = {}; }), "accepted");
  says(refusal([&](auto& features, auto& lengths) { features.text = {}; lengths.text = 33; }), "cannot stand for features [33, 1024]");
  says(refusal([&](auto& features, auto& lengths) { cut(features.clip, 1); lengths.clip = 1; }, false, &addv), "spline through 1");
}

TEST_CASE("mmdit: a cancelled context stops between blocks and gives its memory back") {
  const auto file = golden::open("mmdit_flags_small");
  if (!file) TS_SKIP("no golden file mmdit_flags_small.safetensors");
  const Mmdit model = load_flag_model(*file, "plain", plain_table());
  const MmditCase c = read_case(*file, "plain");
  std::atomic<bool> cancelled{false};
  const Probe probe = [&](std::string_view name, const Tensor&) {
    CHECK(name != "joint1.latent");
    if (name == "joint0.latent") cancelled = true;
  };
  Serial serial;
  const Buffer block = allocate_buffer(plain_table(), DType::u8, {int64_t(64) << 20});
  Arena arena(block.tensor().data, block.tensor().numel());
  Context ctx(plain_table(), arena, serial, DType::f32);
  ctx.set_probe(&probe);
  ctx.set_cancel(&cancelled);
  const Tensor flow = ctx.f32({1, 22, 64});
  const MmditConditions conditions = model.prepare(ctx, c.features(), c.lengths, 1);
  const int64_t used = arena.used();
  try {
    model.velocity(ctx, flow, c.input("x"), c.t, conditions);
    FAIL("not cancelled");
  } catch (const Error& error) {
    CHECK(error.status() == TS_CANCELLED);
  }
  CHECK(arena.used() == used);
}

}  // namespace
}  // namespace ts::test
