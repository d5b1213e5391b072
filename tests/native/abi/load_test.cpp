// Creating an engine: told how far it is, cancelled at any tensor, refused by the memory cap before anything is read.
#include <algorithm>
#include <cstring>

#include "abi/tiny_engine.h"
#include "ops/backends.h"
#include "skip.h"

namespace {

// Remembers what it was told; cancels at call number `cancel_at`, from 0.
struct Listener {
  int cancel_at = -1;
  std::vector<uint32_t> steps;
  bool stages_are_load = true, counts_are_1000 = true;

  static int32_t report(void* user_data, ts_stage stage, uint32_t step, uint32_t num_steps) {
    auto* self = static_cast<Listener*>(user_data);
    self->stages_are_load = self->stages_are_load && stage == TS_STAGE_LOAD;
    self->counts_are_1000 = self->counts_are_1000 && num_steps == 1000;
    self->steps.push_back(step);
    return int(self->steps.size()) - 1 == self->cancel_at;
  }
};

class Loading {
 public:
  Loading() { bundle_ = folder_.write("bundle.json", ts::test::tiny_bundle_json()); }

  ts_status create(Listener& listener, const char* synthetic = nullptr, uint64_t memory_cap_bytes = 0) {
    ts_engine_options options;
    ts_engine_options_init(&options);
    options.synthetic = synthetic ? synthetic : bundle_.c_str();
    options.device = "cpu";
    options.num_threads = 1;
    options.memory_cap_bytes = memory_cap_bytes;
    options.progress = Listener::report;
    options.user_data = &listener;
    ts_engine_destroy(engine);
    engine = reinterpret_cast<ts_engine*>(this);  // must be overwritten, whatever comes
    const ts_status status = ts_engine_create(&options, &engine);
    if (status != TS_OK) CHECK(engine == nullptr);
    return status;
  }
  ~Loading() { ts_engine_destroy(engine); }

  ts_engine* engine = nullptr;

 private:
  ts::test::TempFolder folder_;
  std::string bundle_;
};

}  // namespace

TEST_CASE("load: progress rises from nothing to all, told after every tensor") {
  Loading loading;
  Listener listener;
  REQUIRE(loading.create(listener) == TS_OK);
  CHECK(listener.stages_are_load);
  CHECK(listener.counts_are_1000);
  REQUIRE(listener.steps.size() > 100);  // the tiny model has more tensors than that
  CHECK(listener.steps.front() == 0);
  for (size_t i = 1; i < listener.steps.size(); ++i) CHECK(listener.steps[i] >= listener.steps[i - 1]);
  CHECK(listener.steps.back() == 1000);
  // The parameters counted beforehand are those that were loaded: the last tensor fills them up.
  CHECK(listener.steps[listener.steps.size() - 2] == 999);
  CHECK(listener.steps[listener.steps.size() - 3] < 1000);
}

TEST_CASE("load: cancelled at any tensor it ends there, and a sanitizer finds nothing left") {
  Loading loading;
  Listener all;
  REQUIRE(loading.create(all) == TS_OK);
  for (int at = 0; at < int(all.steps.size()); ++at) {
    Listener listener{.cancel_at = at, .steps = {}};
    CHECK(loading.create(listener) == TS_CANCELLED);
    CHECK(int(listener.steps.size()) == at + 1);
  }
  CHECK(std::string(ts_last_error()) == "cancelled by the caller");
  Listener again;
  CHECK(loading.create(again) == TS_OK);
}

TEST_CASE("load: a model of published size, cancelled early, has loaded no more than was told") {
  Loading loading;
  Listener listener{.cancel_at = 3, .steps = {}};
  CHECK(loading.create(listener, "published") == TS_CANCELLED);
  CHECK(listener.steps.size() == 4);
  CHECK(listener.steps.back() < 10);  // under a hundredth of 3.7 billion parameters
}

TEST_CASE("load: the memory cap is asked before anything is read, and says what is needed") {
  Loading loading;
  Listener listener;
  CHECK(loading.create(listener, "published", 1'000'000'000) == TS_OUT_OF_MEMORY);
  CHECK(listener.steps.empty());
  const std::string message = ts_last_error();
  // 3.76 billion parameters in two bytes, or in four where the device has no bf16 products.
  const bool says_need = message.find("the model needs 7529") != std::string::npos || message.find("the model needs 15058") != std::string::npos;
  CHECK_MESSAGE(says_need, message);
  CHECK_MESSAGE(message.find("the cap is 1000 MB") != std::string::npos, message);
  CHECK_MESSAGE(message.find("its components in MB: mmdit ") != std::string::npos, message);
  CHECK_MESSAGE(message.find("what would fit") == std::string::npos, message);
}

TEST_CASE("load: a model that would fit in bf16 says so") {
  ts_engine_options options;
  ts_engine_options_init(&options);
  options.synthetic = "published";
  options.device = "cpu";
  options.precision = TS_PRECISION_F32;
  options.memory_cap_bytes = 8'000'000'000;
  ts_engine* engine = nullptr;
  CHECK(ts_engine_create(&options, &engine) == TS_OUT_OF_MEMORY);
  const std::string message = ts_last_error();
  CHECK_MESSAGE(message.find("what would fit: precision bf16, 7529") != std::string::npos, message);
}

namespace {

// A tiny model on `device`; its weights' bytes and the precision that it says, or the error.
struct Loaded {
  ts_status status;
  uint64_t bytes = 0;
  std::string precision, message;
};
Loaded load(const char* device, ts_precision precision) {
  ts::test::TempFolder folder;
  const std::string bundle = folder.write("bundle.json", ts::test::tiny_bundle_json());
  ts_engine_options options;
  ts_engine_options_init(&options);
  options.synthetic = bundle.c_str();
  options.device = device;
  options.precision = precision;
  options.num_threads = 1;
  ts_engine* engine = nullptr;
  Loaded loaded{ts_engine_create(&options, &engine), 0, "", ts_last_error()};
  if (!engine) return loaded;
  ts_engine_info info;
  ts_engine_info_init(&info);
  CHECK(ts_engine_get_info(engine, &info) == TS_OK);
  loaded.bytes = info.weights_bytes;
  loaded.precision = info.precision;
  ts_engine_destroy(engine);
  return loaded;
}

}  // namespace

TEST_CASE("load: every precision says what it is, and takes the memory that it should") {
  const Loaded f32 = load("cpu:plain", TS_PRECISION_F32), bf16 = load("cpu:plain", TS_PRECISION_BF16);
  const Loaded f16 = load("cpu:plain", TS_PRECISION_F16), int8 = load("cpu:plain", TS_PRECISION_INT8);
  CHECK(f32.precision == "f32");
  CHECK(bf16.precision == "bf16");
  CHECK(f16.precision == "f16");
  CHECK(int8.precision == "int8");
  CHECK(f16.bytes == bf16.bytes);
  CHECK(2 * bf16.bytes < f32.bytes + f32.bytes / 10);    // norms and biases stay f32
  CHECK(3 * int8.bytes < 2 * bf16.bytes);                // and so do scales, which weigh much beside such small matrices
}

TEST_CASE("load: a precision that the device has not is refused with those that it has") {
  const Loaded unknown = load("cpu:plain", 99);
  CHECK(unknown.status == TS_INVALID_ARGUMENT);
  CHECK(unknown.message == "precision 99 is not known");
  if (load("cpu", TS_PRECISION_F16).status == TS_OK) return;  // built without the CPU's own backend, "cpu" is plain
  for (const auto& [precision, message] : {std::pair<ts_precision, const char*>{TS_PRECISION_F16, "precision f16: device cpu has no products of f16; take f32 or bf16"},
                                           {TS_PRECISION_INT8, "precision int8: device cpu has no weights of 8 bits; take f32 or bf16"},
                                           {TS_PRECISION_FP8, "precision fp8: device cpu ("}}) {
    const Loaded refused = load("cpu", precision);
    CHECK(refused.status == TS_DEVICE_ERROR);
    CHECK_MESSAGE(refused.message.starts_with(message), refused.message);
  }
}

TEST_CASE("load: fp8 is refused by name and capability of a device that has it not") {
  ts::OperatorTable table = ts::plain_table();
  ts::Device device;
  device.id = "cuda:0";
  device.name = "A Card";
  device.table = &table;
  device.capability = "8.6";
  CHECK_THROWS_WITH_AS(ts::precision_of(TS_PRECISION_FP8, device),
                       "precision fp8: device cuda:0 (A Card, compute capability 8.6) has no products of 8-bit floats, which GPUs of compute capability 8.9 or "
                       "later have; take bf16 or int8", ts::Error);
  const Loaded plain = load("cpu:plain", TS_PRECISION_FP8);
  CHECK(plain.status == TS_DEVICE_ERROR);
  CHECK_MESSAGE(plain.message.starts_with("precision fp8: device cpu:plain ("), plain.message);
  CHECK_MESSAGE(plain.message.ends_with("take bf16 or int8"), plain.message);
  table.has_fp8 = true;
  const ts::Precision fp8 = *ts::precision_of(TS_PRECISION_FP8, device);
  CHECK(fp8.name() == "fp8");
  CHECK(fp8.product == ts::DType::bf16);
}

TEST_CASE("load: fp8 takes the memory of a byte a weight in blocks, two elsewhere") {
  const ts::Device& gpu = ts::test::gpu();
  if (!gpu.table || !gpu.table->has_fp8) TS_SKIP("no GPU of compute capability 8.9 or later");
  const Loaded bf16 = load(gpu.id.c_str(), TS_PRECISION_BF16), int8 = load(gpu.id.c_str(), TS_PRECISION_INT8);
  const Loaded fp8 = load(gpu.id.c_str(), TS_PRECISION_FP8);
  CHECK(fp8.precision == "fp8");
  CHECK(fp8.bytes < bf16.bytes);
  CHECK(fp8.bytes > int8.bytes);
}

// What programs were built with before these structs grew.
#undef ts_engine_options_init
#undef ts_engine_info_init
#undef ts_memory_plan_init
#undef ts_frames_init
extern "C" void ts_engine_options_init(ts_engine_options* options);
extern "C" void ts_engine_info_init(ts_engine_info* info);
extern "C" void ts_memory_plan_init(ts_memory_plan* plan);
extern "C" void ts_frames_init(ts_frames* frames);

namespace {

// A struct among garbage, as its first version initialises it: nothing beyond `size` is touched.
template <class Struct>
Struct of_first_version(void (*init)(Struct*), size_t size) {
  Struct value;
  std::memset(&value, 0x5A, sizeof value);
  init(&value);
  CHECK(value.struct_size == size);
  const auto* bytes = reinterpret_cast<const unsigned char*>(&value);
  CHECK(std::all_of(bytes + size, bytes + sizeof value, [](unsigned char byte) { return byte == 0x5A; }));
  return value;
}

}  // namespace

TEST_CASE("load: programs of the first version of a struct keep its size") {
  ts_engine_options options = of_first_version(ts_engine_options_init, offsetof(ts_engine_options, progress));
  CHECK(std::string(options.device) == "auto");
  // The garbage beyond is not taken for a callback.
  ts::test::TempFolder folder;
  const std::string bundle = folder.write("bundle.json", ts::test::tiny_bundle_json());
  options.synthetic = bundle.c_str();
  options.device = "cpu:plain";
  ts_engine* engine = nullptr;
  REQUIRE(ts_engine_create(&options, &engine) == TS_OK);

  ts_engine_info info = of_first_version(ts_engine_info_init, offsetof(ts_engine_info, num_materials));
  CHECK(ts_engine_get_info(engine, &info) == TS_OK);
  CHECK(std::string(info.name) == "tiny");
  CHECK(info.num_materials == 0x5A5A5A5A);

  ts_memory_plan plan = of_first_version(ts_memory_plan_init, offsetof(ts_memory_plan, recognise_bytes));
  ts_generate_options request;
  ts_generate_options_init(&request);
  CHECK(ts_plan_memory(engine, &request, &plan) == TS_OK);
  CHECK(plan.total_bytes == plan.weights_bytes + plan.arena_bytes);
  CHECK(plan.recognise_bytes == 0x5A5A5A5A5A5A5A5Au);

  ts_frames frames = of_first_version(ts_frames_init, offsetof(ts_frames, format));
  const uint8_t pixel[] = {1, 2, 3};
  frames.pixels = pixel;
  frames.num_frames = frames.width = frames.height = 1;
  ts_session* session = nullptr;
  REQUIRE(ts_session_create(engine, &session) == TS_OK);
  std::vector<float> features(info.clip_dim);
  CHECK(ts_encode_clip_frames(session, &frames, nullptr, nullptr, features.data(), features.size()) == TS_OK);  // of RGB
  ts_session_destroy(session);
  ts_engine_destroy(engine);
}
