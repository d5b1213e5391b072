// Two linear layers with an exact GELU between: the heads of our own small networks.
#pragma once

#include <string>

#include "models/loader.h"
#include "ops/linear.h"

namespace ts {

struct Mlp {
  Linear fc1, fc2;         // [hidden, in], [out, hidden]
  int64_t hidden_dim = 0;
};

Mlp load_mlp(Loader& loader, const std::string& name, int64_t in, int64_t hidden, int64_t out);
// y [..., out] from x [..., in]; the layer between is announced as `hidden`.
void run_mlp(Context& ctx, const Tensor& y, const char* hidden, const Tensor& x, const Mlp& mlp);

// A tensor of any rank as the one item that copies and products take.
inline Tensor as_rows(const Tensor& tensor) { return tensor.reshape({1, tensor.rows(), tensor.cols()}); }

}  // namespace ts
