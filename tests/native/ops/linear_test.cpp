#include "ops/linear.h"

#include "emulation/fp8_sum.h"
#include "ops/cuda/product_plan.h"
#include "ops/cuda_ways.h"
#include "ops/harness.h"
#include "ops/obvious.h"

namespace ts {
namespace {

using test::Harness;
using test::normal;
using test::rounded;

struct LinearCase {
  int64_t batch, len, in, out, taps;
  int64_t out_len() const { return len - (taps % 2 == 0); }
  std::string str() const { return concat("[", batch, ", ", len, ", ", in, "] · [", out, ", ", in, ", ", taps, "]"); }
};
const LinearCase kCases[] = {{1, 1, 1, 1, 1},    {2, 7, 5, 9, 1},    {1, 255, 33, 17, 1}, {2, 129, 64, 65, 1}, {1, 1, 257, 255, 1},
                             {2, 31, 24, 40, 3}, {3, 1, 16, 8, 3},   {1, 2, 3, 5, 7},     {2, 37, 17, 33, 7},  {1, 9, 4, 3, 4},
                             {2, 6, 5, 7, 2},    {1, 67, 96, 129, 3}, {2, 137, 24, 72, 1}, {1, 270, 16, 24, 3}};

// Of rows of factors of fp8: what they are, and each row's scale.
struct Fp8Rows {
  std::vector<e4m3> values;
  std::vector<float> scales;

  Fp8Rows(const std::vector<float>& scaled, int64_t row) {
    for (size_t first = 0; first < scaled.size(); first += size_t(row)) {
      float largest = 0;
      for (size_t i = first; i < first + size_t(row); ++i) largest = std::max(largest, std::abs(scaled[i]));
      scales.push_back(largest / kLargestE4m3);
      for (size_t i = first; i < first + size_t(row); ++i) values.push_back(to_fp8(scaled[i], scales.back()));
    }
  }
};

// The obvious loop where tensor cores keep 13 bits of a sum (emulation/fp8_sum.h): a step adds 32 products, 128 channels of a tap at
// most before they are scaled and added in f32. A step loses less than 2^(e − 13) of each of its 33 addends, 2ᵉ being about the
// largest of them, and as much of their sum. That hangs on every factor's size, so it is found by doing it.
std::vector<float> multiply_fp8(const LinearCase& c, const std::vector<float>& scaled_x, const std::vector<float>& scaled_w) {
  using emulation::Fp8Sum;
  constexpr int64_t kStep = Fp8Sum::kProducts, kPromoted = 128;
  const Fp8Rows x(scaled_x, c.in), w(scaled_w, c.in * c.taps);
  std::vector<float> y;
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t n = 0; n < c.out_len(); ++n)
      for (int64_t o = 0; o < c.out; ++o) {
        float sum = 0;
        for (int64_t j = 0; j < c.taps; ++j) {
          const int64_t row = n + j - (c.taps - 1) / 2;
          if (row < 0 || row >= c.len) continue;
          float part = 0;
          for (int64_t first = 0; first < c.in; first += kStep) {
            if (first % kPromoted == 0) part = 0;
            const int64_t count = std::min(kStep, c.in - first);
            e4m3 taken[kStep];
            for (int64_t i = 0; i < count; ++i) taken[i] = w.values[size_t((o * c.in + first + i) * c.taps + j)];
            part = Fp8Sum::add(part, taken, &x.values[size_t((b * c.len + row) * c.in + first)], int(count));
            if ((first + kStep) % kPromoted == 0 || first + kStep >= c.in) sum = std::fma(part, x.scales[size_t(b * c.len + row)], sum);
          }
        }
        y.push_back(sum * w.scales[size_t(o)]);
      }
  return y;
}

// Rows of f64 or f32: Σ_j W[:, :, j]·x[n + j − (taps − 1) div 2], zeros beyond each item's ends.
template <class T>
std::vector<T> multiply(const LinearCase& c, const std::vector<float>& x, const std::vector<float>& w, bool as_fp8) {
  if constexpr (std::is_same_v<T, float>)
    if (as_fp8) return multiply_fp8(c, x, w);
  std::vector<T> y;
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t n = 0; n < c.out_len(); ++n)
      for (int64_t o = 0; o < c.out; ++o) {
        T sum = 0;
        for (int64_t j = 0; j < c.taps; ++j) {
          const int64_t row = n + j - (c.taps - 1) / 2;
          if (row < 0 || row >= c.len) continue;
          for (int64_t i = 0; i < c.in; ++i) sum += T(w[size_t((o * c.in + i) * c.taps + j)]) * T(x[size_t((b * c.len + row) * c.in + i)]);
        }
        y.push_back(sum);
      }
  return y;
}

struct LinearData {
  std::vector<float> x, w, bias, gate, residual;
  int64_t gate_len = 0, gate_chunks = 3, gate_index = 1;
  bool as_fp8 = false;  // sums of f32 are multiply_fp8's
};

template <class T>
std::vector<T> linear(const LinearCase& c, const LinearData& data, Activation activation) {
  std::vector<T> y = multiply<T>(c, data.x, data.w, data.as_fp8);
  for (int64_t i = 0; i < int64_t(y.size()); ++i) {
    const int64_t o = i % c.out, n = i / c.out % c.out_len(), b = i / c.out / c.out_len();
    T& value = y[size_t(i)];
    if (!data.bias.empty()) value += T(data.bias[size_t(o)]);
    value = test::obvious_activation(value, activation);
    if (!data.gate.empty())
      value *= T(data.gate[size_t(((b * data.gate_len + (data.gate_len == 1 ? 0 : n)) * data.gate_chunks + data.gate_index) * c.out + o)]);
    if (!data.residual.empty()) value += T(data.residual[size_t(i)]);
  }
  return y;
}

LinearData random_data(const LinearCase& c, DType dtype) {
  LinearData data;
  data.x = rounded(normal(c.batch * c.len * c.in), dtype);
  data.w = rounded(normal(c.out * c.in * c.taps, 1.0f / std::sqrt(float(c.in * c.taps))), dtype);
  return data;
}

// Tensor cores cut sums off where others round them, once for 16 products: half a unit in the last place on average, always
// towards zero.
double cut(const OperatorTable& table, const LinearCase& c, DType product, std::string_view way) {
  return test::is_cuda(table) && product != DType::f32 && way != "simt" ? double(c.in * c.taps) / 16 / (1 << 24) : 0;
}

// Whether the products are fp8's own. For what wgmma does not take Hopper has no such instruction and makes products of f16 of it.
bool multiplies_fp8(const LinearCase& c, WeightFormat format, std::string_view way) {
  const bool is_wgmma = way != "mma" && cuda::covers_wgmma(c.batch, c.len, c.out_len(), 1);
  return format == WeightFormat::fp8 && (is_wgmma || test::gpu().capability != "9.0");
}

Shape weight_shape(const LinearCase& c) { return c.taps == 1 ? Shape{c.out, c.in} : Shape{c.out, c.in, c.taps}; }

Weight pack(const OperatorTable& table, const LinearCase& c, const std::vector<float>& w, DType dtype, WeightFormat format = WeightFormat::product) {
  return pack_weight(table, tensor_of(w.data(), weight_shape(c)), {.dtype = dtype, .format = format});
}

TEST_CASE("linear: products of every shape, kernel and storage stay within twice the error of the obvious loop") {
  TS_FOR_EACH_BACKEND(table)
    for (const LinearCase& c : kCases)
      for (DType product : test::product_types(table))
        for (DType stored : test::stored_types(product))
          for (WeightFormat format : test::linear_formats(table, product))
            for (const char* way : test::product_ways(table, product, format)) {
              const test::CudaWay asked(test::kProductWay, way);
              LinearData data = random_data(c, product);
              const Weight weight = pack(table, c, data.w, product, format);
              data.w = test::kept(data.w, weight_shape(c), format);
              CHECK(weight->bytes() >= c.out * c.in * c.taps * int64_t(format == WeightFormat::product ? size_of(product) : 1));
              Harness h(table, product);
              const Tensor x = h.input(data.x, {c.batch, c.len, c.in}, product), y = h.output({c.batch, c.out_len(), c.out}, stored);
              data.x = test::as_read(data.x, c.in, format);
              data.as_fp8 = multiplies_fp8(c, format, way);
              h.run([&](Context& ctx) { ops::linear(ctx, y, x, *weight); });
              TS_CHECK_CUT_ERROR(concat(c.str(), " ", way), h.read(y), stored, cut(table, c, product, way), linear, c, data, Activation::none);
            }
}

TEST_CASE("linear: f32 input of a bf16 or f16 product is rounded before it is multiplied") {
  TS_FOR_EACH_BACKEND(table)
    for (const LinearCase& c : kCases)
      for (DType product : test::narrow_types(table))
        for (const char* way : test::product_ways(table, product)) {
          const test::CudaWay asked(test::kProductWay, way);
          LinearData data = random_data(c, product);
          const Weight weight = pack(table, c, data.w, product);
          const std::vector<float> wide = normal(c.batch * c.len * c.in);
          data.x = rounded(wide, product);
          Harness h(table, product);
          const Tensor x = h.input(wide, {c.batch, c.len, c.in}), y = h.output({c.batch, c.out_len(), c.out});
          h.run([&](Context& ctx) { ops::linear(ctx, y, x, *weight); });
          TS_CHECK_CUT_ERROR(concat(c.str(), " ", way), h.read(y), DType::f32, cut(table, c, product, way), linear, c, data, Activation::none);
        }
}

TEST_CASE("linear: bias, activation, gate and residual are applied in this order") {
  TS_FOR_EACH_BACKEND(table)
    for (const LinearCase& c : {LinearCase{2, 7, 5, 9, 1}, LinearCase{2, 31, 24, 40, 3}, LinearCase{1, 6, 3, 17, 2}, LinearCase{3, 1, 64, 65, 1}})
      for (DType product : test::product_types(table))
        for (Activation activation : test::kActivations)
          for (int64_t gate_len : {int64_t(0), int64_t(1), c.out_len()})
            for (const char* way : test::product_ways(table, product)) {
              const test::CudaWay asked(test::kProductWay, way);
              LinearData data = random_data(c, product);
              const Shape shape{c.batch, c.out_len(), c.out};
              data.bias = normal(c.out);
              data.gate_len = gate_len;
              if (gate_len) data.gate = normal(c.batch * gate_len * data.gate_chunks * c.out);
              data.residual = normal(shape);
              const Weight weight = pack(table, c, data.w, product);
              Harness h(table, product);
              const Tensor x = h.input(data.x, {c.batch, c.len, c.in}, product);
              Epilogue epilogue{.bias = h.input(data.bias, {c.out}), .activation = activation};
              if (gate_len) epilogue.gate = {h.input(data.gate, {c.batch, gate_len, data.gate_chunks * c.out}), data.gate_index, c.out};
              epilogue.residual = h.input(data.residual, shape);
              const Tensor apart = h.output(shape), in_place = h.in_out(data.residual, shape);
              h.run([&](Context& ctx) {
                ops::linear(ctx, apart, x, *weight, epilogue);
                Epilogue onto_itself = epilogue;
                onto_itself.residual = in_place;
                ops::linear(ctx, in_place, x, *weight, onto_itself);
              });
              TS_CHECK_CUT_ERROR(concat(c.str(), " ", way), h.read(apart), DType::f32, cut(table, c, product, way), linear, c, data, activation);
              CHECK(h.read(in_place) == h.read(apart));
            }
}

// Rows of whole vectors and several tiles: on a GPU the code made for the kind of product, not the code for every kind.
TEST_CASE("linear: whole vectors get every activation, a residual alone or with a gate, and both kinds of storage") {
  const LinearCase c{2, 137, 24, 72, 1};
  TS_FOR_EACH_BACKEND(table)
    for (DType product : test::narrow_types(table))
      for (DType stored : test::stored_types(product))
        for (Activation activation : test::kActivations)
          for (int64_t gate_len : {int64_t(-1), int64_t(0), int64_t(1), c.len})  // −1: no residual either
            for (const char* way : test::product_ways(table, product)) {
              const bool has_residual = gate_len >= 0;
              if (has_residual && (stored != DType::f32 || activation != Activation::none)) continue;
              const test::CudaWay asked(test::kProductWay, way);
              LinearData data = random_data(c, product);
              const Shape shape{c.batch, c.len, c.out};
              data.bias = normal(c.out);
              if (has_residual) data.residual = normal(shape);
              if (has_residual) data.gate_len = gate_len;
              data.gate = normal(c.batch * data.gate_len * data.gate_chunks * c.out);
              const Weight weight = pack(table, c, data.w, product);
              Harness h(table, product);
              const Tensor x = h.input(data.x, {c.batch, c.len, c.in}, product), y = h.output(shape, stored);
              Epilogue epilogue{.bias = h.input(data.bias, {c.out}), .activation = activation};
              if (has_residual) epilogue.residual = h.input(data.residual, shape);
              if (data.gate_len) epilogue.gate = {h.input(data.gate, {c.batch, gate_len, data.gate_chunks * c.out}), data.gate_index, c.out};
              h.run([&](Context& ctx) { ops::linear(ctx, y, x, *weight, epilogue); });
              TS_CHECK_CUT_ERROR(concat(c.str(), " ", way), h.read(y), stored, cut(table, c, product, way), linear, c, data, activation);
            }
}

TEST_CASE("linear: a gate of shared rows is the gate that lays them out") {
  const std::vector<float> all = normal(4 * 2 * 72);
  TS_FOR_EACH_BACKEND(table)
    for (const LinearCase& c : {LinearCase{2, 7, 5, 9, 1}, LinearCase{2, 31, 24, 40, 3}, LinearCase{1, 6, 3, 17, 2}, LinearCase{3, 1, 64, 65, 1},
                                LinearCase{2, 137, 24, 72, 1}})
      for (DType product : test::product_types(table))
        for (const auto& [num_rows, has_residual] : {std::pair{int64_t(1), false}, {int64_t(4), false}, {int64_t(4), true}})
          for (const char* way : test::product_ways(table, product)) {
            CAPTURE(c.str());
            CAPTURE(way);
            const test::CudaWay asked(test::kProductWay, way);
            const LinearData data = random_data(c, product);
            const Weight weight = pack(table, c, data.w, product);
            const Shape shape{c.batch, c.out_len(), c.out};
            std::vector<int32_t> rows;
            std::vector<float> laid_out;
            for (int64_t i = 0; i < c.batch * c.out_len(); ++i) {
              rows.push_back(int32_t((i * i + 3) % num_rows));
              const auto row = all.begin() + rows.back() * 2 * c.out;
              laid_out.insert(laid_out.end(), row, row + 2 * c.out);
            }
            Harness h(table, product);
            const Tensor x = h.input(data.x, {c.batch, c.len, c.in}, product), shared = h.output(shape), apart = h.output(shape);
            const Tensor residual = has_residual ? h.input(normal(shape), shape) : Tensor();
            const Tensor few = h.input(all, {1, num_rows, 2 * c.out}), many = h.input(laid_out, {c.batch, c.out_len(), 2 * c.out});
            const Tensor chosen = h.input(rows, {c.batch, c.out_len()});
            h.run([&](Context& ctx) {
              ops::linear(ctx, shared, x, *weight, {.gate = {few, 1, c.out, chosen}, .residual = residual});
              ops::linear(ctx, apart, x, *weight, {.gate = {many, 1, c.out}, .residual = residual});
            });
            CHECK(h.read(shared) == h.read(apart));
          }
}

template <class T>
std::vector<T> gated(const LinearCase& c, const std::vector<float>& x, const std::vector<float>& w1, const std::vector<float>& w3, bool as_fp8,
                     Activation activation) {
  std::vector<T> y = multiply<T>(c, x, w1, as_fp8);
  const std::vector<T> factor = multiply<T>(c, x, w3, as_fp8);
  for (size_t i = 0; i < y.size(); ++i) y[i] = test::obvious_activation(y[i], activation) * factor[i];
  return y;
}

// What becomes of a gate: an exponential or tanh of two ulp, a sum, a quotient and the product with the value are 7 half ulp, of
// which check_error grants 4.
constexpr double kGate = 3.0 / (1 << 24);

TEST_CASE("gated_linear: act(W1 x) ⊙ (W3 x) for every shape, kernel and storage") {
  TS_FOR_EACH_BACKEND(table)
    for (const LinearCase& c : kCases)
      for (DType product : test::product_types(table))
        for (DType stored : test::stored_types(product))
          for (WeightFormat format : test::linear_formats(table, product))
            for (const char* way : test::product_ways(table, product, format)) {
              const test::CudaWay asked(test::kProductWay, way);
              LinearData data = random_data(c, product);
              std::vector<float> w1 = data.w, w3 = random_data(c, product).w;
              const Shape shape = weight_shape(c);
              const Weight weight = pack_gated_weight(table, tensor_of(w1.data(), shape), tensor_of(w3.data(), shape), {.dtype = product, .format = format});
              w1 = test::kept(w1, shape, format);
              w3 = test::kept(w3, shape, format);
              CHECK(weight->out == c.out);
              CHECK(weight->gated);
              const Activation activation = c.taps == 1 ? Activation::gelu_tanh : Activation::silu;
              Harness h(table, product);
              const Tensor x = h.input(data.x, {c.batch, c.len, c.in}, product), y = h.output({c.batch, c.out_len(), c.out}, stored);
              data.x = test::as_read(data.x, c.in, format);
              h.run([&](Context& ctx) { ops::gated_linear(ctx, y, x, *weight, activation); });
              const bool as_fp8 = multiplies_fp8(c, format, way);
              TS_CHECK_CUT_ERROR(concat(c.str(), " ", name_of(product), " to ", name_of(stored), " ", way), h.read(y), stored, 2 * cut(table, c, product, way) + kGate, gated, c, data.x, w1, w3, as_fp8, activation);
            }
}

struct QkvCase {
  int64_t batch, len, in, heads, dim;
  bool bias, norm, rope;
};

// q | k | v, each [B, heads, N, dim], one after the other.
template <class T>
std::vector<T> qkv(const QkvCase& c, const LinearData& data, const std::vector<float>& q_norm, const std::vector<float>& k_norm,
                   const std::vector<float>& rope, float eps) {
  const int64_t width = c.heads * c.dim, part = c.batch * c.len * width;
  const std::vector<T> projected = linear<T>({c.batch, c.len, c.in, 3 * width, 1}, data, Activation::none);
  std::vector<T> y(size_t(3 * part));
  for (int64_t row = 0; row < c.batch * c.len; ++row)
    for (int64_t which = 0; which < 3; ++which)
      for (int64_t head = 0; head < c.heads; ++head) {
        std::vector<T> values(projected.begin() + (row * 3 + which) * width + head * c.dim,
                              projected.begin() + (row * 3 + which) * width + (head + 1) * c.dim);
        if (which < 2 && c.norm) {
          T square = 0;
          for (T value : values) square += value * value;
          const std::vector<float>& weights = which == 0 ? q_norm : k_norm;
          for (int64_t d = 0; d < c.dim; ++d) values[size_t(d)] *= T(weights[size_t(d)]) / std::sqrt(square / T(c.dim) + T(eps));
        }
        if (which < 2 && c.rope)
          for (int64_t d = 0; d < c.dim; d += 2) {
            const T cos = T(rope[size_t(row % c.len * c.dim + d)]), sin = T(rope[size_t(row % c.len * c.dim + d + 1)]);
            const T even = values[size_t(d)], odd = values[size_t(d + 1)];
            values[size_t(d)] = even * cos - odd * sin;
            values[size_t(d + 1)] = even * sin + odd * cos;
          }
        const int64_t to = which * part + ((row / c.len * c.heads + head) * c.len + row % c.len) * c.dim;
        std::copy(values.begin(), values.end(), y.begin() + to);
      }
  return y;
}

// Storage of q, k and v, with weights as products read them, and of 8 bits where the backend has them.
std::vector<std::pair<DType, WeightFormat>> stored_and_format(const OperatorTable& table, DType product) {
  std::vector<std::pair<DType, WeightFormat>> all;
  for (DType stored : test::stored_types(product)) all.emplace_back(stored, WeightFormat::product);
  for (WeightFormat format : test::linear_formats(table, product))
    if (format != WeightFormat::product) all.emplace_back(product, format);
  return all;
}

TEST_CASE("qkv_projection: splits heads, norms and rotates queries and keys, leaves values alone") {
  const QkvCase cases[] = {{1, 1, 3, 1, 2, false, false, false}, {2, 7, 20, 3, 4, true, false, false}, {1, 37, 64, 2, 32, true, true, true},
                           {2, 33, 48, 1, 64, true, true, false}, {1, 5, 16, 2, 80, false, false, true}, {1, 65, 32, 4, 8, true, true, true},
                           {3, 70, 24, 2, 64, true, true, true},  {2, 137, 24, 3, 80, true, false, false}, {2, 19, 24, 3, 24, true, false, true}};
  TS_FOR_EACH_BACKEND(table)
    for (const QkvCase& c : cases)
      for (DType product : test::product_types(table))
        for (const auto& [stored, format] : stored_and_format(table, product))
          for (const char* way : test::product_ways(table, product, format)) {
            const test::CudaWay asked(test::kProductWay, way);
            const int64_t width = c.heads * c.dim;
            LinearData data = random_data({c.batch, c.len, c.in, 3 * width, 1}, product);
            if (c.bias) data.bias = normal(3 * width);
            const std::vector<float> q_norm = normal(c.dim), k_norm = normal(c.dim);
            std::vector<float> rope;
            for (int64_t i = 0; i < c.len * c.dim / 2; ++i) {
              rope.push_back(std::cos(0.37f * float(i)));
              rope.push_back(std::sin(0.37f * float(i)));
          }
          const Weight weight = pack(table, {c.batch, c.len, c.in, 3 * width, 1}, data.w, product, format);
          data.w = test::kept(data.w, {3 * width, c.in}, format);
          Harness h(table, product);
          const Tensor x = h.input(data.x, {c.batch, c.len, c.in}, product);
          const Shape shape{c.batch, c.heads, c.len, c.dim};
          const Qkv out{h.output(shape, stored), h.output(shape, stored), h.output(shape, stored)};
          QkvOptions options;
          if (c.bias) options.bias = h.input(data.bias, {3 * width});
          if (c.norm) {
            options.q_norm = h.input(q_norm, {c.dim});
            options.k_norm = h.input(k_norm, {c.dim});
          }
          if (c.rope) options.rope = h.input(rope, {c.len, c.dim / 2, 2});
          data.x = test::as_read(data.x, c.in, format);
          h.run([&](Context& ctx) { ops::qkv_projection(ctx, out, x, *weight, options); });
          std::vector<float> ours;
          for (const Tensor* part : {&out.q, &out.k, &out.v}) {
            const std::vector<float> values = h.read(*part);
            ours.insert(ours.end(), values.begin(), values.end());
          }
          data.as_fp8 = multiplies_fp8({c.batch, c.len, c.in, 3 * width, 1}, format, way);
          TS_CHECK_ERROR(concat("head_dim ", c.dim, " ", way), ours, stored, qkv, c, data, q_norm, k_norm, rope, options.eps);
          }
}

TEST_CASE("linear: what f16 cannot hold is read and written as the largest it can, and stays finite") {
  constexpr int64_t kLen = 5, kIn = 72, kOut = 12;
  TS_FOR_EACH_BACKEND(table) {
    if (!table.has_f16) continue;
    for (const char* way : test::product_ways(table, DType::f16)) {
      CAPTURE(way);
      const test::CudaWay asked(test::kProductWay, way);
      std::vector<float> x(kLen * kIn), w(kOut * kIn);
      x[0] = 1e6f;                        // beyond f16: read as 65504
      for (int64_t o = 0; o < kOut; ++o) w[size_t(o * kIn)] = o % 2 ? -4.0f : 0.25f;
      const Weight weight = pack_weight(table, tensor_of(w.data(), {kOut, kIn}), {.dtype = DType::f16});
      Harness h(table, DType::f16);
      const Tensor in = h.input(x, {1, kLen, kIn}), wide = h.output({1, kLen, kOut}), narrow = h.output({1, kLen, kOut}, DType::f16);
      h.run([&](Context& ctx) {
        ops::linear(ctx, wide, in, *weight);
        ops::linear(ctx, narrow, in, *weight);
      });
      const std::vector<float> sums = h.read(wide), stored = h.read(narrow);
      for (int64_t i = 0; i < kLen * kOut; ++i) {
        const float sum = i >= kOut ? 0 : i % 2 ? -4 * kLargestF16 : kLargestF16 / 4;
        CHECK(sums[size_t(i)] == sum);
        CHECK(stored[size_t(i)] == std::max(sum, -kLargestF16));
      }
    }
  }
}

TEST_CASE("linear: weights of 8 bits come back as they were, and rows of zeros stay zeros") {
  const Shape shape{3, 4, 2};
  std::vector<float> w(24);
  for (int i = 0; i < 16; ++i) w[size_t(i)] = 0.25f * float(i % 8 == 3 ? -127 : 9 * i - 60);  // two rows of 8 bits and their scale
  CHECK(int8_scales(tensor_of(w.data(), shape), WeightUse::linear) == std::vector<float>{0.25f, 0.25f, 0.0f});
  CHECK(test::kept(w, shape, WeightFormat::int8) == w);
  CHECK(int8_scales(tensor_of(w.data(), shape), WeightUse::conv_transpose).size() == 4);
  CHECK(to_int8(1.0f, 0.0f) == 0);
  CHECK(to_int8(-300.0f, 1.0f) == -127);
}

// On a GPU, by wgmma: as many blocks as it has multiprocessors walk through these tiles, several each and not all of them as many, in
// which sums take each stage more than once and rows of another item are cleared.
TEST_CASE("linear: blocks that walk through many tiles give what blocks with few of them give") {
  constexpr int64_t kTile = 128, kParts = 4, kItems = 2, kLen = 200, kIn = 72, kTaps = 3;
  const int64_t part = kTile * (test::is_emulated() ? 1 : 17), out = kParts * part - 8;  // 4 · 4 · 17 tiles for 132 blocks, 4 · 4 for 3
  const Shape shape{out, kIn, kTaps};
  TS_FOR_EACH_BACKEND(table) {
    if (!test::is_cuda(table)) continue;
    const std::vector<float> w = normal(shape, 0.1f);
    const auto packed = [&](int64_t first, int64_t count) {
      return pack_weight(table, tensor_of(w.data() + first * kIn * kTaps, {count, kIn, kTaps}), {.dtype = DType::bf16});
    };
    const Weight whole = packed(0, out);
    for (DType stored : {DType::f32, DType::bf16})
      for (const char* way : {"wgmma:64", "wgmma:128", "wgmma:136"}) {
        CAPTURE(way);
        const test::CudaWay asked(test::kProductWay, way);
        Harness h(table, DType::bf16);
        const Tensor x = h.input(rounded(normal({kItems, kLen, kIn}), DType::bf16), {kItems, kLen, kIn}, DType::bf16);
        const Tensor y = h.output({kItems, kLen, out}, stored);
        h.run([&](Context& ctx) { ops::linear(ctx, y, x, *whole); });
        const std::vector<float> all = h.read(y);
        for (int64_t first = 0; first < out; first += part) {
          const int64_t count = std::min(part, out - first);
          const Weight few = packed(first, count);
          Harness beside(table, DType::bf16);
          const Tensor columns = beside.output({kItems, kLen, count}, stored);
          beside.run([&](Context& ctx) { ops::linear(ctx, columns, x, *few); });
          const std::vector<float> values = beside.read(columns);
          bool is_same = true;
          for (int64_t i = 0; i < kItems * kLen * count; ++i) is_same = is_same && values[size_t(i)] == all[size_t(i / count * out + first + i % count)];
          CHECK_MESSAGE(is_same, "columns from " << first);
        }
      }
  }
}

TEST_CASE("linear: as many blocks as can share the summed axis of a tile, each of any part of it, give one product") {
  const LinearCase c{2, 70, 72, 136, 5};  // ten steps for two to eight blocks, of tiles whose last has four rows or eight columns
  TS_FOR_EACH_BACKEND(table) {
    if (!test::is_cuda(table)) continue;
    LinearData data = random_data(c, DType::bf16);
    const Shape shape{c.batch, c.out_len(), c.out};
    data.bias = normal(c.out);
    data.residual = normal(shape);
    const Weight weight = pack(table, c, data.w, DType::bf16);
    const std::vector<double> exact = linear<double>(c, data, Activation::none);
    const std::vector<float> obvious = linear<float>(c, data, Activation::none);
    for (int rows : {64, 136})
      for (int splits = 2; splits <= 8; ++splits) {
        const std::string way = concat("wgmma:", rows, "/", splits);
        const test::CudaWay asked(test::kProductWay, way.c_str());
        Harness h(table, DType::bf16);
        const Tensor x = h.input(data.x, {c.batch, c.len, c.in}, DType::bf16), y = h.output(shape);
        const Epilogue epilogue{.bias = h.input(data.bias, {c.out}), .residual = h.input(data.residual, shape)};
        h.run([&](Context& ctx) { ops::linear(ctx, y, x, *weight, epilogue); });
        test::check_error(concat(c.str(), " ", way), h.read(y), exact, obvious, DType::f32, cut(table, c, DType::bf16, way));
      }
  }
}

TEST_CASE("linear: products of fp8 differ from those of what they were given by two roundings at most") {
  TS_FOR_EACH_BACKEND(table) {
    if (!table.has_fp8) continue;
    for (const LinearCase& c : {LinearCase{2, 31, 257, 40, 3}, LinearCase{1, 70, 1024, 72, 1}}) {
      CAPTURE(c.str());
      LinearData data = random_data(c, DType::bf16);
      for (size_t i = 0; i < data.x.size(); i += 37) data.x[i] *= 50;  // outliers
      Harness h(table, DType::bf16);
      const std::vector<float> wide = data.x;
      const Tensor x = h.input(wide, {c.batch, c.len, c.in}), y = h.output({c.batch, c.out_len(), c.out});
      const Weight weight = pack(table, c, data.w, DType::bf16, WeightFormat::fp8);
      h.run([&](Context& ctx) { ops::linear(ctx, y, x, *weight); });
      const std::vector<float> ours = h.read(y);
      const std::vector<double> exact = linear<double>(c, data, Activation::none);
      for (std::vector<float>* values : {&data.x, &data.w})
        for (float& value : *values) value = std::abs(value);
      const std::vector<double> sizes = linear<double>(c, data, Activation::none);  // Σ |x|·|w|
      // Each factor is off by 2⁻⁴ of itself at most, or, so far below its row's largest that it is subnormal, by 2⁻¹⁰/448 of that.
      constexpr double kRounding = 1.0 / 16, kBoth = 2 * kRounding + kRounding * kRounding;
      double square = 0, size = 0;
      for (size_t i = 0; i < exact.size(); ++i) {
        const double error = std::abs(double(ours[i]) - exact[i]);
        CHECK(error <= kBoth * sizes[i]);
        square += error * error;
        size += exact[i] * exact[i];
      }
      CHECK(std::sqrt(square / size) < kRounding);  // roundings of many products cancel
    }
  }
}

TEST_CASE("linear: rows of zeros, and of values far below and above those of their neighbours, keep their size in fp8") {
  constexpr int64_t kIn = 48, kOut = 5;
  TS_FOR_EACH_BACKEND(table) {
    if (!table.has_fp8) continue;
    const std::vector<float> sizes{0.0f, 1.0f, 0x1p-90f, 0x1p90f, 0x1p-120f, NAN};
    std::vector<float> x, w(kOut * kIn, 0.0f);
    for (float size : sizes)
      for (int64_t i = 0; i < kIn; ++i) x.push_back(i == 7 ? size : 0.0f);
    for (int64_t o = 0; o + 1 < kOut; ++o) w[size_t(o * kIn + 7)] = std::ldexp(1.0f, int(10 * o));  // the last row stays zeros
    Harness h(table, DType::bf16);
    const int64_t len = int64_t(sizes.size());
    const Tensor in = h.input(x, {1, len, kIn}), y = h.output({1, len, kOut});
    const Weight weight = pack_weight(table, tensor_of(w.data(), {kOut, kIn}), {.dtype = DType::bf16, .format = WeightFormat::fp8});
    h.run([&](Context& ctx) { ops::linear(ctx, y, in, *weight); });
    const std::vector<float> ours = h.read(y);
    for (int64_t i = 0; i < len * kOut; ++i) {
      const float size = sizes[size_t(i / kOut)], factor = w[size_t(i % kOut * kIn + 7)];
      if (std::isnan(size)) CHECK(std::isnan(ours[size_t(i)]));
      else if (size == 0x1p-120f) CHECK(ours[size_t(i)] == 0);
      else CHECK(ours[size_t(i)] == doctest::Approx(size * factor).epsilon(1e-6));
    }
  }
}

TEST_CASE("linear: a backend without f16 or weights of 8 bits says what it has") {
  if (cpu_table().has_f16) return;
  const std::vector<float> w = normal(12);
  CHECK_THROWS_WITH_AS(pack_weight(cpu_table(), tensor_of(w.data(), {3, 4}), {.dtype = DType::f16}),
                       "pack_weight: the cpu backend has products of f32 and bf16, none of f16", Error);
  CHECK_THROWS_WITH_AS(pack_weight(cpu_table(), tensor_of(w.data(), {3, 4}), {.format = WeightFormat::int8}),
                       "pack_weight: the cpu backend keeps no weights of 8 bits", Error);
  CHECK_THROWS_WITH_AS(pack_weight(cpu_table(), tensor_of(w.data(), {3, 4}), {.dtype = DType::bf16, .format = WeightFormat::fp8}),
                       "pack_weight: the cpu device has no products of fp8", Error);
}

TEST_CASE("linear: arguments that do not fit are refused with their shapes") {
  Harness h(plain_table());
  const std::vector<float> w = normal(12), zeros(60);
  const Weight weight = pack_weight(plain_table(), tensor_of(w.data(), {3, 4}), {});
  const Tensor x = h.input(zeros, {2, 5, 4}), y = h.output({2, 5, 3});
  const auto refuses = [&](const char* message, const auto& body) {
    Serial serial;
    Arena arena = Arena::planning();
    Context ctx(plain_table(), arena, serial, DType::f32);
    CHECK_THROWS_WITH_AS(body(ctx), doctest::Contains(message), Error);
  };
  refuses("linear: x is [2, 4, 5], the weight has 4 input channels", [&](Context& ctx) { ops::linear(ctx, y, x.reshape({2, 4, 5}), *weight); });
  refuses("linear: y is [2, 3, 5], [2, 5, 3] needed", [&](Context& ctx) { ops::linear(ctx, y.reshape({2, 3, 5}), x, *weight); });
  refuses("linear: x holds bf16, f32 or the weight's f32 needed",
          [&](Context& ctx) { ops::linear(ctx, y, Tensor(x.data, DType::bf16, x.shape), *weight); });
  refuses("linear: bias is [4], [3] needed", [&](Context& ctx) { ops::linear(ctx, y, x, *weight, {.bias = h.input(normal(4), {4})}); });
  refuses("linear: gate 2 of width 3 lies outside a table [2, 1, 6]",
          [&](Context& ctx) { ops::linear(ctx, y, x, *weight, {.gate = {h.input(normal(12), {2, 1, 6}), 2, 3}}); });
  refuses("linear: y and x overlap in memory", [&](Context& ctx) { ops::linear(ctx, Tensor(x.data, DType::f32, {2, 5, 3}), x, *weight); });
  refuses("gated_linear: the weight is a single matrix", [&](Context& ctx) { ops::gated_linear(ctx, y, x, *weight, Activation::silu); });
  refuses("qkv_projection: the weight has 3 rows, 3·1·2 needed", [&](Context& ctx) {
    const Tensor q = h.output({2, 1, 5, 2});
    ops::qkv_projection(ctx, {q, h.output({2, 1, 5, 2}), h.output({2, 1, 5, 2})}, x, *weight, {});
  });
  CHECK_THROWS_WITH_AS(pack_weight(plain_table(), tensor_of(w.data(), {12}), {}), doctest::Contains("[out, in] or [out, in, taps] needed"), Error);
  CHECK_THROWS_WITH_AS(pack_weight(plain_table(), tensor_of(w.data(), {3, 4}), {.dtype = DType::i16}), doctest::Contains("packed as i16"), Error);
  CHECK_THROWS_WITH_AS(pack_weight(plain_table(), tensor_of(w.data(), {2, 2, 3}), {.use = WeightUse::conv_transpose, .stride = 2}),
                       doctest::Contains("with stride 2 needed"), Error);
}

}  // namespace
}  // namespace ts
