#!/usr/bin/env bash
# How a model reads requests of words, sentences and tools that training never saw, with and without the matcher, as the tables of
# models/README.md: unseen.sh PINTAIL [MODEL.gguf]. COUNT requests (10,000), SEED (1). Writes them there with WRITE=1.
set -euo pipefail
program=$(realpath "$1") weights=${2:+$(realpath "$2")}
cd "$(dirname "$0")/.."
count=${COUNT:-10000} seed=${SEED:-1}
drawn() { "$program" eval --drawn "$count" --seed "$seed" --json ${weights:+-m "$weights"} "$@" | tail -n 1; }
{
  drawn
  drawn --words training
  drawn --ablate links
} | python3 -c '
import json, os, sys
held, training, bare = (json.loads(line) for line in sys.stdin)
percent = lambda share: "%.1f %%" % (100 * share)
def between(of, name):
    return "%s (%s to %s)" % ((percent(of[name]),) + tuple(percent(share) for share in of[name + "_interval"]))
lines = ["| | kept from training | of training | kept, without links |", "| --- | --- | --- | --- |"]
def row(name, value):
    lines.append("| %s | %s |" % (name, " | ".join(value(of) for of in (held, training, bare))))
row("requests (scenes)", lambda of: "%d (%d)" % (of["cases"], of["scenes"]))
row("exact (95 %)", lambda of: between(of, "exact"))
row("would do something not meant (95 %)", lambda of: between(of, "unsafe"))
row("of these, to a device (95 %)", lambda of: between(of, "unsafe_device"))
row("ask back", lambda of: percent(of["asked"]))
row("refusal precision, recall", lambda of: percent(of["refusal_precision"]) + ", " + percent(of["refusal_recall"]))
row("right of the surest 90 %, risk area", lambda of: percent(of["accuracy_at_90"]) + ", %.3f" % of["risk_area"])
names = sorted(set(held["by_category"]) & set(training["by_category"]) & set(bare["by_category"]))
for name in names:
    row("exact, " + name, lambda of: percent(of["by_category"][name]["exact"]))
lines += ["", "| what the matcher finds by itself | kept from training | of training |", "| --- | --- | --- |"]
for key, name in (("devices", "all devices that are meant, others beside them"), ("alone", "these and no others"),
                  ("numbers", "all numbers that end in a call"), ("choices", "all choices"), ("tools", "all of the user tools"),
                  ("quiet", "nothing, where there is to be refused")):
    lines.append("| %s | %s | %s |" % (name, percent(held["links"][key]["share"]), percent(training["links"][key]["share"])))
table = "\n".join(lines)
print(table)
if os.environ.get("WRITE"):
    path, opens, closes = "models/README.md", "<!-- unseen -->\n", "<!-- /unseen -->"
    with open(path) as file:
        before, rest = file.read().split(opens)
    with open(path, "w") as file:
        file.write(before + opens + table + "\n" + closes + rest.split(closes)[1])
'
