#include "models/mmdit_tables.h"

#include "golden.h"
#include "skip.h"

namespace ts {
namespace {

// The full file, or the tables that were cut out of it.
std::shared_ptr<const golden::File> open_tables() {
  const auto full = golden::open("mmdit_small");
  return full ? full : golden::open("mmdit_tables");
}

double largest_difference(const std::vector<float>& ours, const std::vector<float>& expected) {
  REQUIRE(ours.size() == expected.size());
  double worst = 0;
  for (size_t i = 0; i < ours.size(); ++i) worst = std::max(worst, std::abs(double(ours[i]) - expected[i]));
  return worst;
}

TEST_CASE("mmdit tables: timestep frequencies are those of the reference bit for bit") {
  const auto file = open_tables();
  if (!file) TS_SKIP("no golden mmdit_small.safetensors or mmdit_tables.safetensors");
  const std::vector<float> small = file->array("mid.t_embed_freqs").values, full = file->array("mid.full.t_embed_freqs_1024").values;
  CHECK(timestep_frequencies(int64_t(small.size()) * 2, true) == small);
  CHECK(timestep_frequencies(1024, true) == full);
}

TEST_CASE("mmdit tables: the timestep embedding is the reference's to a rounding of its cosine") {
  const auto file = open_tables();
  if (!file) TS_SKIP("no golden mmdit_small.safetensors or mmdit_tables.safetensors");
  const std::vector<float> t = file->array("in.tsweep.t").values;
  const std::vector<float> small = file->array("mid.tsweep.embedding").values, full = file->array("mid.full.t_embedding_25x1024").values;
  // Ours is correctly rounded; the reference's vectorised cosine is within one unit of 1.
  CHECK(largest_difference(timestep_embedding(t, timestep_frequencies(int64_t(small.size() / t.size()), true)), small) <= 0x1p-23);
  CHECK(largest_difference(timestep_embedding(t, timestep_frequencies(1024, true)), full) <= 0x1p-23);
}

TEST_CASE("mmdit tables: frequencies without v2 fall from 1 towards 1/10000") {
  const std::vector<float> f = timestep_frequencies(256, false);
  REQUIRE(f.size() == 128);
  CHECK(f[0] == 1.0f);
  CHECK(f[64] == doctest::Approx(0.01));
  CHECK(f[127] > 1e-4f);
}

TEST_CASE("mmdit tables: rotations of the published lengths") {
  const auto file = open_tables();
  if (!file) TS_SKIP("no golden mmdit_small.safetensors or mmdit_tables.safetensors");
  const auto matrices = [](const std::vector<float>& table) {
    std::vector<float> out;
    for (size_t i = 0; i < table.size(); i += 2) out.insert(out.end(), {table[i], -table[i + 1], table[i + 1], table[i]});
    return out;
  };
  CHECK(largest_difference(matrices(rope_table(194, 64, 1.0f)), file->array("mid.full.latent_rot_194_hd64").values) <= 0x1p-23);
  // Angles up to 200 rad, where one unit of the reference's frequency is 2⁻¹⁷ of the angle.
  CHECK(largest_difference(matrices(rope_table(72, 64, float(194.0 / 72.0))), file->array("mid.full.clip_rot_72_hd64").values) <= 0x1p-16);
}

TEST_CASE("mmdit tables: the nearest sync row of every latent, for every duration of the goldens") {
  const auto file = open_tables();
  if (!file) TS_SKIP("no golden mmdit_small.safetensors or mmdit_tables.safetensors");
  int num_tables = 0;
  for (const std::string& name : file->under("mid.full.sync_index_")) {
    CAPTURE(name);
    const size_t to = name.find("_to_");
    const int64_t source = std::stoll(name.substr(0, to)), target = std::stoll(name.substr(to + 4));
    const Tensor& expected = file->tensor("mid.full.sync_index_" + name);
    const std::vector<int32_t> index = nearest_exact_index(source, target);
    CHECK(std::equal(index.begin(), index.end(), expected.as<int32_t>(), expected.as<int32_t>() + expected.numel()));
    ++num_tables;
  }
  CHECK(num_tables >= 33);
  // The two positions at 9 s where exact arithmetic gives the next row.
  const std::vector<int32_t> nine_seconds = nearest_exact_index(216, 194);
  CHECK(nine_seconds[48] == 53);
  CHECK(nine_seconds[145] == 161);
}

TEST_CASE("mmdit tables: rows with one key are one row") {
  const int64_t keys[] = {7, 3, 7, -1, 3, 3, 8};
  const SharedRows rows = share_rows(keys);
  CHECK(rows.distinct == std::vector<int32_t>{0, 1, 3, 6});
  CHECK(rows.chosen == std::vector<int32_t>{0, 1, 0, 2, 1, 1, 3});
  CHECK(share_rows({}).distinct.empty());
}

TEST_CASE("mmdit tables: the natural spline passes through its knots, keeps lines, and has no curvature at its ends") {
  const std::pair<int64_t, int64_t> lengths[] = {{2, 7}, {3, 5}, {8, 22}, {72, 194}, {9, 3}, {5, 5}, {4, 1}};
  for (const auto& pair : lengths) {
    const int64_t source = pair.first, target = pair.second;
    CAPTURE(source);
    CAPTURE(target);
    const std::vector<float> matrix = natural_spline_matrix(source, target);
    for (int64_t n = 0; n < target; ++n) {
      double sum = 0, line = 0;
      for (int64_t m = 0; m < source; ++m) {
        sum += matrix[size_t(n * source + m)];
        line += matrix[size_t(n * source + m)] * double(m);
      }
      CHECK(sum == doctest::Approx(1).epsilon(1e-6));
      const double expected = target == 1 ? 0 : double(n) * double(source - 1) / double(target - 1);
      CHECK(line == doctest::Approx(expected).epsilon(1e-5));
    }
  }
  // Through (0, 0), (1, 1), (2, 0): S(x) = 1.5 x − 0.5 x³ on the first half, by symmetry on the second.
  const std::vector<float> matrix = natural_spline_matrix(3, 5);
  const double expected[] = {0, 0.6875, 1, 0.6875, 0};
  for (size_t n = 0; n < 5; ++n) CHECK(matrix[n * 3 + 1] == doctest::Approx(expected[n]).epsilon(1e-6));
  CHECK_THROWS_AS(natural_spline_matrix(1, 5), Error);
}

}  // namespace
}  // namespace ts
