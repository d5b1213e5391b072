#!/usr/bin/env bash
# Silent pictures in, the same pictures with sound out: prepares everything, then does the main job.
#
#   scripts/demo.sh                        a real video and a generated scene whose knocks are known, both from samples/
#   scripts/demo.sh VIDEO [CAPTION]        a video of yours
#
# The results lie in out/: the video with its sound, the sound as WAV, and a picture with frames, onsets, waveform and
# spectrogram on one time axis. May be run again at any time; what is made anew replaces what was there.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
if (($#)); then [[ -f $1 ]] || die "$1: no such video"; fi

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

# give_sound VIDEO CAPTION EVENTS: the three results and a line about each; with EVENTS, the seconds at which something is
# seen that should be heard, also how many of them are heard.
give_sound() {
  local out ending
  out=out/$(basename "${1%.*}")-with-sound
  say
  say "$1${2:+: $2}"
  # The same seed gives the same sound twice; what the model saw in the video is kept between the two.
  for ending in mp4 wav; do
    scripts/thinksound generate "$1" --caption "$2" --bundle "$bundle" --seed 1 --quiet --force -o "$out.$ending"
  done
  scripts/thinksound plot "$out.mp4" ${3:+--events "$3"} --force
}

mkdir -p out
if (($#)); then
  give_sound "$1" "${2-}" ""
else
  for sample in stream-of-water.mp4 scene-knock.mp4; do
    about=$(grep -F "\"file\": \"$sample\"" samples/manifest.jsonl)
    caption=$(sed 's/.*"caption": "\([^"]*\)".*/\1/' <<<"$about")
    events=$(grep -o '"time_s": [0-9.]*' <<<"$about" | cut -d' ' -f2 | paste -sd, || true) # the real video has none
    give_sound "samples/$sample" "$caption" "$events"
  done
fi
