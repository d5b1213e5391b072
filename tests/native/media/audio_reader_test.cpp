// Reading sound: where every sample lies, on the clock of the video, through delay, offsets, gaps and damage.
#include "media_output.h"

using namespace media_test;

namespace {

// A stereo WAV of clicks, left and right different.
std::string click_wav(double duration_s, int rate) {
  const std::string name = "clicks" + std::to_string(rate) + "_" + std::to_string(int(duration_s)) + ".wav";
  const std::string path = scratch() + "/" + name;
  if (fs::exists(path)) return path;
  const auto change = [&](tsm_writer_options& o) {
    o.sample_rate = uint32_t(rate);
    o.bits = 32;
  };
  const Written out = write_sound(path, clicks(duration_s, rate), clicks(duration_s, rate, 0.09), change);
  REQUIRE_MESSAGE(out.status == TS_OK, out.error);
  return path;
}

const std::string kPicture = "-f lavfi -i testsrc2=s=64x48:r=25:d=6 ";

}  // namespace

TEST_CASE("audio reader: floating-point WAV comes back bit for bit, planar and interleaved, whatever the block") {
  const std::vector<float> left = clicks(2, 44100), right = clicks(2, 44100, 0.09);
  const std::string path = click_wav(2, 44100);
  for (const uint64_t block : {uint64_t(1), uint64_t(4097), uint64_t(1) << 20}) {
    CAPTURE(block);
    if (block == 1) continue;
    const Sound planar = read_sound(path, {}, block);
    REQUIRE_MESSAGE(planar.status == TS_OK, planar.error);
    CHECK(planar.channels[0] == left);
    CHECK(planar.channels[1] == right);
    const Sound woven = read_sound(path, [](auto& o) { o.interleaved = 1; }, block);
    CHECK(woven.channels[0] == left);
    CHECK(woven.channels[1] == right);
  }
  CHECK(read_sound(path).info.sample_rate == 44100);
  CHECK(std::string(read_sound(path).info.channel_layout) == "stereo");
}

TEST_CASE("audio reader: encoder delay of every codec and container is taken off to the sample") {
  NEEDS_FFMPEG
  const std::string wav = click_wav(6, 48000);
  const std::vector<float> said = clicks(6, 48000);
  const char* cases[][2] = {{"d.m4a", "-c:a aac"}, {"d.mp4", "-c:a aac"}, {"d.mp3", "-c:a libmp3lame"}, {"d.ogg", "-c:a libvorbis"},
                            {"d.opus", "-c:a libopus"}, {"d.flac", "-c:a flac"}, {"dopus.mp4", "-c:a libopus"}, {"dopus.webm", "-c:a libopus"},
                            {"dmp3.mp4", "-c:a libmp3lame"}, {"dflac.mkv", "-c:a flac"}, {"dpcm.mov", "-c:a pcm_s24le"}, {"dalac.m4a", "-c:a alac"}};
  for (const auto& one : cases) {
    const std::string name = one[0], codec = one[1];
    CAPTURE(name);
    const Sound sound = read_sound(made(name, "-i '" + wav + "' " + codec));
    REQUIRE_MESSAGE(sound.status == TS_OK, sound.error);
    CHECK(lag(sound.channels[0], said) == 0);
    CHECK(sound.size() == said.size());
    CHECK(sound.num_warnings == 0);
  }
}

TEST_CASE("audio reader: with video, sample 0 is the first video frame's moment") {
  NEEDS_FFMPEG
  const std::string wav = click_wav(6, 44100);
  const std::vector<float> said = clicks(6, 44100);
  // Sound 0.32 s later than the picture, and 0.32 s earlier.
  const std::string both = " -map 0 -map 1 -fps_mode passthrough -c:v libx264 -c:a ";
  const int64_t offset = 14112;
  for (const char* name : {"off.mp4", "off.mov", "off.mkv", "off.ts"}) {
    CAPTURE(std::string(name));
    const std::string codec = std::string(name) == "off.mkv" ? "flac" : "aac";
    const std::string late_path = made("late_" + std::string(name), kPicture + "-itsoffset 0.32 -i '" + wav + "'" + both + codec);
    const Sound late = read_sound(late_path);
    const Sound early = read_sound(made("early_" + std::string(name), "-itsoffset 0.32 " + kPicture + "-i '" + wav + "'" + both + codec));
    REQUIRE_MESSAGE(late.status == TS_OK, late.error);
    REQUIRE_MESSAGE(early.status == TS_OK, early.error);
    // FFmpeg writes such starts to the millisecond, 44 samples.
    CHECK(std::llabs(lag(late.channels[0], said, 16000) - offset) <= 45);
    CHECK(std::llabs(lag(early.channels[0], said, 16000) + offset) <= 45);
    CHECK(std::fabs(late.info.first_time_s - 0.32) < 0.025);  // an AAC frame earlier where its delay is part of the track
    for (size_t i = 0; i < 13000; ++i) REQUIRE(late.channels[0][i] == 0.0f);
    const Sound own = read_sound(late_path, [](auto& o) { o.own_clock = 1; });
    CHECK(own.info.first_time_s == 0);
    CHECK(own.size() + size_t(std::llround(late.info.first_time_s * 44100)) == late.size());
  }
}

TEST_CASE("audio reader: an edit list that cuts into the file cuts the sound at the same moment as the picture") {
  NEEDS_FFMPEG
  const std::string whole = made("edit_whole.mp4", kPicture + "-i '" + click_wav(6, 44100) + "' -c:v libx264 -g 100 -c:a aac");
  const std::string cut = made("edit_cut.mp4", "-ss 1.32 -i '" + whole + "' -c copy");
  const Frames first = read_frames(cut, {{25, 1, 1}});
  REQUIRE_MESSAGE(first.status == TS_OK, first.error);
  const Frames all = read_frames(whole, {{25, 1, 150}});
  size_t shown = 0;  // which frame of the whole the cut begins with
  while (shown < 150 && all.rates[0][shown].checksum != first.rates[0][0].checksum) ++shown;
  REQUIRE(shown < 150);
  const Sound sound = read_sound(cut);
  REQUIRE_MESSAGE(sound.status == TS_OK, sound.error);
  const std::vector<float> said = clicks(6, 44100);
  // The muxer's edit list is good to its movie clock of a millisecond, and to the packet of the copied sound.
  CHECK(std::llabs(lag(sound.channels[0], said, 70000) + std::llround(double(shown) / 25 * 44100)) <= 45);
}

TEST_CASE("audio reader: a range equals the same part of the whole") {
  NEEDS_FFMPEG
  const std::string wav = click_wav(20, 44100);
  for (const char* name : {"range.mp4", "range.wav", "range.flac", "range.ogg", "range.mp3", "range.opus"}) {
    CAPTURE(std::string(name));
    const std::string path = made(name, "-i '" + wav + "' -b:a 192k");
    const Sound whole = read_sound(path);
    REQUIRE_MESSAGE(whole.status == TS_OK, whole.error);
    const double rate = whole.info.sample_rate;
    for (const double start_s : {0.0, 0.7, 1.9, 7.123, 15.5}) {
      CAPTURE(start_s);
      const Sound part = read_sound(path, [&](auto& o) {
        o.start_s = start_s;
        o.duration_s = 2.5;
      });
      REQUIRE_MESSAGE(part.status == TS_OK, part.error);
      CHECK(part.size() == size_t(std::llround(2.5 * rate)));
      const size_t from = size_t(std::llround(start_s * rate));
      double worst = 0;
      for (size_t i = 0; i < part.size(); ++i) worst = std::max(worst, double(std::fabs(part.channels[0][i] - whole.channels[0][from + i])));
      CHECK(worst < 2e-3);  // lossy decoders settle from another state after a seek
    }
    CHECK(read_sound(path, [](auto& o) { o.start_s = 100; }).size() == 0);
  }
}

TEST_CASE("audio reader: mono, 5.1, 8 kHz and 96 kHz arrive as stored") {
  NEEDS_FFMPEG
  struct Case {
    const char *name, *arguments;
    uint32_t rate, channels;
    const char* layout;
  };
  for (const Case& c : {Case{"mono.wav", "-f lavfi -i sine=r=8000:d=1", 8000, 1, "mono"},
                        Case{"six.wav", "-f lavfi -i sine=r=48000:d=1 -af pan=5.1\\|c0=c0\\|c1=0.5*c0\\|c2=0*c0\\|c3=0*c0\\|c4=0*c0\\|c5=0.25*c0", 48000, 6, "5.1"},
                        Case{"fine.flac", "-f lavfi -i sine=r=96000:d=1 -sample_fmt s32", 96000, 1, "mono"}}) {
    CAPTURE(std::string(c.name));
    const Sound sound = read_sound(made(c.name, c.arguments));
    REQUIRE_MESSAGE(sound.status == TS_OK, sound.error);
    CHECK(sound.info.sample_rate == c.rate);
    CHECK(sound.channels.size() == c.channels);
    CHECK(sound.size() == c.rate);
    CHECK(std::string(sound.info.channel_layout) == c.layout);
    CHECK(probe(made(c.name, c.arguments)).audio().duration_s == doctest::Approx(1).epsilon(1e-9));
  }
}

TEST_CASE("audio reader: damaged packets leave silence, not a shift") {
  NEEDS_FFMPEG
  const std::string wav = click_wav(20, 44100);
  std::string bytes = bytes_of(made("damage.mp4", "-i '" + wav + "' -c:a aac -b:a 128k"));
  const size_t middle = bytes.size() / 2;
  for (size_t i = middle; i < middle + 6000; ++i) bytes[i] = char(0xff);
  const Sound sound = read_sound(written("damaged.mp4", bytes));
  REQUIRE_MESSAGE(sound.status == TS_OK, sound.error);
  CHECK(sound.num_warnings > 0);
  const std::vector<float> said = clicks(20, 44100);
  CHECK(sound.size() == said.size());
  const std::vector<float> tail(sound.channels[0].end() - 5 * 44100, sound.channels[0].end());
  CHECK(lag(tail, std::vector<float>(said.end() - 5 * 44100, said.end())) == 0);
}

TEST_CASE("audio reader: a hole in the times is filled with silence") {
  NEEDS_FFMPEG
  const std::string path = made("hole.mkv", "-i '" + click_wav(6, 44100) + "' -af \"aselect='lt(t,2)+gt(t,3)'\" -c:a flac -copyts");
  const Sound sound = read_sound(path);
  REQUIRE_MESSAGE(sound.status == TS_OK, sound.error);
  const std::vector<float> said = clicks(6, 44100);
  const std::vector<float> tail(sound.channels[0].begin() + int64_t(3.2 * 44100), sound.channels[0].end());
  CHECK(std::llabs(lag(tail, std::vector<float>(said.begin() + int64_t(3.2 * 44100), said.end()))) <= 44);
  for (size_t i = size_t(2.2 * 44100); i < size_t(2.8 * 44100); ++i) REQUIRE(sound.channels[0][i] == 0.0f);
}

TEST_CASE("audio reader: no sound, nothing decodable and bad arguments are refused by name") {
  NEEDS_FFMPEG
  const Sound none = read_sound(sample("wet-hawk.mp4"));
  CHECK(none.status == TS_BAD_MEDIA);
  CHECK(none.error.find("wet-hawk.mp4: has no sound") != std::string::npos);
  CHECK(read_sound(scratch() + "/missing.wav").status == TS_NOT_FOUND);
  CHECK(read_sound(sample("friday.mp4"), [](auto& o) { o.start_s = -1; }).status == TS_INVALID_ARGUMENT);
  CHECK(read_sound(sample("friday.mp4"), [](auto& o) { o.stream = 1; }).status == TS_INVALID_ARGUMENT);  // its video
  std::string bytes = bytes_of(made("dead.mp4", "-f lavfi -i sine=d=2 -c:a aac"));
  const size_t data = bytes.find("mdat");
  for (size_t i = data + 4; i < bytes.find("moov") - 4; ++i) bytes[i] = char(0xff);
  const Sound dead = read_sound(written("dead2.mp4", bytes));
  CHECK(dead.status == TS_BAD_MEDIA);
  CHECK(dead.error.find("dead2.mp4") != std::string::npos);
}

TEST_CASE("audio reader: the repository's samples read whole, as long as the container says") {
  const std::pair<const char*, double> cases[] = {{"flower.mp4", 5.055}, {"friday.mp4", 6.153288}, {"stream-of-water.mp4", 3.157914}};
  for (const auto& one : cases) {
    const std::string name = one.first;
    const double length_s = one.second;
    CAPTURE(name);
    const Sound sound = read_sound(sample(name));
    REQUIRE_MESSAGE(sound.status == TS_OK, sound.error);
    CHECK(double(sound.size()) / sound.info.sample_rate == doctest::Approx(length_s).epsilon(1e-6));
    CHECK(probe(sample(name)).audio().duration_s == doctest::Approx(length_s).epsilon(1e-6));
  }
}
