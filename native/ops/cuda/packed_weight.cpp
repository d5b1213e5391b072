#include "ops/cuda/packed_weight.h"

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
  table.copy_to_device(weight.memory.get(), values.data(), weight.bytes());
}

template <class Source>
Weight pack(const OperatorTable& table, std::shared_ptr<CudaWeight> weight, const Source& source) {
  void* memory = table.allocate(weight->bytes());
  if (!memory)
    fail(TS_OUT_OF_MEMORY, "memory: ", weight->bytes() >> 20, " MiB for a weight of ", weight->out, " by ", weight->in,
         " channels could not be allocated on the ", table.name, " device");
  weight->memory = std::shared_ptr<void>(memory, table.release);
  if (weight->dtype == DType::bf16) fill<bf16>(table, *weight, source);
  else if (weight->dtype == DType::f16) fill<f16>(table, *weight, source);
  else fill<float>(table, *weight, source);
  return weight;
}

std::shared_ptr<CudaWeight> describe(const Tensor& w, const PackOptions& options) {
  auto weight = std::make_shared<CudaWeight>();
  const bool transposed = options.use == WeightUse::conv_transpose;
  weight->out = w.shape[transposed ? 1 : 0];
  weight->in = w.shape[transposed ? 0 : 1];
  weight->taps = w.shape.rank() == 3 ? w.shape[2] : 1;
  weight->dtype = options.dtype;
  weight->channels = padded_channels(weight->in, options.dtype);
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
  if (options.use != WeightUse::conv_transpose)
    return pack(table, weight, [&](int64_t row, const auto& put) { put_output(w, *weight, row, put); });
  const int64_t stride = options.stride;
  return pack(table, weight, [&](int64_t row, const auto& put) {
    const int64_t p = row / weight->out, o = row % weight->out;
    for (int64_t i = 0; i < weight->in; ++i) {
      const float* kernel = w + (i * weight->out + o) * weight->taps;
      put(i, kernel[p + stride]);
      put(weight->channels + i, kernel[p]);
    }
  });
}

Weight pack_gated_weight(const OperatorTable& table, const Tensor& w1, const Tensor& w3, const PackOptions& options) {
  const auto weight = describe(w1, options);
  weight->gated = true;
  weight->rows = (weight->out + kGatedGroup - 1) / kGatedGroup * 2 * kGatedGroup;
  const float* sources[] = {w1.as<const float>(), w3.as<const float>()};
  return pack(table, weight, [&](int64_t row, const auto& put) {
    const int64_t group = row / (2 * kGatedGroup), which = row / kGatedGroup % 2, o = group * kGatedGroup + row % kGatedGroup;
    if (o < weight->out) put_output(sources[which], *weight, o, put);
  });
}

}  // namespace ts::cuda
