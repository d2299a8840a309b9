//! Seeded faults: for each check at least three, found on the right line; and every name and key of the shipped agents,
//! misspelt, is found.

use super::*;
use crate::agent::EMBEDDED;
use crate::tool::Builtin;

/// An agent in which nothing is found, and into which faults are put.
const SOUND: &str = "format = 1
[agent]
name = 'a'
start = 'idle'
[variables]
count = 0
name = ''
armed = false
[devices.lamp]
kind = 'lamp'
[devices.fan]
kind = 'fan'
range = [0, 80]
[devices.bell]
kind = 'button'
[devices.probe]
kind = 'sensor'
unit = '%'
range = [0, 100]
[devices.boiler]
kind = 'boiler'
confirm = true
[tools.feed]
description = 'Feed'
parameters = { type = 'object', properties = { g = { type = 'integer', maximum = 9 } }, required = ['g'] }
[states.idle]
on = [
  { edge = 'bell', to = 'busy' },
]
[states.busy]
tools = ['on', 'off', 'feed']
devices = ['lamp']
start = 'one'
on = [
  { after = '1m', to = 'idle' },
]
[states.one]
parent = 'busy'
on = [
  { call = 'feed', to = 'two' },
]
[states.two]
parent = 'busy'
on = [
  { call = 'off', to = 'one' },
]
";

/// Puts `fault` behind (or, with a `-` before it, in the place of) the line that is `mark`, and asserts that something with
/// these words is found on the faulty line.
#[track_caller]
fn finds(mark: &str, fault: &str, words: &str) {
    let mut lines: Vec<&str> = SOUND.lines().collect();
    let at = lines.iter().position(|line| *line == mark).unwrap_or_else(|| panic!("no line {mark:?}"));
    let line = match fault.strip_prefix('-') {
        Some(fault) => {
            lines[at] = fault;
            at + 1
        }
        None => {
            lines.insert(at + 1, fault);
            at + 2
        }
    };
    let source = lines.join("\n");
    let found = check(&source, None).findings;
    assert!(
        found.iter().any(|finding| finding.line == line && finding.message.contains(words)),
        "{fault}: nothing with {words:?} on line {line} in {found:#?}"
    );
}

#[test]
fn the_sound_one_is_sound() {
    let findings = check(SOUND, None).findings;
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn seeded_faults_are_found_on_their_lines() {
    const IDLE: &str = "  { edge = 'bell', to = 'busy' },";
    const BUSY: &str = "  { after = '1m', to = 'idle' },";
    const ONE: &str = "  { call = 'feed', to = 'two' },";
    // Unknown keys.
    finds("[states.idle]", "promt = 'x'", "unknown key");
    finds(IDLE, "  { edg = 'bell', to = 'busy' },", "unknown key");
    finds(IDLE, "  { edge = 'bell', do = [{ sya = 'x' }] },", "unknown key");
    finds("[agent]", "actt = 0.5", "unknown key");
    // Dangling names.
    finds(IDLE, "  { after = '1s', to = 'bsy' },", "unknown state");
    finds(IDLE, "  { edge = 'bel', say = 'x' },", "unknown device");
    finds(IDLE, "  { after = '1s', do = [{ tool = 'fed', arguments = { g = 1 } }] },", "unknown tool");
    finds(IDLE, "  { after = '1s', do = [{ set = { cuont = 1 } }] },", "unknown variable");
    finds("parent = 'busy'", "-parent = 'bsuy'", "unknown state");
    finds("start = 'one'", "-start = 'noe'", "unknown state");
    finds(IDLE, "  { after = '1s', if = 'in(\"bsy\")', say = 'x' },", "unknown state");
    // Transitions that can never fire.
    finds(IDLE, "  { edge = 'bell', say = 'again' },", "comes first");
    finds(ONE, "  { call = 'feed', say = 'again' },", "comes first");
    finds(IDLE, "  { edge = 'bell', if = 'armed', to = 'busy' },", "comes first");
    finds(ONE, "  { call = 'feed', if = 'count > 1', say = 'again' },", "comes first");
    finds(IDLE, "  { after = '1s', if = '1 > 2', say = 'x' },", "never holds");
    finds(IDLE, "  { sensor = 'probe', above = 100, say = 'x' },", "never happen");
    finds(ONE, "  { call = 'set_level', say = 'x' },", "cannot be called");
    finds(ONE, "  { call = 'on', device = 'fan', say = 'x' },", "may not be touched");
    finds(IDLE, "  { done = 'busy', say = 'x' },", "never comes to its end");
    // Events that nobody sends or waits for.
    finds(IDLE, "  { event = 'gone', say = 'x' },", "no action sends");
    finds(IDLE, "  { after = '1s', do = [{ raise = 'gone' }] },", "nothing waits");
    finds(IDLE, "  { after = '1s', do = [{ send = 'gone', after = '1s' }] },", "nothing waits");
    // Tools and devices that a state may not touch.
    finds("parent = 'busy'", "tools = ['blink']", "does not allow");
    finds("parent = 'busy'", "devices = ['fan']", "does not allow");
    finds("parent = 'busy'", "tools = ['feed', 'read']", "does not allow");
    // Guards and types.
    finds(IDLE, "  { after = '1s', if = 'count', say = 'x' },", "true or false is expected");
    finds(IDLE, "  { after = '1s', if = \"count > 'a'\", say = 'x' },", "takes a number");
    finds(IDLE, "  { after = '1s', if = 'name == 1', say = 'x' },", "never equal");
    finds(IDLE, "  { after = '1s', do = [{ set = { count = true } }] },", "is a number");
    finds(IDLE, "  { after = '1s', if = 'level(\"probe\") > 1', say = 'x' },", "says nothing of");
    finds(IDLE, "  { after = '1s', say = '{{ event.value }}' },", "has no `value`");
    // Arguments and ranges.
    finds(IDLE, "  { after = '1s', do = [{ tool = 'feed', arguments = { g = 10 } }] },", "9");
    finds(IDLE, "  { after = '1s', do = [{ tool = 'feed' }] },", "required");
    finds(
        IDLE,
        "  { after = '1s', do = [{ tool = 'set_level', arguments = { devices = ['fan'], percent = 90 } }] },",
        "not from 0 to 80",
    );
    finds(
        IDLE,
        "  { after = '1s', do = [{ tool = 'open', arguments = { devices = ['lamp'] } }] },",
        "cannot do",
    );
    finds(
        IDLE,
        "  { after = '1s', do = [{ tool = 'on', arguments = { devices = ['boiler'] } }] },",
        "person's yes",
    );
    // Grammars and schemas, of questions and of tools.
    finds(IDLE, "  { after = '1s', do = [{ ask = 'x', grammar = 'yes_on' }] },", "unknown grammar");
    finds(IDLE, "  { after = '1s', do = [{ ask = 'x', grammar = 'gone.gbnf' }] },", "gone.gbnf");
    finds(IDLE, "  { after = '1s', do = [{ say = 'x', grammar = 'yes_no' }] },", "goes with `ask` only");
    finds(IDLE, "  { after = '1s', do = [{ ask = 'x', grammar = 'yes_no', schema = {} }] },", "not both");
    finds(IDLE, "  { after = '1s', do = [{ ask = 'x', schema = { type = 'strin' } }] },", "strin");
    finds(IDLE, "  { after = '1s', do = [{ ask = 'x', schema = { enum = [] } }] },", "no finite text fits");
    finds(
        IDLE,
        "  { after = '1s', do = [{ ask = 'x', schema = { properties = { g = { type = 'int' } } } }] },",
        "int",
    );
    finds(IDLE, "  { after = '1s', do = [{ ask = 'x', event = 'answer' }] },", "goes with");
    finds(
        IDLE,
        "  { after = '1s', do = [{ ask = 'x', grammar = 'yes_no', event = 'a..b' }] },",
        "name of an event",
    );
    // The name of a variable that a prompt shows.
    finds("[states.idle]", "context = ['cuont']", "unknown variable");
    finds("[states.idle]", "context = ['count', 'lamp']", "unknown variable");
    finds("parent = 'busy'", "context = ['nam']", "unknown variable");
    // When the disk takes what is written down.
    finds("[agent]", "sync = '10s'", "without `resume`");
    finds("[agent]", "sync = 'sometimes'", "neither a time");
    finds("[agent]", "sync = '0s'", "neither a time");
    // Times.
    finds(IDLE, "  { after = '1 day', to = 'busy' },", "is no time");
    finds(IDLE, "  { cron = '61 * * * *', to = 'busy' },", "not from 0 to 59");
    finds(IDLE, "  { every = '0s', say = 'x' },", "is no time");
    // Loops without end.
    finds(IDLE, "  { always = true, say = 'x' },", "without end");
    finds(BUSY, "  { always = true, do = [{ raise = 'x' }] },", "without end");
    finds(ONE, "  { always = true, if = 'true', say = 'x' },", "without end");
    // The tree.
    finds("[states.idle]", "parent = 'idle'", "inside of itself");
    finds("parent = 'busy'", "-parent = 'one'", "inside of itself");
}

/// What is said of a whole state is said at its name.
#[test]
fn faults_of_states_are_found_at_their_names() {
    for (more, words) in [
        ("[states.lost]\non = [{ edge = 'bell', to = 'idle' }]\n", "no transition leads"),
        ("[states.lost]\nparent = 'busy'\non = [{ edge = 'bell', to = 'idle' }]\n", "no transition leads"),
        ("[states.lost]\nfinal = true\n", "no transition leads"),
        ("[states.end]\n[states.more]\non = [{ edge = 'bell', to = 'end' }]\n", "no transition leads"),
        ("[states.box]\nparallel = true\n", "no state lies inside"),
        ("[states.box]\nfinal = true\nhistory = 'deep'\n", "only one of"),
        ("[states.box]\nhistory = 'deep'\n", "inside of the state it remembers"),
        ("[states.box]\nparent = 'busy'\nhistory = 'deep'\n", "nothing is remembered"),
        ("[states.box]\ndata = { x = 1 }\n", "`final = true` only"),
        ("[tools.more]\nparameters = { type = 'objet' }\n", "parameters"),
        (
            "[tools.more]\nparameters = { type = 'object', properties = { g = { type = 'int' } } }\n",
            "parameters",
        ),
        (
            "[tools.more]\nparameters = { type = 'object', properties = { g = { type = 'strin' } } }\n",
            "parameters",
        ),
        ("[tools.more]\nreply = '{{ a'\n", "reply"),
    ] {
        let source = format!("{SOUND}{more}");
        let line = SOUND.lines().count() + 1;
        let found = check(&source, None).findings;
        assert!(
            found.iter().any(|finding| finding.line == line && finding.message.contains(words)),
            "{more}: nothing with {words:?} on line {line} in {found:#?}"
        );
    }
    const HEAD: &str =
        "format = 1\n[agent]\nname = 'a'\nstart = 'a'\n[states.a]\non = [{ after = '1s', to = 'b' }]\n";
    for (more, line) in [
        ("[states.b]\n", 7),
        ("[states.b]\non = [{ after = '1s', to = 'b' }, { unserved = true, say = 'x' }]\n", 7),
        (
            "[states.b]\n[states.c]\nparent = 'b'\non = [{ after = '1s', to = 'd' }]\n[states.d]\nparent = 'b'\n",
            11,
        ),
    ] {
        let found = check(&format!("{HEAD}{more}"), None).findings;
        let out =
            |finding: &Finding| finding.line == line && finding.message.starts_with("nothing leads out");
        assert!(found.iter().any(out), "{more}: {found:#?}");
    }
}

/// The text with one place changed, and the line of that place.
fn changed(source: &str, start: usize, len: usize, to: &str) -> (String, usize) {
    let line = source[..start].matches('\n').count() + 1;
    (format!("{}{to}{}", &source[..start], &source[start + len..]), line)
}

fn found_on(source: &str, line: usize) -> bool {
    check(source, None).findings.iter().any(|finding| finding.line == line)
}

#[test]
fn every_key_and_reference_of_the_shipped_agents_misspelt_is_found() {
    let (mut keys, mut names) = (0, 0);
    for (agent_name, source) in EMBEDDED {
        let agent = Agent::parse(source, None).unwrap();
        let known: Vec<&str> = agent
            .devices
            .iter()
            .map(|device| device.name.as_str())
            .chain(agent.states.iter().map(|state| state.name.as_str()))
            .chain(agent.tools.iter().map(|tool| tool.name.as_str()))
            .chain(Builtin::ALL.map(Builtin::name))
            .collect();
        let mut offset = 0;
        let mut section = "";
        for line in source.split_inclusive('\n') {
            let start = offset;
            offset += line.len();
            if line.starts_with('[') {
                section = line.trim();
            }
            // Definitions and words for people may be called as one likes.
            let text = line.split('#').next().unwrap_or_default();
            let free =
                ["[", "name =", "description =", "prompt =", "aliases =", "area =", "kind =", "parameters ="];
            // So may variables, where they are declared.
            if section == "[variables]"
                || text.trim().is_empty()
                || free.iter().any(|word| text.starts_with(word))
            {
                continue;
            }
            for (at, _) in text.match_indices(" =") {
                let word =
                    text[..at].rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
                // In `set = { ... }` and `arguments = { ... }` too every key is a name of something.
                if word.is_empty() || text[at..].starts_with(" ==") {
                    continue;
                }
                let (misspelt, number) = changed(source, start + at, 0, "qq");
                assert!(found_on(&misspelt, number), "{agent_name}:{number}: key {word}: {text}");
                keys += 1;
            }
            for name in &known {
                for quote in ['"', '\''] {
                    let quoted = format!("{quote}{name}{quote}");
                    for (at, _) in text.match_indices(&quoted) {
                        // A text that a variable gets, not a name.
                        if quote == '\'' && !text[..at].ends_with('(') {
                            continue;
                        }
                        let (misspelt, number) =
                            changed(source, start + at + 1, name.len(), &format!("{name}qq"));
                        assert!(found_on(&misspelt, number), "{agent_name}:{number}: name {name}: {text}");
                        names += 1;
                    }
                }
            }
        }
    }
    assert!(keys > 500 && names > 200, "{keys} keys, {names} names");
}

/// Words of an expression that name something: variables, functions, parts of the event. Texts in it are left out.
fn words_of(expression: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(c) = expression[at..].chars().next() {
        let rest = &expression[at..];
        let len = if c == '\'' || c == '"' {
            rest[1..].find(c).map_or(rest.len(), |end| end + 2)
        } else if c.is_alphabetic() || c == '_' {
            let len = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            words.push((at, &rest[..len]));
            len
        } else {
            c.len_utf8()
        };
        at += len;
    }
    words
}

/// The expressions of a line: guards, what stands between `{{` and `}}`, what variables are set to.
fn expressions_of(line: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut between = |start: &str, end: &str| {
        let mut at = 0;
        while let Some(begin) = line[at..].find(start).map(|begin| at + begin + start.len()) {
            let Some(len) = line[begin..].find(end) else { return };
            found.push((begin, &line[begin..begin + len]));
            at = begin + len;
        }
    };
    between("if = \"", "\"");
    between("{{", "}}");
    if let Some(set) = line.find("set = {") {
        let end = line[set..].find('}').map_or(line.len(), |end| set + end);
        let mut at = set;
        while let Some(begin) = line[at..end].find("= \"").map(|begin| at + begin + 3) {
            let Some(len) = line[begin..end].find('"') else { break };
            found.push((begin, &line[begin..begin + len]));
            at = begin + len + 1;
        }
    }
    found
}

#[test]
fn every_name_in_expressions_events_and_selections_of_the_shipped_agents_misspelt_is_found() {
    let (mut words, mut events, mut selected) = (0, 0, 0);
    for (agent, source) in EMBEDDED {
        let mut offset = 0;
        let mut section = "";
        for line in source.split_inclusive('\n') {
            let start = offset;
            offset += line.len();
            if line.starts_with('[') {
                section = line.trim();
            }
            let text = line.split(" #").next().unwrap_or_default();
            if text.starts_with('#') || section == "[variables]" {
                continue;
            }
            for (at, expression) in expressions_of(text) {
                for (within, word) in words_of(expression) {
                    if ["and", "or", "not", "true", "false", "event"].contains(&word) {
                        continue;
                    }
                    let (misspelt, number) =
                        changed(source, start + at + within, word.len(), &format!("{word}qq"));
                    assert!(found_on(&misspelt, number), "{agent}:{number}: {word} in {expression}");
                    words += 1;
                }
            }
            for key in ["event", "raise", "send", "cancel", "id", "kind", "area"] {
                let free = key == "area" && section.starts_with("[devices");
                let begin = format!("{key} = \"");
                for (at, _) in text.match_indices(&begin).filter(|_| !free) {
                    let at = at + begin.len();
                    let len = text[at..].find('"').unwrap_or_default();
                    let name = &text[at..at + len];
                    if name.contains("{{") {
                        continue;
                    }
                    let (misspelt, _) = changed(source, start + at, len, &format!("{name}qq"));
                    // An event that is sent and not waited for is found where it is waited for, and the other way round.
                    let found = check(&misspelt, None).findings;
                    assert!(!found.is_empty(), "{agent}: {key} = {name}: {text}");
                    if ["kind", "area"].contains(&key) { selected += 1 } else { events += 1 }
                }
            }
        }
    }
    assert!(words > 25 && selected > 40, "{words} words, {events} events, {selected} selections");
}

/// What is defined by another name leaves those who name it without it.
#[test]
fn every_state_and_tool_of_the_shipped_agents_defined_misspelt_is_found() {
    let mut count = 0;
    for (agent, source) in EMBEDDED {
        for (at, _) in source.match_indices("\n[states.").chain(source.match_indices("\n[variables]")) {
            let header = source[at + 1..].lines().next().unwrap_or_default();
            let end = match header == "[variables]" {
                // The first variable, at its last letter.
                true => {
                    let line = source[at + 1..].lines().nth(1).unwrap_or_default();
                    at + 1 + header.len() + 1 + line.find(' ').unwrap_or_default()
                }
                false => {
                    at + 1 + header.rfind(']').unwrap_or_default() - usize::from(header.ends_with("\"]"))
                }
            };
            let (misspelt, _) = changed(source, end, 0, "qq");
            assert!(!check(&misspelt, None).findings.is_empty(), "{agent}: {header}");
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
}
