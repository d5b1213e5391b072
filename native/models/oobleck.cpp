#include "models/oobleck.h"

#include <algorithm>
#include <cmath>

#include "core/json.h"
#include "ops/table.h"

namespace ts {
namespace {

constexpr int64_t kDilations[3] = {1, 3, 9};
constexpr int64_t kUnitTaps = 7, kEndTaps = 7, kMomentTaps = 3;

OobleckConfig parse(const nlohmann::json& json, const std::string& origin, const char* channels_key) {
  const JsonObject outer(json, origin);
  outer.check(outer.get_string("type", "oobleck") == "oobleck", "type must be \"oobleck\"");
  const JsonObject object = outer.has("config") ? outer.get_object("config") : outer;
  OobleckConfig config;
  config.audio_channels = object.get_int(channels_key, 1, 16, 2);
  config.channels = object.get_int("channels", 1, 4096, 128);
  config.c_mults = object.get_ints("c_mults", 1, 256, 1, 12);
  config.strides = object.get_ints("strides", 2, 64, 1, 12);
  config.latent_dim = object.get_int("latent_dim", 1, 8192);
  object.check(config.c_mults.size() == config.strides.size(), "c_mults and strides must have the same length");
  for (int64_t stride : config.strides) object.check(stride % 2 == 0, "odd stride ", stride, ": only even strides keep lengths exact");
  object.check(object.get_bool("use_snake", true), "use_snake false is not supported: no published model has it");
  object.check(!object.get_bool("final_tanh", false), "final_tanh true is not supported: no published model has it");
  object.check(!object.get_bool("antialias_activation", false), "antialias_activation is not supported");
  object.check(config.hop() <= 65536, "strides multiply to ", config.hop(), ", more than 65536 samples per latent");
  return config;
}

SnakeParameters load_snake(Loader& loader, const std::string& name, int64_t channels) {
  std::vector<float> a = loader.host(name + ".alpha", {channels}), b = loader.host(name + ".beta", {channels});
  for (float& value : a) value = std::exp(value);
  for (float& value : b) value = 1.0f / (std::exp(value) + 1e-9f);
  return {loader.keep(a, {channels}), loader.keep(b, {channels})};
}

OobleckConv load_conv(Loader& loader, const std::string& name, int64_t out, int64_t in, int64_t taps, const PackOptions& options,
                      bool bias = true) {
  const Shape shape = options.use == WeightUse::conv_transpose ? Shape{in, out, taps} : Shape{out, in, taps};
  PackOptions typed = options;
  typed.dtype = loader.product_dtype();
  OobleckConv conv;
  conv.weight = loader.pack(loader.folded(name, shape), shape, typed);
  if (bias) conv.bias = loader.vector(name + ".bias", {out});
  return conv;
}

ResidualUnit load_unit(Loader& loader, const std::string& name, int64_t channels, int64_t dilation) {
  ResidualUnit unit;
  unit.dilation = dilation;
  unit.snake1 = load_snake(loader, name + ".layers.0", channels);
  unit.conv1 = load_conv(loader, name + ".layers.1", channels, channels, kUnitTaps, {.use = WeightUse::conv, .dilation = dilation});
  unit.snake2 = load_snake(loader, name + ".layers.2", channels);
  unit.conv2 = load_conv(loader, name + ".layers.3", channels, channels, 1, {.use = WeightUse::conv});
  return unit;
}

int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// Rows n of x with 0 ≤ m + s/2 − n·s < 2s for some m of `out`.
Range transposed_input(Range out, int64_t stride, int64_t length) {
  return {std::max<int64_t>(0, floor_div(out.begin - stride / 2, stride)),
          std::min(length, floor_div(out.end - 1 + stride / 2, stride) + 1)};
}
Range strided_input(Range out, int64_t stride, int64_t length) {
  return {std::max<int64_t>(0, out.begin * stride - stride / 2),
          std::min(length, (out.end - 1) * stride - stride / 2 + 2 * stride)};
}

// What one block has to compute: the range that enters its residual units, and what leaves each of them.
struct BlockPlan {
  Range in, units_in;
  std::array<Range, 3> units_out;
  int64_t length_in = 0;      // of the whole sequence
  Range out;
};

// Ranges before each residual unit, from what must leave the last.
void plan_units(BlockPlan& plan, Range out, int64_t length) {
  for (int i = 2; i >= 0; --i) {
    plan.units_out[size_t(i)] = out;
    out = widen(out, kDilations[i] * (kUnitTaps / 2), length);
  }
  plan.units_in = out;
}

// Goldens hold the VAE's intermediates channel-first.
void probe_channels(Context& ctx, const std::string& name, const Tensor& x) {
  if (!ctx.probing()) return;
  const int64_t batch = x.shape[0], len = x.shape[1], channels = x.shape[2];
  std::vector<float> rows(size_t(x.numel())), columns(rows.size());
  ops::download(ctx, tensor_of(rows.data(), x.shape), x);
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t n = 0; n < len; ++n)
      for (int64_t c = 0; c < channels; ++c) columns[size_t((b * channels + c) * len + n)] = rows[size_t((b * len + n) * channels + c)];
  ctx.listener()(name, tensor_of(columns.data(), {batch, channels, len}));
}

// snake(x), computed apart for whoever listens.
void probe_snake(Context& ctx, const std::string& name, const Tensor& x, const SnakeParameters& snake) {
  if (!ctx.probing()) return;
  const Buffer snaked = allocate_buffer(ctx.table(), DType::f32, x.shape);
  ops::snake(ctx, snaked, x, snake.view());
  probe_channels(ctx, name, snaked);
}

// The layers inside a residual unit, computed apart for whoever listens.
void probe_unit(Context& ctx, const std::string& name, const Tensor& x, const ResidualUnit& unit) {
  if (!ctx.has_listener()) return;  // planned, too: what is stored in f32 is copied for products of 16 bits
  const Buffer a = allocate_buffer(ctx.table(), DType::f32, x.shape), b = allocate_buffer(ctx.table(), DType::f32, x.shape);
  ops::snake(ctx, a, x, unit.snake1.view());
  probe_channels(ctx, name + ".layers.0", a);
  ops::snake_conv1d(ctx, b, a, {}, *unit.conv1.weight, {.dilation = unit.dilation, .offset = unit.dilation * (kUnitTaps / 2)}, unit.conv1.bias);
  probe_channels(ctx, name + ".layers.1", b);
  ops::snake(ctx, a, b, unit.snake2.view());
  probe_channels(ctx, name + ".layers.2", a);
  ops::snake_conv1d(ctx, b, a, {}, *unit.conv2.weight, {}, unit.conv2.bias);
  probe_channels(ctx, name + ".layers.3", b);
}

// What passes between two layers: x, and where the backend stores it what the next layer reads, snake of x in the product's
// dtype. x is left out where only its snake is read.
struct Signal {
  Tensor x, snaked;
  const Shape& shape() const { return x ? x.shape : snaked.shape; }
};

// Memory of the signals, enough for `numel` elements of each. Where snakes are stored, layers read them, so x has one place and
// they take turns; elsewhere x itself does.
class Signals {
 public:
  Signals(Context& ctx, int64_t numel) : stores_snake_(ctx.table().stores_snake) {
    x_[0] = ctx.f32({numel});
    if (!stores_snake_) x_[1] = ctx.f32({numel});
    for (int i = 0; stores_snake_ && i < 2; ++i) snaked_[i] = ctx.product({numel});
  }
  // For the output of the layer that reads the last output.
  Signal next(Shape shape) {
    turn_ = 1 - turn_;
    return stores_snake_ ? Signal{view(x_[0], shape), view(snaked_[turn_], shape)} : Signal{view(x_[turn_], shape), {}};
  }
  // The same for an output of which only the snake is read.
  Signal next_snaked(Shape shape) {
    Signal signal = next(shape);
    if (stores_snake_) signal.x = {};
    return signal;
  }
  // x comes back to rows of an earlier signal instead.
  Signal onto(const Tensor& x) {
    turn_ = 1 - turn_;
    return {x, stores_snake_ ? view(snaked_[turn_], x.shape) : Tensor()};
  }

 private:
  static Tensor view(const Tensor& buffer, Shape shape) { return {buffer.data, buffer.dtype, shape}; }
  bool stores_snake_;
  Tensor x_[2], snaked_[2];
  int turn_ = 1;
};

// y = residual + conv(snake(x)), and snake of it by the next layer's parameters: where x is read or where y is stored.
void convolve(Context& ctx, const Signal& y, const Signal& x, const SnakeParameters& snake, const OobleckConv& conv, const ConvGeometry& geometry,
              const SnakeParameters& next, const Tensor& residual = {}) {
  const SnakedOutput snaked{y.snaked, y.snaked ? next.view() : Snake()};
  ops::snake_conv1d(ctx, y.x, x.snaked ? x.snaked : x.x, x.snaked ? Snake() : snake.view(), *conv.weight, geometry, conv.bias, residual, snaked);
}

// x [B, units_in, C] → rows units_out[2] of it, in place; `after` snakes what leaves the last unit.
Signal run_units(Context& ctx, const std::string& name, int first_index, const BlockPlan& plan, const std::array<ResidualUnit, 3>& units,
                 Signal x, Signals& signals, const SnakeParameters& after) {
  Range at = plan.units_in;
  for (size_t i = 0; i < 3; ++i) {
    const ResidualUnit& unit = units[i];
    const bool is_last = i == 2;
    const Range to = plan.units_out[i];
    const std::string unit_name = concat(name, ".layers.", first_index + int(i));
    probe_unit(ctx, unit_name, x.x, unit);
    const Signal h = signals.next_snaked({x.x.shape[0], to.length(), x.x.shape[2]});
    convolve(ctx, h, x, unit.snake1, unit.conv1, {.dilation = unit.dilation, .offset = unit.dilation * (kUnitTaps / 2) + at.begin - to.begin},
             unit.snake2);
    const Tensor skipped = rows_of(x.x, at, to);
    Signal y = signals.onto(skipped);
    if (is_last && y.snaked && !ctx.probing()) y.x = {};  // the next block reads its snake alone
    convolve(ctx, y, h, unit.snake2, unit.conv2, {}, is_last ? after : units[i + 1].snake1, skipped);
    probe_channels(ctx, unit_name, y.x);
    x = y;
    at = to;
  }
  return x;
}

std::vector<BlockPlan> plan_decode(const std::vector<OobleckBlock>& blocks, int64_t hop, Range latents, int64_t latent_len, Range& first) {
  std::vector<BlockPlan> plans(blocks.size());
  int64_t length = latent_len * hop;
  Range range = widen({latents.begin * hop, latents.end * hop}, kEndTaps / 2, length);
  for (size_t i = blocks.size(); i-- > 0;) {
    plan_units(plans[i], range, length);
    length /= blocks[i].stride;
    plans[i].length_in = length;
    plans[i].in = transposed_input(plans[i].units_in, blocks[i].stride, length);
    range = plans[i].in;
  }
  first = range;
  return plans;
}

std::vector<BlockPlan> plan_encode(const std::vector<OobleckBlock>& blocks, Range latents, int64_t num_samples, Range& first) {
  std::vector<BlockPlan> plans(blocks.size());
  int64_t length = num_samples;
  for (size_t i = 0; i < blocks.size(); ++i) {
    plans[i].length_in = length;
    length /= blocks[i].stride;
  }
  Range range = widen(latents, kMomentTaps / 2, length);
  for (size_t i = blocks.size(); i-- > 0;) {
    plans[i].out = range;
    plan_units(plans[i], strided_input(range, blocks[i].stride, plans[i].length_in), plans[i].length_in);
    range = plans[i].units_in;
  }
  first = range;
  return plans;
}

}  // namespace

int64_t OobleckConfig::hop() const {
  int64_t product = 1;
  for (int64_t stride : strides) product *= stride;
  return product;
}

OobleckConfig parse_oobleck_decoder(const nlohmann::json& config, const std::string& origin) { return parse(config, origin, "out_channels"); }

OobleckConfig parse_oobleck_encoder(const nlohmann::json& config, const std::string& origin) {
  OobleckConfig parsed = parse(config, origin, "in_channels");
  if (parsed.latent_dim % 2) fail(TS_BAD_BUNDLE, origin, ": latent_dim ", parsed.latent_dim, " of an encoder holds mean and scale, so it is even");
  parsed.latent_dim /= 2;
  return parsed;
}

OobleckDecoder OobleckDecoder::load(Loader& loader, const OobleckConfig& config) {
  OobleckDecoder decoder;
  decoder.config_ = config;
  const size_t levels = config.strides.size();
  decoder.conv_in_ = load_conv(loader, "decoder.layers.0", config.width(levels), config.latent_dim, kEndTaps, {.use = WeightUse::conv});
  for (size_t i = 0; i < levels; ++i) {
    const size_t level = levels - i;
    const std::string name = concat("decoder.layers.", i + 1);
    OobleckBlock block;
    block.stride = config.strides[level - 1];
    block.channels_in = config.width(level);
    block.channels_out = config.width(level - 1);
    block.snake = load_snake(loader, name + ".layers.0", block.channels_in);
    block.conv = load_conv(loader, name + ".layers.1", block.channels_out, block.channels_in, 2 * block.stride,
                           {.use = WeightUse::conv_transpose, .stride = block.stride});
    for (size_t unit = 0; unit < 3; ++unit)
      block.units[unit] = load_unit(loader, concat(name, ".layers.", unit + 2), block.channels_out, kDilations[unit]);
    decoder.blocks_.push_back(std::move(block));
  }
  decoder.snake_out_ = load_snake(loader, concat("decoder.layers.", levels + 1), config.channels);
  decoder.conv_out_ = load_conv(loader, concat("decoder.layers.", levels + 2), config.audio_channels, config.channels, kEndTaps,
                                {.use = WeightUse::conv}, false);
  return decoder;
}

Range OobleckDecoder::needed(Range latents, int64_t latent_len) const {
  Range first;
  plan_decode(blocks_, config_.hop(), latents, latent_len, first);
  return widen(first, kEndTaps / 2, latent_len);
}

void OobleckDecoder::decode(Context& ctx, const Tensor& audio, const Tensor& z, Range latents, int64_t latent_len) const {
  const int64_t hop = config_.hop(), batch = z.shape[0];
  require(0 <= latents.begin && latents.begin < latents.end && latents.end <= latent_len, "decode: latents [", latents.begin, ", ",
          latents.end, ") of ", latent_len);
  Range first;
  const std::vector<BlockPlan> plans = plan_decode(blocks_, hop, latents, latent_len, first);
  const Range given = widen(first, kEndTaps / 2, latent_len);
  require(z.shape == Shape({batch, given.length(), config_.latent_dim}), "decode: latent is ", z.shape.str(), ", expected [B, ",
          given.length(), ", ", config_.latent_dim, "]");
  require(batch == 1 || latents.length() == latent_len, "decode: a batch is decoded whole");

  Arena::Scope scope(ctx.arena());
  int64_t numel = batch * first.length() * config_.width(config_.strides.size());
  for (size_t i = 0; i < blocks_.size(); ++i) numel = std::max(numel, batch * plans[i].units_in.length() * blocks_[i].channels_out);
  Signals signals(ctx, numel);

  Signal x = signals.next_snaked({batch, first.length(), config_.width(config_.strides.size())});
  if (ctx.probing() && !x.x) x = signals.next(x.shape());
  convolve(ctx, x, {z, {}}, {}, conv_in_, {.offset = kEndTaps / 2 + given.begin - first.begin}, blocks_.front().snake);  // [B, first, C]
  probe_channels(ctx, "decoder.layers.0", x.x);
  Range at = first;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    ctx.check_cancelled();
    const OobleckBlock& block = blocks_[i];
    const std::string name = concat("decoder.layers.", i + 1);
    probe_snake(ctx, name + ".layers.0", x.x, block.snake);
    const Signal up = signals.next({batch, plans[i].units_in.length(), block.channels_out});
    ops::snake_conv_transpose1d(ctx, up.x, x.snaked ? x.snaked : x.x, x.snaked ? Snake() : block.snake.view(), *block.conv.weight,
                                {.stride = block.stride, .offset = block.stride / 2 + plans[i].units_in.begin - at.begin * block.stride},
                                block.conv.bias, {up.snaked, up.snaked ? block.units[0].snake1.view() : Snake()});  // [B, units_in, C/2]
    probe_channels(ctx, name + ".layers.1", up.x);
    x = run_units(ctx, name, 2, plans[i], block.units, up, signals, i + 1 < blocks_.size() ? blocks_[i + 1].snake : snake_out_);
    at = plans[i].units_out[2];
    probe_channels(ctx, name, x.x);
  }
  const Range out{latents.begin * hop, latents.end * hop};
  probe_snake(ctx, concat("decoder.layers.", blocks_.size() + 1), x.x, snake_out_);
  convolve(ctx, {audio, {}}, x, snake_out_, conv_out_, {.offset = kEndTaps / 2 + at.begin - out.begin}, {});  // [B, hop·n, 2]
  probe_channels(ctx, concat("decoder.layers.", blocks_.size() + 2), audio);
  probe_channels(ctx, concat("decoder.layers.", blocks_.size() + 3), audio);  // the reference's identity in place of tanh
}

OobleckEncoder OobleckEncoder::load(Loader& loader, const OobleckConfig& config) {
  OobleckEncoder encoder;
  encoder.config_ = config;
  const size_t levels = config.strides.size();
  encoder.conv_in_ = load_conv(loader, "encoder.layers.0", config.channels, config.audio_channels, kEndTaps, {.use = WeightUse::conv});
  for (size_t level = 0; level < levels; ++level) {
    const std::string name = concat("encoder.layers.", level + 1);
    OobleckBlock block;
    block.stride = config.strides[level];
    block.channels_in = config.width(level);
    block.channels_out = config.width(level + 1);
    for (size_t unit = 0; unit < 3; ++unit)
      block.units[unit] = load_unit(loader, concat(name, ".layers.", unit), block.channels_in, kDilations[unit]);
    block.snake = load_snake(loader, name + ".layers.3", block.channels_in);
    block.conv = load_conv(loader, name + ".layers.4", block.channels_out, block.channels_in, 2 * block.stride,
                           {.use = WeightUse::conv, .stride = block.stride});
    encoder.blocks_.push_back(std::move(block));
  }
  encoder.snake_out_ = load_snake(loader, concat("encoder.layers.", levels + 1), config.width(levels));
  encoder.conv_out_ = load_conv(loader, concat("encoder.layers.", levels + 2), 2 * config.latent_dim, config.width(levels), kMomentTaps,
                                {.use = WeightUse::conv});
  return encoder;
}

int64_t OobleckEncoder::latent_len(int64_t num_samples) const {
  for (const OobleckBlock& block : blocks_) num_samples /= block.stride;
  return num_samples;
}

Range OobleckEncoder::needed(Range latents, int64_t num_samples) const {
  Range first;
  plan_encode(blocks_, latents, num_samples, first);
  return widen(first, kEndTaps / 2, num_samples);
}

void OobleckEncoder::encode(Context& ctx, const Tensor& moments, const Tensor& audio, Range latents, int64_t num_samples) const {
  const int64_t batch = audio.shape[0], total = latent_len(num_samples);
  require(0 <= latents.begin && latents.begin < latents.end && latents.end <= total, "encode: latents [", latents.begin, ", ", latents.end,
          ") of ", total, "; a sound needs at least ", config_.hop(), " samples");
  Range first;
  const std::vector<BlockPlan> plans = plan_encode(blocks_, latents, num_samples, first);
  const Range given = widen(first, kEndTaps / 2, num_samples);
  require(audio.shape == Shape({batch, given.length(), config_.audio_channels}), "encode: audio is ", audio.shape.str(), ", expected [B, ",
          given.length(), ", ", config_.audio_channels, "]");
  require(batch == 1 || latents.length() == total, "encode: a batch is encoded whole");

  Arena::Scope scope(ctx.arena());
  int64_t numel = batch * first.length() * config_.channels;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    numel = std::max(numel, batch * plans[i].units_in.length() * blocks_[i].channels_in);
    numel = std::max(numel, batch * plans[i].out.length() * blocks_[i].channels_out);
  }
  Signals signals(ctx, numel);

  Signal x = signals.next({batch, first.length(), config_.channels});
  convolve(ctx, x, {audio, {}}, {}, conv_in_, {.offset = kEndTaps / 2 + given.begin - first.begin}, blocks_.front().units[0].snake1);
  probe_channels(ctx, "encoder.layers.0", x.x);
  Range at = first;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    ctx.check_cancelled();
    const OobleckBlock& block = blocks_[i];
    const std::string name = concat("encoder.layers.", i + 1);
    x = run_units(ctx, name, 0, plans[i], block.units, x, signals, block.snake);
    at = plans[i].units_out[2];
    probe_snake(ctx, name + ".layers.3", x.x, block.snake);
    const Signal down = signals.next({batch, plans[i].out.length(), block.channels_out});
    convolve(ctx, down, x, block.snake, block.conv,
             {.stride = block.stride, .offset = block.stride / 2 + at.begin - plans[i].out.begin * block.stride},
             i + 1 < blocks_.size() ? blocks_[i + 1].units[0].snake1 : snake_out_);
    x = down;
    at = plans[i].out;
    probe_channels(ctx, name + ".layers.4", x.x);
    probe_channels(ctx, name, x.x);
  }
  probe_snake(ctx, concat("encoder.layers.", blocks_.size() + 1), x.x, snake_out_);
  convolve(ctx, {moments, {}}, x, snake_out_, conv_out_, {.offset = kMomentTaps / 2 + at.begin - latents.begin}, {});  // [B, n, 2·latent_dim]
  probe_channels(ctx, concat("encoder.layers.", blocks_.size() + 2), moments);
}

}  // namespace ts
