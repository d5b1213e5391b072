#!/usr/bin/env bash
# Installs what training/ needs, on Debian 12 or a sibling of it: Debian's own Python packages, nothing from elsewhere.
# May be run again at any time. The programs run with /usr/bin/python3 and PYTHONPATH=training.
#
#   scripts/setup-training.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

packages=(
  python3-numpy python3-scipy python3-torch     # scenes, networks
  libopenblas0-openmp                           # or matrix products run at a tenth of the speed; this variant obeys torch.set_num_threads
  python3-sentencepiece                         # T5's vocabulary
  python3-matplotlib                            # contact sheets, loss plots
  python3-pil                                   # pictures of the gallery
  ffmpeg                                        # recordings in, videos out
)

command -v apt-get >/dev/null || die "this script knows Debian's packages. Elsewhere, install the counterparts of: ${packages[*]}"
missing=()
for package in "${packages[@]}"; do
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0
say "installing ${missing[*]}"
as_root=()
if ((EUID)); then
  command -v sudo >/dev/null || die "installing packages needs root, and there is no sudo. Run as root: apt-get install ${missing[*]}"
  as_root=(sudo)
fi
"${as_root[@]}" apt-get -qq update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
