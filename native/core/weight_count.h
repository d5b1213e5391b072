// How much a network will load, known before anything is read.
#pragma once

#include "core/weights.h"

namespace ts {

// Has whatever tensor is asked for, in its usual shape and without data. A Loader that gets no data takes every tensor
// and allocates nothing, so a network "loaded" from here costs microseconds, and is of no other use.
class WeightCount final : public WeightSource {
 public:
  // Of all tensors taken, each counted once. A double, because shapes come from a configuration that nothing has confirmed.
  double num_parameters() const;
  std::string description() const override { return "the count of weights"; }

 protected:
  const Tensor* find(std::string_view name) const override;
  const Tensor* find_or_make(std::string_view name, const Shape& usual) override;
  std::vector<std::string> names() const override { return {}; }

 private:
  std::map<std::string, Tensor, std::less<>> taken_;
};

}  // namespace ts
