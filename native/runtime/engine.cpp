#include "runtime/engine.h"

#include <cstring>
#include <map>

#include <nlohmann/json.hpp>

#include "core/json.h"
#include "core/log.h"
#include "core/weight_count.h"
#include "text/synthetic_tokenizer.h"

namespace ts {
namespace {

// Seeds of synthetic components, apart so that no two networks share weights.
enum SyntheticSeed : uint64_t { kSeedMmdit = 1, kSeedDecoder, kSeedEncoder, kSeedT5, kSeedClipText, kSeedClipVision, kSeedSynchformer, kSeedRecogniser, kSeedListener };

Bundle describe(const EngineOptions& options) {
  if (!options.synthetic) return read_bundle(options.bundle_path);
  if (*options.synthetic == "published") return parse_bundle(published_bundle_json(), "published sizes", ".", false);
  return read_bundle(*options.synthetic, false);
}

constexpr int64_t kLoadSteps = 1000;  // thousandths of all parameters

constexpr SyntheticTokenizer::Special kT5Special{.begin = -1, .end = 1, .pad = 0};
// The opening token stands before the closing one, which also pads (spec 04 §2).
SyntheticTokenizer::Special clip_special(const ClipTextConfig& config) {
  const auto end = int32_t(config.eos_id);
  return {.begin = std::max(0, end - 1), .end = end, .pad = end};
}

const JsonObject member(const nlohmann::json& config, const std::string& where, const char* key) {
  const JsonObject object(config, where);
  return object.has(key) ? object.get_object(key) : object;
}

// The VAE's configuration is written with or without the "model" object around encoder and decoder.
nlohmann::json vae_side(const Component& component, const std::string& where, const char* side) {
  const JsonObject model = member(*component.config, where, "model");
  return model.has(side) ? model.json()[side] : nlohmann::json();
}

}  // namespace

Engine::Engine(const EngineOptions& options)
    : budget_(options.memory_cap_bytes),
      choice_(choose_device(options.device)),
      pool_(int(std::min<uint32_t>(options.num_threads, 1024))),
      bundle_(describe(options)) {
  log(TS_LOG_INFO, "engine: bundle ", bundle_.name, " on ", choice_.reason);
  networks_.name = bundle_.name;
  networks_.clip_resize = bundle_.clip_slow_resize ? ops::ResizeKind::pil : ops::ResizeKind::torchvision;
  load_components(options);
}

Engine::~Engine() = default;

// Opens each file once, however many components it holds, and answers what can be known before anything is packed.
class Engine::WeightFiles {
 public:
  explicit WeightFiles(bool synthetic) : synthetic_(synthetic) {}

  std::unique_ptr<WeightSource> open(const Component& component, uint64_t seed) {
    if (synthetic_) return synthetic_weights(seed);
    std::vector<WeightFile> sources;
    for (const std::string& path : component.files) sources.push_back({file(path), component.prefix});
    return open_weights(std::move(sources));
  }

  struct Size {
    int64_t elements = 0, elements_of_16_bits = 0;
  };
  Size size(const Component& component) {
    Size size;
    if (synthetic_) return size;
    for (const std::string& path : component.files)
      for (const auto& [name, tensor] : file(path)->tensors()) {
        if (name.rfind(component.prefix, 0) != 0) continue;
        size.elements += tensor.numel();
        if (size_of(tensor.dtype) == 2) size.elements_of_16_bits += tensor.numel();
      }
    return size;
  }

 private:
  std::shared_ptr<const SafetensorsFile> file(const std::string& path) {
    std::shared_ptr<const SafetensorsFile>& opened = files_[path];
    if (!opened) opened = std::make_shared<SafetensorsFile>(path);
    return opened;
  }
  const bool synthetic_;
  std::map<std::string, std::shared_ptr<const SafetensorsFile>> files_;
};

Precision Engine::choose_precision(const EngineOptions& options, WeightFiles& files) const {
  if (const auto asked = precision_of(options.precision, device())) return *asked;
  if (!device().has_bf16) return {DType::f32};
  if (options.synthetic) return {DType::bf16};
  WeightFiles::Size all;
  for (const std::optional<Component>* component : {&bundle_.mmdit, &bundle_.vae, &bundle_.t5, &bundle_.clip_text, &bundle_.clip_vision,
                                                    &bundle_.synchformer, &bundle_.recogniser, &bundle_.listener}) {
    if (!*component) continue;
    const WeightFiles::Size size = files.size(**component);
    all.elements += size.elements;
    all.elements_of_16_bits += size.elements_of_16_bits;
  }
  return {2 * all.elements_of_16_bits > all.elements ? DType::bf16 : DType::f32};
}

// Calls visit(component, bit, seed, name, make, keep) for each component that is wanted and there: `make` loads its network
// through a Loader, `keep` gives the network and its tokenizer their place.
template <class Visit>
void Engine::visit_components(const EngineOptions& options, const Visit& visit) {
  const auto component = [&](const std::optional<Component>& found, ts_components bit, uint64_t seed, const char* name, const auto& make, const auto& keep) {
    if (!found || !(options.components & bit)) return;
    const std::string where = concat(bundle_.path, ": components.", name, ".config");
    visit(*found, bit, seed, name, [&](Loader& loader) { return make(loader, *found->config, where); }, keep);
  };
  using Json = nlohmann::json;

  component(bundle_.mmdit, TS_COMPONENT_MMDIT, kSeedMmdit, "mmdit", [](Loader& loader, const Json& config, const std::string& where) {
    return std::make_unique<Mmdit>(Mmdit::load(loader, parse_mmdit_config(config, where)));
  }, [&](std::unique_ptr<Mmdit> network) { networks_.mmdit = std::move(network); });

  component(bundle_.vae, TS_COMPONENT_VAE_DECODER, kSeedDecoder, "vae", [&](Loader& loader, const Json&, const std::string& where) {
    const Json config = vae_side(*bundle_.vae, where, "decoder");
    if (config.is_null()) fail(TS_BAD_BUNDLE, where, ": no decoder");
    std::unique_ptr<AudioDecoder> decoder = load_audio_decoder(loader, config, where + ".decoder");
    loader.source().ignore("encoder.");
    loader.finish();
    return decoder;
  }, [&](std::unique_ptr<AudioDecoder> network) { networks_.decoder = std::move(network); });

  if (bundle_.vae && !vae_side(*bundle_.vae, "vae", "encoder").is_null())
    component(bundle_.vae, TS_COMPONENT_VAE_ENCODER, kSeedEncoder, "vae", [&](Loader& loader, const Json&, const std::string& where) {
      const Json config = vae_side(*bundle_.vae, where, "encoder");
      std::unique_ptr<AudioEncoder> encoder = load_audio_encoder(loader, config, where + ".encoder");
      loader.source().ignore("decoder.");
      loader.finish();
      return encoder;
    }, [&](std::unique_ptr<AudioEncoder> network) { networks_.encoder = std::move(network); });

  component(bundle_.t5, TS_COMPONENT_T5, kSeedT5, "t5", [](Loader& loader, const Json& config, const std::string& where) {
    return std::make_unique<T5>(T5::load(loader, parse_t5_config(config, where)));
  }, [&](std::unique_ptr<T5> network) {
    networks_.t5 = std::move(network);
    if (options.synthetic) networks_.t5_tokenizer = std::make_unique<SyntheticTokenizer>(int(networks_.t5->config().vocab_size), kT5Special);
    else if (bundle_.t5->tokenizer) networks_.t5_tokenizer = load_t5_tokenizer(bundle_.t5->tokenizer->file);
  });

  component(bundle_.clip_text, TS_COMPONENT_CLIP_TEXT, kSeedClipText, "clip_text", [](Loader& loader, const Json& config, const std::string& where) {
    return std::make_unique<ClipText>(ClipText::load(loader, parse_clip_text_config(config, where)));
  }, [&](std::unique_ptr<ClipText> network) {
    networks_.clip_text = std::move(network);
    const ClipTextConfig& config = networks_.clip_text->config();
    if (const auto& tokenizer = bundle_.clip_text->tokenizer; options.synthetic)
      networks_.clip_tokenizer = std::make_unique<SyntheticTokenizer>(int(config.vocab_size), clip_special(config));
    else if (tokenizer) networks_.clip_tokenizer = load_clip_tokenizer(tokenizer->file, tokenizer->vocabulary);
  });

  component(bundle_.clip_vision, TS_COMPONENT_CLIP_VISION, kSeedClipVision, "clip_vision", [](Loader& loader, const Json& config, const std::string& where) {
    return std::make_unique<ClipVision>(ClipVision::load(loader, parse_clip_vision_config(config, where)));
  }, [&](std::unique_ptr<ClipVision> network) { networks_.clip_vision = std::move(network); });

  component(bundle_.synchformer, TS_COMPONENT_SYNCHFORMER, kSeedSynchformer, "synchformer", [](Loader& loader, const Json& config, const std::string& where) {
    return std::make_unique<Synchformer>(Synchformer::load(loader, parse_synchformer_config(config, where)));
  }, [&](std::unique_ptr<Synchformer> network) { networks_.synchformer = std::move(network); });

  component(bundle_.recogniser, TS_COMPONENT_RECOGNISER, kSeedRecogniser, "recogniser", [](Loader& loader, const Json& config, const std::string& where) {
    return std::make_unique<Recogniser>(Recogniser::load(loader, parse_recogniser_config(config, where)));
  }, [&](std::unique_ptr<Recogniser> network) { networks_.recogniser = std::move(network); });

  component(bundle_.listener, TS_COMPONENT_LISTENER, kSeedListener, "listener", [](Loader& loader, const Json& config, const std::string& where) {
    return std::make_unique<Listener>(Listener::load(loader, parse_listener_config(config, where)));
  }, [&](std::unique_ptr<Listener> network) { networks_.listener = std::move(network); });
}

// As a forward, loading runs twice: first to learn how much there is, then with data.
void Engine::load_components(const EngineOptions& options) {
  WeightFiles files(options.synthetic.has_value());
  precision_ = choose_precision(options, files);

  double total = 0;
  std::string shares;
  const auto megabytes = [&](double parameters, Precision precision) { return parameters * double(precision.weight_bytes()) / 1e6; };
  visit_components(options, [&](const Component&, ts_components, uint64_t, const char* name, const auto& make, const auto&) {
    WeightCount count;
    Loader loader(count, table(), precision_.product, precision_.weights);
    make(loader);
    total += count.num_parameters();
    shares += concat(shares.empty() ? "" : ", ", name, " ", megabytes(count.num_parameters(), precision_));
  });
  // The cap is asked before anything is read; what packing adds or saves is settled afterwards.
  const uint64_t expected = uint64_t(std::min(total * double(precision_.weight_bytes()), 0x1p62));
  // The widest precision below this one in which the weights would fit: "precision bf16, 7529 MB", or "".
  const auto narrower = [&](const char* between, const auto& fits) -> std::string {
    for (const Precision& precision : {Precision{DType::bf16}, Precision{DType::bf16, WeightFormat::int8}}) {
      const double needed = megabytes(total, precision);
      const bool has = precision.weights == WeightFormat::product || table().has_int8;
      if (has && precision.weight_bytes() < precision_.weight_bytes() && needed * 1e6 < double(device().memory_bytes) && fits(uint64_t(needed * 1e6)))
        return concat("precision ", precision.name(), between, needed, " MB");
    }
    return "";
  };
  try {
    budget_.take(expected, "the model");
  } catch (const Error& error) {
    const std::string would_fit = narrower(", ", [&](uint64_t bytes) { return budget_.has_room(bytes); });
    fail(error.status(), error.what(), "; its components in MB: ", shares,
         would_fit.empty() ? "" : concat("; what would fit: ", would_fit, " before activations"));
  }
  const auto advising = [&](const auto& body) {
    try {
      body();
    } catch (const Error& error) {
      if (error.status() != TS_OUT_OF_MEMORY) throw;
      const std::string would_fit = narrower(" it needs ", [](uint64_t) { return true; });
      fail(error.status(), error.what(), "; the model needs ", expected / 1e6, " MB and ", device().id, " has ", device().memory_bytes / 1e6,
           " MB in all; its components in MB: ", shares, would_fit.empty() ? "" : concat("; with ", would_fit));
    }
  };

  // Told after every tensor, so that loading can be cancelled there. The last step belongs to the finished engine.
  int64_t step = 0;
  const auto report = [&](double parameters) {
    step = std::max(step, int64_t(std::min(kLoadSteps - 1.0, kLoadSteps * parameters / std::max(1.0, total))));
    options.progress.report(TS_STAGE_LOAD, step, kLoadSteps);
  };
  report(0);
  visit_components(options, [&](const Component& component, ts_components bit, uint64_t seed, const char* name, const auto& make, const auto& keep) {
    const std::unique_ptr<WeightSource> source = files.open(component, seed);
    Loader loader(*source, table(), precision_.product, precision_.weights);
    loader.on_tensor([&](int64_t num_parameters) { report(double(num_parameters_ + num_parameters)); });
    advising([&] { keep(make(loader)); });
    loaded_ |= bit;
    num_parameters_ += loader.num_parameters();
    weights_bytes_ += loader.bytes();
    log(TS_LOG_INFO, "loaded ", name, ": ", loader.num_parameters() / 1000000.0, " M parameters, ", loader.bytes() / 1000000.0, " MB");
  });
  budget_.give(expected);
  budget_.take(uint64_t(weights_bytes_), "the model");
  check_widths();
  options.progress.report(TS_STAGE_LOAD, kLoadSteps, kLoadSteps);
}

// A bundle is put together from several files; what one network gives must be what the next one takes.
void Engine::check_widths() const {
  const auto agree = [&](int64_t given, const char* giver, int64_t taken, const char* taker) {
    if (given != taken) fail(TS_BAD_BUNDLE, bundle_.path, ": ", giver, " is ", given, ", but ", taker, " is ", taken, "; they must be equal");
  };
  const auto within = [&](int64_t ids, const char* tokenizer, int64_t vocabulary) {
    if (ids > vocabulary) fail(TS_BAD_BUNDLE, bundle_.path, ": ", tokenizer, " makes ", ids, " ids, but its network knows ", vocabulary);
  };
  const AudioDecoder* decoder = networks_.decoder.get();
  const AudioEncoder* encoder = networks_.encoder.get();
  if (decoder && encoder) {
    agree(encoder->hop(), "the encoder's hop", decoder->hop(), "the decoder's");
    agree(encoder->latent_dim(), "vae.encoder.latent_dim", decoder->latent_dim(), "vae.decoder.latent_dim");
  }
  for (int64_t rate : {decoder ? decoder->sample_rate() : 0, encoder ? encoder->sample_rate() : 0})
    if (rate) agree(rate, "vae's sample_rate", bundle_.sample_rate, "the bundle's");
  if (networks_.recogniser) {
    const RecogniserConfig& recogniser = networks_.recogniser->config();
    if (networks_.clip_vision) agree(networks_.clip_vision->config().projection_dim, "clip_vision.projection_dim", recogniser.clip_dim, "recogniser.clip_dim");
    if (networks_.synchformer) agree(networks_.synchformer->config().embed_dim, "synchformer.embed_dim", recogniser.sync_dim, "recogniser.sync_dim");
  }
  if (networks_.listener) {
    const ListenerConfig& listener = networks_.listener->config();
    if (networks_.clip_text) agree(networks_.clip_text->config().hidden_size, "clip_text.hidden_size", listener.text_dim, "listener.text_dim");
    if (decoder) agree(decoder->latent_dim(), "vae.decoder.latent_dim", listener.latent_dim, "listener.latent_dim");
    if (encoder) agree(encoder->latent_dim(), "vae.encoder.latent_dim", listener.latent_dim, "listener.latent_dim");
  }
  if (!networks_.mmdit) return;
  const MmditConfig& mmdit = networks_.mmdit->config();
  if (networks_.clip_vision) agree(networks_.clip_vision->config().projection_dim, "clip_vision.projection_dim", mmdit.clip_dim, "mmdit.clip_dim");
  if (networks_.synchformer) agree(networks_.synchformer->config().embed_dim, "synchformer.embed_dim", mmdit.sync_dim, "mmdit.sync_dim");
  if (networks_.clip_text) agree(networks_.clip_text->config().hidden_size, "clip_text.hidden_size", mmdit.clip_text_dim, "mmdit.clip_text_dim");
  if (networks_.t5) agree(networks_.t5->config().d_model, "t5.d_model", mmdit.text_dim, "mmdit.text_dim");
  if (decoder) agree(decoder->latent_dim(), "vae.decoder.latent_dim", mmdit.latent_dim, "mmdit.latent_dim");
  if (networks_.recogniser) {  // both read the same features, whether or not the towers that make them are loaded
    agree(networks_.recogniser->config().clip_dim, "recogniser.clip_dim", mmdit.clip_dim, "mmdit.clip_dim");
    agree(networks_.recogniser->config().sync_dim, "recogniser.sync_dim", mmdit.sync_dim, "mmdit.sync_dim");
  }
  if (networks_.listener) {  // likewise
    agree(networks_.listener->config().latent_dim, "listener.latent_dim", mmdit.latent_dim, "mmdit.latent_dim");
    agree(networks_.listener->config().text_dim, "listener.text_dim", mmdit.clip_text_dim, "mmdit.clip_text_dim");
  }
  if (networks_.clip_tokenizer && networks_.clip_text)
    within(networks_.clip_tokenizer->vocab_size(), "clip_text's tokenizer", networks_.clip_text->config().vocab_size);
  if (networks_.t5_tokenizer && networks_.t5)
    within(networks_.t5_tokenizer->vocab_size(), "t5's tokenizer", networks_.t5->config().vocab_size);
}

int64_t Engine::hop() const {
  if (networks_.decoder) return networks_.decoder->hop();
  if (networks_.encoder) return networks_.encoder->hop();
  // Without a VAE, that of the family: 2048 (spec 03).
  return 2048;
}

ts_engine_info Engine::info() const {
  ts_engine_info info{};
  info.components = loaded_;
  const auto copy = [](auto& to, const std::string& text) {
    const size_t size = std::min(text.size(), sizeof(to) - 1);
    std::memcpy(to, text.data(), size);
    to[size] = 0;
  };
  copy(info.name, bundle_.name);
  copy(info.device, device().id);
  copy(info.device_choice, choice_.reason);
  copy(info.precision, std::string(precision_.name()));
  info.num_parameters = uint64_t(num_parameters_);
  info.weights_bytes = uint64_t(weights_bytes_);
  info.sample_rate = uint32_t(bundle_.sample_rate);
  info.hop = uint32_t(hop());
  if (networks_.mmdit) {
    const MmditConfig& mmdit = networks_.mmdit->config();
    info.latent_dim = uint32_t(mmdit.latent_dim);
    info.clip_dim = uint32_t(mmdit.clip_dim);
    info.sync_dim = uint32_t(mmdit.sync_dim);
    info.text_dim = uint32_t(mmdit.clip_text_dim);
    info.t5_dim = uint32_t(mmdit.text_dim);
  }
  if (networks_.recogniser) {
    const RecogniserConfig& recogniser = networks_.recogniser->config();
    info.clip_dim = uint32_t(recogniser.clip_dim);
    info.sync_dim = uint32_t(recogniser.sync_dim);
    info.num_classes = uint32_t(recogniser.num_classes());
    info.num_materials = uint32_t(recogniser.num_materials());
    info.onsets_per_step = uint32_t(recogniser.onsets_per_step);
  }
  if (networks_.listener) {
    info.latent_dim = uint32_t(networks_.listener->config().latent_dim);
    info.text_dim = uint32_t(networks_.listener->config().text_dim);
  }
  // Without the DiT, what the encoders say themselves.
  if (networks_.decoder) info.latent_dim = uint32_t(networks_.decoder->latent_dim());
  if (networks_.clip_vision) info.clip_dim = uint32_t(networks_.clip_vision->config().projection_dim);
  if (networks_.synchformer) info.sync_dim = uint32_t(networks_.synchformer->config().embed_dim);
  if (networks_.clip_text) info.text_dim = uint32_t(networks_.clip_text->config().hidden_size);
  if (networks_.t5) info.t5_dim = uint32_t(networks_.t5->config().d_model);
  info.text_len = uint32_t(networks_.text_len());
  info.clip_fps = bundle_.clip_fps;
  info.sync_fps = bundle_.sync_fps;
  info.num_threads = uint32_t(pool_.num_threads());
  return info;
}

}  // namespace ts
