#include "abi/convert.h"
#include "abi/handles.h"
#include "pipeline/listen.h"

using namespace ts;
using namespace ts::abi;

namespace {

const Networks& networks_of(Session& session) { return session.engine().networks(); }

void check_capacity(uint64_t needed, uint64_t capacity, const char* name) {
  if (capacity < needed) fail(TS_BUFFER_TOO_SMALL, name, ": ", needed, " floats are needed, there is room for ", capacity);
}

// Conditions and options as one, since latents are as long as the duration says.
struct Request {
  Request(Session& session, const ts_conditions* given_conditions, const ts_generate_options* given_options)
      : options(read_options(given_options)),
        lengths(lengths_for(options.duration_s, options.lengths, session.engine().bundle().sample_rate, session.engine().hop())),
        conditions(read_conditions(given_conditions, networks_of(session), lengths.latent)) {
    read_latents(options, given_options, networks_of(session), lengths.latent);
  }
  GenerateOptions options;
  Lengths lengths;
  Conditions conditions;
};

// Copies finished blocks into planar audio [2, num_samples].
PcmSink planar_sink(float* audio, int64_t num_samples, ts_pcm_fn pcm = nullptr, void* user_data = nullptr) {
  return [=](std::span<float> left, std::span<float> right, int64_t offset) {
    if (audio) {
      std::copy(left.begin(), left.end(), audio + offset);
      std::copy(right.begin(), right.end(), audio + num_samples + offset);
    }
    if (pcm && pcm(user_data, left.data(), right.data(), uint64_t(offset), left.size()) != 0) fail(TS_CANCELLED, "cancelled by the caller");
  };
}

void copy_latent(const std::vector<float>& rows, int64_t latent_dim, float* latent) {
  const std::vector<float> columns = transposed(rows, int64_t(rows.size()) / latent_dim, latent_dim);
  std::copy(columns.begin(), columns.end(), latent);
}

}  // namespace

extern "C" {

ts_status ts_session_create(ts_engine* engine, ts_session** session) {
  return guarded([&] {
    require(session != nullptr, "session is NULL");
    *session = nullptr;
    *session = new ts_session{std::make_shared<Session>(deref(engine, "engine").engine)};
  });
}

void ts_session_destroy(ts_session* session) {
  if (!session) return;
  // A job keeps the session alive and goes on; only a synchronous call is waited for.
  guarded([&] { session->session->close(); });
  delete session;
}

void ts_session_cancel(ts_session* session) {
  if (session) session->session->cancel();
}

void ts_conditions_init(ts_conditions* conditions) { init_struct(conditions); }

void ts_generate_options_init(ts_generate_options* options) {
  if (!init_struct(options)) return;
  const GenerateOptions defaults;
  options->num_steps = uint32_t(defaults.num_steps);
  options->cfg_scale = defaults.cfg_scale;
  options->scale_phi = defaults.scale_phi;
  options->duration_s = defaults.duration_s;
  options->seed = defaults.seed;
  options->sampler = defaults.sampler;
  options->lengths = defaults.lengths;
  options->sigma_max = defaults.sigma_max;
  options->num_jumps = uint32_t(defaults.num_jumps);
  options->jump_length = uint32_t(defaults.jump_length);
  options->num_candidates = uint32_t(defaults.num_candidates);
}

#undef ts_generate_options_init
TS_API void ts_generate_options_init(ts_generate_options* options) {
  init_earlier_version(options, ts_generate_options_init_3, offsetof(ts_generate_options, known_latent));
}
TS_API void ts_generate_options_init_2(ts_generate_options* options) {
  init_earlier_version(options, ts_generate_options_init_3, offsetof(ts_generate_options, num_candidates));
}

void ts_frames_init(ts_frames* frames) { init_struct(frames); }

#undef ts_frames_init
TS_API void ts_frames_init(ts_frames* frames) {
  init_earlier_version(frames, ts_frames_init_2, offsetof(ts_frames, format));
}

ts_status ts_generate(ts_session* handle, const ts_conditions* conditions, const ts_generate_options* options, ts_progress_fn progress,
                      void* user_data, float* audio, uint64_t capacity, uint64_t* num_samples) {
  return guarded([&] {
    require(num_samples != nullptr, "num_samples is NULL");
    const std::shared_ptr<Session> session = deref(handle, "session").session;
    const Request request(*session, conditions, options);
    const Lengths lengths = session->check(request.conditions, request.options);
    *num_samples = uint64_t(lengths.samples);
    if (!audio) return;
    check_capacity(2 * uint64_t(lengths.samples), capacity, "audio");
    const Session::Busy busy(*session);
    session->generate(busy, request.conditions, request.options, Progress(progress_listener(progress, user_data)),
                      planar_sink(audio, lengths.samples));
  });
}

ts_status ts_encode_clip_frames(ts_session* handle, const ts_frames* frames, ts_progress_fn progress, void* user_data, float* features,
                                uint64_t capacity) {
  return guarded([&] {
    const std::shared_ptr<Session> session = deref(handle, "session").session;
    const Frames source = read_frames(frames);
    require(features != nullptr, "features is NULL");
    const uint64_t needed = uint64_t(source.count) * session->engine().info().clip_dim;
    check_capacity(needed, capacity, "features");
    const Session::Busy busy(*session);
    session->encode_clip_frames(busy, source, Progress(progress_listener(progress, user_data)), {features, size_t(needed)});
  });
}

ts_status ts_encode_sync_frames(ts_session* handle, const ts_frames* frames, ts_progress_fn progress, void* user_data, float* features,
                                uint64_t capacity) {
  return guarded([&] {
    const std::shared_ptr<Session> session = deref(handle, "session").session;
    const Frames source = read_frames(frames);
    require(features != nullptr, "features is NULL");
    const Networks& networks = networks_of(*session);
    const uint64_t rows = uint64_t(num_sync_features(networks.need(networks.synchformer, "synchformer", "follow the picture's timing"), source.count));
    require(rows > 0, source.count, " frames are too few for one segment");
    const uint64_t needed = rows * session->engine().info().sync_dim;
    check_capacity(needed, capacity, "features");
    const Session::Busy busy(*session);
    session->encode_sync_frames(busy, source, Progress(progress_listener(progress, user_data)), {features, size_t(needed)});
  });
}

ts_status ts_encode_text(ts_session* handle, ts_text_encoder encoder, const char* text, float* features, uint64_t capacity) {
  return guarded([&] {
    const std::shared_ptr<Session> session = deref(handle, "session").session;
    require(text != nullptr, "text is NULL");
    require(features != nullptr, "features is NULL");
    const Session::Busy busy(*session);
    const std::vector<float> rows = session->encode_text(busy, encoder, text);
    check_capacity(rows.size(), capacity, "features");
    std::copy(rows.begin(), rows.end(), features);
  });
}

ts_status ts_recognise(ts_session* handle, const float* clip_features, uint32_t num_clip, const float* sync_features, uint32_t num_sync,
                       float* classes, uint64_t classes_capacity, float* materials, uint64_t materials_capacity, float* onsets,
                       uint64_t onsets_capacity) {
  return guarded([&] {
    const std::shared_ptr<Session> session = deref(handle, "session").session;
    const Networks& networks = networks_of(*session);
    const RecogniserConfig& config = networks.need(networks.recogniser, "recogniser", "recognise what is seen").config();
    const std::vector<float> clip = copy_rows(clip_features, num_clip, config.clip_dim, "clip_features");
    const std::vector<float> sync = copy_rows(sync_features, num_sync, config.sync_dim, "sync_features");
    require(!clip.empty() && !sync.empty(), "recognising takes a row of clip_features and one of sync_features at least");
    if (classes) check_capacity(uint64_t(config.num_classes()), classes_capacity, "classes");
    if (materials) check_capacity(uint64_t(config.num_materials()), materials_capacity, "materials");
    if (onsets) check_capacity(uint64_t(num_sync) * uint64_t(config.onsets_per_step), onsets_capacity, "onsets");
    const Session::Busy busy(*session);
    const Recognition result = session->recognise(busy, clip, sync);
    if (classes) std::copy(result.classes.begin(), result.classes.end(), classes);
    if (materials) std::copy(result.materials.begin(), result.materials.end(), materials);
    if (onsets) std::copy(result.onsets.begin(), result.onsets.end(), onsets);
  });
}

ts_status ts_listen(ts_session* handle, const float* latent, uint32_t latent_len, const char* caption, float* fit) {
  return guarded([&] {
    const std::shared_ptr<Session> session = deref(handle, "session").session;
    require(caption != nullptr, "caption is NULL");
    require(fit != nullptr, "fit is NULL");
    const int64_t latent_dim = need_listener(networks_of(*session), "hear how well words fit").config().latent_dim;
    require(latent_len >= 1, "listening takes a latent of a step at least");
    const std::vector<float> rows = transposed(copy_rows(latent, latent_len, latent_dim, "latent"), latent_dim, latent_len);
    const Session::Busy busy(*session);
    *fit = session->listen(busy, rows, caption);
  });
}

ts_status ts_get_fits(ts_session* handle, float* fits, uint32_t capacity, uint32_t* num_candidates, uint32_t* chosen) {
  return guarded([&] {
    require(num_candidates != nullptr, "num_candidates is NULL");
    const Session::Fits last = deref(handle, "session").session->fits();
    *num_candidates = uint32_t(last.fits.size());
    if (chosen) *chosen = uint32_t(last.chosen);
    if (!fits) return;
    check_capacity(last.fits.size(), capacity, "fits");
    std::copy(last.fits.begin(), last.fits.end(), fits);
  });
}

ts_status ts_sample(ts_session* handle, const ts_conditions* conditions, const ts_generate_options* options, ts_progress_fn progress,
                    void* user_data, float* latent, uint64_t capacity) {
  return guarded([&] {
    const std::shared_ptr<Session> session = deref(handle, "session").session;
    require(latent != nullptr, "latent is NULL");
    const Request request(*session, conditions, options);
    const int64_t latent_dim = networks_of(*session).mmdit->config().latent_dim;
    check_capacity(uint64_t(request.lengths.latent * latent_dim), capacity, "latent");
    const Session::Busy busy(*session);
    copy_latent(session->sample(busy, request.conditions, request.options, Progress(progress_listener(progress, user_data))), latent_dim, latent);
  });
}

void ts_edit_options_init(ts_edit_options* options) {
  if (!init_struct(options)) return;
  const EditOptions defaults;
  options->num_steps = uint32_t(defaults.num_steps);
  options->num_target_steps = uint32_t(defaults.num_target_steps);
  options->num_averages = uint32_t(defaults.num_averages);
  options->source_cfg_scale = defaults.source_cfg_scale;
  options->target_cfg_scale = defaults.target_cfg_scale;
  options->lengths = defaults.lengths;
  options->duration_s = defaults.duration_s;
  options->seed = defaults.seed;
}

ts_status ts_edit_latent(ts_session* handle, const ts_conditions* source, const ts_conditions* target, const ts_edit_options* given,
                         ts_progress_fn progress, void* user_data, float* latent, uint64_t capacity) {
  return guarded([&] {
    const std::shared_ptr<Session> session = deref(handle, "session").session;
    require(latent != nullptr, "latent is NULL");
    const Networks& networks = networks_of(*session);
    EditOptions options = read_options(given);
    const Lengths lengths = lengths_for(options.duration_s, options.lengths, session->engine().bundle().sample_rate, session->engine().hop());
    read_latents(options, given, networks, lengths.latent);
    const Conditions from = read_conditions(source, networks, lengths.latent), to = read_conditions(target, networks, lengths.latent);
    const int64_t latent_dim = networks.mmdit->config().latent_dim;
    check_capacity(uint64_t(lengths.latent * latent_dim), capacity, "latent");
    const Session::Busy busy(*session);
    copy_latent(session->edit(busy, from, to, options, Progress(progress_listener(progress, user_data))), latent_dim, latent);
  });
}

ts_status ts_decode(ts_session* handle, const float* latent, uint32_t latent_len, uint32_t decode_chunk, ts_progress_fn progress,
                    ts_pcm_fn pcm, void* user_data, float* audio, uint64_t capacity) {
  return guarded([&] {
    const std::shared_ptr<Session> session = deref(handle, "session").session;
    require(latent != nullptr && latent_len >= 1 && latent_len <= (1u << 20), "latent is NULL or has ", latent_len, " steps");
    const Networks& networks = networks_of(*session);
    const AudioDecoder& decoder = networks.need(networks.decoder, "vae", "turn latents into sound");
    const int64_t num_samples = int64_t(latent_len) * decoder.hop();
    if (audio) check_capacity(2 * uint64_t(num_samples), capacity, "audio");
    const std::vector<float> rows = transposed({latent, size_t(latent_len) * size_t(decoder.latent_dim())}, decoder.latent_dim(), latent_len);
    const Session::Busy busy(*session);
    session->decode(busy, rows, decode_chunk, Progress(progress_listener(progress, user_data)), planar_sink(audio, num_samples, pcm, user_data));
  });
}

ts_status ts_decode_stream_create(ts_session* handle, uint32_t decode_chunk, ts_decode_stream** stream) {
  return guarded([&] {
    require(stream != nullptr, "stream is NULL");
    *stream = nullptr;
    const std::shared_ptr<Session> session = deref(handle, "session").session;
    *stream = new ts_decode_stream{session, session->open_decode_stream(decode_chunk)};
  });
}

void ts_decode_stream_destroy(ts_decode_stream* stream) { delete stream; }

ts_status ts_decode_stream_push(ts_decode_stream* handle, const float* latent, uint32_t latent_len, int32_t is_last, ts_progress_fn progress,
                                ts_pcm_fn pcm, void* user_data) {
  return guarded([&] {
    ts_decode_stream& stream = deref(handle, "stream");
    require((latent != nullptr || latent_len == 0) && latent_len <= (1u << 20), "latent is NULL or has ", latent_len, " steps");
    const int64_t latent_dim = networks_of(*stream.session).decoder->latent_dim();
    const std::vector<float> rows = transposed({latent, size_t(latent_len) * size_t(latent_dim)}, latent_dim, latent_len);
    const Session::Busy busy(*stream.session);
    stream.session->decode(busy, stream.stream, rows, is_last != 0, Progress(progress_listener(progress, user_data)),
                           planar_sink(nullptr, 0, pcm, user_data));
  });
}

ts_status ts_encode_audio(ts_session* handle, const float* audio, uint32_t num_channels, uint64_t num_samples, uint32_t sample_rate,
                          uint64_t seed, ts_progress_fn progress, void* user_data, float* latent, uint64_t capacity, uint32_t* latent_len) {
  return guarded([&] {
    const std::shared_ptr<Session> session = deref(handle, "session").session;
    require(latent_len != nullptr, "latent_len is NULL");
    require(audio != nullptr && num_channels >= 1 && num_channels <= 64 && num_samples >= 1 && num_samples <= (uint64_t(1) << 32),
            "audio: ", num_channels, " channels of ", num_samples, " samples");
    const int64_t length = session->encoded_len(int64_t(num_samples), sample_rate);
    *latent_len = uint32_t(length);
    if (!latent) return;
    const int64_t latent_dim = networks_of(*session).encoder->latent_dim();
    check_capacity(uint64_t(length * latent_dim), capacity, "latent");
    const Session::Busy busy(*session);
    copy_latent(session->encode_audio(busy, {audio, size_t(num_channels * num_samples)}, num_channels, sample_rate, seed,
                                      Progress(progress_listener(progress, user_data))),
                latent_dim, latent);
  });
}

void ts_job_progress_init(ts_job_progress* progress) { init_struct(progress); }

ts_status ts_job_start(ts_session* handle, const ts_conditions* conditions, const ts_generate_options* options, ts_progress_fn progress,
                       ts_pcm_fn pcm, void* user_data, uint64_t ring_samples, ts_job** job) {
  return guarded([&] {
    require(job != nullptr, "job is NULL");
    *job = nullptr;
    const std::shared_ptr<Session> session = deref(handle, "session").session;
    Request request(*session, conditions, options);
    Job::PcmListener listener;
    if (pcm)
      listener = [pcm, user_data](const float* left, const float* right, uint64_t offset, uint64_t count) {
        return pcm(user_data, left, right, offset, count) == 0;
      };
    *job = new ts_job{std::make_unique<Job>(session, std::move(request.conditions), std::move(request.options),
                                            progress_listener(progress, user_data), std::move(listener), ring_samples)};
  });
}

void ts_job_destroy(ts_job* job) { delete job; }

ts_status ts_job_poll(ts_job* job, ts_job_progress* progress) {
  return guarded([&] { write_struct(progress, deref(job, "job").job->poll(), "ts_job_progress"); });
}

ts_status ts_job_wait(ts_job* job, uint32_t timeout_ms) {
  return guarded([&] {
    Job& running = *deref(job, "job").job;
    if (running.wait(timeout_ms) && running.status() != TS_OK) throw Error(running.status(), running.error());
  });
}

void ts_job_cancel(ts_job* job) {
  if (job) job->job->cancel();
}

const char* ts_job_error(ts_job* job) { return job ? job->job->error().c_str() : ""; }

uint64_t ts_job_read(ts_job* job, float* interleaved, uint64_t num_samples) {
  return job && interleaved ? job->job->read(interleaved, num_samples) : 0;
}

}  // extern "C"
