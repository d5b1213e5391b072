#include "ops/plain/plain.h"
#include "ops/plain/product.h"

namespace ts::plain {
namespace {

// `matrices` are one weight, or w1 and w3.
Weight pack(std::initializer_list<const Tensor*> matrices, const PackOptions& options) {
  const Shape& shape = (*matrices.begin())->shape;
  const bool transposed = options.use == WeightUse::conv_transpose;
  auto packed = std::make_shared<PlainWeight>();
  packed->out = transposed ? shape[1] : shape[0];
  packed->in = transposed ? shape[0] : shape[1];
  packed->taps = shape.rank() == 3 ? shape[2] : 1;
  packed->gated = matrices.size() == 2;
  packed->dtype = options.dtype;
  packed->format = options.format;
  packed->zeros.assign(size_t(packed->in), 0.0f);
  const int64_t in = packed->in, taps = packed->taps, out = packed->out;
  const size_t size = matrices.size() * size_t((out + kPanel - 1) / kPanel * kPanel * taps * in);
  const bool is_int8 = options.format == WeightFormat::int8;
  if (is_int8) {
    packed->bytes8.assign(size, 0);
    packed->scales.assign(size / size_t(in * taps), 0.0f);
  } else if (options.dtype == DType::bf16) packed->narrow.assign(size, bf16{0});
  else if (options.dtype == DType::f16) packed->half.assign(size, f16{0});
  else packed->wide.assign(size, 0.0f);

  int64_t which = 0;
  for (const Tensor* matrix : matrices) {
    const float* source = matrix->as<float>();
    const std::vector<float> scales = is_int8 ? int8_scales(*matrix, options.use) : std::vector<float>();
    for (int64_t o = 0; o < out; ++o) {
      const int64_t panel = o / kPanel * int64_t(matrices.size()) + which;
      if (is_int8) packed->scales[size_t(panel * kPanel + o % kPanel)] = scales[size_t(o)];
      for (int64_t i = 0; i < in; ++i)
        for (int64_t tap = 0; tap < taps; ++tap) {
          const float value = source[(transposed ? i * out + o : o * in + i) * taps + tap];
          const size_t to = size_t(((panel * taps + tap) * in + i) * kPanel + o % kPanel);
          if (is_int8) packed->bytes8[to] = to_int8(value, scales[size_t(o)]);
          else if (options.dtype == DType::bf16) packed->narrow[to] = to_bf16(value);
          else if (options.dtype == DType::f16) packed->half[to] = to_f16_saturated(value);
          else packed->wide[to] = value;
        }
    }
    ++which;
  }
  return packed;
}

}  // namespace

Weight pack_weight(const OperatorTable&, const Tensor& weight, const PackOptions& options) { return pack({&weight}, options); }

Weight pack_gated_weight(const OperatorTable&, const Tensor& w1, const Tensor& w3, const PackOptions& options) {
  return pack({&w1, &w3}, options);
}

}  // namespace ts::plain
