// Writing: where the sound lies, what is kept of the source, and that nothing half-written stays behind.
#include "media_output.h"

#include <sys/resource.h>

#include <csignal>

using namespace media_test;

namespace {

constexpr double kLength_s = 3.7;

const std::vector<float>& left() {
  static const std::vector<float> samples = clicks(kLength_s, 44100);
  return samples;
}
const std::vector<float>& right() {
  static const std::vector<float> samples = clicks(kLength_s, 44100, 0.09);
  return samples;
}

using Change = std::function<void(tsm_writer_options&)>;
Written write_clicks(const std::string& path, const Change& change = {}) { return write_sound(path, left(), right(), change); }

// A small H.264 video with its own sound, a tone of 440 Hz, in steps of the ending's usual codecs.
std::string source(const std::string& name = "source.mp4") {
  const std::string codecs = name.ends_with(".webm") ? "-c:v libvpx -b:v 200k -c:a libopus" : "-c:v libx264 -bf 2 -g 25 -c:a aac";
  return made(name, "-f lavfi -i testsrc2=s=160x120:r=25:d=6 -f lavfi -i sine=f=440:r=44100:d=6 -metadata title=Original -metadata artist=Someone " + codecs);
}

double rms(const std::vector<float>& samples, size_t from, size_t to) {
  double sum = 0;
  for (size_t i = from; i < std::min(to, samples.size()); ++i) sum += double(samples[i]) * samples[i];
  return std::sqrt(sum / double(to - from));
}

// Checksums of the copied video's frames, to see that they are the source's.
std::vector<uint32_t> picture(const std::string& path, uint32_t fps = 25) {
  const Frames frames = read_frames(path, {{fps, 1, 0}});
  REQUIRE_MESSAGE(frames.status == TS_OK, frames.error);
  std::vector<uint32_t> sums;
  for (const Frame& f : frames.rates[0]) sums.push_back(f.checksum);
  return sums;
}

std::string fresh_folder(const std::string& name) {
  const std::string path = scratch() + "/" + name;
  fs::remove_all(path);
  fs::create_directory(path);
  return path;
}

}  // namespace

TEST_CASE("writer: every sound format comes back with lag 0 and its exact length") {
  NEEDS_FFMPEG
  for (const char* name : {"s.wav", "s.flac", "s.ogg", "s.opus", "s.mp3", "s.m4a", "s.mka", "s.mp4", "s.webm"}) {
    CAPTURE(std::string(name));
    const std::string path = scratch() + "/" + name;
    const Written out = write_clicks(path);
    REQUIRE_MESSAGE(out.status == TS_OK, out.error);
    CHECK(out.result.num_samples == left().size());
    CHECK(out.result.num_bytes == fs::file_size(path));
    const Sound sound = read_sound(path);
    REQUIRE_MESSAGE(sound.status == TS_OK, sound.error);
    const double rate = sound.info.sample_rate;
    CHECK(rate == (std::string(name) == "s.opus" || std::string(name) == "s.webm" ? 48000 : 44100));
    CHECK(sound.size() == size_t(std::llround(kLength_s * rate)));
    CHECK(lag(sound.channels[0], clicks(kLength_s, rate)) == 0);
    CHECK(lag(sound.channels[1], clicks(kLength_s, rate, 0.09)) == 0);
    CHECK(probe(path).info.duration_s == doctest::Approx(kLength_s).epsilon(1e-9));
  }
}

TEST_CASE("writer: new sound under a copied video has lag 0 in every container and codec") {
  NEEDS_FFMPEG
  struct Case {
    const char *source, *ending;
    std::vector<tsm_codec> codecs;
  };
  const Case cases[] = {{"source.mp4", "mp4", {TSM_CODEC_AUTO, TSM_CODEC_OPUS, TSM_CODEC_FLAC, TSM_CODEC_MP3}},
                        {"source.mp4", "mov", {TSM_CODEC_AUTO, TSM_CODEC_PCM, TSM_CODEC_MP3}},
                        {"source.mp4", "mkv", {TSM_CODEC_AUTO, TSM_CODEC_OPUS, TSM_CODEC_FLAC, TSM_CODEC_VORBIS, TSM_CODEC_MP3, TSM_CODEC_PCM}},
                        {"source.webm", "webm", {TSM_CODEC_AUTO, TSM_CODEC_VORBIS}},
                        {"source.webm", "mkv", {TSM_CODEC_AUTO, TSM_CODEC_OPUS}}};
  for (const Case& c : cases) {
    const std::string from = source(c.source);
    const std::vector<uint32_t> expected = picture(from);
    for (const tsm_codec codec : c.codecs) {
      const std::string path = scratch() + "/lag" + std::to_string(codec) + "." + c.ending;
      const Written out = write_clicks(path, [&](auto& o) {
        o.source = from.c_str();
        o.codec = codec;
      });
      CAPTURE(path);
      REQUIRE_MESSAGE(out.status == TS_OK, out.error);
      CHECK(std::string(out.result.warnings) == "");
      const Sound sound = read_sound(path);
      REQUIRE_MESSAGE(sound.status == TS_OK, sound.error);
      const double rate = sound.info.sample_rate;
      CHECK(lag(sound.channels[0], clicks(kLength_s, rate)) == 0);
      CHECK(lag(sound.channels[1], clicks(kLength_s, rate, 0.09)) == 0);
      const int64_t extra = int64_t(sound.size()) - std::llround(kLength_s * rate);
      CHECK(extra >= 0);
      CHECK(extra <= (codec == TSM_CODEC_VORBIS ? 1024 : 0));  // Matroska has no end for Vorbis but its last block's
      CHECK(picture(path) == expected);
      const Media media = probe(path);
      CHECK(media.streams.size() == 2);
      CHECK(media.video().duration_s == doctest::Approx(6).epsilon(1e-3));
      CHECK(media.audio().is_default == 1);
      // FFmpeg's own opinion, by the container's times alone; Matroska's are milliseconds.
      const double shown_s = std::stod(output_of("ffprobe -v error -select_streams v:0 -show_entries stream=start_time -of csv=p=0 '" + path + "'"));
      const int64_t heard = lag(heard_by_ffmpeg(path), clicks(kLength_s, rate)) - std::llround(shown_s * rate);
      const bool exact = std::string(c.ending) == "mp4" || std::string(c.ending) == "mov";
      CHECK(std::llabs(heard) <= (exact ? 0 : int64_t(rate / 1000)));
    }
  }
}

TEST_CASE("writer: the repository's samples take new sound, with lag 0 even where the video starts late") {
  for (const char* name : {"flower.mp4", "friday.mp4", "stream-of-water.mp4", "wet-hawk.mp4", "big-buck-bunny-0-30.webm"}) {
    CAPTURE(std::string(name));
    const std::string from = sample(name), path = scratch() + "/new_" + name;
    const Written out = write_clicks(path, [&](auto& o) { o.source = from.c_str(); });
    REQUIRE_MESSAGE(out.status == TS_OK, out.error);
    const Sound sound = read_sound(path);
    REQUIRE_MESSAGE(sound.status == TS_OK, sound.error);
    CHECK(lag(sound.channels[0], clicks(kLength_s, sound.info.sample_rate)) == 0);
    CHECK(picture(path, 4) == picture(from, 4));
    CHECK(probe(path).video().num_frames == probe(from).video().num_frames);
  }
}

TEST_CASE("writer: a sound that belongs to a part of the video lies at that part") {
  NEEDS_FFMPEG
  const std::string from = source(), webm = source("source.webm");
  for (const char* ending : {"mp4", "mov", "mkv", "webm"}) {
    CAPTURE(std::string(ending));
    const bool is_webm = std::string(ending) == "webm";
    const std::string path = scratch() + "/placed." + ending;
    const Written out = write_clicks(path, [&](auto& o) {
      o.source = is_webm ? webm.c_str() : from.c_str();
      o.start_s = 1.7;
    });
    REQUIRE_MESSAGE(out.status == TS_OK, out.error);
    const Sound sound = read_sound(path);
    const double rate = sound.info.sample_rate;
    CHECK(lag(sound.channels[0], clicks(kLength_s, rate), 90000) == std::llround(1.7 * rate));
    CHECK(rms(sound.channels[0], 0, size_t(1.6 * rate)) < 1e-3);
    CHECK(picture(path) == picture(is_webm ? webm : from));
  }
}

TEST_CASE("writer: a cut keeps the part, and what lies before it is hidden where the container can") {
  NEEDS_FFMPEG
  const std::string from = source();
  for (const char* ending : {"mp4", "mov", "mkv"}) {
    CAPTURE(std::string(ending));
    const std::string path = scratch() + "/cut." + ending;
    const Written out = write_clicks(path, [&](auto& o) {
      o.source = from.c_str();
      o.start_s = 1.4;
      o.duration_s = 3;
      o.cut = 1;
    });
    REQUIRE_MESSAGE(out.status == TS_OK, out.error);
    const bool hides = std::string(ending) != "mkv";
    const std::vector<uint32_t> part = picture(path), whole = picture(from);
    const size_t first = hides ? 35 : 25;  // the key frame lies at 1 s
    CHECK(part.size() >= (hides ? 75 : 85));
    CHECK(part.size() <= (hides ? 78 : 88));  // packets are kept whole: reordered frames may show past the end
    for (size_t i = 0; i < (hides ? 75u : 85u); ++i) CHECK(part[i] == whole[first + i]);
    const Sound sound = read_sound(path);
    CHECK(lag(sound.channels[0], left(), 30000) == (hides ? 0 : 17640));
    CHECK(std::string(probe(path).tag("title")) == "Original");
  }
}

TEST_CASE("writer: the source's own sound is replaced, mixed in or kept as a track") {
  NEEDS_FFMPEG
  const std::string from = source();
  const double own = rms(read_sound(from).channels[0], 44100, 2 * 44100);
  REQUIRE(own > 0.05);
  const auto silence = std::vector<float>(size_t(2 * 44100), 0.0f);
  for (const char* ending : {"mp4", "mkv"}) {
    CAPTURE(std::string(ending));
    const std::string path = scratch() + "/kept." + ending;
    Written out = write_sound(path, silence, silence, [&](auto& o) { o.source = from.c_str(); });
    REQUIRE_MESSAGE(out.status == TS_OK, out.error);
    CHECK(rms(read_sound(path).channels[0], 22050, 66150) < 1e-3);
    CHECK(probe(path).streams.size() == 2);

    out = write_sound(path, silence, silence, [&](auto& o) {
      o.source = from.c_str();
      o.keep_audio = TSM_KEEP_MIX;
      o.source_gain = 0.5f;
    });
    REQUIRE_MESSAGE(out.status == TS_OK, out.error);
    const Sound mixed = read_sound(path);
    CHECK(rms(mixed.channels[0], 22050, 66150) == doctest::Approx(own / 2).epsilon(0.03));
    CHECK(rms(mixed.channels[1], 22050, 66150) == doctest::Approx(own / 2).epsilon(0.03));
    CHECK(double(mixed.size()) / mixed.info.sample_rate == doctest::Approx(6).epsilon(0.001));  // past the end of the new sound
    CHECK(rms(mixed.channels[0], 4 * 44100, 5 * 44100) == doctest::Approx(own / 2).epsilon(0.03));

    out = write_clicks(path, [&](auto& o) {
      o.source = from.c_str();
      o.keep_audio = TSM_KEEP_TRACK;
    });
    REQUIRE_MESSAGE(out.status == TS_OK, out.error);
    const Media media = probe(path);
    REQUIRE(media.streams.size() == 3);
    CHECK(media.info.audio_stream == 1);
    CHECK(media.streams[1].is_default == 1);
    CHECK(media.streams[2].is_default == 0);
    CHECK(lag(read_sound(path).channels[0], left()) == 0);
    const Sound second = read_sound(path, [](auto& o) { o.stream = 2; });
    REQUIRE_MESSAGE(second.status == TS_OK, second.error);
    CHECK(rms(second.channels[0], 22050, 66150) == doctest::Approx(own).epsilon(0.02));
  }
}

TEST_CASE("writer: own sound that is mixed in or kept stays where it was") {
  NEEDS_FFMPEG
  const std::string own_wav = scratch() + "/own.wav";
  REQUIRE(write_sound(own_wav, clicks(6, 44100, 0.13), clicks(6, 44100, 0.13)).status == TS_OK);
  const std::vector<float> own = clicks(6, 44100, 0.13);
  const auto silence = std::vector<float>(size_t(44100), 0.0f);
  struct Case {
    const char *source, *codecs, *out;
    int64_t off;  // samples that container times of this pair may be off
  };
  for (const Case& c : {Case{"own.mp4", "-c:v libx264 -c:a aac", "own2.mp4", 0}, Case{"own.mp4", "-c:v libx264 -c:a aac", "own2.mkv", 44},
                        Case{"own.mkv", "-c:v libx264 -c:a libvorbis", "own3.mp4", 44}, Case{"own.webm", "-c:v libvpx -c:a libopus", "own4.webm", 48},
                        Case{"own5.mov", "-c:v libx264 -c:a pcm_s16le", "own5.mp4", 0}}) {
    CAPTURE(std::string(c.source) + " to " + c.out);
    const std::string from = made(c.source, "-f lavfi -i testsrc2=s=160x120:r=25:d=6 -i '" + own_wav + "' " + c.codecs);
    const Sound before = read_sound(from);
    const std::vector<float> said = clicks(6, before.info.sample_rate, 0.13);
    const int64_t at = lag(before.channels[0], said);
    for (const tsm_keep_audio keep : {TSM_KEEP_MIX, TSM_KEEP_TRACK}) {
      CAPTURE(keep);
      const std::string path = scratch() + "/" + c.out;
      const Written out = write_sound(path, silence, silence, [&](auto& o) {
        o.source = from.c_str();
        o.keep_audio = keep;
      });
      REQUIRE_MESSAGE(out.status == TS_OK, out.error);
      const Sound after = read_sound(path, [&](auto& o) { o.stream = keep == TSM_KEEP_TRACK ? 2 : 1; });
      REQUIRE_MESSAGE(after.status == TS_OK, after.error);
      const int64_t moved = lag(after.channels[0], clicks(6, after.info.sample_rate, 0.13)) - std::llround(double(at) * after.info.sample_rate / before.info.sample_rate);
      CHECK(std::llabs(moved) <= c.off);
    }
  }
}

TEST_CASE("writer: mixing adds both sounds in floating point with their gains") {
  NEEDS_FFMPEG
  const std::string own_wav = scratch() + "/mixown.wav", from_path = "mixown.mkv";
  const std::vector<float> own = clicks(kLength_s, 44100, 0.17, 0.3f);
  REQUIRE(write_sound(own_wav, own, own, [](auto& o) { o.bits = 32; }).status == TS_OK);
  const std::string from = made(from_path, "-f lavfi -i testsrc2=s=64x48:r=25:d=4 -i '" + own_wav + "' -c:v libx264 -c:a pcm_f32le");
  const std::string path = scratch() + "/mixed.mkv";
  const Written out = write_clicks(path, [&](auto& o) {
    o.source = from.c_str();
    o.keep_audio = TSM_KEEP_MIX;
    o.codec = TSM_CODEC_PCM;
    o.bits = 32;
    o.gain = 0.8f;
    o.source_gain = 1.5f;
  });
  REQUIRE_MESSAGE(out.status == TS_OK, out.error);
  const Sound sound = read_sound(path);
  REQUIRE(sound.size() >= left().size());
  float worst = 0;
  for (size_t i = 0; i < left().size(); ++i) worst = std::max(worst, std::fabs(sound.channels[0][i] - (0.8f * left()[i] + 1.5f * own[i])));
  CHECK(worst <= 2e-7f);
}

TEST_CASE("writer: tags survive in every container, and the source's stay") {
  NEEDS_FFMPEG
  const std::string prompt = "rain on a tin roof; \"quoted\" = 1, Regen auf Blech – 雨\nsecond line";
  const tsm_tag tags[] = {{"prompt", prompt.c_str()}, {"seed", "18446744073709551615"}, {"model", "foley-small 0.1"}};
  const std::string from = source(), webm = source("source.webm");
  for (const char* name : {"t.mp4", "t.mov", "t.mkv", "t.webm", "t.flac", "t.ogg", "t.opus", "t.mp3", "t.m4a"}) {
    CAPTURE(std::string(name));
    const std::string path = scratch() + "/" + name, ending = fs::path(name).extension().string();
    const bool video = ending == ".mp4" || ending == ".mov" || ending == ".mkv" || ending == ".webm";
    const Written out = write_clicks(path, [&](auto& o) {
      if (video) o.source = ending == ".webm" ? webm.c_str() : from.c_str();
      o.tags = tags;
      o.num_tags = 3;
    });
    REQUIRE_MESSAGE(out.status == TS_OK, out.error);
    const Media media = probe(path);
    CHECK(media.tag("prompt") == prompt);
    CHECK(media.tag("seed") == "18446744073709551615");
    CHECK(media.tag("model") == "foley-small 0.1");
    if (video) CHECK(media.tag("title") == "Original");
    if (video) CHECK(media.tag("artist") == "Someone");
    tsm_media* handle = nullptr;
    REQUIRE(tsm_media_open(path.c_str(), nullptr, nullptr, &handle) == TS_OK);
    CHECK(std::string(tsm_media_find_tag(handle, "Seed")) == "18446744073709551615");
    CHECK(tsm_media_find_tag(handle, "nothing") == nullptr);
    tsm_media_close(handle);
  }
  const std::string wav = scratch() + "/t.wav";
  REQUIRE(write_clicks(wav, [&](auto& o) { o.tags = tags; o.num_tags = 3; }).status == TS_OK);
  CHECK(probe(wav).tag("comment").find("seed: 18446744073709551615\nmodel: foley-small 0.1") != std::string::npos);
  const tsm_tag bad = {"pro mpt", "x"};
  CHECK(write_clicks(wav, [&](auto& o) { o.tags = &bad; o.num_tags = 1; }).status == TS_INVALID_ARGUMENT);
}

TEST_CASE("writer: rotation, subtitles, chapters and further streams are kept, and what cannot be is said") {
  NEEDS_FFMPEG
  const std::string subtitles = written("s.srt", "1\n00:00:01,000 --> 00:00:02,000\nHello there\n\n");
  const std::string chapters = written("c.txt", ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2500\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=2500\nEND=6000\ntitle=Two\n");
  const std::string cover = made("art.png", "-f lavfi -i color=c=blue:s=50x50 -frames:v 1");
  const std::string from = made("rich.mp4", "-i '" + source() + "' -i '" + subtitles + "' -i '" + chapters + "' -map 0 -map 1 -map_metadata 2 -c copy -c:s mov_text -metadata:s:v rotate=90 -metadata:s:s:0 language=fra");
  REQUIRE(probe(from).video().rotation_deg == 270);
  for (const char* ending : {"mp4", "mov"}) {
    CAPTURE(std::string(ending));
    const std::string path = scratch() + "/rich_out." + ending;
    const Written out = write_clicks(path, [&](auto& o) { o.source = from.c_str(); });
    REQUIRE_MESSAGE(out.status == TS_OK, out.error);
    const Media media = probe(path);
    CHECK(media.video().rotation_deg == 270);
    CHECK(media.info.num_chapters == 2);
    int subtitle_tracks = 0;
    for (const auto& s : media.streams) {
      if (s.kind == TSM_STREAM_SUBTITLE) ++subtitle_tracks;
      if (s.kind == TSM_STREAM_SUBTITLE) CHECK(std::string(s.language) == "fra");
    }
    CHECK(subtitle_tracks == 1);
    CHECK(output_of("ffmpeg -nostdin -v error -i '" + path + "' -map 0:s:0 -f srt -").find("00:00:01,000 --> 00:00:02,000\nHello there") != std::string::npos);
  }
  const std::string mkv = scratch() + "/rich_out.mkv";
  const Written lost = write_clicks(mkv, [&](auto& o) { o.source = from.c_str(); });
  REQUIRE_MESSAGE(lost.status == TS_OK, lost.error);
  CHECK(lost.result.num_dropped_streams == 1);
  CHECK(std::string(lost.result.warnings).find("mov_text") != std::string::npos);
  const bool kept_turned = probe(mkv).video().rotation_deg == 270;
  CHECK((kept_turned || std::string(lost.result.warnings).find("stored turned") != std::string::npos));
  CHECK(probe(mkv).info.num_chapters == 2);

  const std::string matroska = made("rich.mkv", "-i '" + source() + "' -i '" + subtitles + "' -map 0 -map 1 -c copy -attach '" + cover + "' -metadata:s:t mimetype=image/png");
  const std::string again = scratch() + "/rich_again.mkv";
  const Written out = write_clicks(again, [&](auto& o) { o.source = matroska.c_str(); });
  REQUIRE_MESSAGE(out.status == TS_OK, out.error);
  CHECK(std::string(out.result.warnings) == "");
  bool picture_kept = false;
  for (const auto& s : probe(again).streams) picture_kept = picture_kept || s.kind == TSM_STREAM_PICTURE;
  CHECK(picture_kept);
}

TEST_CASE("writer: variable rate, late start, edit list and missing times are copied with their times") {
  NEEDS_FFMPEG
  const std::string base = "-f lavfi -i testsrc2=s=160x120:r=25:d=5 ";
  const std::string whole = made("w.mp4", base + "-c:v libx264 -g 100 -bf 2");
  const std::pair<std::string, const char*> cases[] = {
      {made("w_vfr.mp4", base + "-vf \"select='not(mod(n,3))+gt(n,60)'\" -fps_mode vfr -c:v libx264 -bf 2"), "mp4"},
      {made("w_late.mkv", base + "-c:v libx264 -output_ts_offset 1.25"), "mkv"},
      {made("w_late.mkv", ""), "mp4"},
      {made("w_late.ts", base + "-c:v libx264 -bf 2"), "mp4"},
      {made("w_edit.mp4", "-ss 1.32 -i '" + whole + "' -c copy"), "mp4"},
      {made("w_avi.avi", base + "-c:v mpeg4 -bf 0 -q:v 3"), "mkv"}};
  for (const auto& one : cases) {
    const std::string from = one.first, ending = one.second;
    CAPTURE(from);
    const std::string path = scratch() + "/w_out." + ending;
    const Written out = write_clicks(path, [&](auto& o) { o.source = from.c_str(); });
    REQUIRE_MESSAGE(out.status == TS_OK, out.error);
    const Sound sound = read_sound(path);
    REQUIRE_MESSAGE(sound.status == TS_OK, sound.error);
    CHECK(std::llabs(lag(sound.channels[0], left())) <= (from.ends_with(".mkv") || from.ends_with(".ts") ? 1 : 0));
    // Each frame is told from the others by its picture; a rate of 200 misses none.
    const auto shown = [](const std::string& file) {
      const Frames frames = read_frames(file, {{200, 1, 900}});
      REQUIRE_MESSAGE(frames.status == TS_OK, frames.error);
      std::vector<std::pair<uint32_t, double>> changes;
      for (const Frame& f : frames.rates[0]) {
        if (changes.empty() || changes.back().first != f.checksum) changes.emplace_back(f.checksum, f.time_s);
      }
      return changes;
    };
    const auto before = shown(from), after = shown(path);
    REQUIRE(before.size() == after.size());
    CHECK(before.size() > 20);
    for (size_t i = 0; i < before.size(); ++i) {
      CHECK(before[i].first == after[i].first);
      CHECK(std::fabs(before[i].second - after[i].second) <= 0.001);  // Matroska's tick
    }
  }
}

TEST_CASE("writer: Matroska takes what has no name of its own in it, and what fits nowhere is told so") {
  NEEDS_FFMPEG
  const std::string scene = "-f lavfi -i testsrc2=s=176x144:r=25:d=1 ";
  for (const char* name : {"old.wmv", "old.flv", "old.3gp"}) {
    CAPTURE(name);
    const std::string from = made(name, scene);
    const std::string path = scratch() + "/" + name + ".mkv";
    const Written out = write_clicks(path, [&](auto& o) { o.source = from.c_str(); });
    REQUIRE_MESSAGE(out.status == TS_OK, out.error);
    CHECK(picture(path) == picture(from));
    const Written refused = write_clicks(path + ".webm", [&](auto& o) { o.source = from.c_str(); });
    CHECK(refused.status == TS_INVALID_ARGUMENT);
    CHECK(refused.error.find("an .mkv") != std::string::npos);
  }
  const std::string nowhere = made("moves.gif", scene);
  const Written out = write_clicks(scratch() + "/moves.mkv", [&](auto& o) { o.source = nowhere.c_str(); });
  CHECK(out.status == TS_INVALID_ARGUMENT);
  CHECK(out.error.find("the sound alone") != std::string::npos);
}

TEST_CASE("writer: of two shapes of a pixel that a source states the container's is kept") {
  NEEDS_FFMPEG
  const std::string square = made("one_shape.mp4", "-f lavfi -i testsrc2=s=160x120:r=25:d=1 -c:v libx264");
  const std::string from = made("two_shapes.mp4", "-i " + square + " -c copy -aspect 16:9");
  for (const char* name : {"/wide_out.mp4", "/wide_out.mov", "/wide_out.mkv"}) {
    CAPTURE(name);
    const Written out = write_clicks(scratch() + name, [&](auto& o) { o.source = from.c_str(); });
    REQUIRE_MESSAGE(out.status == TS_OK, out.error);
    const Media media = probe(scratch() + name);
    REQUIRE(media.info.video_stream >= 0);
    CHECK(media.streams[size_t(media.info.video_stream)].width == 213);
  }
}

TEST_CASE("writer: a source whose packets do not say when they are shown is refused, not shuffled") {
  NEEDS_FFMPEG
  const std::string whole = made("w.mp4", "-f lavfi -i testsrc2=s=160x120:r=25:d=5 -c:v libx264 -g 100 -bf 2");
  for (const char* name : {"bare.avi", "bare.h264"}) {
    CAPTURE(std::string(name));
    const std::string from = made(name, "-i '" + whole + "' -c copy");
    const Written out = write_clicks(scratch() + "/bare_out.mp4", [&](auto& o) { o.source = from.c_str(); });
    CHECK(out.status == TS_BAD_MEDIA);
    CHECK(out.error.find(std::string(name) + ": its packets do not say when they are shown") != std::string::npos);
    CHECK(!fs::exists(scratch() + "/bare_out.mp4"));
  }
  const std::string plain = made("plain.h264", "-i '" + whole + "' -c:v libx264 -bf 0");
  const Written out = write_clicks(scratch() + "/plain_out.mp4", [&](auto& o) { o.source = plain.c_str(); });
  REQUIRE_MESSAGE(out.status == TS_OK, out.error);
  CHECK(probe(scratch() + "/plain_out.mp4").video().num_frames == 125);
}

TEST_CASE("writer: wav and flac in 16 and 24 bits store what the reference would, floating point every bit") {
  std::vector<float> samples = left();
  samples[0] = 1.0f;
  samples[1] = -1.0f;
  samples[2] = 1.7f;  // clamped
  samples[3] = -1.7f;
  samples[4] = 1.5f / 32767;
  samples[5] = -1.5f / 32767;
  const auto stored = [](float v, uint32_t bits) {
    const double clamped = std::clamp(double(v), -1.0, 1.0);
    if (bits == 32) return double(v);
    return bits == 16 ? double(int(float(clamped) * 32767.0f)) / 32768 : std::nearbyint(clamped * 8388607) / 8388608;
  };
  struct Case {
    const char* name;
    uint32_t bits;
  };
  for (const Case& c : {Case{"b16.wav", 16}, Case{"b24.wav", 24}, Case{"b32.wav", 32}, Case{"b16.flac", 16}, Case{"b24.flac", 24}}) {
    CAPTURE(std::string(c.name));
    const std::string path = scratch() + "/" + c.name;
    REQUIRE(write_sound(path, samples, right(), [&](auto& o) { o.bits = c.bits; }).status == TS_OK);
    const Sound sound = read_sound(path);
    REQUIRE(sound.size() == samples.size());
    size_t different = 0;
    for (size_t i = 0; i < samples.size(); ++i) different += double(sound.channels[0][i]) != stored(samples[i], c.bits);
    CHECK(different == 0);
  }
}

TEST_CASE("writer: samples may come interleaved or planar in any blocks, mono or 5.1") {
  for (const uint32_t channels : {1u, 2u, 6u}) {
    CAPTURE(channels);
    tsm_writer_options options;
    tsm_writer_options_init(&options);
    const std::string path = scratch() + "/channels.wav";
    options.path = path.c_str();
    options.overwrite = 1;
    options.num_channels = channels;
    options.bits = 32;
    tsm_writer* writer = nullptr;
    REQUIRE(tsm_writer_create(&options, &writer) == TS_OK);
    const auto value = [](uint32_t c, uint64_t i) { return float(c + 1) * 0.1f + float(i % 100) * 1e-4f; };
    uint64_t at = 0;
    for (const uint64_t count : {uint64_t(1), uint64_t(999), uint64_t(20000), uint64_t(0), uint64_t(7)}) {
      const bool woven = count % 2 == 1;
      std::vector<float> block(count * channels);
      for (uint32_t c = 0; c < channels; ++c) {
        for (uint64_t i = 0; i < count; ++i) block[woven ? i * channels + c : c * count + i] = value(c, at + i);
      }
      REQUIRE(tsm_writer_write(writer, block.data(), count, woven) == TS_OK);
      at += count;
    }
    tsm_writer_result result;
    tsm_writer_result_init(&result);
    REQUIRE(tsm_writer_finish(writer, &result) == TS_OK);
    CHECK(tsm_writer_finish(writer, &result) == TS_INVALID_ARGUMENT);  // twice
    tsm_writer_destroy(writer);
    const Sound sound = read_sound(path);
    REQUIRE(sound.channels.size() == channels);
    REQUIRE(sound.size() == at);
    for (uint32_t c = 0; c < channels; ++c) {
      for (uint64_t i = 0; i < at; ++i) REQUIRE(sound.channels[c][i] == value(c, i));
    }
  }
}

TEST_CASE("writer: a write callback receives whole files of every format, in order") {
  NEEDS_FFMPEG
  const std::string from = source(), webm = source("source.webm");
  for (const char* format : {"wav", "flac", "ogg", "opus", "mp3", "m4a", "mp4", "mov", "mkv", "webm"}) {
    for (const bool known_length : {false, true}) {
      CAPTURE(std::string(format));
      CAPTURE(known_length);
      std::string bytes;
      const Written out = write_clicks("", [&](auto& o) {
        o.path = nullptr;
        o.format = format;
        o.write = [](void* self, const uint8_t* data, uint64_t size) {
          static_cast<std::string*>(self)->append(reinterpret_cast<const char*>(data), size);
          return 0;
        };
        o.write_data = &bytes;
        if (known_length) o.num_samples = left().size();
        if (std::string(format) == "webm") o.source = webm.c_str();
        if (format[0] == 'm' && format != std::string("mp3") && format != std::string("m4a")) o.source = from.c_str();
      });
      REQUIRE_MESSAGE(out.status == TS_OK, out.error);
      CHECK(out.result.num_bytes == bytes.size());
      const std::string path = written(std::string("piped.") + format, bytes);
      const Sound sound = read_sound(path);
      REQUIRE_MESSAGE(sound.status == TS_OK, sound.error);
      CHECK(lag(sound.channels[0], clicks(kLength_s, sound.info.sample_rate)) == 0);
      CHECK(sound.size() == size_t(std::llround(kLength_s * sound.info.sample_rate)));
      if (std::string(format) == "wav") {  // the header tells the truth
        const auto le32 = [&](size_t i) { return uint8_t(bytes[i]) | uint8_t(bytes[i + 1]) << 8 | uint8_t(bytes[i + 2]) << 16 | uint8_t(bytes[i + 3]) << 24; };
        CHECK(size_t(le32(4)) == bytes.size() - 8);
        CHECK(size_t(le32(bytes.find("data") + 4)) == left().size() * 4);
      }
    }
  }
}

TEST_CASE("writer: an existing file is kept unless overwriting is allowed, and may be its own source") {
  NEEDS_FFMPEG
  const std::string folder = fresh_folder("exists"), path = folder + "/a.wav";
  written("exists/a.wav", "precious");
  const Written refused = write_clicks(path, [](auto& o) { o.overwrite = 0; });
  CHECK(refused.status == TS_INVALID_ARGUMENT);
  CHECK(refused.error.find(path + ": exists already") != std::string::npos);
  CHECK(bytes_of(path) == "precious");
  CHECK(write_clicks(path).status == TS_OK);
  CHECK(bytes_of(path).substr(0, 4) == "RIFF");
  CHECK(num_files(folder) == 1);

  fs::copy_file(source(), folder + "/own.mp4");
  const std::string own = folder + "/own.mp4";
  const Written out = write_clicks(own, [&](auto& o) { o.source = own.c_str(); });
  REQUIRE_MESSAGE(out.status == TS_OK, out.error);
  CHECK(lag(read_sound(own).channels[0], left()) == 0);
  CHECK(num_files(folder) == 2);

  // One that appears while we write is not lost either.
  tsm_writer_options options;
  tsm_writer_options_init(&options);
  const std::string late = folder + "/late.wav";
  options.path = late.c_str();
  tsm_writer* writer = nullptr;
  REQUIRE(tsm_writer_create(&options, &writer) == TS_OK);
  CHECK(!fs::exists(late));  // not before it is whole
  written("exists/late.wav", "faster");
  CHECK(tsm_writer_finish(writer, nullptr) == TS_INVALID_ARGUMENT);
  tsm_writer_destroy(writer);
  CHECK(bytes_of(late) == "faster");
  CHECK(num_files(folder) == 3);
}

TEST_CASE("writer: names outside ASCII and symbolic links work") {
  const std::string folder = fresh_folder("名前 mit Leerzeichen"), path = folder + "/größe – 音.flac";
  REQUIRE(write_clicks(path).status == TS_OK);
  CHECK(read_sound(path).size() == left().size());
  written("target.flac", "old");
  fs::create_symlink(scratch() + "/target.flac", folder + "/link.flac");
  REQUIRE(write_clicks(folder + "/link.flac").status == TS_OK);
  CHECK(fs::is_symlink(folder + "/link.flac"));
  CHECK(read_sound(scratch() + "/target.flac").size() == left().size());
}

TEST_CASE("writer: what cannot be written is refused at once, by name and with the fix") {
  NEEDS_FFMPEG
  const std::string from = source(), folder = fresh_folder("refusals");
  const auto refused = [&](const std::string& path, ts_status status, const std::string& says, const Change& change = {}) {
    const Written out = write_clicks(path, change);
    CAPTURE(path);
    CAPTURE(out.error);
    CHECK(out.status == status);
    CHECK(out.error.find(says) != std::string::npos);
    CHECK(num_files(folder) == 0);
  };
  refused(folder + "/a.xyz", TS_INVALID_ARGUMENT, "mp4, mov, mkv, webm");
  refused(folder + "/noending", TS_INVALID_ARGUMENT, "no ending");
  refused(folder + "/a.wav", TS_INVALID_ARGUMENT, "carries no video", [&](auto& o) { o.source = from.c_str(); });
  refused(folder + "/a.webm", TS_INVALID_ARGUMENT, "h264, which webm does not carry", [&](auto& o) { o.source = from.c_str(); });
  refused(folder + "/a.webm", TS_INVALID_ARGUMENT, "choose from opus, vorbis", [](auto& o) { o.codec = TSM_CODEC_AAC; });
  refused(folder + "/missing/a.wav", TS_NOT_FOUND, "create it first");
  refused(folder, TS_INVALID_ARGUMENT, "", [](auto& o) { o.format = "wav"; });
  refused(folder + "/a.mp3", TS_INVALID_ARGUMENT, "6 channels", [](auto& o) { o.num_channels = 6; });
  refused(folder + "/a.wav", TS_INVALID_ARGUMENT, "bits is 20", [](auto& o) { o.bits = 20; });
  refused(folder + "/a.flac", TS_INVALID_ARGUMENT, "16 or 24 bits", [](auto& o) { o.bits = 32; });
  refused(folder + "/a.wav", TS_INVALID_ARGUMENT, "sample_rate", [](auto& o) { o.sample_rate = 0; });
  refused(folder + "/a.wav", TS_INVALID_ARGUMENT, "need a source", [](auto& o) { o.start_s = 1; });
  refused(folder + "/a.mp4", TS_NOT_FOUND, "no such file", [](auto& o) { o.source = "/nowhere/b.mp4"; });
  const std::string song = made("song.wav", "-f lavfi -i sine=d=1");
  refused(folder + "/a.mp4", TS_BAD_MEDIA, "has no video", [&](auto& o) { o.source = song.c_str(); });
}

TEST_CASE("writer: a full disk is an I/O error that names the file, and leaves nothing") {
  NEEDS_FFMPEG
  // A device without room, written directly …
  if (fs::exists("/dev/full")) {
    const Written full = write_clicks("/dev/full", [](auto& o) { o.format = "flac"; });
    CHECK(full.status == TS_IO_ERROR);
    CHECK(full.error.find("/dev/full: writing failed") != std::string::npos);
    CHECK(full.error.find("free some space") != std::string::npos);
    CHECK(fs::exists("/dev/full"));
  }
  // … and a file that may not grow past a limit.
  const std::string folder = fresh_folder("full");
  const std::string from = source();
  struct rlimit before {};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto old = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit tight {15'000, before.rlim_max};
  for (const char* name : {"a.wav", "a.mp4", "a.mkv", "a.flac"}) {
    CAPTURE(std::string(name));
    const bool video = name[2] == 'm';
    setrlimit(RLIMIT_FSIZE, &tight);
    const Written out = write_clicks(folder + "/" + name, [&](auto& o) { if (video) o.source = from.c_str(); });
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK(out.status == TS_IO_ERROR);
    CHECK(out.error.find(folder + "/" + name) != std::string::npos);
    CHECK(num_files(folder) == 0);
  }
  std::signal(SIGXFSZ, old);
}

TEST_CASE("writer: a receiver that refuses, a cancelled write and a dropped writer leave nothing") {
  NEEDS_FFMPEG
  const Written out = write_clicks("", [&](auto& o) {
    o.path = nullptr;
    o.format = "ogg";
    o.write = [](void*, const uint8_t*, uint64_t) { return 1; };
  });
  CHECK(out.status == TS_IO_ERROR);
  CHECK(out.error.find("refused") != std::string::npos);

  const std::string folder = fresh_folder("cancelled"), from = source();
  struct Counter {
    int left;
    static int32_t ask(void* self) { return --static_cast<Counter*>(self)->left < 0; }
  };
  for (const int after : {0, 1, 3, 10, 30, 60, 100}) {
    CAPTURE(after);
    Counter counter{after};
    const Written cancelled = write_clicks(folder + "/a.mp4", [&](auto& o) {
      o.source = from.c_str();
      o.cancel = &Counter::ask;
      o.user_data = &counter;
    });
    CHECK(cancelled.status == TS_CANCELLED);
    CHECK(num_files(folder) == 0);
  }
  tsm_writer_options options;
  tsm_writer_options_init(&options);
  const std::string path = folder + "/b.wav";
  options.path = path.c_str();
  tsm_writer* writer = nullptr;
  REQUIRE(tsm_writer_create(&options, &writer) == TS_OK);
  CHECK(num_files(folder) == 1);  // the temporary one
  REQUIRE(tsm_writer_write(writer, left().data(), 1000, 1) == TS_OK);
  tsm_writer_destroy(writer);
  CHECK(num_files(folder) == 0);
}

TEST_CASE("writer: a source that ends in the middle of a packet still gives a whole file") {
  NEEDS_FFMPEG
  const std::string whole = bytes_of(made("wf.mp4", "-f lavfi -i testsrc2=s=160x120:r=25:d=6 -c:v libx264 -g 25 -movflags faststart"));
  const std::string from = written("wf_cut.mp4", whole.substr(0, whole.size() * 7 / 10));
  const std::string path = scratch() + "/wf_out.mp4";
  const Written out = write_clicks(path, [&](auto& o) { o.source = from.c_str(); });
  REQUIRE_MESSAGE(out.status == TS_OK, out.error);
  CHECK(probe(path).info.is_truncated == 0);
  CHECK(lag(read_sound(path).channels[0], left()) == 0);
}
