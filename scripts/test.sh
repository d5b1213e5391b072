#!/usr/bin/env bash
# Everything that must hold, on a machine with or without a GPU. Ends with one line: N passed, N failed, N skipped.
#
#   scripts/test.sh                                    builds what it needs; a second run builds only what changed
#   THINKSOUND_GOLDENS=<folder> scripts/test.sh        with the full golden files instead of the committed subset
#   TS_ONLY=native,managed scripts/test.sh             some parts: tree native plain emulated asan tsan fuzz bindings
#                                                      managed verify packages training cuda
#
# Whatever cannot run here (no CUDA compiler, no full golden file) is listed and counted as skipped.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root" || exit 1
logs=build/logs
mkdir -p "$logs"

tally=$logs/tally # "PASSED FAILED SKIPPED" a line, and
reasons=$logs/skipped # why
: >"$tally" >"$reasons"
rm -f "$logs/setup-cuda.status"
started=$SECONDS

# count LABEL PASSED FAILED SKIPPED: adds to the totals and says what happened.
count() {
  echo "$2 $3 $4" >>"$tally"
  printf '%s  %-34s %4d passed %3d failed %3d skipped   %4d s\n' "$( (($3)) && echo FAIL || echo 'ok  ')" \
    "$1" "$2" "$3" "$4" "$((SECONDS - step_started))"
}
step() { step_started=$SECONDS; }
wanted() { [[ -z ${TS_ONLY:-} || ,$TS_ONLY, == *,$1,* ]]; }

# check LABEL COMMAND...: one thing that holds or does not.
check() {
  local label=$1
  shift
  step
  if quietly "$logs/check-${label//[^a-z0-9]/-}.log" "$@"; then count "$label" 1 0 0; else count "$label" 0 1 0; fi
}

# build_native PRESET [TARGET...]: a preset that does not build is a failure of its own.
build_native() {
  step
  "$root/scripts/build.sh" --native "$@" && return
  count "build, preset $1" 0 1 0
  return 1
}

# doctests NAME LABEL PROGRAM...: a doctest program; its "SKIPPED:" lines are test cases that returned early and so look passed.
doctests() {
  local name=$1 label=$2 log=$logs/native-$1.log status=0 ok bad missed
  shift 2
  # Tests ask for impossible sizes on purpose; a sanitizer's allocator is to refuse them as the ordinary one does.
  ASAN_OPTIONS=allocator_may_return_null=1 TSAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
    timeout 1800 "$@" --duration=true >"$log" 2>&1 || status=$?
  read -r ok bad < <(sed -n 's/^\[doctest\] test cases: *[0-9]* | *\([0-9]*\) passed | *\([0-9]*\) failed.*/\1 \2/p' "$log")
  missed=$(grep -c '^SKIPPED: ' "$log" || true)
  sed -n "s/^SKIPPED: /native ($name): /p" "$log" >>"$reasons"
  : "${ok:=0}" "${bad:=0}"
  if ((status && !bad)); then bad=1; fi # a crash, a sanitizer's report or the time limit: no summary, or a clean one
  if ((status)); then
    tail -n 80 "$log"
    say "the whole log: $log (exit status $status)"
  fi
  count "$label" $((ok > missed ? ok - missed : 0)) "$bad" "$missed"
}

# files FOLDER...: doctest's filter of the test cases that mirror these folders of native/.
files() {
  local all
  printf -v all '*/tests/native/%s/*,' "$@"
  printf -- '-sf=%s' "${all%,}"
}

# What most parts need, while nothing else runs: libraries, and test cases that are compiled once for all of their programs.
build_cpu() {
  local targets=()
  if wanted managed || wanted verify || wanted packages; then targets+=(libraries); fi
  if wanted native || wanted cuda; then targets+=(ts_tests); fi
  if wanted asan; then targets+=(ts_test_cases); fi
  if wanted plain || wanted emulated; then targets+=(ts_tests_plain); fi
  if wanted emulated && has_cuda; then
    # A build that was configured before the headers came has no stand-in yet.
    if [[ ! -f $emulated_card ]]; then quietly "$logs/configure-cpu.log" cmake --preset cpu; fi
    targets+=(thinksound_cuda_emulated)
  fi
  ((${#targets[@]})) || return 0
  build_native cpu "${targets[@]}" && count "build, preset cpu" 0 0 0
}

native() {
  step
  doctests cpu "native tests" build/cpu/bin/ts_tests
}
plain() {
  step
  doctests plain "native tests, plain operators" build/cpu/bin/ts_tests_plain "$(files ops models sampler pipeline abi runtime)"
}
asan() {
  # But for two cases, a third of the time of all: others have each of their flows and candidates, and the loops of loudness.
  build_native asan ts_tests &&
    doctests asan "native tests, preset asan" build/asan/bin/ts_tests "$(files core abi runtime ops text signal sampler)" -tce='candidates: the best of*,loudness: passes*'
}
tsan() {
  # But for one case of a single thread, half of the time of all, which seeks what AddressSanitizer finds.
  build_native tsan && doctests tsan "native tests, preset tsan" build/tsan/bin/ts_tests -tce='load: cancelled at any tensor*'
}

# has_cuda [LABEL]: compiler and headers are here, or can be fetched; else LABEL is skipped.
has_cuda() {
  [[ -f $logs/setup-cuda.status ]] || {
    scripts/setup-cuda.sh >"$logs/setup-cuda.log" 2>&1
    echo $? >"$logs/setup-cuda.status"
  }
  [[ $(<"$logs/setup-cuda.status") == 0 ]] && return
  if (($#)); then
    echo "$1: no CUDA toolkit ($(tail -n 1 "$logs/setup-cuda.log"))" >>"$reasons"
    count "$1" 0 0 1
  fi
  return 1
}

# The CUDA kernels without a GPU: the operator tests on a stand-in for the card (tests/native/emulation), and not on the plain operators again.
emulated_card=build/cpu/lib/libthinksound_cuda_emulated.so
emulated() {
  step
  has_cuda "CUDA kernels, emulated" || return 0
  doctests emulated "CUDA kernels, emulated" env THINKSOUND_CUDA_LIBRARY=$emulated_card build/cpu/bin/ts_tests_plain "$(files ops)" -sce=plain
}
emulated_large() {
  step
  has_cuda || return 0
  doctests emulated-132 "CUDA products, a large emulated card" env THINKSOUND_CUDA_LIBRARY=$emulated_card THINKSOUND_EMULATED_MULTIPROCESSORS=132 \
    build/cpu/bin/ts_tests_plain -tc='linear: products*,gated_linear: act*,qkv_projection: splits*,snake_conv_transpose1d*' -sce=plain
}

# The program as people get it, compiled ahead of time: verifies, and starts in milliseconds for the hundreds of runs of the managed tests.
program() {
  step
  if quietly "$logs/program.log" scripts/thinksound --version; then count "build, command line program" 0 0 0; else count "build, command line program" 0 1 0; fi
}
managed() {
  local log=$logs/managed.log status=0 ok bad missed
  step
  if ! "$root/scripts/build.sh" --managed; then
    count "build, managed projects" 0 1 0
    return
  fi
  THINKSOUND_CLI=$root/build/cli/thinksound timeout 1800 dotnet test ThinkSound.sln -c Release --no-build >"$log" 2>&1 || status=$?
  read -r ok bad missed < <(sed -n 's/.*Failed: *\([0-9]*\), Passed: *\([0-9]*\), Skipped: *\([0-9]*\), Total.*/\2 \1 \3/p' "$log" |
    awk '{ ok += $1; bad += $2; missed += $3 } END { print ok + 0, bad + 0, missed + 0 }')
  sed -n 's/^ *Skipped \([^ !].*\)/managed: \1/p' "$log" >>"$reasons"
  if ((status && !bad)); then bad=1; fi
  if ((status)); then
    grep -E -A 25 '^ *Failed |error|Aborted|crash' "$log" | head -n 120
    say "the whole log: $log (exit status $status)"
  fi
  count "managed tests" "$ok" "$bad" "$missed"
}

fuzzers() {
  local log=$logs/fuzzers.log
  [[ -n $(find tests/fuzz -name '*_fuzz.cpp' 2>/dev/null) ]] || return 0
  build_native asan fuzzers || return
  scripts/fuzz.sh 5 >"$log" 2>&1 || cat "$log"
  count "fuzzers, 5 s each" "$(grep -c '^ok ' "$log")" "$(grep -c '^FAIL ' "$log")" 0
}

# The command line program holds the golden files against the reference, network by network.
verify() {
  [[ -d managed/ThinkSound.Cli ]] || return 0
  local folder=${THINKSOUND_GOLDENS:-tests/golden} vocabularies=tests/golden/tokenizers ok=0 bad=0 missed=0
  verify_one() { # FILE [OPTION...]
    if TS_LOG_TAIL=25 quietly "$logs/verify-${1##*/}.log" scripts/thinksound verify "$@"; then
      ((ok += 1))
    else
      ((bad += 1))
    fi
  }
  step
  local golden
  for golden in mmdit_flags_small vae_small t5_small clip_text_small clip_vision_small synchformer_small preprocess pipeline_small; do
    verify_one "$folder/$golden.safetensors"
  done
  for golden in mel_codec_small recogniser_small listener_small; do # of our own twin, so not among the full files
    verify_one tests/golden/$golden.safetensors
  done
  verify_one "$folder/clip_tokens.jsonl" --vocabulary $vocabularies/clip
  verify_one "$folder/t5_tokens.jsonl" --vocabulary $vocabularies/t5_small
  for golden in mmdit_small mmdit_hd64_small sampler_small train_small; do # all but hd64 need the weights of mmdit_small
    if [[ -f $folder/mmdit_small.safetensors ]]; then
      verify_one "$folder/$golden.safetensors"
    else
      missed=$((missed + 1))
      echo "thinksound verify: $golden needs the full golden files (THINKSOUND_GOLDENS)" >>"$reasons"
    fi
  done
  count "thinksound verify" $ok $bad $missed
}

packages() {
  local log=$logs/packages.log status=0 bad
  step
  timeout 1800 scripts/test-packages.sh >"$log" 2>&1 || status=$?
  bad=$(grep -c '^FAIL ' "$log")
  if ((status)); then
    cat "$log"
    bad=$((bad ? bad : 1)) # the time limit, or the script itself
  fi
  sed -n 's/^SKIP /packages: /p' "$log" >>"$reasons"
  count "packages" "$(grep -c '^ok ' "$log")" "$bad" "$(grep -c '^SKIP ' "$log")"
}

training() {
  local log=$logs/training.log status=0 ran bad missed
  step
  if ! quietly "$logs/setup-training.log" scripts/setup-training.sh; then
    echo "training: what it needs could not be installed (scripts/setup-training.sh)" >>"$reasons"
    count "training programs" 0 0 1
    return
  fi
  # PyTorch's threads are not to spin for cores that the other parts want.
  OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=0 PYTHONPATH=training timeout 1800 /usr/bin/python3 -m unittest discover -v tests/training >"$log" 2>&1 || status=$?
  ran=$(sed -n 's/^Ran \([0-9]*\) tests\{0,1\} in .*/\1/p' "$log")
  bad=$(sed -n 's/^FAILED (\(.*\))$/\1/p' "$log" | grep -oE '(failures|errors)=[0-9]+' | awk -F= '{ n += $2 } END { print n + 0 }')
  missed=$(sed -n 's/.*skipped=\([0-9]*\).*/\1/p' "$log" | tail -n 1)
  : "${ran:=0}" "${missed:=0}"
  if ((status)); then
    tail -n 80 "$log"
    bad=$((bad ? bad : 1)) # the time limit, or Python itself
  fi
  sed -nE "s/^.* \((.*)\) \.\.\. skipped ['\"](.*)['\"]$/training, \1: \2/p" "$log" >>"$reasons"
  count "training programs" $((ran > bad + missed ? ran - bad - missed : 0)) "$bad" "$missed"
}

cuda() {
  step
  if ! compgen -G 'native/ops/cuda/*.cu' >/dev/null; then return; fi
  has_cuda "CUDA plug-in compiles" || return 0
  check "CUDA plug-in compiles" eval 'cmake --preset cuda && cmake --build --preset cuda --target thinksound_cuda'
  check "CUDA plug-in loads" env THINKSOUND_CUDA_LIBRARY="$root/build/cuda/lib/libthinksound_cuda.so" build/cpu/bin/ts_tests -tc='cuda*'
}

# Offline, everything may be installed already: what is really missing will show.
quietly "$logs/setup.log" scripts/setup.sh --no-cuda || say "setup failed; going on with what is installed"

if wanted tree; then
  check "tree: sizes and forbidden words" scripts/check-tree.sh
fi

# Parts that may run beside each other, the longest first; what shares a build folder is one part.
dotnet_parts() {
  if wanted managed || wanted verify; then program; fi
  if wanted managed; then managed; fi
  if wanted bindings; then
    check "bindings fit the header" dotnet run --project bindings/generator -c Release -- --check
  fi
  if wanted verify; then verify; fi
  if wanted packages; then packages; fi
}
asan_parts() {
  if wanted asan; then asan; fi
  if wanted fuzz; then fuzzers; fi
}
queue=(dotnet_parts)
if wanted cuda; then queue+=(cuda); fi
if wanted asan || wanted fuzz; then queue+=(asan_parts); fi
if wanted emulated; then queue+=(emulated emulated_large); fi
for part in tsan training native plain; do
  if wanted $part; then queue+=($part); fi
done

# Two at a time, each keeping a core busy most of the time.
trap 'trap - INT TERM; kill 0' INT TERM
build_cpu
for part in "${queue[@]}"; do
  while (($(jobs -rp | wc -l) >= 2)); do wait -n; done
  $part &
done
wait

if [[ -s $reasons ]]; then
  say
  say "skipped:"
  sort "$reasons" | sed 's/^/  /'
fi
read -r passed failed skipped < <(awk '{ ok += $1; bad += $2; missed += $3 } END { print ok + 0, bad + 0, missed + 0 }' "$tally")
say
say "$(((SECONDS - started) / 60)) min $(((SECONDS - started) % 60)) s"
say "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
