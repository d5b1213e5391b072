#include "media/matroska_delay.h"

#include <algorithm>
#include <numeric>

#include "media/ffmpeg.h"

namespace ts::media {
namespace {

constexpr int kRate = 48000;
constexpr int kDelay = 4800;  // 100 ms, far from any rounding

struct Bytes {
  uint8_t* data = nullptr;
  int size = 0, at = 0;
  ~Bytes() { av_free(data); }
  static int read(void* self, uint8_t* to, int wanted) {
    Bytes& bytes = *static_cast<Bytes*>(self);
    const int count = std::min(wanted, bytes.size - bytes.at);
    std::copy_n(bytes.data + bytes.at, count, to);
    bytes.at += count;
    return count > 0 ? count : AVERROR_EOF;
  }
};

// A Matroska file of one Opus packet at time 0, delayed by kDelay.
void write_probe(Bytes& bytes) {
  AVFormatContext* context = nullptr;
  if (avformat_alloc_output_context2(&context, nullptr, "matroska", nullptr) < 0) fail(TS_UNSUPPORTED, "this FFmpeg does not write mkv");
  const OutputPtr out(context);
  AVCodecParameters& p = *allocated(avformat_new_stream(out.get(), nullptr))->codecpar;
  constexpr uint8_t kHead[19] = {'O', 'p', 'u', 's', 'H', 'e', 'a', 'd', 1, 1, kDelay & 255, kDelay >> 8, 0x80, 0xBB};
  p.codec_type = AVMEDIA_TYPE_AUDIO;
  p.codec_id = AV_CODEC_ID_OPUS;
  p.sample_rate = kRate;
  p.initial_padding = kDelay;
  av_channel_layout_default(&p.ch_layout, 1);
  p.extradata = static_cast<uint8_t*>(allocated(av_mallocz(sizeof kHead + AV_INPUT_BUFFER_PADDING_SIZE)));
  p.extradata_size = sizeof kHead;
  std::copy_n(kHead, sizeof kHead, p.extradata);
  if (avio_open_dyn_buf(&out->pb) < 0) fail(TS_OUT_OF_MEMORY, "FFmpeg could not allocate memory");
  const PacketPtr packet = new_packet();
  bool fine = av_new_packet(packet.get(), 3) == 0;
  if (fine) {
    std::fill_n(packet->data, 3, uint8_t(0xFC));
    packet->pts = packet->dts = 0;
    packet->duration = 20;
    packet->flags = AV_PKT_FLAG_KEY;
    fine = avformat_write_header(out.get(), nullptr) >= 0 && av_write_frame(out.get(), packet.get()) >= 0 &&
           av_write_trailer(out.get()) >= 0;
  }
  bytes.size = avio_close_dyn_buf(out->pb, &bytes.data);
  out->pb = nullptr;
  if (!fine) fail(TS_UNSUPPORTED, "this FFmpeg does not write Opus into mkv");
}

bool probe_muxer() {
  Bytes bytes;
  write_probe(bytes);
  constexpr int kBuffer = 4096;
  AVFormatContext* context = allocated(avformat_alloc_context());
  AVIOContext* io = avio_alloc_context(static_cast<uint8_t*>(allocated(av_malloc(kBuffer))), kBuffer, 0, &bytes, &Bytes::read, nullptr, nullptr);
  context->pb = io;
  bool adds = false;
  if (avformat_open_input(&context, "", nullptr, nullptr) >= 0) {
    const InputPtr input(context);
    const PacketPtr packet = new_packet();
    const bool read = av_read_frame(input.get(), packet.get()) >= 0;
    // Readers subtract the delay: what was written at 0 is then at 0 if it was added, else 100 ms before.
    adds = read && av_rescale_q(packet->pts, input->streams[0]->time_base, {1, 1000}) > -50;
  }
  if (io) av_freep(&io->buffer);
  avio_context_free(&io);
  return adds;
}

}  // namespace

bool matroska_adds_delay() {
  static const bool adds = probe_muxer();
  return adds;
}

int64_t whole_ms(int rate) { return 1000 / std::gcd(1000, rate); }

}  // namespace ts::media
