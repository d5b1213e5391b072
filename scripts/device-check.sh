#!/usr/bin/env bash
# The checks that need a GPU, on a machine that has one and need have nothing else: every operator test and every golden
# on the CUDA backend, from a build that was carried there (bin/ts_tests and lib/libthinksound_cuda.so; stripped, 8 MB).
# Prints a table last and fails if a test did; whole logs go to $OUT, if that is set. About 15 s on an H200.
#
#   scripts/device-check.sh [build folder]                            default build/cuda-plain
#   FILES="ops/linear models/t5" scripts/device-check.sh              only these
#   FILES=ops/rows UNDER="compute-sanitizer --tool racecheck" LIMIT=500 scripts/device-check.sh
#
# One process for each file of tests, so that a kernel that ends its device's context spoils no other; none longer than
# LIMIT seconds (40). A file may name an environment: "abi/cuda_engine+THINKSOUND_CUDA_GRAPHS=0".
set -uo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/cuda-plain}
logs=${OUT:-$(mktemp -d)}
[[ -x $build/bin/ts_tests ]] || { echo "$build/bin/ts_tests is not there; build it with: cmake --preset cuda-plain && cmake --build --preset cuda-plain --target thinksound_cuda ts_tests" >&2; exit 2; }
export THINKSOUND_SOURCE=$PWD THINKSOUND_CUDA_LIBRARY=$PWD/$build/lib/libthinksound_cuda.so
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>&1 | head -4

files=${FILES:-$(cd tests/native && ls {ops,models,sampler,pipeline}/*_test.cpp | sed 's/_test.cpp$//') abi/cuda_engine
  ops/replay+THINKSOUND_CUDA_GRAPHS=0 abi/cuda_engine+THINKSOUND_CUDA_GRAPHS=0}

# check NAME[+VARIABLE=VALUE] LOGS BUILD
check() {
  local file=${1%%+*} set=() log=$2/${1//\//-}.log began=$EPOCHREALTIME rc result
  [[ $1 == *+* ]] && set=("${1#*+}")
  env "${set[@]}" timeout -k 5 "${LIMIT:-40}" ${UNDER:-} "$3/bin/ts_tests" -sf="*/native/${file}_test.cpp" -sc=cuda -d >"$log" 2>&1
  rc=$?
  result=$(sed -n 's/^\[doctest\] assertions: *//p' "$log" | sed 's/ *| *$//' | tr -s ' ')
  printf '%-48s rc %-3s %6.1f s  %s\n' "$1" "$rc" "$(awk "BEGIN { print $EPOCHREALTIME - $began }")" \
    "${result:-no summary: $(tail -n 1 "$log" | cut -c1-120)}"
}
export -f check
printf '%s\n' $files | xargs -P 8 -I{} bash -c 'check "$@"' _ {} "$logs" "$build" >"$logs/table.txt"

grep -h -A12 'ERROR:' "$logs"/*.log | grep -E 'TEST CASE|ERROR:|values:|logged:|: (element|rel)|exception' | sort | uniq -c | sort -rn | head -40
grep -h 'SKIPPED:' "$logs"/*.log | sort -u
sort "$logs/table.txt"
failed=$(grep -vc ' rc 0 ' "$logs/table.txt")
echo "$(grep -c ' rc 0 ' "$logs/table.txt") passed, $failed failed"
exit $((failed > 0))
