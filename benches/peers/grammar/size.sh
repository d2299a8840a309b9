#!/usr/bin/env bash
# Bytes that each engine adds to a stripped, size-optimised program that parses JSON already: optimised for size before speed
# (opt-level "z") and with packed relocations. `size.sh plain` is without the latter and with opt-level "s".
set -euo pipefail
cd "$(dirname "$0")"
if [ "${1:-}" = plain ]; then
    export CARGO_PROFILE_SIZE_OPT_LEVEL=s
else
    export RUSTFLAGS="-C link-arg=-Wl,-z,pack-relative-relocs"
fi
cargo build --quiet --profile size --bin size-json --bin size-pintail --bin size-llguidance
folder=${CARGO_TARGET_DIR:-target}/size
schema=$(mktemp)
trap 'rm -f "$schema"' EXIT
echo '{"type":"object","properties":{"line":{"type":"integer","maximum":27}},"required":["line"]}' >"$schema"
bare=$(stat -c %s "$folder/size-json")
printf '%-12s %9d\n' "JSON alone" "$bare"
for engine in pintail llguidance; do
    # Each must do its work to be weighed.
    for text in '{"line":17}:true' '{"line":28}:false'; do
        "$folder/size-$engine" "$schema" "${text%:*}" | grep -q " ${text##*:}$" || { echo "$engine is wrong on $text" >&2; exit 1; }
    done
    size=$(stat -c %s "$folder/size-$engine")
    printf '%-12s %9d  +%d\n' "$engine" "$size" $((size - bare))
done
