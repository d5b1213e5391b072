#!/usr/bin/env bash
# The packages as a stranger meets them: programs in a folder of their own, with packages of their own, that know this
# checkout by its feed alone. One line a thing that holds: "ok …", "FAIL …", or "SKIP …" with the reason.
#
#   scripts/test-packages.sh
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root" || exit 1
logs=$root/build/logs feed=$root/build/packages
away=$(mktemp -d)
trap 'rm -rf "$away"' EXIT
failures=0
unset THINKSOUND_LIBRARY_PATH THINKSOUND_BUNDLE

# holds NAME COMMAND...
holds() {
  local name=$1 began=$SECONDS
  shift
  if quietly "$logs/packages-${name//[^a-z0-9]/-}.log" "$@"; then
    printf 'ok   %s (%d s)\n' "$name" $((SECONDS - began))
  else
    printf 'FAIL %s\n' "$name"
    failures=1
    return 1
  fi
}
skip() { printf 'SKIP %s\n' "$*"; exit $failures; }

[[ $(uname -sm) == "Linux x86_64" ]] || skip "packages are made on Linux x64 only"
for tool in dotnet patchelf readelf unzip g++; do command -v $tool >/dev/null || skip "$tool is missing: scripts/setup.sh installs it"; done

holds "packages are built" scripts/pack.sh "$feed" || exit 1

# The check must be able to fail, and say why.
old_system_is_refused() {
  ! scripts/check-symbols.sh 2.30 3.4.30 build/pack/native/lib/libthinksound.so && grep -q 'libthinksound.so: .* needs GLIBC_' <<<"$(
    scripts/check-symbols.sh 2.30 3.4.30 build/pack/native/lib/libthinksound.so)"
}
holds "symbols newer than promised are named" old_system_is_refused

# What every package says of itself, and what it must not.
packages_are_described() {
  local package folder word
  for package in "$feed"/*.nupkg; do
    folder=$away/unpacked/$(basename "$package" .nupkg)
    mkdir -p "$folder"
    unzip -q -o "$package" -d "$folder" || return 1
    for word in '<license type="expression">' '<readme>README.md</readme>' '<description>[^<]{20,}' '<tags>' '<authors>' '<version>'; do
      grep -qE "$word" "$folder"/*.nuspec || { echo "$(basename "$package"): no $word"; return 1; }
    done
    [[ -f $folder/README.md && -f $folder/NOTICE ]] || { echo "$(basename "$package"): no README.md or NOTICE"; return 1; }
    if grep -rlF "$root" "$folder"; then echo "$(basename "$package"): names a folder of this machine"; return 1; fi
  done
  for word in libgomp1 libdnnl2 GPL-3 Apache-2.0; do
    [[ -s $(echo "$away"/unpacked/ThinkSound.Runtime.*/licenses/$word.txt) ]] || { echo "no licence of $word"; return 1; }
  done
  grep -q 'id="ThinkSound.Runtime.linux-x64"' "$away"/unpacked/ThinkSound.[0-9]*/ThinkSound.nuspec
}
holds "packages are described, and name no folder of this machine" packages_are_described

# A bundle outside of the checkout, and projects beside it.
holds "a bundle is made" dotnet run scripts/random-bundle.cs -- "$away/bundle" || exit 1
cp -r tests/packages/. "$away/"
cp samples/stream-of-water.mp4 "$away/"
mkdir "$away/home"
cat >"$away/nuget.config" <<CONFIG
<configuration>
  <config><add key="globalPackagesFolder" value="$away/packages" /></config>
  <packageSources><add key="thinksound" value="$feed" /></packageSources>
</configuration>
CONFIG
cd "$away" || exit 1

# add PROJECT PACKAGE: the one line, and what restoring needs of the world.
add() { dotnet add "$1" package "$2"; }
if ! quietly "$logs/packages-add.log" add sound ThinkSound; then
  if grep -q NU1301 "$logs/packages-add.log"; then skip "the ordinary package sources cannot be reached"; fi
  printf 'FAIL %s\n' "dotnet add package ThinkSound"
  exit 1
fi

# alone COMMAND...: without the environment of this shell, so without a way back to the checkout.
alone() { (cd "$away" && env -i HOME="$away/home" PATH=/usr/bin:/bin LC_ALL=C.UTF-8 "$@"); }

# sounds NAME COMMAND...: makes the sound by the libraries of the package, the same samples every time.
sounds() {
  local name=$1
  shift
  "$@" "$away/bundle" "$away/$name.wav" >"$away/$name.txt" || { cat "$away/$name.txt"; return 1; }
  cat "$away/$name.txt"
  grep -q '^samples 44100$' "$away/$name.txt" || return 1
  grep -q '^mapped .*/libthinksound-dnnl' "$away/$name.txt" || { echo "the private copy of oneDNN was not used"; return 1; }
  if grep '^mapped /usr/lib.*libdnnl' "$away/$name.txt" || grep -F "mapped $root/" "$away/$name.txt"; then return 1; fi
  [[ ! -f $away/first.sha ]] && grep '^sha256' "$away/$name.txt" >"$away/first.sha"
  grep -qxF "$(cat "$away/first.sha")" "$away/$name.txt" || { echo "other samples than the first program's"; return 1; }
}

holds "one package is enough: built and run" sounds run dotnet run --project sound -c Release --
holds "published as a single file" dotnet publish sound -c Release -r linux-x64 --self-contained -p:PublishSingleFile=true \
  -p:IncludeNativeLibrariesForSelfExtract=true -o single &&
  holds "the single file runs by itself" eval '[[ $(find single -name "*.so*" | wc -l) == 0 ]] && sounds single alone single/sound'
holds "published ahead of time" dotnet publish sound -c Release -r linux-x64 -p:PublishAot=true -o aot &&
  holds "the program compiled ahead of time runs by itself" sounds aot alone aot/sound

video() {
  add video ThinkSound.Rendering && dotnet run --project video -c Release -- "$away/bundle" "$away/stream-of-water.mp4" "$away/out.mp4" &&
    [[ -s $away/out.mp4 && -s $away/out.png ]]
}
holds "media and rendering give a video its sound" video

tool() {
  dotnet tool install ThinkSound.Cli --tool-path "$away/tools" &&
    alone tools/thinksound generate --caption rain --duration 1 --steps 2 --bundle "$away/bundle" -o "$away/tool.wav" &&
    alone tools/thinksound doctor
}
holds "the tool of dotnet generates and examines itself" tool

without_ffmpeg() {
  cp -r "$root/build/pack/native/lib" "$away/elsewhere" &&
    patchelf --replace-needed libavformat.so.59 libavformat.so.0 "$away/elsewhere/libthinksound_media.so" || return 1
  local said status=0
  said=$(alone THINKSOUND_LIBRARY_PATH="$away/elsewhere" tools/thinksound doctor) || status=$?
  printf '%s\n' "$said"
  ((status == 4)) && grep -q 'libavformat.so.0: cannot open' <<<"$said" && grep -q 'install FFmpeg 5.1' <<<"$said"
}
holds "an FFmpeg that is missing is named, with the remedy" without_ffmpeg
exit $failures
