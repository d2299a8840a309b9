"""Fits what is for and against a reading (src/turn/signs), and how far the model's probabilities are to be trusted.

usage: weigh.py PINTAIL [--model FILE.gguf] [--worlds training/written] [--every 8] [--drawn COUNT] [--times 10] [--out models/signs.tsv] FOLDER ...

A conditional logistic regression: of the readings that were looked at, each weighs its probability to the power of "trust" times what its signs
are worth, and all that was not looked at weighs what is left of the probability, to the power of "unseen trust", times "unseen". Fitted is how likely the
right reading is among them, on the recorded requests of the folders (the sets for looking), which count so many times, on every so many-th of the written ones and, if
wanted, on drawn ones. Writes the weights; prints how often the likeliest reading is right, and what would be done, asked and done wrongly from a confidence of 0.6 on, for the
recorded requests of agents that were not fitted to (five folds).
"""

import argparse
import collections
import glob
import json
import math
import os
import queue
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

import torch

MARK = "readings="
ACT = 0.6
# No reading is less likely than this, and what was not looked at is not less likely than that (src/turn/candidate.rs).
LEAST, UNSEEN_LEAST = 1e-9, 1e-4
REST = ["trust", "unseen", "unseen trust"]

cores = queue.Queue()
for core in sorted(os.sched_getaffinity(0)):
    cores.put(core)


def canonical(calls):
    """Neighbours that do the same to devices count as one call, as in the program, and texts without their articles as the same."""
    out = []
    for call in calls:
        rest = {name: bare(value) for name, value in call["arguments"].items() if name != "devices"}
        devices = call["arguments"].get("devices")
        if not isinstance(devices, list):
            out.append({"tool": call["tool"], "rest": rest})
            continue
        before = out[-1] if out and out[-1]["rest"] == rest and out[-1]["tool"] == call["tool"] else None
        if before and not set(before["devices"]) & set(devices):
            before["devices"] = sorted(before["devices"] + devices)
        else:
            out.append({"tool": call["tool"], "devices": sorted(devices), "rest": rest})
    return json.dumps(out, sort_keys=True)


def bare(value):
    for article in ("the ", "a ", "an "):
        if isinstance(value, str) and value.lower().startswith(article):
            return value[len(article) :]
    return value


def judged(program, arguments, agent=""):
    """Requests with their readings and those that are right; one process to a core."""
    core = cores.get()
    try:
        command = [program, "-vvv", "eval", *arguments, "--json"]
        pinned = lambda: os.sched_setaffinity(0, {core})  # noqa: E731
        run = subprocess.run(command, capture_output=True, text=True, check=True, preexec_fn=pinned)
    finally:
        cores.put(core)
    logged = [json.loads(line.split(MARK, 1)[1]) for line in run.stderr.splitlines() if MARK in line]
    at, out = 0, []
    for line in run.stdout.splitlines()[:-1]:
        case = json.loads(line)
        # A request is read once or more, first as a whole; one in another language is logged in English and left out.
        found = next((i for i in range(at, len(logged)) if logged[i]["text"] == case["text"]), None)
        if found is None or not logged[found]["readings"]:
            continue
        at = found + 1
        right = {canonical(case["expected"])} | ({canonical(case["calls"])} if case["arguments"] else set())
        readings = []
        for reading in logged[found]["readings"]:
            calls = canonical(reading["calls"])
            readings.append((reading["p"], reading["signs"], calls, calls in right, bool(reading["calls"])))
        out.append((agent, readings))
    return out


def recorded(program, folders, every, model):
    """The requests of all agents of some folders, or every so many-th."""
    agents = sorted(agent for folder in folders for agent in glob.glob(f"{folder}/*.toml"))

    def of(agent):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as some:
            with open(agent.removesuffix(".toml") + ".jsonl") as cases:
                some.writelines(line for at, line in enumerate(cases) if at % every == 0)
            some.flush()
            return judged(program, [agent, some.name, *model], agent)

    with ThreadPoolExecutor(cores.qsize()) as pool:
        return [case for cases in pool.map(of, agents) for case in cases]


class Readings:
    def __init__(self, cases, index):
        self.cases = cases
        of, log, right, flat, values, offsets, rest = [], [], [], [], [], [], []
        for case, (_, readings) in enumerate(cases):
            for p, signs, _, is_right, _ in readings:
                of.append(case)
                log.append(math.log(max(p, LEAST)))
                right.append(is_right)
                offsets.append(len(flat))
                known = [(index[sign], value) for sign, value in signs.items() if sign in index]
                flat.extend(at for at, _ in known)
                values.extend(value for _, value in known)
            rest.append(math.log(max(1 - sum(reading[0] for reading in readings), UNSEEN_LEAST)))
        self.of, self.right = torch.tensor(of), torch.tensor(right)
        self.log, self.rest = torch.tensor(log), torch.tensor(rest)
        self.flat, self.offsets = torch.tensor(flat), torch.tensor(offsets)
        self.values = torch.tensor(values, dtype=torch.float32)

    def weights(self, weights):
        """Of each reading and of all that was not looked at, in nats; the last three weights are those of `REST`."""
        bags = torch.nn.functional.embedding_bag(
            self.flat, weights[:-3, None], self.offsets, mode="sum", per_sample_weights=self.values
        )
        trust, unseen, unseen_trust = weights[-3:]
        return bags[:, 0] + trust * self.log, unseen + unseen_trust * self.rest

    def loss(self, weights):
        each, rest = self.weights(weights)
        most = torch.scatter_reduce(rest.detach(), 0, self.of, each.detach(), "amax")
        each, rest = (each - most[self.of]).exp(), (rest - most).exp()
        total = torch.zeros_like(rest).index_add(0, self.of, each) + rest
        right = torch.zeros_like(rest).index_add(0, self.of, each * self.right)
        there = torch.zeros_like(rest).index_add(0, self.of, self.right.float()) > 0
        return -(torch.where(there, right, rest) / total).clamp(min=1e-12).log().sum()

    def outcomes(self, weights):
        """Counts of what becomes of the requests."""
        each, rest = (some.tolist() for some in self.weights(weights))
        counts, at = collections.Counter(), 0
        for (_, readings), rest in zip(self.cases, rest):
            mine = each[at : at + len(readings)]
            at += len(readings)
            most = max(*mine, rest)
            groups, total = {}, math.exp(rest - most)
            for (_, _, calls, right, acts), weight in zip(readings, mine):
                group = groups.setdefault(calls, [0.0, right, acts])
                group[0] += math.exp(weight - most)
                total += math.exp(weight - most)
            share, right, acts = max(groups.values(), key=lambda group: group[0])
            sure = share / total >= ACT
            counts["likeliest right"] += right
            counts["done rightly"] += right and (sure or not acts)
            counts["not sure"] += acts and not sure
            counts["done wrongly"] += acts and sure and not right
        return counts


def fit(parts, signs, decay):
    """The weights for some readings, each with how often they count."""
    weights = torch.zeros(signs + 3)
    weights[-3:] = torch.tensor([0.5, -2.0, 0.5])
    weights.requires_grad_()
    optimizer = torch.optim.LBFGS([weights], max_iter=80, history_size=8, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        value = sum(times * readings.loss(weights) for readings, times in parts)
        value = value + decay / 2 * (weights[:-3] ** 2).sum()
        value.backward()
        return value

    optimizer.step(loss)
    return weights.detach()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("sets", nargs="+", help="folders of agents with recorded requests")
    parser.add_argument("--worlds", nargs="*", default=["training/written"])
    parser.add_argument("--every", type=int, default=8)
    parser.add_argument("--drawn", type=int, default=0)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--times", type=float, default=10.0)
    parser.add_argument("--least", type=int, default=8, help="in how many requests a sign must be there")
    parser.add_argument("--decay", type=float, default=10.0, help="what holds the weights small")
    parser.add_argument("--model", help="another model than the agents' own")
    parser.add_argument("--out", default="models/signs.tsv")
    args = parser.parse_args()
    model = ["-m", args.model] if args.model else []
    looked = recorded(args.program, args.sets, 1, model)
    written = recorded(args.program, args.worlds, args.every, model)
    drawn = ["--drawn", str(args.drawn), "--seed", str(args.seed), *model]
    others = written + (judged(args.program, drawn) if args.drawn else [])
    met = collections.Counter()
    for _, readings in looked + others:
        met.update({sign for _, signs, *_ in readings for sign in signs})
    names = sorted(sign for sign, often in met.items() if often >= args.least)
    index = {name: at for at, name in enumerate(names)}
    rest = Readings(others, index) if others else None

    def fitted(cases):
        parts = [(Readings(cases, index), args.times)] + ([(rest, 1.0)] if rest else [])
        return fit(parts, len(names), args.decay)

    weights = fitted(looked).tolist()
    with open(args.out, "w") as out:
        for name, weight in sorted(zip(names + REST, weights), key=lambda row: row[0].encode()):
            if abs(weight) >= 0.005 or name in REST:
                out.write(f"{name}\t{weight:.2f}\n")
    agents = sorted({agent for agent, _ in looked})
    counts = collections.Counter()
    for fold in range(5):
        left = set(agents[fold::5])
        weights = fitted([case for case in looked if case[0] not in left])
        counts += Readings([case for case in looked if case[0] in left], index).outcomes(weights)
    shares = ", ".join(f"{what} {count / len(looked):.3f}" for what, count in counts.items())
    print(f"{len(looked)} requests beside {len(others)} others, {len(names)} signs: {shares}")


if __name__ == "__main__":
    main()
