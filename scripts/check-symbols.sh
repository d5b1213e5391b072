#!/usr/bin/env bash
# Refuses shared libraries that ask for a newer system than promised: prints every symbol whose version is too new.
#
#   scripts/check-symbols.sh GLIBC GLIBCXX LIBRARY...       2.35 3.4.30 is what Ubuntu 22.04 has
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
(($# >= 3)) || { sed -n '2,4s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2; }
glibc=$1 glibcxx=$2
shift 2
command -v readelf >/dev/null || die "readelf is missing: install binutils"

too_new=0
for library in "$@"; do
  symbols=$(readelf --wide --dyn-syms "$library") || die "$library: cannot be read"
  # Undefined symbols look like "… UND memcpy@GLIBC_2.14 (3)".
  sed -nE 's/.* UND ([^@ ]+)@+(GLIBC|GLIBCXX)_([0-9.]+).*/\1 \2 \3/p' <<<"$symbols" | sort -u |
    awk -v library="$(basename "$library")" -v GLIBC="$glibc" -v GLIBCXX="$glibcxx" '
      function later(version, limit,   v, l, i) {
        split(version, v, "."); split(limit, l, ".")
        for (i = 1; i <= 3; i++) if (v[i] + 0 != l[i] + 0) return v[i] + 0 > l[i] + 0
        return 0
      }
      {
        limit = $2 == "GLIBC" ? GLIBC : GLIBCXX
        if (later($3, limit)) { printf "%s: %s needs %s_%s, later than %s\n", library, $1, $2, $3, limit; bad = 1 }
      }
      END { exit bad }' || too_new=1
done
exit $too_new
