#!/usr/bin/env bash
# Installs what building and testing needs, on Debian 12 or a sibling of it. May be run again at any time: it installs
# what is missing and is quiet when nothing is.
#
#   scripts/setup.sh [--no-cuda]      --no-cuda: without the CUDA compiler (about 1 GB to fetch); everything else builds
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cuda=yes
for argument in "$@"; do
  case $argument in
    --no-cuda) cuda=no ;;
    *) sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
  esac
done

packages=(
  git curl ca-certificates                                   # to fetch
  cmake ninja-build g++ ccache pkg-config                    # native build
  clang-14 libclang-rt-14-dev                                # bindings (header reader), sanitizers, fuzzers
  libdnnl-dev libhwy-dev nlohmann-json3-dev zlib1g-dev       # libraries of the native part
  doctest-dev unicode-data                                   # tests, Unicode tables
  fonts-dejavu-core                                          # words in pictures
  libgtk-3-0                                                 # OpenCV's native library is linked with it, and shows no window
  binutils patchelf unzip                                    # packages
  ffmpeg libavformat-dev libavcodec-dev libavfilter-dev libavutil-dev libswscale-dev libswresample-dev
)

as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    command -v sudo >/dev/null || die "installing packages needs root, and there is no sudo. Run as root: $*"
    sudo "$@"
  fi
}

# install PACKAGE...: those that are not installed yet.
install() {
  local package missing=()
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]}"
  as_root apt-get -qq update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
}

command -v apt-get >/dev/null || die "this script knows Debian's packages. Elsewhere, install the counterparts of: ${packages[*]}, and the .NET 10 SDK."
install "${packages[@]}"

# The .NET 10 SDK by the vendor's own script, into the user's home.
if ! command -v dotnet >/dev/null || ! at_least 10.0 "$(dotnet --version 2>/dev/null || echo 0)"; then
  say "installing the .NET 10 SDK into $HOME/.dotnet"
  install libicu72
  script=$(mktemp)
  trap 'rm -f "$script"' EXIT
  curl -fsSL https://dot.net/v1/dotnet-install.sh -o "$script" ||
    die "the .NET install script could not be fetched. Install the .NET 10 SDK by hand and run this again."
  bash "$script" --channel 10.0 --install-dir "$HOME/.dotnet" --no-path >/dev/null
  say "the scripts here find it; for your own shell: export PATH=\"\$HOME/.dotnet:\$PATH\" DOTNET_ROOT=\"\$HOME/.dotnet\""
fi

if [[ $cuda == yes ]]; then
  if [[ $(uname -m) == x86_64 ]]; then
    "$root/scripts/setup-cuda.sh" || die "the CUDA compiler could not be made (above); scripts/setup.sh --no-cuda does without"
  else
    say "CUDA: no compiler for $(uname -m) here; everything else builds without"
  fi
fi
