#include "ops/snake.h"

#include "ops/cuda_ways.h"
#include "ops/harness.h"

namespace ts {
namespace {

using test::Harness;
using test::normal;
using test::rounded;

struct SnakeData {
  std::vector<float> a, inv_b;
};
SnakeData random_snake(int64_t channels) {
  SnakeData snake{normal(channels, 0.2f), normal(channels, 0.2f)};
  for (float& a : snake.a) a = std::exp(a);
  for (float& b : snake.inv_b) b = 1 / (std::exp(b) + 1e-9f);
  return snake;
}

template <class T>
std::vector<T> snake(const std::vector<float>& x, const SnakeData& data) {
  std::vector<T> y(x.begin(), x.end());
  for (size_t i = 0; !data.a.empty() && i < y.size(); ++i) {
    const size_t c = i % data.a.size();
    const T sine = std::sin(T(data.a[c]) * y[i]);
    y[i] += sine * sine * T(data.inv_b[c]);
  }
  return y;
}

TEST_CASE("snake: every channel with its own parameters, small arguments and large") {
  TS_FOR_EACH_BACKEND(table)
    for (const Shape& shape : {Shape{1, 1, 1}, Shape{2, 7, 5}, Shape{1, 3, 255}, Shape{2, 65, 257}, Shape{1, 4095, 2}})
      for (float scale : {0.01f, 1.0f, 30.0f}) {
        const std::vector<float> x = normal(shape, scale);
        const SnakeData data = random_snake(shape[-1]);
        Harness h(table);
        const Tensor in = h.input(x, shape), y = h.output(shape), same = h.output(shape), in_place = h.in_out(x, shape);
        const Snake parameters{h.input(data.a, {shape[-1]}), h.input(data.inv_b, {shape[-1]})};
        h.run([&](Context& ctx) {
          ops::snake(ctx, y, in, parameters);
          ops::snake(ctx, same, in, {});
          ops::snake(ctx, in_place, in_place, parameters);
        });
        TS_CHECK_ERROR(concat(shape.str(), " of ", scale), h.read(y), DType::f32, snake, x, data);
        CHECK(h.read(same) == x);
        CHECK(h.read(in_place) == h.read(y));
      }
}

struct ConvCase {
  int64_t batch, len_in, len_out, in, out, taps, stride, dilation, offset;
  bool snake = true, bias = true, residual = false;
  std::string str() const {
    return concat(len_in, " → ", len_out, " rows, ", in, " → ", out, " channels, ", taps, " taps, stride ", stride, ", dilation ", dilation, ", offset ", offset);
  }
};

struct ConvData {
  std::vector<float> x, w, bias, residual;
  SnakeData snake;
  DType dtype;
};

// y = residual + conv(snake(x)) + bias, straight from the definition; what the product reads is rounded to its dtype.
template <class T>
std::vector<T> conv(const ConvCase& c, const ConvData& data, bool transposed) {
  std::vector<T> input = snake<T>(data.x, data.snake);
  if (data.dtype != DType::f32)
    for (T& value : input) value = T(rounded(float(value), data.dtype));
  std::vector<T> y;
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t m = 0; m < c.len_out; ++m)
      for (int64_t o = 0; o < c.out; ++o) {
        T sum = 0;
        for (int64_t j = 0; j < c.taps; ++j) {
          int64_t n = m * c.stride + j * c.dilation - c.offset;
          if (transposed) {
            if ((m + c.offset - j) % c.stride != 0) continue;
            n = (m + c.offset - j) / c.stride;
          }
          if (n < 0 || n >= c.len_in) continue;
          for (int64_t i = 0; i < c.in; ++i) {
            const int64_t at = transposed ? (i * c.out + o) * c.taps + j : (o * c.in + i) * c.taps + j;
            sum += T(data.w[size_t(at)]) * input[size_t((b * c.len_in + n) * c.in + i)];
          }
        }
        if (c.bias) sum += T(data.bias[size_t(o)]);
        if (c.residual) sum += T(data.residual[y.size()]);
        y.push_back(sum);
      }
  return y;
}

void check_case(const OperatorTable& table, const ConvCase& c, DType product, WeightFormat format, bool transposed) {
  ConvData data{.x = normal(c.batch * c.len_in * c.in), .w = rounded(normal(c.out * c.in * c.taps, 1.0f / std::sqrt(float(c.in * c.taps))), product), .bias = {}, .residual = {}, .snake = {}, .dtype = product};
  if (c.bias) data.bias = normal(c.out);
  if (c.snake) data.snake = random_snake(c.in);
  const Shape shape{c.batch, c.len_out, c.out};
  if (c.residual) data.residual = normal(shape);
  const Shape weight_shape = transposed ? Shape{c.in, c.out, c.taps} : Shape{c.out, c.in, c.taps};
  const WeightUse use = transposed ? WeightUse::conv_transpose : WeightUse::conv;
  const Weight weight = pack_weight(table, tensor_of(data.w.data(), weight_shape),
                                    {.use = use, .dtype = product, .format = format, .stride = c.stride, .dilation = c.dilation});
  data.w = test::kept(data.w, weight_shape, format, use);
  Harness h(table, product);
  const Tensor x = h.input(data.x, {c.batch, c.len_in, c.in}), y = h.output(shape);
  const Tensor in_place = c.residual ? h.in_out(data.residual, shape) : h.output(shape);
  Snake snake_parameters;
  if (c.snake) snake_parameters = {h.input(data.snake.a, {c.in}), h.input(data.snake.inv_b, {c.in})};
  const Tensor bias = c.bias ? h.input(data.bias, {c.out}) : Tensor(), residual = c.residual ? h.input(data.residual, shape) : Tensor();
  const ConvGeometry geometry{c.stride, c.dilation, c.offset};
  // The same with the snake of the next layer stored, and with an input that was stored so.
  const SnakeData next = random_snake(c.out);
  Tensor beside, stored, alone, after, snaked;
  Snake next_parameters;
  if (table.stores_snake) {
    beside = h.output(shape), after = h.output(shape);
    stored = h.output(shape, product), alone = h.output(shape, product);
    next_parameters = {h.input(next.a, {c.out}), h.input(next.inv_b, {c.out})};
    snaked = h.input(rounded(snake<float>(data.x, data.snake), product), x.shape, product);
  }
  const auto convolve = [&](Context& ctx, const Tensor& to, const Tensor& from, const Snake& parameters, const SnakedOutput& also) {
    if (transposed) ops::snake_conv_transpose1d(ctx, to, from, parameters, *weight, geometry, bias, also);
    else ops::snake_conv1d(ctx, to, from, parameters, *weight, geometry, bias, residual, also);
  };
  h.run([&](Context& ctx) {
    convolve(ctx, y, x, snake_parameters, {});
    if (c.residual) ops::snake_conv1d(ctx, in_place, x, snake_parameters, *weight, geometry, bias, in_place);
    if (!table.stores_snake) return;
    convolve(ctx, beside, x, snake_parameters, {stored, next_parameters});
    convolve(ctx, {}, x, snake_parameters, {alone, next_parameters});
    convolve(ctx, after, snaked, {}, {});
  });

  // An f32 sine that rounds the other way to 16 bits is no error of the product: one such step, of bf16 2⁻⁹ and of f16 2⁻¹²
  // of an input, may come on top for every input of a sum.
  const std::vector<float> ours = h.read(y);
  if (table.stores_snake) {
    CHECK(h.read(beside) == ours);
    CHECK(h.read(alone) == h.read(stored));
    TS_CHECK_ERROR(concat(c.str(), ", the next snake"), h.read(stored), product, snake, ours, next);
  }
  if (product != DType::f32 && c.snake) {
    const std::vector<double> exact = conv<double>(c, data, transposed);
    double largest = 0, error = 0;
    for (size_t i = 0; i < ours.size(); ++i) {
      largest = std::max(largest, std::abs(exact[i]));
      error = std::max(error, std::abs(ours[i] - exact[i]));
    }
    CHECK_MESSAGE(error <= largest / (product == DType::bf16 ? 512 : 4096), c.str() << ": error " << error << " of " << largest);
  } else {
    TS_CHECK_ERROR(c.str(), ours, DType::f32, conv, c, data, transposed);
  }
  if (table.stores_snake) TS_CHECK_ERROR(concat(c.str(), ", snaked before"), h.read(after), DType::f32, conv, c, data, transposed);
  if (c.residual) CHECK(h.read(in_place) == ours);
}

TEST_CASE("snake_conv1d: every stride, dilation and offset of the VAE, and ranges of a longer sequence") {
  const ConvCase cases[] = {
      {1, 1, 1, 1, 1, 1, 1, 1, 0},
      {2, 37, 37, 5, 7, 7, 1, 1, 3, true, true, true},
      {1, 65, 65, 16, 16, 7, 1, 3, 9, true, true, true},
      {1, 257, 257, 9, 3, 7, 1, 9, 27, true, true, true},
      {2, 33, 33, 17, 33, 1, 1, 1, 0, true, true, true},
      {1, 20, 20, 64, 65, 7, 1, 1, 3, false},             // the VAE's first layer: no snake
      {1, 40, 40, 24, 2, 7, 1, 1, 3, true, false},        // its last: no bias
      {2, 40, 20, 6, 12, 4, 2, 1, 1},                     // downsampling
      {1, 43, 10, 8, 16, 8, 4, 1, 2},
      {1, 64, 8, 5, 9, 16, 8, 1, 4},
      {1, 30, 12, 8, 8, 7, 1, 3, -5, true, true, true},   // the middle of a sequence: rows 5 … of x
      {1, 12, 20, 4, 4, 3, 1, 1, 4},                      // further out than x reaches
      {1, 290, 281, 16, 72, 7, 1, 3, 5, true, true, true},  // whole vectors, more than one tile of rows
      {2, 70, 70, 8, 16, 1, 1, 1, 0, true, true, true},
  };
  TS_FOR_EACH_BACKEND(table)
    for (const ConvCase& c : cases)
      for (DType product : test::product_types(table))
        for (WeightFormat format : test::weight_formats(table))
          for (const char* way : test::product_ways(table, product, format)) {
            const test::CudaWay asked(test::kProductWay, way);
            CAPTURE(std::string(way));
            check_case(table, c, product, format, false);
          }
}

TEST_CASE("snake_conv_transpose1d: every stride of the VAE, whole and in ranges") {
  const ConvCase cases[] = {
      {1, 1, 2, 1, 1, 4, 2, 1, 1},
      {2, 7, 14, 5, 9, 4, 2, 1, 1},
      {1, 33, 132, 16, 8, 8, 4, 1, 2},
      {1, 9, 72, 24, 17, 16, 8, 1, 4},
      {2, 5, 15, 6, 3, 6, 3, 1, 1, true, false},
      {1, 10, 33, 8, 8, 16, 8, 1, 19},      // outputs 15 … 47 of a sequence whose row 0 is x's
      {1, 10, 7, 8, 8, 8, 4, 1, -9},        // outputs before x begins
      {1, 12, 20, 4, 5, 4, 2, 1, 5, false},
      {1, 41, 300, 16, 24, 16, 8, 1, 19},   // whole vectors that stick out at both ends
      {2, 9, 36, 16, 16, 8, 4, 1, 2},
  };
  TS_FOR_EACH_BACKEND(table)
    for (const ConvCase& c : cases)
      for (DType product : test::product_types(table))
        for (WeightFormat format : test::weight_formats(table))
          for (const char* way : test::product_ways(table, product, format)) {
            const test::CudaWay asked(test::kProductWay, way);
            CAPTURE(std::string(way));
            check_case(table, c, product, format, true);
          }
}

TEST_CASE("snake: arguments that do not fit are refused with their shapes") {
  Harness h(plain_table());
  Serial serial;
  Arena arena = Arena::planning();
  Context ctx(plain_table(), arena, serial, DType::f32);
  const std::vector<float> w = normal(4 * 3 * 4);
  const Weight weight = pack_weight(plain_table(), tensor_of(w.data(), {4, 3, 4}), {.use = WeightUse::conv});
  const Tensor x = h.input(normal(15), {1, 5, 3}), y = h.output({1, 5, 4});
  CHECK_THROWS_WITH_AS(ops::snake_conv1d(ctx, y, x, {h.input(normal(4), {4}), h.input(normal(4), {4})}, *weight, {}, {}),
                       doctest::Contains("a is [4], [3] needed"), Error);
  CHECK_THROWS_WITH_AS(ops::snake_conv1d(ctx, y, x.reshape({1, 3, 5}), {}, *weight, {}, {}), doctest::Contains("the weight has 3 input channels"), Error);
  CHECK_THROWS_WITH_AS(ops::snake_conv_transpose1d(ctx, y, x, {}, *weight, {.stride = 4}, {}), doctest::Contains("kernel 4 and stride 4"), Error);
}

}  // namespace
}  // namespace ts
