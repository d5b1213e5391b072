#!/usr/bin/env bash
# What may not get into the repository: more bytes than each part is allowed, absolute paths of somebody's machine,
# addresses of package registries, built files. Looks at what git tracks or would track.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
problems=0
problem() { printf 'tree: %s\n' "$*"; problems=1; }

# Files deleted but not committed yet are listed too; the commands below pass over them.
files() { git ls-files -z --cached --others --exclude-standard; }

# Budgets in MB of 10^6 bytes.
sizes=$({ files | xargs -0 stat -c '%s %n' 2>/dev/null || true; } | awk '
  { bytes = $1; sub(/^[0-9]+ /, ""); part = "everything else"; total += bytes }
  /^models\//                                            { part = "models" }
  /^training\//                                          { part = "training" }
  /^tests\/golden\//                                     { part = "tests/golden" }
  /^samples\//                                           { part = "samples" }
  /^docs\/.*\.(png|jpg|jpeg|gif|svg|webp|mp4|webm|wav|flac|ogg|mp3)$/ { part = "docs pictures and sounds" }
  { sum[part] += bytes }
  END { for (part in sum) print sum[part] "\t" part; print total "\ttotal" }')
while IFS=$'\t' read -r bytes part; do
  case $part in
    models) limit=14 ;;
    training) limit=13 ;;
    tests/golden) limit=18 ;;
    samples) limit=5 ;;
    "docs pictures and sounds") limit=4 ;;
    "everything else") limit=6 ;; # sources; training needs less than half of what is set aside for it
    total) limit=60 ;;
  esac
  ((bytes <= limit * 1000000)) || problem "$part: $bytes bytes, the budget is $limit MB"
done <<<"$sizes"

# The brackets keep this file from matching itself.
forbidden='(^|[^A-Za-z0-9_.$-])/(wor[k]|far[m]|roo[t]|hom[e]/[a-z]+|User[s]/[A-Za-z]+)/|://[^/ ]*(debia[n]|nuge[t]|npmj[s])|bash_job[s]|\.librar[y]/'
found=$(files | xargs -0 grep -nIE "$forbidden" 2>/dev/null || true)
[[ -z $found ]] || problem $'paths of one machine, or registry addresses:\n'"$found"

built=$(files | tr '\0' '\n' | grep -E '\.(o|so|a|dll|exe|pdb|nupkg|pyc)$|(^|/)(bin|obj|node_modules|__pycache__)/' || true)
[[ -z $built ]] || problem $'built files:\n'"$built"

exit $problems
