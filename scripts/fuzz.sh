#!/usr/bin/env bash
# Runs every fuzzer for a while, starting from its seeds in tests/fuzz/corpus; what it finds is kept in build/fuzz.
#
#   scripts/fuzz.sh [SECONDS]      per fuzzer, default 60
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
seconds=${1:-60}

"$root/scripts/build.sh" --native asan fuzzers
failed=0
shopt -s nullglob
fuzzers=(build/asan/bin/fuzz_*)
((${#fuzzers[@]})) || die "no fuzzer was built; tests/fuzz holds $(find tests/fuzz -name '*_fuzz.cpp' | wc -l) sources"
for fuzzer in "${fuzzers[@]}"; do
  name=${fuzzer##*/fuzz_}
  seeds=tests/fuzz/corpus/$name
  found=build/fuzz/corpus/$name
  mkdir -p "$found"
  [[ -d $seeds ]] || seeds=
  if TS_LOG_TAIL=30 quietly "build/logs/fuzz-$name.log" "$fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="build/fuzz/$name-" "$found" ${seeds:+"$seeds"}; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/logs/fuzz-$name.log")
    say "ok    fuzzer $name: ${runs:-?} inputs in $seconds s"
  else
    say "FAIL  fuzzer $name: the input is kept as build/fuzz/$name-*"
    failed=1
  fi
done
exit $failed
