// What the CUDA products decide on the host: needs no GPU and no nvcc.
#include "ops/cuda/product_plan.h"

#include <doctest/doctest.h>

#include <set>

#include "ops/cuda/divider.h"
#include "ops/cuda/finish_form.h"
#include "ops/cuda/packed_weight.h"

namespace ts::cuda {
namespace {

// Multiprocessors in groups of 16, the rest too few for a cluster.
constexpr Card card_of(int64_t multiprocessors) {
  constexpr int64_t kGroup = 16;
  Card card{.multiprocessors = multiprocessors, .has_wgmma = true};
  for (size_t tile = 0; tile < card.clusters.size(); ++tile)
    for (int64_t splits = 2; splits <= kMaxSplits; ++splits)
      card.clusters[tile][size_t(splits)] = int32_t(multiprocessors / kGroup * (kGroup * kWgmmaTiles[tile].blocks / splits));
  return card;
}
constexpr Card kH200 = card_of(132);

TEST_CASE("cuda divider: every divisor gives the quotient that division gives") {
  const uint32_t largest = 0x7FFFFFFF;
  for (uint32_t d : {1u, 2u, 3u, 5u, 7u, 63u, 64u, 65u, 194u, 641u, 1000003u, 0x3FFFFFFFu, 0x40000000u, 0x40000001u, largest}) {
    const Divider divider(d);
    const auto check = [&](uint32_t n) {
      if (divider.quotient(n) != n / d || divider.remainder(n) != n % d) FAIL_CHECK(n << " div " << d << " gave " << divider.quotient(n));
    };
    for (uint32_t n = 0; n < 3000; ++n) check(n);
    for (uint64_t multiple = d; multiple < largest; multiple += d < 20000 ? 104729ull * d : d)
      for (uint32_t n : {uint32_t(multiple) - 1, uint32_t(multiple), uint32_t(multiple) + 1}) check(n);
    check(largest);
    check(largest - 1);
  }
  CHECK(Divider().quotient(12345) == 12345);
}

TEST_CASE("cuda products: both matrices of a gated pair fill whole groups of rows, each row once") {
  for (int64_t out : {1, 31, 32, 33, 64, 2816}) {
    std::set<int64_t> rows;
    for (int64_t o = 0; o < out; ++o) {
      rows.insert(gated_row(o, 0));
      rows.insert(gated_row(o, 1));
      CHECK(gated_row(o, 1) - gated_row(o, 0) == kGatedGroup);
    }
    CHECK(int64_t(rows.size()) == 2 * out);
    CHECK(*rows.rbegin() < (out + kGatedGroup - 1) / kGatedGroup * 2 * kGatedGroup);
    for (int64_t o = 0; o + 3 < out; o += 4) CHECK(gated_row(o + 3, 0) - gated_row(o, 0) == 3);  // four neighbours stay neighbours
  }
}

TEST_CASE("cuda products: the networks' products are of a form, and what a form cannot read is general") {
  using Form = Finish::Form;
  alignas(16) float memory[8];
  const auto rows = [&](int32_t columns, int32_t items, uint32_t rows_per_item) {
    Finish f;
    f.columns = columns;
    f.rows_per_item = Divider(rows_per_item);
    f.bias_period = Divider(uint32_t(columns));
    f.y[0] = memory;
    f.bias = memory;
    f.y_stride = columns;
    f.y_item = int64_t(rows_per_item) * columns;
    return std::pair(f, int64_t(items) * rows_per_item);
  };
  const auto form = [&](auto product, const auto& change) {
    change(product.first);
    return choose_form(product.first, product.second);
  };
  const auto dit = rows(1024, 2, 194);
  CHECK(form(dit, [](Finish&) {}) == Form::rows_f32);
  CHECK(form(dit, [&](Finish& f) { f.residual = memory; }) == Form::rows_f32);
  CHECK(form(dit, [&](Finish& f) { f.residual = f.gate = memory, f.gate_row = 6144; }) == Form::rows_f32);
  CHECK(form(dit, [&](Finish& f) { f.gate = memory; }) == Form::general);
  CHECK(form(dit, [](Finish& f) { f.activation = Activation::silu; }) == Form::general);
  CHECK(form(dit, [](Finish& f) { f.type = DType::bf16, f.activation = Activation::gelu_erf; }) == Form::rows_bf16);
  CHECK(form(dit, [](Finish& f) { f.type = DType::bf16, f.activation = Activation::selu; }) == Form::general);
  CHECK(form(dit, [](Finish& f) { f.type = DType::f16; }) == Form::general);
  CHECK(form(dit, [&](Finish& f) { f.scale = memory; }) == Form::general);
  CHECK(form(dit, [&](Finish& f) { f.bias = memory + 1; }) == Form::general);
  CHECK(form(rows(1020, 2, 194), [](Finish&) {}) == Form::general);
  CHECK(form(dit, [](Finish& f) { f.y_first = -2048; }) == Form::general);                      // items whose outputs would meet
  CHECK(form(rows(1024, 1, 388), [](Finish& f) { f.y_first = -2048; }) == Form::rows_f32);      // a polyphase convolution sticks out
  CHECK(form(dit, [&](Finish& f) { f.snaked = memory, f.snaked_type = DType::bf16; }) == Form::snake_bf16);
  CHECK(form(dit, [&](Finish& f) { f.snaked = memory; }) == Form::general);
  CHECK(form(dit, [&](Finish& f) { f.snaked = memory, f.snaked_type = DType::f16; }) == Form::general);
  CHECK(form(dit, [](Finish& f) { f.y_item += 1024; }) == Form::general);                       // items that do not follow each other
  CHECK(form(rows(1024, 1, 1u << 21), [](Finish&) {}) == Form::general);                        // places beyond 31 bits
  CHECK(form(dit, [](Finish& f) { f.kind = Finish::Kind::gated, f.type = DType::bf16, f.activation = Activation::silu; }) == Form::gated_bf16);
  CHECK(form(dit, [](Finish& f) { f.kind = Finish::Kind::gated, f.activation = Activation::silu; }) == Form::general);
  const auto qkv = [](uint32_t head_dim) {
    return [head_dim](Finish& f) { f.kind = Finish::Kind::qkv, f.type = DType::bf16, f.head_dim = Divider(head_dim); };
  };
  for (uint32_t head_dim : {32u, 64u, 80u, 128u}) CHECK(form(dit, qkv(head_dim)) == Form::qkv_bf16);
  CHECK(form(dit, qkv(4)) == Form::general);
}

TEST_CASE("cuda products: few rows split the summed axis, many do not") {
  CHECK(choose_splits(10, 48, 132) == 6);
  CHECK(choose_splits(10, 16, 132) == 2);    // eight steps are left to each
  CHECK(choose_splits(10, 7, 132) == 1);
  CHECK(choose_splits(1, 1000, 132) == kMaxSplits);
  CHECK(choose_splits(200, 48, 132) == 1);
  CHECK(choose_splits(0, 48, 132) >= 1);

  CHECK(mma_tiles(6208, 5632, 48, 3, kH200.multiprocessors) == ProductTiles{128, 128, 1, true});
  CHECK(mma_tiles(388, 1024, 16, 1, kH200.multiprocessors) == ProductTiles{64, 64, 2, true});
  CHECK(mma_tiles(397312, 128, 14, 7, kH200.multiprocessors) == ProductTiles{128, 128, 1, false});
}

TEST_CASE("cuda products: every tile that is chosen exists, covers the product and splits into steps that are there") {
  for (int64_t num_rows : {1, 77, 144, 388, 2464, 6208, 18504, 397312})
    for (int64_t columns : {2, 64, 1024, 3072, 5632})
      for (int64_t steps : {1, 2, 16, 48, 132})
        for (int64_t multiprocessors : {1, 46, 108, 132}) {
          const Card card = card_of(multiprocessors);
          const ProductTiles tiles = wgmma_tiles(num_rows, columns, steps, 1, card);
          const WgmmaTile* tile = find_wgmma_tile(tiles.rows);
          REQUIRE(tile);
          CHECK(tile->columns == tiles.columns);
          CHECK(tiles.splits >= 1);
          CHECK(tiles.splits <= kMaxSplits);
          CHECK((tiles.splits == 1 || steps / tiles.splits >= kMinStepsPerSplit));
          const int64_t works = tiles_of(num_rows, tile->rows) * tiles_of(columns, tile->columns) * tiles.splits;
          CHECK((tiles.splits == 1 || (splits_wgmma_tile(tile->rows) && works <= card.clustered_blocks(*tile, tiles.splits))));
          CHECK(has_wgmma_tile(wgmma_tiles(num_rows, columns, steps, 1, card, DType::e4m3).rows, DType::e4m3));
        }
}

TEST_CASE("cuda products: a guided latent fills the card with tiles of 136 rows, splits where columns are few; many rows go by turns") {
  CHECK(wgmma_tiles(388, 5632, 144, 3, kH200) == ProductTiles{136, 128, 1, true});
  CHECK(wgmma_tiles(388, 1024, 48, 3, kH200) == ProductTiles{136, 128, 5, true});
  CHECK(wgmma_tiles(6208, 5632, 144, 3, kH200).rows == 128);
  CHECK(wgmma_tiles(18504, 1280, 80, 1, kH200).rows == 128);
  CHECK(wgmma_tiles(6208, 5632, 144, 3, kH200, DType::e4m3).rows == 136);
  const ProductTiles small = wgmma_tiles(144, 1024, 16, 1, kH200);
  CHECK(tiles_of(144, small.rows) * tiles_of(1024, small.columns) * small.splits >= 48);
}

TEST_CASE("cuda products: the larger of rows and weights is read once") {
  CHECK(wgmma_tiles(388, 5632, 48, 3, kH200).rows_first);         // 2 kB a row: 0.8 MB of x, 35 MB of weights
  CHECK(wgmma_tiles(6208, 5632, 48, 3, kH200).rows_first);        // 13 MB, 35 MB
  CHECK_FALSE(wgmma_tiles(18504, 5120, 20, 1, kH200).rows_first); // 47 MB, 13 MB
  CHECK_FALSE(wgmma_tiles(42363, 3072, 12, 1, kH200).rows_first);
}

TEST_CASE("cuda products: the summed axis is shared by as many as all find a place in clusters") {
  Card card = kH200;
  CHECK(wgmma_tiles(388, 1024, 48, 3, card).splits == 5);  // 24 tiles: 120 blocks
  card.clusters[1][5] = 23;
  CHECK(wgmma_tiles(388, 1024, 48, 3, card).splits == 4);
  card.clusters = {};
  CHECK(wgmma_tiles(388, 1024, 48, 3, card).splits == 1);
}

TEST_CASE("cuda products: kernels cover the rows they can fetch") {
  CHECK(covers_wgmma(1, 10, 20, 1));        // one item, wherever it lies
  CHECK(covers_wgmma(2, 194, 194, 1));
  CHECK_FALSE(covers_wgmma(2, 194, 193, 1));  // an even kernel of several items
  CHECK_FALSE(covers_wgmma(1, 40, 20, 2));
  CHECK(covers_cublaslt(1, 194, 194, 1, 0, 1024));
  CHECK_FALSE(covers_cublaslt(3, 194, 194, 1, -1, 1024));
  CHECK_FALSE(covers_cublaslt(1, 194, 193, 1, 1, 1024));
  CHECK_FALSE(covers_cublaslt(1, 194, 194, 1, 0, 1023));
}

}  // namespace
}  // namespace ts::cuda
