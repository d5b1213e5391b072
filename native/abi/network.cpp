#include <nlohmann/json.hpp>

#include "abi/guard.h"
#include "runtime/network.h"
#include "runtime/thread_pool.h"

using namespace ts;
using namespace ts::abi;

// Everything that one network stands on, in the order in which it has to live.
struct ts_network {
  ThreadPool pool;
  MemoryBudget budget;
  std::unique_ptr<WeightSource> source;
  std::unique_ptr<Network> network;
};

namespace {

constexpr DType kPublicDTypes[] = {DType::f32, DType::f64, DType::f16, DType::bf16, DType::i64, DType::i32, DType::i16, DType::u8};

ts_dtype public_dtype(DType dtype) {
  for (ts_dtype i = 0; i < ts_dtype(std::size(kPublicDTypes)); ++i)
    if (kPublicDTypes[i] == dtype) return i;
  fail(TS_INTERNAL, "no public name for ", name_of(dtype));
}

void add_input(Inputs& inputs, const ts_tensor* given) {
  const ts_tensor known = read_struct(given, ts_tensor_init, "ts_tensor");
  require(known.name != nullptr && known.data != nullptr, "an input tensor has no name or no data");
  require(known.dtype >= 0 && size_t(known.dtype) < std::size(kPublicDTypes), "input ", known.name, ": dtype ", known.dtype, " is not known");
  require(known.rank <= uint32_t(Shape::kMaxRank), "input ", known.name, " has ", known.rank, " axes, at most ", Shape::kMaxRank);
  Shape shape;
  int64_t numel = 1;
  for (uint32_t axis = 0; axis < known.rank; ++axis) {
    require(known.shape[axis] > 0 && !__builtin_mul_overflow(numel, known.shape[axis], &numel) && numel <= (int64_t(1) << 34), "input ",
            known.name, ": axis ", axis, " of length ", known.shape[axis]);
    shape.push_back(known.shape[axis]);
  }
  inputs.add(known.name, Tensor(const_cast<void*>(known.data), kPublicDTypes[known.dtype], shape));
}

Outputs outputs_to(ts_tensor_fn listener, void* user_data) {
  if (!listener) return [](const std::string&, const Tensor&, bool) {};
  return [listener, user_data](const std::string& name, const Tensor& tensor, bool is_output) {
    ts_tensor value;
    ts_tensor_init(&value);
    value.dtype = public_dtype(tensor.dtype);
    value.name = name.c_str();
    value.data = tensor.data;
    value.rank = uint32_t(tensor.shape.rank());
    for (int axis = 0; axis < tensor.shape.rank(); ++axis) value.shape[axis] = tensor.shape[axis];
    if (listener(user_data, &value, is_output) != 0) fail(TS_CANCELLED, "cancelled by the caller");
  };
}

std::unique_ptr<WeightSource> open_sources(const ts_network_options& options) {
  if (options.num_sources == 0) return nullptr;
  require(options.sources != nullptr, "sources is NULL");
  require(options.num_sources <= 4096, options.num_sources, " weight sources");
  const uint32_t size = options.sources->struct_size;  // of one element of the caller's array
  require(size >= sizeof(ts_weight_source), "ts_weight_source.struct_size is ", size, ": call ts_weight_source_init first");
  std::map<std::string, std::shared_ptr<const SafetensorsFile>> files;
  std::vector<WeightFile> list;
  for (uint32_t i = 0; i < options.num_sources; ++i) {
    const auto* given = reinterpret_cast<const ts_weight_source*>(reinterpret_cast<const char*>(options.sources) + size_t(i) * size);
    const ts_weight_source source = read_struct(given, ts_weight_source_init, "ts_weight_source");
    require(source.path != nullptr, "a weight source has no path");
    auto& file = files[source.path];
    if (!file) file = std::make_shared<SafetensorsFile>(source.path);
    list.push_back({file, text_or_empty(source.prefix)});
  }
  return open_weights(std::move(list));
}

void ignore_lines(WeightSource& source, const std::string& lines) {
  for (size_t begin = 0; begin < lines.size();) {
    const size_t end = std::min(lines.find('\n', begin), lines.size());
    if (end > begin) source.ignore(lines.substr(begin, end - begin));
    begin = end + 1;
  }
}

}  // namespace

extern "C" {

void ts_tensor_init(ts_tensor* tensor) { init_struct(tensor); }

void ts_weight_source_init(ts_weight_source* source) { init_struct(source); }

void ts_network_options_init(ts_network_options* options) {
  if (!init_struct(options)) return;
  options->precision = TS_PRECISION_F32;
  options->device = "auto";
}

ts_status ts_network_create(const ts_network_options* given, ts_network** network) {
  return guarded([&] {
    require(network != nullptr, "network is NULL");
    *network = nullptr;
    const ts_network_options options = read_struct(given, ts_network_options_init, "ts_network_options");
    require(options.kind != nullptr, "kind is NULL");
    const Device& device = *choose_device(options.device ? options.device : "auto").device;
    const Precision precision = precision_of(options.precision, device).value_or(Precision());
    auto created = std::unique_ptr<ts_network>(new ts_network{ThreadPool(int(std::min<uint32_t>(options.num_threads, 1024))), MemoryBudget(),
                                                              open_sources(options), nullptr});
    if (created->source) ignore_lines(*created->source, text_or_empty(options.ignore));
    created->network = create_network(options.kind, options.config ? options.config : "{}", created->source.get(),
                                      {*device.table, created->pool, precision, created->budget});
    *network = created.release();
  });
}

void ts_network_destroy(ts_network* network) { delete network; }

ts_status ts_network_run(ts_network* network, const char* function, const char* settings, const ts_tensor* inputs, uint32_t num_inputs,
                         int32_t probe_all, ts_tensor_fn tensor, void* user_data) {
  return guarded([&] {
    Network& loaded = *deref(network, "network").network;
    require(function != nullptr, "function is NULL");
    const nlohmann::json json = parse_json(settings ? settings : "{}", "settings", TS_INVALID_ARGUMENT);
    Inputs given;
    require(inputs != nullptr || num_inputs == 0, "inputs is NULL");
    for (uint32_t i = 0; i < num_inputs; ++i) {
      const uint32_t size = inputs->struct_size;
      require(size >= sizeof(ts_tensor), "ts_tensor.struct_size is ", size, ": call ts_tensor_init first");
      add_input(given, reinterpret_cast<const ts_tensor*>(reinterpret_cast<const char*>(inputs) + size_t(i) * size));
    }
    loaded.run(function, JsonObject(json, "settings", TS_INVALID_ARGUMENT), given, probe_all != 0, outputs_to(tensor, user_data));
  });
}

}  // extern "C"
