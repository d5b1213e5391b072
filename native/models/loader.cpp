#include "models/loader.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace ts {
namespace {

Shape weight_shape(int64_t out, int64_t in, int64_t taps, bool keep_taps) {
  return keep_taps ? Shape{out, in, taps} : Shape{out, in};
}

void reorder_rows(std::vector<float>& values, int64_t rows, const RowOrder& order) {
  if (!order || values.empty()) return;
  const int64_t cols = int64_t(values.size()) / rows;
  std::vector<float> ordered(values.size());
  for (int64_t i = 0; i < rows; ++i)
    std::memcpy(&ordered[size_t(i * cols)], &values[size_t(order(i) * cols)], size_t(cols) * sizeof(float));
  values.swap(ordered);
}

}  // namespace

std::vector<float> Loader::take_f32(const std::string& name, const Shape& shape) {
  const Tensor stored = source_.take(name, shape);
  faulty_ |= !stored;
  if (faulty_) return {};
  std::vector<float> values = to_f32(stored, name, source_.origin(name));
  source_.release(name);
  num_parameters_ += shape.numel();
  if (listener_) listener_(num_parameters_);
  return values;
}

std::vector<float> Loader::host(const std::string& name, Shape shape) { return take_f32(name, shape); }

Buffer Loader::keep(const std::vector<float>& values, Shape shape) {
  if (values.empty()) return {};
  Buffer buffer = make_buffer(table_, tensor_of(values.data(), shape), DType::f32);
  bytes_ += buffer.tensor().bytes();
  return buffer;
}

Buffer Loader::vector(const std::string& name, Shape shape) { return keep(take_f32(name, shape), shape); }

Buffer Loader::table(const std::string& name, Shape shape) {
  const std::vector<float> values = take_f32(name, shape);
  if (values.empty()) return {};
  Buffer buffer = make_buffer(table_, tensor_of(values.data(), shape), product_dtype_);
  bytes_ += buffer.tensor().bytes();
  return buffer;
}

Linear Loader::linear(const std::string& name, int64_t out, int64_t in, int64_t taps, bool bias, const RowOrder& order) {
  // A convolution of kernel 1 is stored with three axes where the reference uses Conv1d and with two where it uses
  // Linear (spec 01 §1); both are the same product.
  const bool keep_taps = taps > 1 || source_.has_rank(name + ".weight", 3);
  std::vector<float> weight = take_f32(name + ".weight", weight_shape(out, in, taps, keep_taps));
  reorder_rows(weight, out, order);
  Linear layer;
  layer.weight = pack(weight, weight_shape(out, in, taps, taps > 1), {.dtype = product_dtype_});
  if (bias) {
    std::vector<float> values = take_f32(name + ".bias", {out});
    reorder_rows(values, out, order);
    layer.bias = keep(values, {out});
  }
  return layer;
}

Linear Loader::stacked(std::span<const std::string> names, int64_t out_each, int64_t in, bool bias) {
  const int64_t out = out_each * int64_t(names.size());
  std::vector<float> weight, biases;
  for (const std::string& name : names) {
    const std::vector<float> part = take_f32(name + ".weight", {out_each, in});
    weight.insert(weight.end(), part.begin(), part.end());
    if (!bias) continue;
    const std::vector<float> bias_part = take_f32(name + ".bias", {out_each});
    biases.insert(biases.end(), bias_part.begin(), bias_part.end());
  }
  Linear layer;
  layer.weight = faulty_ ? nullptr : pack(weight, {out, in}, {.dtype = product_dtype_});
  if (bias && !faulty_) layer.bias = keep(biases, {out});
  return layer;
}

Weight Loader::gated(const std::string& w1, const std::string& w3, int64_t out, int64_t in, int64_t taps) {
  const bool keep_taps = taps > 1 || source_.has_rank(w1, 3);
  const Shape stored = weight_shape(out, in, taps, keep_taps);
  const std::vector<float> first = take_f32(w1, stored), second = take_f32(w3, stored);
  if (faulty_) return nullptr;
  const Shape shape = weight_shape(out, in, taps, taps > 1);
  Weight weight = pack_gated_weight(table_, tensor_of(first.data(), shape), tensor_of(second.data(), shape),
                                    {.dtype = product_dtype_, .format = format_for(WeightUse::linear)});
  bytes_ += weight->bytes();
  return weight;
}

Weight Loader::pack(const std::vector<float>& values, Shape shape, PackOptions options) {
  if (values.empty()) return nullptr;
  options.format = format_for(options.use);
  Weight weight = pack_weight(table_, tensor_of(values.data(), shape), options);
  bytes_ += weight->bytes();
  return weight;
}

std::vector<float> Loader::folded(const std::string& name, Shape shape) {
  if (!source_.has(name + ".weight_v")) return take_f32(name + ".weight", shape);
  // W[i] = g[i]·v[i]/‖v[i]‖ over all but axis 0, whichever channel that is (spec 03 §1).
  std::vector<float> v = take_f32(name + ".weight_v", shape);
  const std::vector<float> g = take_f32(name + ".weight_g", {shape[0], 1, 1});
  if (faulty_) return {};
  const int64_t per_row = shape.numel() / shape[0];
  for (int64_t i = 0; i < shape[0]; ++i) {
    const auto row = std::span(v).subspan(size_t(i * per_row), size_t(per_row));
    double square = 0;
    for (float value : row) square += double(value) * value;
    const double scale = g[size_t(i)] / std::sqrt(square);
    if (!std::isfinite(scale))
      fail(TS_BAD_WEIGHTS, source_.description(), ": ", name, ".weight_v row ", i, " has no length, so weight norm cannot be folded");
    for (float& value : row) value = float(value * scale);
  }
  return v;
}

}  // namespace ts
