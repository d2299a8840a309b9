//! What the checker finds, and that nothing makes it panic.

use proptest::prelude::*;

use super::*;
use crate::agent::{DEFAULT, EMBEDDED, ToolRef};
use crate::board::{Capabilities, Direction, Safe};
use crate::tool::Builtin;

/// A sound file to which single tests add.
const HEAD: &str = "format = 1\n[agent]\nname = 'a'\n[states.main]\n";

fn lines(source: &str) -> Vec<(usize, String)> {
    check(source, None).findings.into_iter().map(|finding| (finding.line, finding.message)).collect()
}

/// Asserts that `device`, in a table of its own, has one finding of this severity with these words.
fn finds(device: &str, severity: Severity, words: &str) {
    let source = format!("{HEAD}[devices.x]\n{device}\n");
    let found = check(&source, None).findings;
    assert!(
        found.iter().any(|finding| finding.severity == severity && finding.message.contains(words)),
        "{device}: no {severity:?} with {words:?} in {found:#?}"
    );
    for finding in &found {
        assert!(finding.line >= 5, "{device}: {finding:?}");
    }
}

fn device(table: &str) -> crate::board::Device {
    let source = format!("{HEAD}[devices.x]\n{table}\n");
    Agent::parse(&source, None).unwrap_or_else(|error| panic!("{error}")).devices.remove(0)
}

#[test]
fn the_default_agent() {
    let agent = Agent::parse(DEFAULT, None).unwrap();
    let kitchen = &agent.devices[agent.device("kitchen light").unwrap()];
    assert_eq!(kitchen.line.as_ref().unwrap().line, crate::board::LineId::Offset(17));
    assert_eq!(kitchen.pwm_hz, Some(100));
    let home = &agent.states[agent.start];
    assert_eq!((home.name.as_str(), home.act, home.ask), ("home", ACT, ASK));
    assert_eq!(home.devices.len(), agent.devices.len());
    let night = &agent.states[agent.state("night").unwrap()];
    assert!(night.devices.is_sorted() && night.devices.len() < home.devices.len());
    assert!(!night.tools.contains(&ToolRef::Builtin(Builtin::Open)));
}

#[test]
fn all_findings_come_at_once_and_in_order() {
    let source = "format = 1\n[agent]\nname = 'a'\nstart = 'hoem'\nact = 1.5\n\
                  [devices.lamp]\nkind = 'lihgt'\narea = 'hall'\nline = 4\n\
                  [devices.dial]\nkind = 'dial'\nline = 4\n\
                  [states.home]\ntools = ['on', 'of', 'schedule']\ndevices = ['lmap', { area = 'hal' }]\n\
                  on = [{ call = 'read', to = 'nowhere' }]\n";
    let found = lines(source);
    let at: Vec<usize> = found.iter().map(|(line, _)| *line).collect();
    assert_eq!(at, [4, 5, 7, 11, 12, 12, 14, 14, 15, 15, 16], "{found:#?}");
}

#[test]
fn suggestions() {
    let source = format!("{HEAD}devices = ['kitchn light']\n[devices.'kitchen light']\nkind = 'light'\n");
    let found = &check(&source, None).findings[0];
    assert_eq!(found.message, "unknown device `kitchn light`");
    assert_eq!(found.help.as_deref(), Some("did you mean `kitchen light`?"));
    assert_eq!((found.line, found.column, found.width), (5, 12, 14));
    // An alias is not a name; the finding says which name it stands for.
    let source = format!("{HEAD}devices = ['spot']\n[devices.lamp]\nkind = 'lamp'\naliases = ['spot']\n");
    assert_eq!(check(&source, None).findings[0].help.as_deref(), Some("say `lamp`"));
}

#[test]
fn devices_have_the_defaults_of_their_kind() {
    let cover = device("kind = 'blind'");
    assert!(cover.can.has(Capabilities::STOP) && cover.safe == Safe::Keep);
    assert!(!device("kind = 'blind'\nline = 4").can.has(Capabilities::STOP));
    assert!(device("kind = 'blind'\nline = 4\nclose_line = 5").can.has(Capabilities::STOP));
    let input = device("kind = 'switch'\ndirection = 'in'");
    assert_eq!((input.can, input.direction, input.safe), (Capabilities::NONE, Direction::In, Safe::Keep));
    let own = device("kind = 'teleporter'");
    assert!(own.can.has(Capabilities::BLINK) && own.direction == Direction::Out);
    assert_eq!(device("kind = 'teleporter'\ndirection = 'in'").can, Capabilities::NONE);
    assert!(!device("kind = 'light'\nlevels = false").can.has(Capabilities::LEVEL));
    assert_eq!(device("kind = 'pump'\nlevels = true\npwm_hz = 50").pwm_hz, Some(50));
    assert_eq!(device("kind = 'thermometer'").unit.as_deref(), Some("°C"));
    assert_eq!(device("kind = 'fan'\nrange = [0, 80]").limits(), [0.0, 80.0]);
}

#[test]
fn wrong_devices() {
    use Severity::{Error, Note, Warning};
    for (table, severity, words) in [
        ("kind = 'lampp'", Note, "no kind that is known"),
        ("kind = ''", Error, "is empty"),
        ("kind = 'dial'", Error, "needs a range"),
        ("kind = 'dial'\nrange = [3]", Error, "two numbers"),
        ("kind = 'dial'\nrange = [3, 3]", Error, "is empty"),
        ("kind = 'dial'\nrange = [nan, 3]", Error, "is empty"),
        ("kind = 'dial'\nrange = [1, 3]\nline = 4", Error, "cannot carry a value"),
        ("kind = 'light'\nrange = [0, 200]", Error, "percent"),
        ("kind = 'pump'\nrange = [0, 20]", Warning, "says nothing"),
        ("kind = 'pump'\npwm_hz = 20", Error, "`pwm_hz` is for"),
        ("kind = 'light'\npwm_hz = 2000", Error, "from 1 to 1000"),
        ("kind = 'valve'\nlevels = true", Error, "can have levels"),
        ("kind = 'light'\nline = 4\nclose_line = 5", Error, "open and close"),
        ("kind = 'blind'\nclose_line = 5", Error, "without `line`"),
        ("kind = 'blind'\nline = 5\nclose_line = 5", Error, "already belongs"),
        ("kind = 'blind'\nline = 5\nclose_line = 'GPIO5'", Warning, "Raspberry"),
        ("kind = 'blind'\nsafe = 'off'", Error, "when the agent ends"),
        ("kind = 'light'\nsafe = 'open'", Error, "when the agent ends"),
        ("kind = 'button'\nsafe = 'on'", Error, "when the agent ends"),
        ("kind = 'button'\ndirection = 'out'", Error, "cannot be driven"),
        ("kind = 'door'\ndirection = 'in'", Note, "only be read"),
        ("kind = 'light'\nline = -3", Error, "not an offset"),
        ("kind = 'light'\naliases = ['X']", Warning, "already calls itself"),
        ("kind = 'light'\naliases = ['y']\n[devices.Y]\nkind = 'light'", Error, "already means"),
        ("kind = 'light'\n[devices.' y']\nkind = 'light'", Error, "a space"),
        ("kind = 'light'\n[devices.\"y\\u001b\"]\nkind = 'light'", Error, "control character"),
    ] {
        finds(table, severity, words);
    }
}

#[test]
fn wrong_states_and_transitions() {
    let world = "[devices.lamp]\nkind = 'lamp'\n[devices.fan]\nkind = 'fan'\nrange = [0, 80]\n[devices.bell]\nkind = 'button'\n\
                 [tools.feed]\ndescription = 'Feed'\nparameters = { type = 'object', properties = { g = { type = 'integer', maximum = 9 } }, required = ['g'] }\n";
    for (state, severity, words) in [
        ("act = -1", Severity::Error, "confidence from 0 to 1"),
        ("act = 0.3\nask = 0.4", Severity::Error, "is above"),
        ("carry = 1000", Severity::Error, "at most 64"),
        ("tools = []", Severity::Warning, "nothing can be done"),
        ("tools = ['open', 'list']", Severity::Warning, "no device that may be touched"),
        ("tools = ['on', 'on']", Severity::Warning, "twice"),
        ("tools = ['fed']", Severity::Error, "unknown tool"),
        ("devices = [{}]", Severity::Error, "say which"),
        ("devices = [{ kind = 'lamp', area = 'hall' }]", Severity::Error, "unknown area"),
        ("on = [{ to = 'main' }]", Severity::Error, "no trigger"),
        ("on = [{ call = 'on', after = '1s', to = 'main' }]", Severity::Error, "several triggers"),
        ("on = [{ unserved = false, say = 'x' }]", Severity::Error, "never happens"),
        ("on = [{ unserved = true }]", Severity::Warning, "does nothing"),
        ("on = [{ unserved = true, device = 'lamp', say = 'x' }]", Severity::Error, "narrows"),
        ("on = [{ after = '1s', when = 'both', say = 'x' }]", Severity::Error, "goes with `edge`"),
        ("on = [{ after = 'soon', say = 'x' }]", Severity::Error, "is no time"),
        ("on = [{ edge = 'lamp', say = 'x' }]", Severity::Error, "is an output"),
        ("on = [{ call = 'open', say = 'x' }]", Severity::Error, "cannot be called"),
        ("tools = ['on']\non = [{ call = 'feed', say = 'x' }]", Severity::Error, "cannot be called"),
        ("on = [{ call = 'feed', device = 'lamp', say = 'x' }]", Severity::Error, "takes no devices"),
        ("on = [{ call = 'on', device = 'bell', say = 'x' }]", Severity::Error, "cannot do that"),
        (
            "devices = ['lamp']\non = [{ call = 'on', device = 'fan', say = 'x' }]",
            Severity::Error,
            "may not be touched",
        ),
        ("on = [{ after = '1s', to = 'mian' }]", Severity::Error, "unknown state"),
        (
            "on = [{ after = '1s', do = [{ tool = 'open', arguments = { devices = ['lamp'] } }] }]",
            Severity::Error,
            "cannot do",
        ),
        (
            "on = [{ after = '1s', do = [{ tool = 'on', arguments = { devices = [] } }] }]",
            Severity::Error,
            "no device",
        ),
        ("on = [{ after = '1s', do = [{ tool = 'on' }] }]", Severity::Error, "devices"),
        (
            "on = [{ after = '1s', do = [{ tool = 'wait', arguments = { seconds = 900 } }] }]",
            Severity::Error,
            "out of bounds",
        ),
        (
            "on = [{ after = '1s', do = [{ tool = 'set_level', arguments = { devices = ['fan'], percent = 90 } }] }]",
            Severity::Error,
            "not from 0 to 80",
        ),
        (
            "on = [{ after = '1s', do = [{ tool = 'feed', arguments = { g = 10 } }] }]",
            Severity::Error,
            "up to 9",
        ),
        (
            "on = [{ after = '1s', do = [{ tool = 'feed', arguments = { g = 'x' } }] }]",
            Severity::Error,
            "a whole number",
        ),
        ("on = [{ after = '1s', do = [{ tool = 'feed' }] }]", Severity::Error, "is required"),
        ("[states.other]", Severity::Warning, "no transition leads"),
    ] {
        let source =
            format!("format = 1\n[agent]\nname = 'a'\nstart = 'main'\n{world}[states.main]\n{state}\n");
        let found = check(&source, None).findings;
        let hit =
            found.iter().find(|finding| finding.severity == severity && finding.message.contains(words));
        let hit = hit.unwrap_or_else(|| panic!("{state}: no {severity:?} with {words:?} in {found:#?}"));
        assert!(hit.line >= 14, "{state}: {hit:?}");
    }
}

#[test]
fn wrong_heads() {
    for (source, words) in [
        ("format = 2\n[agent]\nname = 'a'\n[states.s]\n", "unknown format"),
        ("[agent]\nname = 'a'\n[states.s]\n", "missing key `format`"),
        ("format = 1\n[states.s]\n", "missing table"),
        ("format = 1\n[agent]\nname = 'a'\n", "no state"),
        ("format = 1\n[agent]\nname = 'a'\n[states.s]\n[states.t]\n", "no `start`"),
        ("format = 1\n[agent]\nname = 'a'\nmodel = 'none.gguf'\n[states.s]\n", "no model file"),
        ("format = 1\n[agent]\nname = 'a'\n[states.s]\n[tools.on]\n", "built-in"),
        ("format = 1\n[agent]\nname = 'a'\n[states.s]\n[tools.'a b']\n", "is not a tool's name"),
        ("format = 1\nagent = 3\n", "invalid type"),
        ("format = 1\ndevices = 3\n", "a table of named tables"),
    ] {
        let checked = check(source, None);
        assert!(!checked.is_sound());
        assert!(
            checked.findings.iter().any(|finding| finding.message.contains(words)),
            "{:#?}",
            checked.findings
        );
    }
}

#[test]
fn tools_that_nothing_can_serve_are_left_out() {
    let source = format!("{HEAD}[devices.bell]\nkind = 'button'\n");
    let agent = Agent::parse(&source, None).unwrap();
    let names: Vec<&str> = agent.states[0].tools.iter().map(|tool| agent.tool_name(*tool)).collect();
    assert_eq!(names, ["read", "list", "wait"]);
}

#[test]
fn a_flood_of_findings_is_cut() {
    let mut source = HEAD.to_owned();
    for i in 0..300 {
        source += &format!("[devices.d{i}]\nkind = 'gizmo{i}'\n");
    }
    source += "[devices.last]\nkind = 'light'\nsafe = 'open'\n";
    let checked = check(&source, None);
    assert!(!checked.is_sound());
    assert_eq!((checked.findings.len(), checked.count(Severity::Error)), (100, 1));
}

#[test]
fn an_agent_that_is_too_big_is_refused_at_once() {
    let mut source = HEAD.to_owned();
    for i in 0..20_000 {
        source += &format!("[devices.d{i}]\nkind = 'light'\n");
    }
    assert_eq!(lines(&source), [(4 + 2 * 512 + 1, "an agent has at most 512 devices".to_owned())]);
    let source = format!("{HEAD}devices = [{}]\n", "'q',".repeat(100_000));
    assert_eq!(lines(&source).len(), 100);
}

/// Pieces of sound files with one byte, word or line of them spoilt.
fn spoilt() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "[",
        "]]",
        "{",
        "}",
        "\"",
        "'",
        "=",
        "\n",
        "[devices",
        "kind",
        "1e999",
        "-1",
        "°",
        "\u{0}",
        "nan",
        "true",
        "[states.x]",
        "''",
    ]);
    (0..EMBEDDED.len(), any::<prop::sample::Index>(), 0usize..40, words).prop_map(|(agent, at, cut, word)| {
        let source: Vec<char> = EMBEDDED[agent].1.chars().collect();
        let start = at.index(source.len());
        let end = (start + cut).min(source.len());
        source[..start].iter().copied().chain(word.chars()).chain(source[end..].iter().copied()).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn spoilt_files_never_panic(source in spoilt()) {
        let checked = check(&source, None);
        prop_assert_eq!(checked.is_sound(), checked.count(Severity::Error) == 0);
        for finding in &checked.findings {
            prop_assert!(finding.line >= 1 && finding.column >= 1);
            finding.render("file");
        }
        if let Some(agent) = checked.agent {
            let around = crate::agent::Surroundings::default();
            let (machine, _) = crate::agent::start(&agent, &around);
            crate::agent::step(&agent, &machine, crate::agent::Event::Unserved { text: "sing".into() }, &around);
        }
    }

    #[test]
    fn arbitrary_text_never_panics(source in "\\PC{0,200}|(\\[?[a-z.\"']{0,9}\\]? ?=? ?[0-9\\[{\"'a-z]{0,6}\n){0,20}") {
        check(&source, None);
    }
}
