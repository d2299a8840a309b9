#!/usr/bin/env bash
# How long a program start to the first token takes: the whole process, model file in the page cache.
#
#   benches/first_token.sh target/release/pintail FILE.gguf [PROMPT [RUNS]]
#
# Prints the median and the least of RUNS (21) in milliseconds.
set -euo pipefail

program=$1 file=$2 prompt=${3:-Turn on the light} runs=${4:-21}
cat "$file" >/dev/null
for ((i = 0; i <= runs; i++)); do
    start=${EPOCHREALTIME/[.,]/}
    "$program" generate -m "$file" -p "$prompt" -n 1 >/dev/null 2>&1
    # The first run brings the program into memory.
    [ "$i" = 0 ] || echo $((${EPOCHREALTIME/[.,]/} - start))
done | sort -n | awk '{ t[NR] = $1 / 1000 } END { printf "median %.1f ms, least %.1f ms of %d runs\n", t[int((NR + 1) / 2)], t[1], NR }'
