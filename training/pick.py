"""Keeps of the written requests those that call the user's own tools, and a share of the refusals: what a trained model reads least well.

usage: pick.py WRITTEN OUT [--refusals 0.7] [--seed 1]

WRITTEN holds agents (NAME.toml) and their requests (NAME.jsonl); OUT gets the same agents with the requests that are kept.
"""

import argparse
import collections
import glob
import json
import os
import random
import shutil
import tomllib


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("written")
    parser.add_argument("out")
    parser.add_argument("--refusals", type=float, default=0.7, help="share of the refusals that is kept")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    draw = random.Random(args.seed)
    os.makedirs(args.out, exist_ok=True)
    kept = collections.Counter()
    for agent in sorted(glob.glob(os.path.join(args.written, "*.toml"))):
        with open(agent, "rb") as file:
            own = set(tomllib.load(file).get("tools", {}))
        name = os.path.basename(agent).removesuffix(".toml") + ".jsonl"
        lines = []
        with open(os.path.join(args.written, name)) as cases:
            for line in cases:
                case = json.loads(line)
                calls = case.get("calls") or []
                if any(call["tool"] in own for call in calls) or (not calls and draw.random() < args.refusals):
                    lines.append(line)
                    kept[case["category"]] += 1
        if lines:
            shutil.copy(agent, args.out)
            with open(os.path.join(args.out, name), "w") as out:
                out.writelines(lines)
    print(f"{kept.total()} requests kept: {', '.join(f'{name} {count}' for name, count in kept.most_common())}")


if __name__ == "__main__":
    main()
