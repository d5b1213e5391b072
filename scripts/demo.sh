#!/usr/bin/env bash
# A real video in, the same video with sound out: prepares everything, then runs the main job once.
#
#   scripts/demo.sh [VIDEO [CAPTION]]      default: samples/stream-of-water.mp4
#
# The results lie in out/: the video with its sound, and pictures of the waveform and the spectrogram.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
video=${1:-samples/stream-of-water.mp4}
caption=${2-}
if [[ $# -eq 0 ]]; then caption="a small stream of water flows between rocks"; fi
[[ -f $video ]] || die "$video: no such video"

# A CUDA compiler is worth its download only where a card is.
if [[ -e /proc/driver/nvidia/version ]]; then scripts/setup.sh; else scripts/setup.sh --no-cuda; fi

bundle=$(find models -mindepth 2 -maxdepth 2 -name bundle.json -printf '%h\n' 2>/dev/null | sort | head -1 || true)
if [[ -z $bundle ]]; then
  bundle=build/demo/random-bundle
  if [[ ! -f $bundle/bundle.json || scripts/random-bundle.cs -nt $bundle/bundle.json ]]; then
    quietly build/logs/random-bundle.log dotnet run scripts/random-bundle.cs -- "$bundle"
  fi
  say "There is no trained model in this checkout yet: the weights are RANDOM, so the sound will be noise."
  say "Everything else is real: decoding, features, sampler, VAE, muxing."
fi

mkdir -p out
name=$(basename "${video%.*}")
output=out/$name-with-sound.mp4
scripts/thinksound generate "$video" --caption "$caption" --bundle "$bundle" --seed 1 --plot --force -o "$output"

say
say "Results:"
find out -name "$name-with-sound*" -newer "$bundle/bundle.json" -printf '  %p  (%k KB)\n' | sort
