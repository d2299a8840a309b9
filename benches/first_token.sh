#!/usr/bin/env bash
# How long a program start to the first token takes, model file in the page cache: until its text can be read, and until the
# process has ended (which has the file's pages to give back).
#
#   benches/first_token.sh target/release/pintail FILE.gguf [PROMPT [RUNS]]
#
# Prints the median and the least of RUNS (21) in milliseconds.
set -euo pipefail

program=$1 file=$2 prompt=${3:-Turn on the light} runs=${4:-21}
export LC_ALL=C
cat "$file" >/dev/null
for ((i = 0; i <= runs; i++)); do
    start=${EPOCHREALTIME/[.,]/}
    exec 3< <(exec "$program" generate -m "$file" -p "$prompt" -n 1 2>/dev/null)
    IFS= read -r -N 1 -u 3 _ || { echo "$program gave no text" >&2; exit 1; }
    read=${EPOCHREALTIME/[.,]/}
    cat <&3 >/dev/null
    wait $!
    # The first run brings the program into memory.
    [ "$i" = 0 ] || echo "$((read - start)) $((${EPOCHREALTIME/[.,]/} - start))"
done | awk '
    { read[NR] = $1 / 1000; ended[NR] = $2 / 1000 }
    function sort(of, n,    i, j, x) { for (i = 2; i <= n; i++) { x = of[i]; for (j = i - 1; j > 0 && of[j] > x; j--) of[j + 1] = of[j]; of[j + 1] = x } }
    function say(what, of) { sort(of, NR); printf "%s: median %.1f ms, least %.1f ms of %d runs\n", what, of[int((NR + 1) / 2)], of[1], NR }
    END { say("first token", read); say("process    ", ended) }'
