#include "models/recogniser.h"

#include "core/safetensors_bytes.h"
#include "core/temp_folder.h"
#include "golden.h"
#include "ops/harness.h"
#include "skip.h"

namespace ts {
namespace {

using test::normal;

const char* kSmall = R"({"classes": ["bell", "door", "rain"], "materials": ["glass", "wood"], "clip_dim": 13, "sync_dim": 7, "hidden_dim": 9,
  "onsets_per_step": 3})";

RecogniserConfig parse(const nlohmann::json& json) { return parse_recogniser_config(json, "config.json"); }
RecogniserConfig small() { return parse(test::parsed(kSmall)); }

using Named = std::map<std::string, std::pair<std::vector<int64_t>, std::vector<float>>>;

// Random weights of every layer, by name.
Named random_weights(const RecogniserConfig& c) {
  Named weights;
  const auto layer = [&](const std::string& name, int64_t out, int64_t in) {
    weights[name + ".weight"] = {{out, in}, normal(out * in, 1 / std::sqrt(float(in)))};
    weights[name + ".bias"] = {{out}, normal(out, 0.1f)};
  };
  layer("scene.fc1", c.hidden_dim, c.clip_dim + 2 * c.sync_dim);
  layer("scene.fc2", c.num_classes() + c.num_materials(), c.hidden_dim);
  layer("onset.fc1", c.hidden_dim, c.moment_dim());
  layer("onset.fc2", c.temporal_patch * c.onsets_per_step, c.hidden_dim);
  return weights;
}

Recogniser load(const Named& weights, const RecogniserConfig& config, const OperatorTable& table, DType dtype = DType::f32) {
  test::TempFolder folder;
  test::SafetensorsBuilder builder;
  for (const auto& [name, tensor] : weights) builder.f32("recogniser." + name, tensor.first, tensor.second);
  const auto source = open_weights({{std::make_shared<SafetensorsFile>(folder.write("weights", builder.bytes())), "recogniser."}});
  Loader loader(*source, table, dtype);
  return Recogniser::load(loader, config);
}

// The network written out in any floating type, item by item: the scene of every item, then the onsets of every item.
template <class T>
std::vector<T> recognise_plainly(const Named& weights, const RecogniserConfig& config, int64_t batch, const std::vector<float>& clip,
                                 const std::vector<float>& sync) {
  using Values = std::vector<T>;
  const auto linear = [&](const std::string& name, const Values& x) {
    const std::vector<float>&w = weights.at(name + ".weight").second, &bias = weights.at(name + ".bias").second;
    Values y;
    for (size_t out = 0; out < bias.size(); ++out) {
      T sum = bias[out];
      for (size_t in = 0; in < x.size(); ++in) sum += T(w[out * x.size() + in]) * x[in];
      y.push_back(sum);
    }
    return y;
  };
  const auto mlp = [&](const std::string& name, const Values& x) {
    Values hidden = linear(name + ".fc1", x);
    for (T& value : hidden) value = value * (1 + std::erf(value / std::sqrt(T(2)))) / 2;
    return linear(name + ".fc2", hidden);
  };
  // Column `i` of all rows of one item.
  const auto column = [&](const std::vector<float>& rows, int64_t item, int64_t width, int64_t i) {
    const int64_t len = int64_t(rows.size()) / batch / width;
    Values values;
    for (int64_t n = 0; n < len; ++n) values.push_back(T(rows[size_t((item * len + n) * width + i)]));
    return values;
  };
  const auto mean = [](const Values& values) {
    T sum = 0;
    for (T value : values) sum += value;
    return sum / T(values.size());
  };
  Values all;
  const auto append = [&](const Values& values) { all.insert(all.end(), values.begin(), values.end()); };
  for (int64_t item = 0; item < batch; ++item) {
    Values summary;
    for (int64_t i = 0; i < config.clip_dim; ++i) summary.push_back(mean(column(clip, item, config.clip_dim, i)));
    for (int64_t i = 0; i < config.sync_dim; ++i) summary.push_back(mean(column(sync, item, config.sync_dim, i)));
    for (int64_t i = 0; i < config.sync_dim; ++i) {
      const Values values = column(sync, item, config.sync_dim, i);
      summary.push_back(*std::max_element(values.begin(), values.end()));
    }
    append(mlp("scene", summary));
  }
  const int64_t patch = config.temporal_patch, sync_len = int64_t(sync.size()) / batch / config.sync_dim;
  for (int64_t item = 0; item < batch; ++item)
    for (int64_t frame = 0; frame < sync_len; frame += patch) {
      Values seen;
      const auto look = [&](int64_t row) {
        const auto begin = sync.begin() + (item * sync_len + row) * config.sync_dim;
        seen.insert(seen.end(), begin, begin + config.sync_dim);
      };
      const int64_t segment = frame / 8, first = 8 * segment + frame % 8 / patch;  // the row of segment g
      look(patch == 1 ? frame : first);
      if (patch > 1) look(segment == 0 ? first : first - 8 + 4);
      append(mlp("onset", seen));
    }
  return all;
}

// What forward() gives, in the same order.
std::vector<float> recognise(const Recogniser& recogniser, const OperatorTable& table, const golden::Array& clip, const golden::Array& sync,
                             DType dtype = DType::f32, const Probe* probe = nullptr) {
  const RecogniserConfig& config = recogniser.config();
  golden::Array scene({clip.shape[0], config.scene_dim()}), onsets({sync.shape[0], sync.shape[1], config.onsets_per_step});
  golden::run(table, dtype, [&](Context& ctx) {
    const Arena::Scope scope(ctx.arena());
    const Tensor x = ctx.f32(clip.shape), y = ctx.f32(sync.shape), s = ctx.f32(scene.shape), o = ctx.f32(onsets.shape);
    ops::upload(ctx, x, clip.view());
    ops::upload(ctx, y, sync.view());
    recogniser.forward(ctx, s, o, x, y);
    ops::download(ctx, scene.view(), s);
    ops::download(ctx, onsets.view(), o);
  }, probe);
  std::vector<float> all = scene.values;
  all.insert(all.end(), onsets.values.begin(), onsets.values.end());
  return all;
}

golden::Array features(int64_t batch, int64_t len, int64_t width) {
  golden::Array array({batch, len, width});
  array.values = normal(array.shape);
  return array;
}

TEST_CASE("recogniser: equals the network written out in f64, whatever the lengths, widths and batch") {
  struct Case {
    int64_t batch, clip_len, sync_len, clip_dim, sync_dim, hidden_dim, temporal_patch = 1;
  };
  TS_FOR_EACH_BACKEND(table)
    for (const Case& c : {Case{1, 1, 1, 1, 1, 1}, Case{2, 3, 7, 13, 7, 9}, Case{1, 64, 255, 96, 96, 96}, Case{3, 257, 1, 5, 33, 65},
                          Case{2, 5, 24, 13, 7, 9, 2}, Case{1, 1, 8, 3, 5, 7, 2}, Case{3, 2, 96, 5, 33, 9, 2}}) {
      RecogniserConfig config = small();
      config.clip_dim = c.clip_dim;
      config.sync_dim = c.sync_dim;
      config.hidden_dim = c.hidden_dim;
      config.temporal_patch = c.temporal_patch;
      const Named weights = random_weights(config);
      const golden::Array clip = features(c.batch, c.clip_len, c.clip_dim), sync = features(c.batch, c.sync_len, c.sync_dim);
      TS_CHECK_ERROR(concat("clip ", clip.shape.str(), ", sync ", sync.shape.str()), recognise(load(weights, config, table), table, clip, sync), DType::f32,
                     recognise_plainly, weights, config, c.batch, clip.values, sync.values);
    }
}

// Of tests/golden/README.md.
constexpr golden::Tolerance kRecogniser{3e-6, 5e-6};

TEST_CASE("recogniser: results and every stage match the training twin") {
  const auto file = golden::open("recogniser_small");
  if (!file) TS_SKIP("no golden file recogniser_small.safetensors");
  const RecogniserConfig config = parse(file->metadata("config"));
  const nlohmann::json cases = file->metadata("cases");
  TS_FOR_EACH_BACKEND(table) {
    const auto source = file->weights();
    Loader loader(*source, table, DType::f32);
    const Recogniser recogniser = Recogniser::load(loader, config);
    for (const auto& [name, settings] : cases.items()) {
      const golden::Array clip = file->array("in." + name + ".clip"), sync = file->array("in." + name + ".sync");
      golden::Recorder recorder;
      const std::vector<float> ours = recognise(recogniser, table, clip, sync, DType::f32, &recorder.probe());
      // Outputs of the file side by side, as forward() has them.
      for (const std::string suffix : {"", ".f64"}) {
        const std::string out = "out." + name + ".";
        if (!file->has(out + "onsets" + suffix)) continue;
        const golden::Array classes = file->array(out + "classes" + suffix), materials = file->array(out + "materials" + suffix);
        std::vector<float> theirs;
        for (int64_t b = 0; b < clip.shape[0]; ++b)
          for (const golden::Array* part : {&classes, &materials})
            theirs.insert(theirs.end(), part->values.begin() + b * part->shape[1], part->values.begin() + (b + 1) * part->shape[1]);
        const golden::Array onsets = file->array(out + "onsets" + suffix);
        theirs.insert(theirs.end(), onsets.values.begin(), onsets.values.end());
        const Shape shape{int64_t(theirs.size())};
        golden::check_close(out + suffix, tensor_of(ours.data(), shape), tensor_of(theirs.data(), shape), kRecogniser);
      }
      recorder.check_all(*file, "mid." + name + ".", kRecogniser);
    }
  }
}

TEST_CASE("recogniser: products of 16 bits stay near") {
  const RecogniserConfig config = small();
  const Named weights = random_weights(config);
  const golden::Array clip = features(1, 8, config.clip_dim), sync = features(1, 24, config.sync_dim);
  TS_FOR_EACH_BACKEND(table) {
    const std::vector<float> exact = recognise(load(weights, config, table), table, clip, sync);
    for (DType product : test::narrow_types(table)) {
      const std::vector<float> coarse = recognise(load(weights, config, table, product), table, clip, sync, product);
      const Shape shape{int64_t(exact.size())};
      golden::check_close(std::string(name_of(product)), tensor_of(coarse.data(), shape), tensor_of(exact.data(), shape), golden::coarse(product, golden::kBf16));
    }
  }
}

TEST_CASE("recogniser: weights that are missing, surplus or misshapen are reported together") {
  const RecogniserConfig config = small();
  Named weights = random_weights(config);
  weights.erase("scene.fc2.bias");
  weights["onset.fc3.weight"] = {{1}, {0}};
  weights["onset.fc1.weight"] = {{7, 9}, normal(63)};
  try {
    load(weights, config, plain_table());
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.status() == TS_BAD_WEIGHTS);
    for (const char* word : {"scene.fc2.bias", "onset.fc3.weight", "onset.fc1.weight", "[7, 9]"})
      CHECK_MESSAGE(std::string(error.what()).find(word) != std::string::npos, error.what());
  }
}

TEST_CASE("recogniser: features of other widths, other batches or no rows are refused") {
  const RecogniserConfig config = small();
  const Recogniser recogniser = load(random_weights(config), config, plain_table());
  const auto run = [&](Shape clip, Shape sync) {
    Serial serial;
    Arena arena = Arena::planning();
    Context ctx(plain_table(), arena, serial, DType::f32);
    recogniser.forward(ctx, ctx.f32({clip[0], config.scene_dim()}), ctx.f32({sync[0], sync[1], config.onsets_per_step}), ctx.f32(clip), ctx.f32(sync));
  };
  CHECK_NOTHROW(run({1, 2, 13}, {1, 5, 7}));
  CHECK_THROWS_WITH_AS(run({1, 2, 12}, {1, 5, 7}), doctest::Contains("clip is [1, 2, 12], [batch, 1 or more, 13] needed"), Error);
  CHECK_THROWS_WITH_AS(run({1, 2, 13}, {1, 0, 7}), doctest::Contains("sync is [1, 0, 7]"), Error);
  CHECK_THROWS_WITH_AS(run({1, 2, 13}, {2, 5, 7}), doctest::Contains("the batch must be the same"), Error);
}

TEST_CASE("recogniser: a configuration that makes no sense is refused by name") {
  const auto refused = [](const char* key, const nlohmann::json& value, const char* word) {
    nlohmann::json json = test::parsed(kSmall);
    json[key] = value;
    try {
      parse(json);
      FAIL("accepted " << json.dump().substr(0, 200));
    } catch (const Error& error) {
      CHECK(error.status() == TS_BAD_BUNDLE);
      CHECK_MESSAGE(std::string(error.what()).find(word) != std::string::npos, error.what());
      CHECK(std::string(error.what()).size() < 300);
    }
  };
  refused("classes", nullptr, "classes must list 1 … 4096 names, lists 0");
  refused("classes", nlohmann::json::array(), "lists 0");
  refused("classes", "bell", "classes must be a list of strings");
  refused("classes", {"bell", 7}, "classes[1]");
  refused("classes", {"bell", "door", "bell"}, "classes lists \"bell\" twice");
  refused("classes", {"bell", ""}, "a name has 1");
  refused("classes", {std::string(101, 'x')}, "a name has 1 … 100 bytes");
  refused("classes", {std::string("be\0ll", 5)}, "control character");
  refused("materials", nlohmann::json::array(), "materials must list");
  std::vector<std::string> many;
  for (int i = 0; i < 4097; ++i) many.push_back("class " + std::to_string(i));
  refused("classes", many, "lists 4097");
  refused("clip_dim", 0, "clip_dim");
  refused("clip_dim", nullptr, "clip_dim");
  refused("sync_dim", 1 << 20, "sync_dim");
  refused("hidden_dim", 0, "hidden_dim");
  refused("onsets_per_step", 65, "onsets_per_step");
  refused("temporal_patch", 3, "temporal_patch");
  refused("onset_threshold", 1.5, "onset_threshold");
  refused("onset_threshold", "low", "onset_threshold");
  const RecogniserConfig defaults = parse(test::parsed(R"({"classes": ["a"], "materials": ["b"], "clip_dim": 2, "sync_dim": 3})"));
  CHECK(defaults.hidden_dim == 96);
  CHECK(defaults.onsets_per_step == 4);
}

}  // namespace
}  // namespace ts
