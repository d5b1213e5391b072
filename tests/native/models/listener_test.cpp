#include "models/listener.h"

#include "core/safetensors_bytes.h"
#include "core/temp_folder.h"
#include "golden.h"
#include "ops/harness.h"
#include "skip.h"

namespace ts {
namespace {

using test::normal;

const char* kSmall = R"({"latent_dim": 13, "text_dim": 11, "hidden_dim": 9, "embed_dim": 5, "num_blocks": 2, "expansion": 2})";

ListenerConfig parse(const nlohmann::json& json) { return parse_listener_config(json, "config.json"); }
ListenerConfig small() { return parse(nlohmann::json::parse(kSmall)); }

using Named = std::map<std::string, std::pair<std::vector<int64_t>, std::vector<float>>>;

// Random weights of every layer, by name.
Named random_weights(const ListenerConfig& c) {
  Named weights;
  const auto layer = [&](const std::string& name, std::vector<int64_t> shape) {
    int64_t fan_in = 1;
    for (size_t axis = 1; axis < shape.size(); ++axis) fan_in *= shape[axis];
    weights[name + ".weight"] = {shape, normal(shape[0] * fan_in, 1 / std::sqrt(float(fan_in)))};
    weights[name + ".bias"] = {{shape[0]}, normal(shape[0], 0.1f)};
  };
  const auto norm = [&](const std::string& name) {
    std::vector<float> scale = normal(c.hidden_dim, 0.1f);
    for (float& value : scale) value += 1;
    weights[name + ".weight"] = {{c.hidden_dim}, scale};
    weights[name + ".bias"] = {{c.hidden_dim}, normal(c.hidden_dim, 0.1f)};
  };
  layer("in", {c.hidden_dim, c.latent_dim, 3});
  for (int64_t i = 0; i < c.num_blocks; ++i) {
    const std::string block = concat("blocks.", i);
    layer(block + ".dw", {c.hidden_dim, 1, 7});
    norm(block + ".norm");
    layer(block + ".fc1", {c.expansion * c.hidden_dim, c.hidden_dim});
    layer(block + ".fc2", {c.hidden_dim, c.expansion * c.hidden_dim});
  }
  norm("norm");
  layer("sound.fc1", {c.hidden_dim, 2 * c.hidden_dim});
  layer("sound.fc2", {c.embed_dim, c.hidden_dim});
  layer("text.fc1", {c.hidden_dim, c.text_dim});
  layer("text.fc2", {c.embed_dim, c.hidden_dim});
  weights["scale"] = {{}, {7.5f}};
  weights["bias"] = {{}, {-2.25f}};
  return weights;
}

Listener load(const Named& weights, const ListenerConfig& config, const OperatorTable& table, DType dtype = DType::f32) {
  test::TempFolder folder;
  test::SafetensorsBuilder builder;
  for (const auto& [name, tensor] : weights) builder.f32("listener." + name, tensor.first, tensor.second);
  const auto source = open_weights({{std::make_shared<SafetensorsFile>(folder.write("weights", builder.bytes())), "listener."}});
  Loader loader(*source, table, dtype);
  return Listener::load(loader, config);
}

// The network written out in any floating type, item by item: the vector of every sound, then that of every text.
template <class T>
std::vector<T> listen_plainly(const Named& weights, const ListenerConfig& config, int64_t batch, const std::vector<float>& latent,
                              const std::vector<float>& text) {
  using Values = std::vector<T>;
  using Rows = std::vector<Values>;
  const auto parameter = [&](const std::string& name) -> const std::vector<float>& { return weights.at(name).second; };
  // Neighbouring rows of any number of taps, zeros beyond the ends; with one group a channel, `alone`.
  const auto convolve = [&](const std::string& name, const Rows& x, int64_t taps, bool alone) {
    const std::vector<float>&w = parameter(name + ".weight"), &bias = parameter(name + ".bias");
    const int64_t in = alone ? 1 : int64_t(x[0].size());
    Rows y;
    for (int64_t n = 0; n < int64_t(x.size()); ++n) {
      Values row;
      for (size_t out = 0; out < bias.size(); ++out) {
        T sum = bias[out];
        for (int64_t i = 0; i < in; ++i)
          for (int64_t j = 0; j < taps; ++j)
            if (const int64_t m = n + j - taps / 2; 0 <= m && m < int64_t(x.size()))
              sum += T(w[(out * size_t(in) + size_t(i)) * size_t(taps) + size_t(j)]) * x[size_t(m)][alone ? out : size_t(i)];
        row.push_back(sum);
      }
      y.push_back(row);
    }
    return y;
  };
  const auto normed = [&](const std::string& name, Rows x) {
    for (Values& row : x) {
      T mean = 0, square = 0;
      for (T value : row) mean += value;
      mean /= T(row.size());
      for (T value : row) square += (value - mean) * (value - mean);
      const T scale = 1 / std::sqrt(square / T(row.size()) + T(1e-6));
      for (size_t i = 0; i < row.size(); ++i) row[i] = (row[i] - mean) * scale * T(parameter(name + ".weight")[i]) + T(parameter(name + ".bias")[i]);
    }
    return x;
  };
  const auto mlp = [&](const std::string& name, const Rows& x) {
    Rows hidden = convolve(name + ".fc1", x, 1, false);
    for (Values& row : hidden)
      for (T& value : row) value = value * (1 + std::erf(value / std::sqrt(T(2)))) / 2;
    return convolve(name + ".fc2", hidden, 1, false);
  };
  const auto item = [&](const std::vector<float>& values, int64_t b, int64_t width) {
    const size_t len = values.size() / size_t(batch * width);
    Rows rows;
    for (size_t n = 0; n < len; ++n) {
      const auto begin = values.begin() + std::ptrdiff_t((size_t(b) * len + n) * size_t(width));
      rows.emplace_back(begin, begin + width);
    }
    return rows;
  };
  const auto mean = [](const Rows& rows) {
    Values sum(rows[0].size());
    for (const Values& row : rows)
      for (size_t i = 0; i < row.size(); ++i) sum[i] += row[i];
    for (T& value : sum) value /= T(rows.size());
    return sum;
  };
  Values sounds, texts;
  for (int64_t b = 0; b < batch; ++b) {
    Rows h = convolve("in", item(latent, b, config.latent_dim), 3, false);
    for (int64_t i = 0; i < config.num_blocks; ++i) {
      const std::string block = concat("blocks.", i);
      const Rows added = mlp(block, normed(block + ".norm", convolve(block + ".dw", h, 7, true)));
      for (size_t n = 0; n < h.size(); ++n)
        for (size_t c = 0; c < h[n].size(); ++c) h[n][c] += added[n][c];
    }
    h = normed("norm", h);
    Values summary = mean(h), largest = h[0];
    for (const Values& row : h)
      for (size_t c = 0; c < row.size(); ++c) largest[c] = std::max(largest[c], row[c]);
    summary.insert(summary.end(), largest.begin(), largest.end());
    const Values sound = mlp("sound", {summary})[0], words = mlp("text", {mean(item(text, b, config.text_dim))})[0];
    sounds.insert(sounds.end(), sound.begin(), sound.end());
    texts.insert(texts.end(), words.begin(), words.end());
  }
  sounds.insert(sounds.end(), texts.begin(), texts.end());
  return sounds;
}

// What hear() and read() give, one behind the other.
std::vector<float> listen(const Listener& listener, const OperatorTable& table, const golden::Array& latent, const golden::Array& text,
                          DType dtype = DType::f32, const Probe* probe = nullptr) {
  golden::Array sound({latent.shape[0], listener.config().embed_dim}), words({text.shape[0], listener.config().embed_dim});
  golden::run(table, dtype, [&](Context& ctx) {
    const Arena::Scope scope(ctx.arena());
    const Tensor x = ctx.f32(latent.shape), y = ctx.f32(text.shape), s = ctx.f32(sound.shape), t = ctx.f32(words.shape);
    ops::upload(ctx, x, latent.view());
    ops::upload(ctx, y, text.view());
    listener.hear(ctx, s, x);
    listener.read(ctx, t, y);
    ops::download(ctx, sound.view(), s);
    ops::download(ctx, words.view(), t);
  }, probe);
  std::vector<float> all = sound.values;
  all.insert(all.end(), words.values.begin(), words.values.end());
  return all;
}

golden::Array rows(int64_t batch, int64_t len, int64_t width) {
  golden::Array array({batch, len, width});
  array.values = normal(array.shape);
  return array;
}

TEST_CASE("listener: equals the network written out in f64, whatever the lengths, widths and batch") {
  struct Case {
    int64_t batch, latent_len, text_len, latent_dim, text_dim, hidden_dim, num_blocks, expansion;
  };
  TS_FOR_EACH_BACKEND(table)
    for (const Case& c : {Case{1, 1, 1, 1, 1, 2, 0, 1}, Case{2, 3, 7, 13, 11, 9, 2, 2}, Case{1, 86, 12, 64, 96, 96, 4, 3}, Case{3, 257, 1, 5, 33, 17, 1, 1}}) {
      ListenerConfig config = small();
      config.latent_dim = c.latent_dim;
      config.text_dim = c.text_dim;
      config.hidden_dim = c.hidden_dim;
      config.num_blocks = c.num_blocks;
      config.expansion = c.expansion;
      const Named weights = random_weights(config);
      const golden::Array latent = rows(c.batch, c.latent_len, c.latent_dim), text = rows(c.batch, c.text_len, c.text_dim);
      TS_CHECK_ERROR(concat("latent ", latent.shape.str(), ", text ", text.shape.str()), listen(load(weights, config, table), table, latent, text), DType::f32,
                     listen_plainly, weights, config, c.batch, latent.values, text.values);
    }
}

TEST_CASE("listener: the fit is the sigmoid of the scaled cosine, whatever the vectors' lengths") {
  const ListenerConfig config = small();
  const Listener listener = load(random_weights(config), config, plain_table());
  const std::vector<float> a{3, 0, 0, 0, 4}, b{0, 5, 0, 0, 0.5f}, longer{6, 0, 0, 0, 8}, opposite{-3, 0, 0, 0, -4}, nothing(5);
  const double cosine = 4 * 0.5 / (5 * std::sqrt(25.25));
  CHECK(listener.logit(a, b) == doctest::Approx(7.5 * cosine - 2.25).epsilon(1e-12));
  CHECK(listener.fit(a, b) == doctest::Approx(1 / (1 + std::exp(2.25 - 7.5 * cosine))).epsilon(1e-6));
  CHECK(listener.logit(a, longer) == doctest::Approx(7.5 - 2.25).epsilon(1e-12));
  CHECK(listener.logit(a, opposite) == doctest::Approx(-7.5 - 2.25).epsilon(1e-12));
  CHECK(listener.logit(a, nothing) == doctest::Approx(-2.25));
  std::vector<float> unit = a;
  Listener::normalise(unit);
  CHECK(unit == std::vector<float>{0.6f, 0, 0, 0, 0.8f});
}

// Of tests/golden/README.md.
constexpr golden::Tolerance kListener{3e-6, 1e-5};

TEST_CASE("listener: results and every stage match the training twin") {
  const auto file = golden::open("listener_small");
  if (!file) TS_SKIP("no golden file listener_small.safetensors");
  const ListenerConfig config = parse(file->metadata("config"));
  const nlohmann::json cases = file->metadata("cases");
  TS_FOR_EACH_BACKEND(table) {
    const auto source = file->weights();
    Loader loader(*source, table, DType::f32);
    const Listener listener = Listener::load(loader, config);
    for (const auto& [name, settings] : cases.items()) {
      const golden::Array latent = file->array("in." + name + ".latent"), text = file->array("in." + name + ".text");
      const golden::Array mask = file->array("in." + name + ".mask");
      const int64_t sounds = latent.shape[0], texts = text.shape[0], len = text.shape[1], dim = config.embed_dim;
      golden::Recorder recorder;
      std::vector<float> heard, read;
      for (int64_t i = 0; i < texts; ++i) {
        std::vector<float> tokens;
        for (int64_t n = 0; n < len; ++n)
          if (mask.values[size_t(i * len + n)] != 0) {
            const auto begin = text.values.begin() + (i * len + n) * config.text_dim;
            tokens.insert(tokens.end(), begin, begin + config.text_dim);
          }
        golden::Array kept({1, int64_t(tokens.size()) / config.text_dim, config.text_dim});
        kept.values = tokens;
        const std::vector<float> both = listen(listener, table, latent, kept, DType::f32, &recorder.probe());
        heard.assign(both.begin(), both.begin() + sounds * dim);
        read.insert(read.end(), both.begin() + sounds * dim, both.end());
      }
      const auto vector = [&](std::vector<float>& all, int64_t i) { return std::span(all).subspan(size_t(i * dim), size_t(dim)); };
      std::vector<float> logits;
      for (int64_t i = 0; i < sounds; ++i)
        for (int64_t j = 0; j < texts; ++j) logits.push_back(float(listener.logit(vector(heard, i), vector(read, j))));
      for (int64_t i = 0; i < sounds; ++i) Listener::normalise(vector(heard, i));
      for (int64_t j = 0; j < texts; ++j) Listener::normalise(vector(read, j));
      for (const std::string suffix : {"", ".f64"}) {
        const std::string out = "out." + name + ".";
        if (!file->has(out + "logits" + suffix)) continue;
        const auto check = [&](const std::string& what, const std::vector<float>& ours) {
          const golden::Array theirs = file->array(out + what + suffix);
          golden::check_close(out + what + suffix, tensor_of(ours.data(), theirs.shape), theirs.view(), kListener);
        };
        check("sound", heard);
        check("words", read);
        check("logits", logits);
      }
      if (settings.contains("inner")) recorder.check_all(*file, "mid." + name + ".", kListener);
    }
  }
}

TEST_CASE("listener: products of 16 bits stay near") {
  const ListenerConfig config = small();
  const Named weights = random_weights(config);
  const golden::Array latent = rows(1, 22, config.latent_dim), text = rows(1, 8, config.text_dim);
  TS_FOR_EACH_BACKEND(table) {
    const std::vector<float> exact = listen(load(weights, config, table), table, latent, text);
    for (DType product : test::narrow_types(table)) {
      const std::vector<float> coarse = listen(load(weights, config, table, product), table, latent, text, product);
      const Shape shape{int64_t(exact.size())};
      golden::check_close(std::string(name_of(product)), tensor_of(coarse.data(), shape), tensor_of(exact.data(), shape), golden::coarse(product, golden::kBf16));
    }
  }
}

TEST_CASE("listener: weights that are missing, surplus or misshapen are reported together") {
  const ListenerConfig config = small();
  Named weights = random_weights(config);
  weights.erase("text.fc2.bias");
  weights["blocks.2.fc1.weight"] = {{1}, {0}};
  weights["scale"] = {{1}, {7.5f}};
  try {
    load(weights, config, plain_table());
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.status() == TS_BAD_WEIGHTS);
    for (const char* word : {"text.fc2.bias", "blocks.2.fc1.weight", "scale", "[1]"})
      CHECK_MESSAGE(std::string(error.what()).find(word) != std::string::npos, error.what());
  }
}

TEST_CASE("listener: latents and texts of other widths or no rows are refused") {
  const ListenerConfig config = small();
  const Listener listener = load(random_weights(config), config, plain_table());
  const auto run = [&](Shape latent, Shape text) {
    Serial serial;
    Arena arena = Arena::planning();
    Context ctx(plain_table(), arena, serial, DType::f32);
    listener.hear(ctx, ctx.f32({latent[0], config.embed_dim}), ctx.f32(latent));
    listener.read(ctx, ctx.f32({text[0], config.embed_dim}), ctx.f32(text));
  };
  CHECK_NOTHROW(run({1, 2, 13}, {1, 5, 11}));
  CHECK_THROWS_WITH_AS(run({1, 2, 12}, {1, 5, 11}), doctest::Contains("latent is [1, 2, 12], [batch, 1 or more, 13] needed"), Error);
  CHECK_THROWS_WITH_AS(run({1, 0, 13}, {1, 5, 11}), doctest::Contains("latent is [1, 0, 13]"), Error);
  CHECK_THROWS_WITH_AS(run({1, 2, 13}, {1, 5, 7}), doctest::Contains("text is [1, 5, 7]"), Error);
}

TEST_CASE("listener: a configuration that makes no sense is refused by name") {
  const auto refused = [](const char* key, const nlohmann::json& value) {
    nlohmann::json json = nlohmann::json::parse(kSmall);
    json[key] = value;
    try {
      parse(json);
      FAIL("accepted " << json.dump());
    } catch (const Error& error) {
      CHECK(error.status() == TS_BAD_BUNDLE);
      CHECK_MESSAGE(std::string(error.what()).find(key) != std::string::npos, error.what());
    }
  };
  for (const char* key : {"latent_dim", "text_dim", "hidden_dim", "embed_dim", "expansion"}) refused(key, 0);
  refused("num_blocks", -1);
  refused("num_blocks", 65);
  refused("hidden_dim", "96");
  const ListenerConfig usual = parse(nlohmann::json::parse(R"({"latent_dim": 64, "text_dim": 96})"));
  CHECK((usual.hidden_dim == 96 && usual.embed_dim == 96 && usual.num_blocks == 4 && usual.expansion == 3));
}

}  // namespace
}  // namespace ts
