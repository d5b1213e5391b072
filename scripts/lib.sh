# Shared by the scripts of this folder: source it, do not run it.
# shellcheck shell=bash disable=SC2034

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cuda_prefix=${THINKSOUND_CUDA:-$HOME/.cache/thinksound/cuda-12.4}

# The SDK that setup.sh may have installed is found without a change to the user's profile.
if [[ -x $HOME/.dotnet/dotnet ]]; then
  export PATH="$HOME/.dotnet:$PATH" DOTNET_ROOT="$HOME/.dotnet"
fi
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_CLI_UI_LANGUAGE=en

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# at_least 12.4 12.10.2: is the second version the first or later?
at_least() { [[ $(printf '%s\n' "$1" "$2" | sort -V | head -1) == "$1" ]]; }

# "12.4" for the nvcc given.
nvcc_version() { "$1" --version 2>/dev/null | sed -n 's/.*release \([0-9.]*\),.*/\1/p'; }

# The CUDA compiler to use: CUDACXX, then our own prefix, then PATH, then NVIDIA's usual folder; 12.4 or later.
find_nvcc() {
  local candidate
  for candidate in "${CUDACXX:-}" "$cuda_prefix/bin/nvcc" "$(command -v nvcc || true)" /usr/local/cuda/bin/nvcc; do
    [[ -n $candidate && -x $candidate ]] || continue
    if at_least 12.4 "$(nvcc_version "$candidate")"; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  return 1
}

# Runs a command with its output in a log; shows the end of the log only when the command fails.
quietly() {
  local log=$1 status=0
  shift
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 || status=$?
  if ((status)); then
    tail -n "${TS_LOG_TAIL:-60}" "$log" >&2
    printf 'failed (%d): %s\nthe whole log: %s\n' "$status" "$*" "$log" >&2
  fi
  return "$status"
}
