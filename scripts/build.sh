#!/usr/bin/env bash
# Builds the native libraries and the managed projects; quiet when there is nothing to do.
#
#   scripts/build.sh [--native | --libraries | --managed | --cli] [PRESET [TARGET...]]
#
# TARGETs are of --native, by default all. PRESET is one of `cmake --list-presets`; by default cpu, or cuda where a card and an nvcc are found. Native outputs go
# to build/PRESET/{lib,bin}, managed ones to build/managed. --libraries builds what is shipped, and no tests. --cli makes
# what scripts/thinksound runs: the native libraries and the command line program, compiled ahead of time, in build/cli.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"

what=all preset= targets=()
for argument in "$@"; do
  case $argument in
    --native | --libraries | --managed | --cli) what=${argument#--} ;;
    -*) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
    *) if [[ -z $preset ]]; then preset=$argument; else targets+=("$argument"); fi ;;
  esac
done
if [[ -z $preset ]]; then
  preset=cpu
  if [[ -e /proc/driver/nvidia/version ]] && find_nvcc >/dev/null; then preset=cuda; fi
fi

# native [TARGET...]: everything, or some targets.
native() {
  command -v cmake >/dev/null || die "cmake is missing: run scripts/setup.sh"
  if [[ $preset == asan && $* != fuzzers ]]; then (preset=cpu && native ts_test_cases); fi # which its tests are linked with
  if [[ ! -f build/$preset/build.ninja ]]; then
    quietly "build/logs/configure-$preset.log" cmake --preset "$preset"
  fi
  quietly "build/logs/build-$preset.log" cmake --build --preset "$preset" ${1:+--target "$@"} -- --quiet
}

managed() {
  command -v dotnet >/dev/null || die "dotnet is missing: run scripts/setup.sh"
  quietly build/logs/build-managed.log dotnet build ThinkSound.sln -c Release -v quiet
}

cli() {
  command -v dotnet >/dev/null || die "dotnet is missing: run scripts/setup.sh"
  local publish=(dotnet publish managed/ThinkSound.Cli -c Release -v quiet -o build/cli)
  # Ahead-of-time compilation starts in milliseconds; where its compiler is not to be had, the ordinary program will do.
  if ! TS_LOG_TAIL=5 quietly build/logs/publish-cli.log "${publish[@]}"; then
    say "ahead-of-time compilation failed (log above); building the ordinary program, which starts more slowly" >&2
    quietly build/logs/publish-cli-jit.log "${publish[@]}" -p:PublishAot=false
  fi
  cp -u build/"$preset"/lib/*.so build/cli/
}

case $what in
  native) native "${targets[@]}" ;;
  libraries) native libraries ;;
  managed) managed ;;
  cli) native libraries; cli ;;
  all) native; managed ;;
esac
