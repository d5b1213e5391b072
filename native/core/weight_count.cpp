#include "core/weight_count.h"

namespace ts {

double WeightCount::num_parameters() const {
  double count = 0;
  for (const auto& [name, tensor] : taken_) {
    double elements = 1;
    for (int64_t dim : tensor.shape.dims()) elements *= double(dim);
    count += elements;
  }
  return count;
}

const Tensor* WeightCount::find(std::string_view name) const {
  const auto found = taken_.find(name);
  return found == taken_.end() ? nullptr : &found->second;
}

const Tensor* WeightCount::find_or_make(std::string_view name, const Shape& usual) {
  return &taken_.insert_or_assign(std::string(name), Tensor(nullptr, DType::f32, usual)).first->second;
}

}  // namespace ts
