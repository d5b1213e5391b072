#!/usr/bin/env bash
# Builds the NuGet packages into a folder, which then is a feed.
#
#   scripts/pack.sh [OUTPUT]        default build/packages
#
# ThinkSound.Runtime.linux-x64 carries the native libraries and private copies of the libraries they need, but for glibc,
# libstdc++ and FFmpeg: a second libstdc++ could keep a newer one from loading later, and FFmpeg is large and LGPL or GPL.
# The copies get names of their own, so that neither they nor their namesakes elsewhere in the process take the other's
# place. Their licences travel along.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
output=$(realpath -m "${1:-build/packages}")
work=$root/build/pack native=$root/build/pack/native
glibc=2.35 glibcxx=3.4.30 # Ubuntu 22.04 has these, and whatever is younger
from_system='^(libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s|ld-linux-x86-64)\.so\.'
from_ffmpeg='^lib(avformat|avcodec|avutil|swscale|swresample)\.so\.'

[[ $(uname -sm) == "Linux x86_64" ]] || die "native packages are made for linux-x64 only, and on it; this is $(uname -sm)"
for tool in cmake dotnet patchelf readelf dpkg-query; do
  command -v $tool >/dev/null || die "$tool is missing: run scripts/setup.sh"
done

needed() { patchelf --print-needed "$1"; }
private_name() { printf 'libthinksound-%s\n' "${1#lib}"; } # libdnnl.so.2 → libthinksound-dnnl.so.2

# carry LIBRARY SONAME: a private copy of what SONAME means to LIBRARY, and of what that needs in turn.
carry() {
  local soname=$2 copy path next
  copy=$native/lib/$(private_name "$soname")
  [[ ! -e $copy ]] || return 0
  path=$(ldd "$1" | awk -v soname="$soname" '$1 == soname { print $3 }')
  [[ -f $path ]] || die "$soname, which $(basename "$1") needs, is not on this machine"
  install -m 644 "$path" "$copy"
  patchelf --set-soname "$(private_name "$soname")" --set-rpath '$ORIGIN' "$copy"
  rewire "$copy" "$path"
  license "$path" "$(basename "$copy")"
}

# rewire COPY ORIGINAL: points what COPY needs at private copies.
rewire() {
  local soname
  for soname in $(needed "$2"); do
    [[ $soname =~ $from_system || $soname =~ $from_ffmpeg ]] && continue
    carry "$2" "$soname"
    patchelf --replace-needed "$soname" "$(private_name "$soname")" "$1"
  done
}

# license FILE NAME: a line for NOTICE and the licence text, as the distribution that FILE belongs to hands them out.
license() {
  local package version
  # A library may be known by its path before /lib became /usr/lib.
  package=$({ dpkg-query -S "$(realpath "$1")" || dpkg-query -S "${1#/usr}" || dpkg-query -S "$(realpath "$1" | sed 's,^/usr,,')"; } 2>/dev/null | head -1 | cut -d: -f1)
  [[ -n $package ]] || die "$1 belongs to no package, so its licence is not known"
  version=$(dpkg-query -W -f '${source:Package} ${source:Version}' "$package")
  install -m 644 "/usr/share/doc/$package/copyright" "$native/licenses/$package.txt"
  printf '  %-28s %s: licenses/%s.txt\n' "$2" "Debian source package $version" "$package" >>"$native/NOTICE"
}

say "native libraries"
scripts/build.sh --libraries cpu
rm -rf "$native"
mkdir -p "$native"/{lib,licenses}
cat >"$native/NOTICE" <<'NOTICE'
ThinkSound for .NET, native libraries for linux-x64
Copyright the ThinkSound for .NET contributors

libthinksound.so and libthinksound_media.so are licensed under the Apache License, Version 2.0 (Apache-2.0.txt). They hold
parts of the GNU C++ library under the GCC Runtime Library Exception, and what the header-only library named last became.

With them come the libraries below, each under its own licence and changed in nothing but their names and where they look
for each other. Debian offers the sources of these very versions.

NOTICE
for library in libthinksound libthinksound_media; do
  [[ -f build/cpu/lib/$library.so ]] || die "$library.so was not built: run scripts/setup.sh for what it needs"
  install -m 644 "build/cpu/lib/$library.so" "$native/lib/"
  strip --strip-unneeded "$native/lib/$library.so"
  rewire "$native/lib/$library.so" "build/cpu/lib/$library.so"
done
license "$(echo '#include <nlohmann/json.hpp>' | g++ -E -x c++ - | sed -n 's/.*"\(.*nlohmann\/json.hpp\)".*/\1/p' | head -1)" "(nlohmann::json)"
cp LICENSE "$native/licenses/Apache-2.0.txt"
cp /usr/share/common-licenses/GPL-3 "$native/licenses/GPL-3.txt"

scripts/check-symbols.sh $glibc $glibcxx "$native"/lib/* || die "the libraries would not load on glibc $glibc and libstdc++ $glibcxx"

# What is neither carried nor promised must not be needed.
for library in "$native"/lib/*; do
  for soname in $(needed "$library"); do
    [[ -e $native/lib/$soname || $soname =~ $from_system || $soname =~ $from_ffmpeg ]] || die "$(basename "$library") needs $soname, which nobody brings"
  done
  [[ $(patchelf --print-rpath "$library") == '$ORIGIN' ]] || die "$(basename "$library") looks for its libraries in $(patchelf --print-rpath "$library")"
done

# A folder of packages of its own: what an earlier run packed must not come back out of the user's cache.
rm -rf "$work/packages"/thinksound* "$work/tool"
mkdir -p "$output"
rm -f "$output"/ThinkSound*.nupkg
# Analyzers have had their say when the projects were built.
options=(-v quiet -p:RunAnalyzers=false --artifacts-path "$work/managed" -p:NativeFolder="$native" -p:NativePackageFeed="$output"
  -p:RestoreAdditionalProjectSources="$output" -p:RestorePackagesPath="$work/packages")
pack() { # PROJECTS [OPTION...]
  say "$(basename "${1%.*}")"
  quietly "build/logs/pack-$(basename "${1%.*}").log" dotnet pack "$1" -c Release -o "$output" "${options[@]}" \
    -p:PathMap="$root=/_" -p:DebugType=embedded "${@:2}"
}
pack managed/ThinkSound.Runtime/ThinkSound.Runtime.linux-x64.csproj -p:NativePackageFeed= -p:RestoreAdditionalProjectSources= -p:NoticeFolder="$native"
pack scripts/packages.slnf # all that are managed code

quietly build/logs/pack-restore.log dotnet restore managed/ThinkSound.Cli "${options[@]}" -r linux-x64

# What the program takes in besides the native libraries, with the licences that those packages name and bring.
mkdir -p "$work/tool/licenses"
cp "$native"/licenses/* "$work/tool/licenses/"
{
  cat "$native/NOTICE"
  printf '\nThe program thinksound holds parts of these packages, each under its own licence:\n\n'
  for package in runtime.linux-x64.microsoft.dotnet.ilcompiler microsoft.extensions.ai.abstractions microsoft.extensions.logging.abstractions system.commandline \
    skiasharp skiasharp.nativeassets.linux.nodependencies opencvsharp4 opencvsharp4.official.runtime.linux-x64 \
    microsoft.ml.onnxruntime microsoft.ml.onnxruntime.managed; do
    folder=$(find "$work/packages/$package" -mindepth 1 -maxdepth 1 -type d | sort -V | tail -1)
    printf '  %s %s, %s:' "$package" "$(basename "$folder")" "$(sed -nE 's:.*<license type="expression">(.*)</license>.*:\1:p' "$folder"/*.nuspec)"
    while read -r text; do
      cp "$text" "$work/tool/licenses/$package-$(basename "${text,,}")"
      printf ' licenses/%s' "$package-$(basename "${text,,}")"
    done < <(find "$folder" -maxdepth 1 -iname 'license*' -o -maxdepth 1 -iname 'third-party-notices*')
    printf '\n'
  done
} >"$work/tool/NOTICE"

# The tool is two packages: the one that people name, packed above, and the program compiled ahead of time, with what went into it.
pack managed/ThinkSound.Cli/ThinkSound.Cli.csproj -r linux-x64 -p:NoticeFolder="$work/tool"
say
ls -sh1 "$output"
