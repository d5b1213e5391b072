#include "models/mlp.h"

namespace ts {

Mlp load_mlp(Loader& loader, const std::string& name, int64_t in, int64_t hidden, int64_t out) {
  return {.fc1 = loader.linear(name + ".fc1", hidden, in), .fc2 = loader.linear(name + ".fc2", out, hidden), .hidden_dim = hidden};
}

void run_mlp(Context& ctx, const Tensor& y, const char* hidden, const Tensor& x, const Mlp& mlp) {
  const Arena::Scope scope(ctx.arena());
  Shape shape;
  for (int axis = 0; axis + 1 < x.shape.rank(); ++axis) shape.push_back(x.shape[axis]);
  shape.push_back(mlp.hidden_dim);
  const Tensor between = ctx.product(shape);
  ops::linear(ctx, as_rows(between), as_rows(x), *mlp.fc1.weight, {.bias = mlp.fc1.bias, .activation = Activation::gelu_erf});
  ctx.probe(hidden, between);
  ops::linear(ctx, as_rows(y), as_rows(between), *mlp.fc2.weight, {.bias = mlp.fc2.bias});
}

}  // namespace ts
