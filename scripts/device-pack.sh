#!/usr/bin/env bash
# Packs what scripts/device-check.py runs into one archive, to carry to a machine that has a card and nothing else of ours: the
# native tests and the two benchmarks of kernels, libthinksound and its CUDA plug-in for Hopper (neither oneDNN nor Highway), the
# command line compiled ahead of time, and an FFmpeg of a few megabytes that reads the samples.
#
#   scripts/device-pack.sh [ARCHIVE]       default build/device.tar.xz
#
# The FFmpeg is Debian's source of the version that libthinksound_media was built against, kept in build/ffmpeg.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
archive=$(realpath -m "${1:-build/device.tar.xz}")
ffmpeg=$root/build/ffmpeg
ffmpeg_libraries=(avformat avcodec avutil swscale swresample)

# An FFmpeg with decoders for the samples and nothing that would need another library. Each step says && itself: what is called
# through quietly has no errexit.
small_ffmpeg() (
  version=$(dpkg-query -W -f '${Version}' libavcodec-dev) || exit
  [[ ! -f $ffmpeg/$version ]] || exit 0
  work=$(mktemp -d) || exit
  trap 'rm -rf "$work"' EXIT
  sources=(-qq -o Dir::Etc::sourcelist="$work/source.sources" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::Lists="$work/lists" -o APT::Sandbox::User=root)
  mkdir -p "$work/lists/partial" "$work/source" &&
    sed 's/^Types:.*/Types: deb-src/' /etc/apt/sources.list.d/debian.sources >"$work/source.sources" &&
    apt-get "${sources[@]}" update &&
    cd "$work" &&
    apt-get "${sources[@]}" source --download-only "ffmpeg=$version" &&
    tar -xf ffmpeg_*.orig.tar.xz -C source --strip-components 1 &&
    cd source &&
    ./configure --prefix="$ffmpeg" --enable-shared --disable-static --disable-programs --disable-doc --disable-debug --disable-everything \
      --disable-autodetect --disable-network --disable-avdevice --disable-avfilter --disable-x86asm --enable-protocol=file \
      --enable-demuxer=mov,matroska,wav --enable-decoder=h264,vp8,vp9,aac,opus,vorbis,pcm_s16le --enable-parser=h264,vp8,vp9,aac,opus &&
    make -j"$(nproc)" &&
    rm -rf "$ffmpeg" &&
    make install &&
    touch "$ffmpeg/$version"
)

for tool in cmake dotnet apt-get dpkg-query strip xz; do command -v $tool >/dev/null || die "$tool is missing"; done
quietly build/logs/device-ffmpeg.log small_ffmpeg
for preset in cuda-plain cpu; do
  [[ -f build/$preset/build.ninja ]] || quietly "build/logs/configure-$preset.log" cmake --preset $preset
done
quietly build/logs/device-build.log cmake --build --preset cuda-plain --target thinksound thinksound_cuda ts_tests cuda_product_bench ts_cuda_attention_bench
quietly build/logs/device-media.log cmake --build --preset cpu --target thinksound_media
quietly build/logs/device-cli.log dotnet publish managed/ThinkSound.Cli -c Release -v quiet -p:PublishAot=true -o build/device-cli

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin" "$folder/lib"
strip -o "$folder/bin/thinksound" build/device-cli/thinksound
for program in ts_tests cuda_product_bench ts_cuda_attention_bench; do strip -o "$folder/bin/$program" build/cuda-plain/bin/$program; done
for library in thinksound thinksound_cuda; do strip -o "$folder/lib/lib$library.so" build/cuda-plain/lib/lib$library.so; done
strip -o "$folder/lib/libthinksound_media.so" build/cpu/lib/libthinksound_media.so
for library in "${ffmpeg_libraries[@]}"; do
  soname=$(basename "$(ls "$ffmpeg"/lib/lib"$library".so.? "$ffmpeg"/lib/lib"$library".so.?? 2>/dev/null | head -1)")
  strip -o "$folder/lib/$soname" "$(realpath "$ffmpeg/lib/$soname")"
done
git rev-parse HEAD >"$folder/commit"
git diff --quiet HEAD || say "uncommitted changes are packed, too" | tee -a "$folder/commit"
tar -C "$folder" -c bin lib commit | xz -T0 >"$archive"
say "$archive: $(stat -c %s "$archive") bytes, beside $(git ls-files -z | xargs -0 stat -c %s | awk '{ bytes += $1 } END { print bytes }') of the tracked tree"
