"""Asks agents for what their devices can do in plain words, form by form: holes in what is understood show here that sets written by hand leave out.

usage: plain.py PINTAIL [--model FILE.gguf] [--wrong] [--write FOLDER [--seed N] [--groups]] AGENT.toml ...

Every device gets the sentences that suit it ("turn on the NAME", "NAME to 40", "is the NAME open?"), by its name, by place and kind where it is the
only one ("turn on the PLACE KIND"), in the plural, with a light called a lamp, and together with others. Prints the share that is read exactly, by form.
With `--write` nothing is read: FOLDER gets the agents and a dozen of these requests each, in more forms, as cases to train on, and one or two that
ask for what another agent has and this one has not; with `--groups` for all of a kind or a place only, and where there is none.
"""

import argparse
import collections
import json
import os
import random
import re
import shutil
import subprocess
import tempfile
import tomllib

SWITCHED = [
    ("turn on the {}", "on"), ("turn off the {}", "off"), ("turn the {} on", "on"), ("{} on", "on"), ("switch {} off please", "off"), ("can you turn on the {}?", "on"),
    ("could you turn the {} off", "off"), ("start the {}", "on"), ("shut off the {}", "off"), ("turn my {} on", "on"), ("I need the {} on", "on"), ("turn on {}", "on"),
    ("would you mind turning the {} off", "off"), ("I'd like the {} on please", "on"), ("activate the {}", "on"), ("kill the {}", "off"), ("is the {} on?", "read"),
]
LEVELS = [
    ("set the {} to 40 percent", "set_level", 40), ("{} 40", "set_level", 40), ("{} to 25 percent", "set_level", 25), ("dim the {} to 15%", "set_level", 15), ("{} to full", "set_level", 100),
    ("put the {} on max", "set_level", 100), ("set the {} to half", "set_level", 50), ("turn up the {}", "change_level", 10), ("turn down the {}", "change_level", -10),
    ("turn the {} up by 20", "change_level", 20), ("{} down by thirty percent", "change_level", -30), ("{} up a bit", "change_level", 10),
]
COVERS = [("open the {}", "open"), ("close the {}", "close"), ("please open the {}", "open"), ("shut the {}", "close"), ("{} open please", "open"), ("is the {} open?", "read")]
VALUES = ["set the {} to {}", "{} {}", "put the {} at {} please"]
INPUTS = ["what's the {} say", "read the {}", "what does the {} say?", "status of the {}"]
# What kinds are called together; lights are four kinds.
GROUPS = {"light": "lights", "fan": "fans", "blind": "blinds", "curtain": "curtains", "shutter": "shutters", "heater": "heaters", "pump": "pumps", "speaker": "speakers", "outlet": "sockets",
          "valve": "valves", "camera": "cameras", "window": "windows", "sprinkler": "sprinklers"}
LIGHTS = ("light", "lamp", "led", "strip")
KINDS_THERE = [
    ("turn on the {} in the {}", "on"), ("turn off the {} in the {}", "off"), ("switch on the {} in the {}", "on"), ("switch off the {} in the {}", "off"), ("turn the {} on in the {}", "on"),
    ("could you turn the {} off in the {}", "off"), ("all the {} in the {} off", "off"), ("{} on in the {}", "on"), ("put the {} on in the {} please", "on"), ("turn on all the {} in the {}", "on"),
]
THERE_KINDS = [("{} {} on", "on"), ("{} {} off please", "off"), ("turn on the {} {}", "on"), ("turn the {} {} off", "off")]
COVERS_THERE = [("open the {} in the {}", "open"), ("close the {} in the {}", "close"), ("{} shut in the {} please", "close")]
ALL_KINDS = [("turn on all the {}", "on"), ("all {} off", "off"), ("turn off every one of the {}", "off")]
ALL_THERE = [("turn everything off in the {}", "off"), ("everything in the {} off", "off"), ("switch everything on in the {}", "on")]
LEVELS_THERE = [("dim the {} in the {} to 30 percent", 30), ("{} in the {} to 60%", 60)]
# Forms to train on that nothing is measured with.
MORE_SWITCHED = [
    ("put the {} on", "on"), ("pop the {} on", "on"), ("get the {} running", "on"), ("{} off now", "off"), ("please switch on the {}", "on"), ("stop the {}", "off"), ("{} off, thanks", "off"),
    ("shut the {} down", "off"), ("hey, turn the {} on", "on"), ("has the {} been left on?", "read"), ("the {} should be off", "off"), ("let's have the {} on", "on"), ("flip the {}", "toggle"),
    ("toggle the {}", "toggle"),
]
MORE_LEVELS = [
    ("take the {} to 70", "set_level", 70), ("bring the {} down to 20 percent", "set_level", 20), ("{} at 60 percent please", "set_level", 60), ("drop the {} by 15", "change_level", -15),
    ("raise the {} by 25 percent", "change_level", 25), ("run the {} at three quarters", "set_level", 75),
]
MORE_COVERS = [("can you open the {}", "open"), ("{} closed please", "close"), ("is the {} closed?", "read"), ("get the {} open", "open"), ("would you close the {}", "close")]
MORE_VALUES = ["turn the {} to {}", "I want the {} at {}", "change the {} to {}", "make the {} {}"]
MORE_INPUTS = ["what's the reading on the {}", "check the {}", "tell me the {}", "how is the {}?", "{}?"]
# Sentences with several devices to an agent, of each form.
TOGETHER = 8
# Requests of an agent that are written to train on.
WRITTEN = 12


def call(tool, devices, **arguments):
    return {"tool": tool, "arguments": {"devices": devices, **arguments}}


def devices_of(program, agent):
    """Devices as prompts show them: name in small letters, name, what it can do, and the agent's description."""
    told = tomllib.load(open(agent, "rb")).get("devices", {})
    run = subprocess.run([program, "render", "--agent", agent], input="x\n", capture_output=True, text=True, check=True)
    scene = json.loads(run.stdout.splitlines()[0])["prompt"].split("<|req|>")[0]
    shown = {found[1].strip(): found[2] for found in re.finditer(r"<\|d\d+\|> ?([^<]*)((?:<\|(?!d\d)[^|]+\|>)*)", scene)}
    names = {name.lower().replace("_", " ").replace("-", " "): name for name in told}
    return [(low, names[low], can, told[names[low]]) for low, can in shown.items() if low in names]


def requests(devices, draw, more=False):
    """Forms, requests and their calls; `more`: in the forms to train on too."""
    all_switched, levels, covers = SWITCHED + MORE_SWITCHED * more, LEVELS + MORE_LEVELS * more, COVERS + MORE_COVERS * more
    values, inputs = VALUES + MORE_VALUES * more, INPUTS + MORE_INPUTS * more
    called = {low for low, *_ in devices}
    def place(can):
        # Kind and place as the program sees them: a lamp and a strip are lights.
        return tuple(re.findall(r"<\|([ka]\d+)\|>", can))

    crowd = collections.Counter(place(can) for _, _, can, _ in devices)
    switched = [device for device in devices if "<|sw|>" in device[2]]
    for low, name, can, told in devices:
        if "<|sw|>" in can:
            for form, tool in all_switched:
                yield form, form.format(low), [call(tool, [name])]
            wait = [{"tool": "wait", "arguments": {"seconds": 300}}]
            for form in ("turn on the {} for 5 minutes", "{} on, and off again after five minutes"):
                yield form, form.format(low), [call("on", [name]), *wait, call("off", [name])]
            kind, area = told.get("kind"), told.get("area")
            if kind and area and crowd[place(can)] == 1 and not low.endswith("s"):
                yield "turn on the PLACE KIND", f"turn on the {area} {kind}", [call("on", [name])]
                yield "turn on the KIND in the PLACE", f"turn on the {kind} in the {area}", [call("on", [name])]
                yield "PLACE KIND on", f"{area} {kind} on", [call("on", [name])]
            rest, _, last = low.rpartition(" ")
            other = {"light": "lamp", "lamp": "light"}.get(last)
            if rest and other:
                if f"{rest} {other}" not in called:
                    yield "light as lamp", f"turn on the {rest} {other}", [call("on", [name])]
                if f"{low}s" not in called:
                    yield "one in the plural", f"turn on the {low}s", [call("on", [name])]
        if "<|lv|>" in can:
            for form, tool, percent in levels:
                yield form, form.format(low), [call(tool, [name], percent=percent)]
        if "<|cv|>" in can:
            for form, tool in covers:
                yield form, form.format(low), [call(tool, [name])]
        if "<|vl|>" in can and "range" in told:
            least, most = told["range"]
            value = int(least + (most - least) * 0.6)
            for form in values:
                yield form, form.format(low, value), [call("set_value", [name], value=value)]
        if "<|in|>" in can:
            for form in inputs:
                yield form, form.format(low), [call("read", [name])]
    yield from groups(devices, draw)
    for _ in range(TOGETHER if len(switched) > 2 else 0):
        (a, one, *_), (b, two, *_), (c, three, *_) = draw.sample(switched, 3)
        yield "A and B", f"turn on the {a} and the {b}", [call("on", [one, two])]
        yield "A on and B off", f"{a} on and {b} off", [call("on", [one]), call("off", [two])]
        yield "A, B and C", f"turn off the {a}, the {b} and the {c}", [call("off", [one, two, three])]
        yield "A off then B on", f"turn off the {a} then turn on the {b}", [call("off", [one]), call("on", [two])]
        yield "don't", f"don't turn off the {a}", []


def groups(devices, draw):
    """The same for all of a kind, in a place, of a kind in a place; refused where there is none."""
    def kind_of(told):
        return "light" if told.get("kind") in LIGHTS else told.get("kind")

    areas = list(dict.fromkeys(told["area"] for *_, told in devices if told.get("area")))
    for kind, plural in GROUPS.items():
        all_such = [(name, can, told.get("area")) for _, name, can, told in devices if kind_of(told) == kind]
        if not all_such:
            continue
        switched, covers, levels = ([(name, area) for name, can, area in all_such if token in can] for token in ("<|sw|>", "<|cv|>", "<|lv|>"))
        if len(switched) > 1 and len(switched) == len(all_such):
            for form, tool in ALL_KINDS:
                yield "all KINDs", form.format(plural), [call(tool, [name for name, _ in switched])]
        for area in areas:
            there = [name for name, of in switched if of == area]
            # Of one light people say "the lights" too, of one pump they do not.
            if len(there) > 1 or (there and kind == "light"):
                for form, tool in KINDS_THERE:
                    yield "KINDs in the PLACE", form.format(plural, area), [call(tool, there)]
                called = {low for low, *_ in devices}
                if f"{area} {plural}".lower() not in called:
                    for form, tool in THERE_KINDS:
                        yield "PLACE KINDs", form.format(area, plural), [call(tool, there)]
            elif not there and switched and not any(of == area for _, _, of in all_such):
                form, _ = draw.choice(KINDS_THERE)
                yield "KINDs where there are none", form.format(plural, area), []
            closed = [name for name, of in covers if of == area]
            for form, tool in COVERS_THERE if len(closed) > 1 else []:
                yield "covers in the PLACE", form.format(plural, area), [call(tool, closed)]
            dimmed = [name for name, of in levels if of == area]
            for form, percent in LEVELS_THERE if dimmed and dimmed == there else []:
                yield "KINDs in the PLACE to N", form.format(plural, area), [call("set_level", dimmed, percent=percent)]
    for area in areas:
        there = [name for _, name, can, told in devices if told.get("area") == area and "<|sw|>" in can]
        for form, tool in ALL_THERE if len(there) > 1 else []:
            yield "everything in the PLACE", form.format(area), [call(tool, there)]


def strange(agent, all_devices, draw):
    """A plain request for a device of another agent, of whose name nothing stands in this agent's file; None where none was found."""
    with open(agent) as file:
        here = {word[:4] for word in re.findall("[a-z]+", file.read().lower())}
    for _ in range(30):
        device = draw.choice(all_devices[draw.choice(list(all_devices))])
        name = [word for word in re.findall("[a-z]+", device[0]) if len(word) > 2]
        if len(name) > 1 and not any(word[:4] in here for word in name):
            asked = [text for _, text, _ in requests([device], draw, True)]
            if asked:
                return draw.choice(asked)
    return None


def written(folder, agent, all_devices, draw, only_groups):
    """Puts an agent and some of its requests into a folder, as `training/written` holds them; how many."""
    if only_groups:
        asked = [(text, calls) for _, text, calls in groups(all_devices[agent], draw)]
        some, none = [case for case in asked if case[1]], [case for case in asked if not case[1]]
        cases = draw.sample(some, min(WRITTEN - 3, len(some))) + draw.sample(none, min(2, len(none)))
    else:
        asked = [(text, calls) for _, text, calls in requests(all_devices[agent], draw, True)]
        cases = draw.sample(asked, min(WRITTEN, len(asked)))
        cases += [(text, []) for text in (strange(agent, all_devices, draw) for _ in range(draw.choice([1, 2]))) if text]
    if not cases:
        return 0
    os.makedirs(folder, exist_ok=True)
    shutil.copy(agent, folder)
    with open(os.path.join(folder, os.path.basename(agent).removesuffix(".toml") + ".jsonl"), "w") as file:
        file.writelines(json.dumps({"text": text, "calls": calls, "category": "plain"}) + "\n" for text, calls in cases)
    return len(cases)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("agents", nargs="+")
    parser.add_argument("--model")
    parser.add_argument("--wrong", action="store_true", help="print what is read otherwise")
    parser.add_argument("--write", metavar="FOLDER", help="write cases to train on instead")
    parser.add_argument("--groups", action="store_true", help="only what is said of all of a kind or a place")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    draw = random.Random(args.seed)
    if args.write:
        all_devices = {agent: devices_of(args.program, agent) for agent in args.agents}
        total = sum(written(args.write, agent, all_devices, draw, args.groups) for agent in args.agents)
        print(f"{total} requests to {len(args.agents)} agents")
        return
    count, right = collections.Counter(), collections.Counter()
    for agent in args.agents:
        asked = list(requests(devices_of(args.program, agent), draw))
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as cases:
            cases.writelines(json.dumps({"text": text, "calls": calls, "category": "plain"}) + "\n" for _, text, calls in asked)
            cases.flush()
            run = subprocess.run([args.program, "eval", agent, cases.name, "--json", *(["-m", args.model] if args.model else [])], capture_output=True, text=True)
        read = [json.loads(line) for line in run.stdout.splitlines()[:-1]]
        if len(read) != len(asked):
            raise SystemExit(f"{agent}: {run.stderr.strip()}")
        for (form, text, _), case in zip(asked, read):
            count[form] += 1
            right[form] += case["exact"]
            if args.wrong and not case["exact"]:
                print(f"{os.path.basename(agent)}: {text}: {'asked: ' if case['asked'] else ''}{json.dumps(case['calls'])} ({case['confidence']:.2f})")
    for form in sorted(count, key=lambda form: right[form] / count[form]):
        print(f"{100 * right[form] / count[form]:5.1f} % of {count[form]:4} {form}")
    print(f"{100 * right.total() / count.total():.1f} % of {count.total()} requests to {len(args.agents)} agents")


if __name__ == "__main__":
    main()
