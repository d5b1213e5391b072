// How encoder delay is written into Matroska and WebM, so that the sound keeps its place to the sample.
//
// Opus has its delay stated (CodecDelay), which readers subtract from its block times and take off its head. Older FFmpeg
// states it and forgets to add it to the times, so its readers hear the sound early by the delay; newer FFmpeg adds it.
// Other codecs have no delay stated by older FFmpeg. For them nothing is stated here either: silence is put before the
// sound so that delay and silence together last a whole number of milliseconds, the tick of Matroska, and everything
// else in the file is moved back by as much.
#pragma once

#include <cstdint>

namespace ts::media {

// Whether this FFmpeg's muxer adds CodecDelay to block times. Found out once, by writing a packet and reading it back.
bool matroska_adds_delay();

// The shortest time that is a whole number both of milliseconds and of samples, in milliseconds.
int64_t whole_ms(int rate);

}  // namespace ts::media
