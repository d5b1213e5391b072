#include "ops/cuda/packed_weight.h"

#include <utility>
#include <vector>

#include "ops/cuda/cuda.h"

namespace ts::cuda {
namespace {

void store(float& to, float value) { to = value; }
void store(bf16& to, float value) { to = to_bf16(value); }
void store(f16& to, float value) { to = to_f16_saturated(value); }

// Fills every row on the host, then copies. source(row, put) calls put(element, value); what it leaves out is zero.
template <class T, class Source>
void fill(const OperatorTable& table, CudaWeight& weight, const Source& source) {
  const int64_t depth = weight.depth();
  std::vector<T> values(size_t(weight.rows * depth), T{});
  for (int64_t row = 0; row < weight.rows; ++row)
    source(row, [&](int64_t element, float value) { store(values[size_t(row * depth + element)], value); });
  table.copy_to_device(weight.memory.get(), values.data(), int64_t(values.size() * sizeof(T)));
}

// The same in 8 bits; scale_of(row) is what a row's values are divided by.
template <class Source, class ScaleOf>
void fill_scaled(const OperatorTable& table, CudaWeight& weight, const Source& source, const ScaleOf& scale_of) {
  const int64_t depth = weight.depth();
  const bool is_int8 = weight.format == WeightFormat::int8;
  std::vector<uint8_t> memory(size_t(weight.bytes()), 0);
  float* scales = reinterpret_cast<float*>(memory.data() + weight.matrix_bytes());
  for (int64_t row = 0; row < weight.rows; ++row) {
    const float scale = scales[row] = scale_of(row);
    source(row, [&](int64_t element, float value) {
      if (is_int8) memory[size_t(row * depth + int8_place(element))] = uint8_t(to_int8(value, scale));
      else memory[size_t(row * depth + element)] = to_fp8(value, scale).bits;
    });
  }
  table.copy_to_device(weight.memory.get(), memory.data(), weight.bytes());
}

template <class Source, class ScaleOf>
Weight pack(const OperatorTable& table, std::shared_ptr<CudaWeight> weight, const Source& source, const ScaleOf& scale_of) {
  void* memory = table.allocate(weight->bytes());
  if (!memory)
    fail(TS_OUT_OF_MEMORY, "memory: ", weight->bytes() >> 20, " MiB for a weight of ", weight->out, " by ", weight->in,
         " channels could not be allocated on the ", table.name, " device");
  weight->memory = std::shared_ptr<void>(memory, table.release);
  switch (weight->stored()) {
    case DType::i8: case DType::e4m3: fill_scaled(table, *weight, source, scale_of); break;
    case DType::bf16: fill<bf16>(table, *weight, source); break;
    case DType::f16: fill<f16>(table, *weight, source); break;
    default: fill<float>(table, *weight, source);
  }
  return weight;
}

// The scales of a weight's outputs, if it is to have any.
std::vector<float> scales_of(const Tensor& w, const PackOptions& options) {
  return options.format == WeightFormat::int8 ? int8_scales(w, options.use) : options.format == WeightFormat::fp8 ? fp8_scales(w) : std::vector<float>();
}

std::shared_ptr<CudaWeight> describe(const Tensor& w, const PackOptions& options) {
  auto weight = std::make_shared<CudaWeight>();
  const bool transposed = options.use == WeightUse::conv_transpose;
  weight->out = w.shape[transposed ? 1 : 0];
  weight->in = w.shape[transposed ? 0 : 1];
  weight->taps = w.shape.rank() == 3 ? w.shape[2] : 1;
  weight->dtype = options.dtype;
  weight->format = options.format;
  weight->channels = padded_channels(weight->in, weight->stored());
  weight->num_taps = transposed ? 2 : weight->taps;
  weight->rows = transposed ? options.stride * weight->out : weight->out;
  return weight;
}

// Output `o` of w [out, in, taps], the taps outside.
template <class Put>
void put_output(const float* w, const CudaWeight& weight, int64_t o, const Put& put) {
  const float* row = w + o * weight.in * weight.taps;
  for (int64_t i = 0; i < weight.in; ++i)
    for (int64_t j = 0; j < weight.taps; ++j) put(j * weight.channels + i, row[i * weight.taps + j]);
}

}  // namespace

const CudaWeight& cuda_weight(const PackedWeight& weight) {
  const auto* mine = dynamic_cast<const CudaWeight*>(&weight);
  require(mine, "a weight packed by another backend was given to the CUDA backend");
  return *mine;
}

Weight pack_weight(const OperatorTable& table, const Tensor& source, const PackOptions& options) {
  const auto weight = describe(source, options);
  const float* w = source.as<const float>();
  const std::vector<float> scales = scales_of(source, options);
  const auto scale_of = [&](int64_t row) { return scales[size_t(row % weight->out)]; };
  if (options.use != WeightUse::conv_transpose)
    return pack(table, weight, [&](int64_t row, const auto& put) { put_output(w, *weight, row, put); }, scale_of);
  const int64_t stride = options.stride;
  return pack(table, weight, [&](int64_t row, const auto& put) {
    const int64_t p = row / weight->out, o = row % weight->out;
    for (int64_t i = 0; i < weight->in; ++i) {
      const float* kernel = w + (i * weight->out + o) * weight->taps;
      put(i, kernel[p + stride]);
      put(weight->channels + i, kernel[p]);
    }
  }, scale_of);
}

Weight pack_gated_weight(const OperatorTable& table, const Tensor& w1, const Tensor& w3, const PackOptions& options) {
  const auto weight = describe(w1, options);
  weight->gated = true;
  weight->rows = (weight->out + kGatedGroup - 1) / kGatedGroup * 2 * kGatedGroup;
  const float* sources[] = {w1.as<const float>(), w3.as<const float>()};
  const std::vector<float> scales[] = {scales_of(w1, options), scales_of(w3, options)};
  // Of a row: which matrix, and its output, which may lie beyond the last.
  const auto place_of = [](int64_t row) { return std::pair(row / kGatedGroup % 2, row / (2 * kGatedGroup) * kGatedGroup + row % kGatedGroup); };
  return pack(table, weight, [&](int64_t row, const auto& put) {
    const auto [which, o] = place_of(row);
    if (o < weight->out) put_output(sources[which], *weight, o, put);
  }, [&](int64_t row) {
    const auto [which, o] = place_of(row);
    return o < weight->out ? scales[which][size_t(o)] : 0.0f;
  });
}

}  // namespace ts::cuda
