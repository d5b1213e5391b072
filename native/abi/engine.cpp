#include "abi/convert.h"
#include "abi/handles.h"

using namespace ts;
using namespace ts::abi;

namespace {

// Element `index`, or "".
const char* name_at(const std::vector<std::string>& names, uint32_t index) { return index < names.size() ? names[index].c_str() : ""; }

const RecogniserConfig* recogniser_of(const ts_engine* engine) {
  const Recogniser* recogniser = engine ? engine->engine->networks().recogniser.get() : nullptr;
  return recogniser ? &recogniser->config() : nullptr;
}

}  // namespace

extern "C" {

void ts_engine_options_init(ts_engine_options* options) {
  if (!init_struct(options)) return;
  options->device = "auto";
  options->components = TS_COMPONENT_ALL;
}

#undef ts_engine_options_init
TS_API void ts_engine_options_init(ts_engine_options* options) {
  init_earlier_version(options, ts_engine_options_init_2, offsetof(ts_engine_options, progress));
}

ts_status ts_engine_create(const ts_engine_options* given, ts_engine** engine) {
  return guarded([&] {
    require(engine != nullptr, "engine is NULL");
    *engine = nullptr;
    const ts_engine_options known = read_struct(given, ts_engine_options_init_2, "ts_engine_options");
    require(known.precision >= TS_PRECISION_AUTO && known.precision <= TS_PRECISION_FP8, "precision ", known.precision, " is not known");
    require((known.bundle_path != nullptr) != (known.synthetic != nullptr), "give either bundle_path or synthetic");
    EngineOptions options;
    options.precision = known.precision;
    options.bundle_path = text_or_empty(known.bundle_path);
    options.device = known.device ? known.device : "auto";
    if (known.synthetic) options.synthetic = known.synthetic;
    options.num_threads = known.num_threads;
    options.components = known.components;
    options.memory_cap_bytes = known.memory_cap_bytes;
    options.progress = Progress(progress_listener(known.progress, known.user_data));
    *engine = new ts_engine{std::make_shared<Engine>(options)};
  });
}

void ts_engine_destroy(ts_engine* engine) { delete engine; }

void ts_engine_info_init(ts_engine_info* info) { init_struct(info); }

#undef ts_engine_info_init
TS_API void ts_engine_info_init(ts_engine_info* info) {
  // num_classes lies where the first version ended in four bytes of padding.
  init_earlier_version(info, ts_engine_info_init_2, offsetof(ts_engine_info, num_materials));
}

ts_status ts_engine_get_info(ts_engine* engine, ts_engine_info* info) {
  return guarded([&] { write_struct(info, deref(engine, "engine").engine->info(), "ts_engine_info"); });
}

const char* ts_engine_description(ts_engine* engine) { return engine ? engine->engine->bundle().json.c_str() : ""; }

const char* ts_class_name(ts_engine* engine, uint32_t index) {
  const RecogniserConfig* config = recogniser_of(engine);
  return config ? name_at(config->classes, index) : "";
}

const char* ts_material_name(ts_engine* engine, uint32_t index) {
  const RecogniserConfig* config = recogniser_of(engine);
  return config ? name_at(config->materials, index) : "";
}

ts_status ts_get_generate_defaults(ts_engine* engine, ts_generate_options* options) {
  return guarded([&] {
    const GenerateDefaults& given = deref(engine, "engine").engine->bundle().defaults;
    ts_generate_options value;
    ts_generate_options_init_3(&value);
    value.num_steps = uint32_t(given.num_steps.value_or(value.num_steps));
    value.cfg_scale = float(given.cfg_scale.value_or(value.cfg_scale));
    value.scale_phi = float(given.scale_phi.value_or(value.scale_phi));
    value.num_jumps = uint32_t(given.num_jumps.value_or(value.num_jumps));
    value.jump_length = uint32_t(given.jump_length.value_or(value.jump_length));
    write_struct(options, value, "ts_generate_options");
  });
}

ts_status ts_decoded_range(ts_engine* engine, uint32_t latent_begin, uint32_t latent_end, uint32_t latent_len, uint64_t* sample_begin,
                           uint64_t* sample_end) {
  return guarded([&] {
    require(sample_begin != nullptr && sample_end != nullptr, "sample_begin or sample_end is NULL");
    require(latent_begin < latent_end && latent_end <= latent_len, "latents ", latent_begin, " … ", latent_end, " of ", latent_len);
    const Networks& networks = deref(engine, "engine").engine->networks();
    const Range samples = networks.need(networks.decoder, "vae", "turn latents into sound").samples_of({latent_begin, latent_end}, latent_len);
    *sample_begin = uint64_t(samples.begin);
    *sample_end = uint64_t(samples.end);
  });
}

ts_status ts_encoded_range(ts_engine* engine, uint64_t sample_begin, uint64_t sample_end, uint64_t num_samples, uint32_t* latent_begin,
                           uint32_t* latent_end) {
  return guarded([&] {
    require(latent_begin != nullptr && latent_end != nullptr, "latent_begin or latent_end is NULL");
    require(sample_begin < sample_end && sample_end <= num_samples && num_samples <= (uint64_t(1) << 32), "samples ", sample_begin, " … ",
            sample_end, " of ", num_samples);
    const Networks& networks = deref(engine, "engine").engine->networks();
    const AudioEncoder& encoder = networks.need(networks.encoder, "vae encoder", "encode sound");
    const int64_t padded = (int64_t(num_samples) + encoder.hop() - 1) / encoder.hop() * encoder.hop();
    const Range latents = encoder.latents_of({int64_t(sample_begin), int64_t(sample_end)}, padded);
    *latent_begin = uint32_t(latents.begin);
    *latent_end = uint32_t(latents.end);
  });
}

void ts_lengths_init(ts_lengths* lengths) { init_struct(lengths); }

ts_status ts_get_lengths(ts_engine* engine, double duration_s, ts_length_rule rule, ts_lengths* lengths) {
  return guarded([&] {
    Engine& loaded = *deref(engine, "engine").engine;
    const Lengths found = lengths_for(duration_s, rule, loaded.bundle().sample_rate, loaded.hop());
    ts_lengths value{};
    value.latent_len = uint32_t(found.latent);
    value.clip_len = uint32_t(found.clip);
    value.sync_len = uint32_t(found.sync);
    value.num_sync_frames = uint32_t(found.sync_frames);
    value.num_samples = uint64_t(found.samples);
    write_struct(lengths, value, "ts_lengths");
  });
}

void ts_memory_plan_init(ts_memory_plan* plan) { init_struct(plan); }

#undef ts_memory_plan_init
TS_API void ts_memory_plan_init(ts_memory_plan* plan) {
  init_earlier_version(plan, ts_memory_plan_init_2, offsetof(ts_memory_plan, recognise_bytes));
}

ts_status ts_plan_memory(ts_engine* engine, const ts_generate_options* options, ts_memory_plan* plan) {
  return guarded([&] {
    const std::shared_ptr<Engine> loaded = deref(engine, "engine").engine;
    write_struct(plan, Session(loaded).plan_memory(read_options(options)), "ts_memory_plan");
  });
}

ts_status ts_tokenize(ts_engine* engine, ts_text_encoder encoder, const char* text, int32_t* ids, uint32_t capacity, uint32_t* num_tokens,
                      uint64_t* kept_bytes) {
  return guarded([&] {
    require(text != nullptr, "text is NULL");
    require(num_tokens != nullptr, "num_tokens is NULL");
    const Tokens tokens = deref(engine, "engine").engine->networks().tokenize(encoder, text);
    *num_tokens = uint32_t(tokens.num_tokens);
    if (kept_bytes) *kept_bytes = tokens.kept_bytes;
    if (!ids) return;
    if (capacity < tokens.ids.size())
      fail(TS_BUFFER_TOO_SMALL, "ids: ", tokens.ids.size(), " are needed, there is room for ", capacity);
    std::copy(tokens.ids.begin(), tokens.ids.end(), ids);
  });
}

}  // extern "C"
