#!/usr/bin/env bash
# Scores a model on a hand-written set: [SET=eval|report] evaluate.sh PINTAIL [MODEL.gguf]. A line an agent, then all together.
set -euo pipefail
program=$(realpath "$1") weights=${2:+$(realpath "$2")}
cd "$(dirname "$0")/../tests/data/${SET:-eval}"
pintail=$program model=${weights:+-m $weights}
for agent in *.toml; do
  name=${agent%.toml}
  # shellcheck disable=SC2086
  "$pintail" eval "$agent" "$name.jsonl" --json $model 2>/dev/null | tail -n 1 | sed "s/^/$name /"
done | python3 -c '
import json, sys
shares, categories, cases = {}, {}, 0
for line in sys.stdin:
    name, _, text = line.partition(" ")
    t = json.loads(text)
    cases += t["cases"]
    for key in ("exact", "tool", "asked", "unsafe"):
        shares[key] = shares.get(key, 0) + t[key] * t["cases"]
    for category, c in t["by_category"].items():
        old = categories.setdefault(category, [0, 0])
        old[0] += c["cases"]
        old[1] += c["exact"] * c["cases"]
    print("%-12s %4d cases  exact %.3f" % (name, t["cases"], t["exact"]))
print("%-12s %4d cases  " % ("all", cases) + "  ".join("%s %.3f" % (k, v / cases) for k, v in shares.items()))
for category, (count, exact) in sorted(categories.items()):
    print(f"  {category:<10} {count:>4}  {exact / count:.2f}")
'
