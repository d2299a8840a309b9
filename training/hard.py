"""Keeps of the written requests those that the model does not read well yet, and a share of the others.

usage: hard.py PINTAIL WRITTEN OUT [--model FILE.gguf] [--sure 0.92] [--keep 0.15] [--seed 1]

WRITTEN holds agents (NAME.toml) and their requests (NAME.jsonl); OUT gets the same agents, each with the requests that `pintail eval` reads
wrongly, asks back about or is less than SURE of, and a share of KEEP of all others, so that the easy ones are not forgotten.
"""

import argparse
import collections
import glob
import json
import os
import random
import shutil
import subprocess


def read_well(program, model, agent, cases, sure):
    """The texts that are read rightly, and surely."""
    run = subprocess.run([program, "eval", agent, cases, "--json", *(["-m", model] if model else [])], capture_output=True, text=True)
    lines = run.stdout.splitlines()
    if not lines or "by_category" not in json.loads(lines[-1]):
        raise SystemExit(f"{cases}: {run.stderr.strip() or 'no totals'}")
    found = map(json.loads, lines[:-1])
    return {case["text"] for case in found if case["exact"] and not case["asked"] and case["confidence"] >= sure}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("written")
    parser.add_argument("out")
    parser.add_argument("--model")
    parser.add_argument("--sure", type=float, default=0.92)
    parser.add_argument("--keep", type=float, default=0.15)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    draw = random.Random(args.seed)
    os.makedirs(args.out, exist_ok=True)
    total = kept = 0
    hard = collections.Counter()
    for agent in sorted(glob.glob(os.path.join(args.written, "*.toml"))):
        cases = agent.removesuffix(".toml") + ".jsonl"
        well = read_well(args.program, args.model, agent, cases, args.sure)
        shutil.copy(agent, args.out)
        with open(cases) as lines, open(os.path.join(args.out, os.path.basename(cases)), "w") as out:
            for line in lines:
                case = json.loads(line)
                easy = case["text"] in well
                total += 1
                if not easy:
                    hard[case["category"]] += 1
                if not easy or draw.random() < args.keep:
                    kept += 1
                    out.write(line)
    by_category = ", ".join(f"{name} {count}" for name, count in hard.most_common())
    print(f"{kept} of {total} requests kept, {sum(hard.values())} of them hard: {by_category}")


if __name__ == "__main__":
    main()
