#include "ops/memory.h"

#include <vector>

#include "ops/checks.h"
#include "ops/table.h"

namespace ts {
namespace {

// `bytes` of a tensor whose shape may come from a file.
int64_t checked_bytes(DType dtype, const Shape& shape) {
  int64_t bytes = int64_t(size_of(dtype));
  for (int64_t dim : shape.dims())
    if (__builtin_mul_overflow(bytes, dim, &bytes)) fail(TS_OUT_OF_MEMORY, "memory: ", shape.str(), " of ", name_of(dtype), " exceeds any memory");
  return bytes;
}

}  // namespace

Buffer allocate_buffer(const OperatorTable& table, DType dtype, Shape shape) {
  const int64_t bytes = checked_bytes(dtype, shape);
  void* memory = table.allocate(bytes > 0 ? bytes : 1);  // never null, so that an empty buffer still tests true
  if (!memory)
    fail(TS_OUT_OF_MEMORY, "memory: ", bytes >> 20, " MiB for a tensor ", shape.str(), " of ", name_of(dtype),
         " could not be allocated on the ", table.name, " device");
  return {std::shared_ptr<void>(memory, table.release), dtype, shape};
}

Buffer make_buffer(const OperatorTable& table, const Tensor& host, DType dtype) {
  const bool narrows = host.dtype == DType::f32 && dtype != DType::f32 && is_product_type(dtype);
  require(narrows || host.dtype == dtype, "memory: cannot convert ", name_of(host.dtype), " to ", name_of(dtype));
  Buffer buffer = allocate_buffer(table, dtype, host.shape);
  if (host.numel() == 0) return buffer;
  if (!narrows) {
    table.copy_to_device(buffer.tensor().data, host.data, host.bytes());
  } else {
    std::vector<uint16_t> values(size_t(host.numel()));
    const float* wide = host.as<float>();
    for (size_t i = 0; i < values.size(); ++i) values[i] = dtype == DType::bf16 ? to_bf16(wide[i]).bits : to_f16_saturated(wide[i]).bits;
    table.copy_to_device(buffer.tensor().data, values.data(), buffer.tensor().bytes());
  }
  finish(table);  // any thread may read it next
  return buffer;
}

void finish(const OperatorTable& table) {
  if (table.finish) table.finish();
}

namespace ops {
namespace {

// A run that only plans has no host memory to copy from or to yet.
void check_copy(const Context& ctx, const char* op, const Tensor& device, const Tensor& host) {
  const check::Arguments args(op);
  args.present("device", device);
  args.require(ctx.planning() || host || host.numel() == 0, "host is missing");  // planning copies to nowhere
  args.require(host.dtype == device.dtype, "host holds ", name_of(host.dtype), ", the device ", name_of(device.dtype));
  args.require(host.numel() == device.numel(), "host is ", host.shape.str(), ", device is ", device.shape.str());
}

}  // namespace

void upload(Context& ctx, const Tensor& device, const Tensor& host) {
  check_copy(ctx, "upload", device, host);
  if (ctx.planning() || host.numel() == 0) return;
  ctx.table().copy_to_device(device.data, host.data, host.bytes());
}

void download(Context& ctx, const Tensor& host, const Tensor& device) {
  check_copy(ctx, "download", device, host);
  if (ctx.planning() || host.numel() == 0) return;
  ctx.table().copy_to_host(host.data, device.data, host.bytes());
}

void fill(Context& ctx, const Tensor& y, float value) {
  check::Arguments("fill").real("y", y);
  ctx.table().fill(ctx, y, value);
}

}  // namespace ops
}  // namespace ts
