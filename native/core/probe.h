// A tap on the intermediates of a forward pass. `thinksound verify` is built on it.
#pragma once

#include <functional>
#include <string_view>

#include "core/tensor.h"

namespace ts {

// Called on the thread that runs the forward with a name of the goldens (e.g. "joint0.latent") and a tensor in
// host memory that is valid during the call. Empty when nobody listens.
using Probe = std::function<void(std::string_view name, const Tensor& value)>;

}  // namespace ts
