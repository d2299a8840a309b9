#!/usr/bin/env bash
# Scores a model on a hand-written set: [SET=eval|report|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|blind|second-blind] evaluate.sh PINTAIL [MODEL.gguf]. A line an agent, then all together; with JSON=1
# the totals as one line of JSON, as models/history.jsonl keeps them.
set -euo pipefail
program=$(realpath "$1") weights=${2:+$(realpath "$2")}
export SET=${SET:-eval}
cd "$(dirname "$0")/../tests/data/$SET"
for agent in *.toml; do
  name=${agent%.toml}
  "$program" eval "$agent" "$name.jsonl" --json ${weights:+-m "$weights"} 2>/dev/null | sed "\$d; s/^/$name /"
done | python3 -c '
import json, os, sys
agents, categories, cases = {}, {}, []
for line in sys.stdin:
    name, _, text = line.partition(" ")
    case = json.loads(text)
    cases.append(case)
    for group, key in ((agents, name), (categories, case.get("category", "other"))):
        group.setdefault(key, []).append(case["exact"])

def share(values):
    values = list(values)
    return sum(values) / len(values)

def interval(right, n, z=1.959964):
    middle, reach, scale = right / n + z * z / 2 / n, z * (right * (n - right) / n**3 + (z / 2 / n) ** 2) ** 0.5, 1 + z * z / n
    return [(middle - reach) / scale, (middle + reach) / scale]

surest = sorted(cases, key=lambda case: -case["confidence"])
wrong, risks = 0, []
for count, case in enumerate(surest, 1):
    wrong += not case["arguments"]
    risks.append(wrong / count)
total = {"set": os.environ["SET"], "cases": len(cases), "exact": share(case["exact"] for case in cases)}
total["exact_interval"] = interval(sum(case["exact"] for case in cases), len(cases))
for key in ("tool", "asked", "unsafe", "unsafe_device"):
    total[key] = share(case[key] for case in cases)
total["accuracy_at_90"] = 1 - risks[-(-9 * len(cases) // 10) - 1]
total["risk_area"] = share(risks)
total["by_category"] = {key: round(share(values), 4) for key, values in sorted(categories.items())}
if os.environ.get("JSON"):
    print(json.dumps({key: round(value, 4) if isinstance(value, float) else value for key, value in total.items()}))
    sys.exit()
for name, values in agents.items():
    print("%-12s %4d cases  exact %.3f" % (name, len(values), share(values)))
low, high = total["exact_interval"]
print("%-12s %4d cases  exact %.3f (95 %%: %.3f to %.3f)" % ("all", len(cases), total["exact"], low, high))
print("  " + "  ".join("%s %.3f" % (key, total[key]) for key in ("tool", "asked", "unsafe", "unsafe_device", "accuracy_at_90", "risk_area")))
for category, values in sorted(categories.items()):
    print("  %-10s %4d  %.2f" % (category, len(values), share(values)))
'
