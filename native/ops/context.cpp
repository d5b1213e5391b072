#include "ops/context.h"

#include <vector>

#include "ops/table.h"

namespace ts {

void Context::probe(std::string_view name, const Tensor& value) {
  if (!probing()) return;
  Tensor host = value;
  std::vector<std::byte> bytes;
  if (!table_.is_host && value.bytes() > 0) {
    bytes.resize(size_t(value.bytes()));
    table_.copy_to_host(bytes.data(), value.data, value.bytes());
    host.data = bytes.data();
  }
  if (value.dtype != DType::bf16 && value.dtype != DType::f16) return listener()(name, host);
  // Listeners compare with f32 goldens and need not know other floats.
  std::vector<float> wide(size_t(value.numel()));
  const auto widen = [&](const auto* narrow) {
    for (size_t i = 0; i < wide.size(); ++i) wide[i] = to_float(narrow[i]);
  };
  if (value.dtype == DType::bf16) widen(host.as<bf16>());
  else widen(host.as<f16>());
  listener()(name, tensor_of(wide.data(), value.shape));
}

void Context::check_cancelled() const {
  if (cancel_ && cancel_->load(std::memory_order_relaxed)) fail(TS_CANCELLED, "cancelled");
}

}  // namespace ts
