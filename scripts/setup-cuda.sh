#!/usr/bin/env bash
# Makes a CUDA 12.4 compiler (nvcc, headers, static runtime) in a folder of its own, without a GPU, a driver or root.
#
#   scripts/setup-cuda.sh [PREFIX]      default $THINKSOUND_CUDA, else ~/.cache/thinksound/cuda-12.4
#
# Does nothing when the prefix is complete or an nvcc of 12.4 or later is there already. Otherwise fetches about 1 GB of
# Debian packages (trixie, non-free) from the mirror that apt uses here, keeps the 0.2 GB that compiling needs, and takes
# about a minute. The packages are unpacked, never installed: they would pull a newer libc into Debian 12. A card is used
# through the driver of the machine; nothing here replaces it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
prefix=${1:-$cuda_prefix}

[[ -f $prefix/.complete ]] && exit 0
[[ $# -eq 0 ]] && find_nvcc >/dev/null && exit 0
[[ $(uname -m) == x86_64 ]] || die "the packages are for x86_64; this is $(uname -m). Install CUDA 12.4 or later from NVIDIA and put nvcc on PATH."
for tool in apt-get dpkg-deb; do
  command -v $tool >/dev/null || die "$tool is missing: this needs Debian. Elsewhere, install CUDA 12.4 or later from NVIDIA and put nvcc on PATH."
done
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[[ -f $keyring ]] || die "$keyring is missing: apt-get install debian-archive-keyring"

# The mirror of the running system, as apt itself knows it.
mirror=${THINKSOUND_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' | grep -v -e security -e backports | head -1 || true)}
[[ -n $mirror ]] || die "apt knows no Debian mirror here (apt-get update not run yet?); set THINKSOUND_DEBIAN_MIRROR to the address of one."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$(dirname "$prefix")" "$work"/{etc/apt.conf.d,etc/preferences.d,etc/sources.list.d,state/lists/partial,cache/archives/partial,debs,root}
say "CUDA: fetching the compiler (about 1 GB) into $prefix"

# An apt of its own, so that neither root nor the system's package lists are touched.
: >"$work/status"
echo "deb [signed-by=$keyring] $mirror trixie non-free main" >"$work/etc/sources.list"
cat >"$work/apt.conf" <<CONF
Dir::Etc "$work/etc"; Dir::State "$work/state"; Dir::State::status "$work/status"; Dir::Cache "$work/cache";
Acquire::Languages "none"; APT::Sandbox::User "$(id -un)"; Acquire::Retries "3";
CONF
export APT_CONFIG=$work/apt.conf
apt-get -qq update
(cd "$work/debs" && apt-get -qq download \
  nvidia-cuda-toolkit nvidia-cuda-dev libcudart12 libcu++-dev libcub-dev libthrust-dev libnvtoolsext1)
unset APT_CONFIG

lib=./usr/lib/x86_64-linux-gnu
unpack() { # unpack PACKAGE PATTERN...
  dpkg-deb --fsys-tarfile "$work"/debs/"$1"_*.deb | tar -x -C "$work/root" --wildcards "${@:2}"
}
unpack nvidia-cuda-toolkit './usr/bin/*' './usr/lib/nvidia-cuda-toolkit/bin/*' './usr/lib/nvidia-cuda-toolkit/libdevice/*'
unpack nvidia-cuda-dev './usr/include/*' $lib/libcudart_static.a $lib/libcudadevrt.a $lib/libculibos.a \
  $lib/libnvToolsExt.so $lib/stubs/lib{cuda,cublas,cublasLt,nvrtc}.so
for package in libcu++-dev libcub-dev libthrust-dev; do unpack $package './usr/include/*'; done
unpack libcudart12 "$lib/*"
unpack libnvtoolsext1 "$lib/*"

# Laid out as NVIDIA's own toolkit is, so that nvcc and CMake find everything relative to bin/nvcc.
usr=$work/root/usr
toolkit=$usr/lib/nvidia-cuda-toolkit
new=$prefix.new.$$
trap 'rm -rf "$work" "$new"' EXIT
mkdir -p "$new"/{bin,nvvm/bin,nvvm/libdevice,include,lib64}
cp -a "$toolkit/bin/nvcc" "$toolkit/bin/crt" "$usr"/bin/{ptxas,fatbinary,nvlink,cudafe++,cuobjdump,nvdisasm,bin2c,nvprune,cu++filt} "$new/bin/"
cp -a "$toolkit/bin/cicc" "$new/nvvm/bin/"
cp -a "$toolkit/libdevice/." "$new/nvvm/libdevice/"
cp -a "$usr/include/." "$new/include/"
cp -a "$usr/lib/x86_64-linux-gnu"/lib* "$usr/lib/x86_64-linux-gnu/stubs" "$new/lib64/"
ln -sf libcudart.so.12 "$new/lib64/libcudart.so"
# Debian's profile names system folders; this one makes the prefix movable.
cat >"$new/bin/nvcc.profile" <<'PROFILE'
TOP = $(_HERE_)/..
CICC_PATH = $(TOP)/nvvm/bin
NVVMIR_LIBRARY_DIR = $(TOP)/nvvm/libdevice
PATH += $(CICC_PATH):$(_HERE_):
INCLUDES += "-I$(TOP)/include" $(_SPACE_)
LIBRARIES =+ $(_SPACE_) "-L$(TOP)/lib64/stubs" "-L$(TOP)/lib64"
PROFILE
at_least 12.4 "$(nvcc_version "$new/bin/nvcc")" || die "the nvcc unpacked into $new does not run"
touch "$new/.complete"
rm -rf "$prefix"
mv "$new" "$prefix"
say "CUDA: $(nvcc_version "$prefix/bin/nvcc") in $prefix"
