//! The assertions of the W3C SCXML implementation report plan, as agents (`tests/data/scxml/irp.txt`).

use std::time::Duration;

use super::super::{Action, Event, MachineState, Surroundings, TimerId, start, step};
use crate::agent::{Agent, AgentError, Severity};

const TESTS: &str = include_str!("../../../../tests/data/scxml/irp.txt");

struct Test<'t> {
    number: &'t str,
    rejected: Option<&'t str>,
    file: String,
}

fn tests() -> Vec<Test<'static>> {
    let mut tests = Vec::new();
    for part in TESTS.split("\n=== ").skip(1) {
        let (head, mut body) = part.split_once('\n').unwrap();
        let number = head.split(' ').next().unwrap();
        let mut rejected = None;
        if let Some(rest) = body.strip_prefix("rejected: ") {
            let (words, rest) = rest.split_once('\n').unwrap();
            (rejected, body) = (Some(words), rest);
        }
        let (start, body) = body.strip_prefix("start: ").unwrap().split_once('\n').unwrap();
        let start: Vec<&str> = start.split(' ').collect();
        let file = format!(
            "format = 1\n[agent]\nname = \"test {number}\"\nstart = {start:?}\n{body}\n[states.pass]\nfinal = true\n[states.fail]\nfinal = true\n"
        );
        tests.push(Test { number, rejected, file });
    }
    tests
}

/// Runs until the agent ends or nothing more can come; simulated time.
fn run(agent: &Agent) -> MachineState {
    let around = Surroundings::default();
    let (mut machine, mut actions) = start(agent, &around);
    let mut now = Duration::ZERO;
    let mut timers: Vec<(Duration, TimerId)> = Vec::new();
    loop {
        for action in actions {
            match action {
                Action::SetTimer { after, id } => timers.push((now + after, id)),
                Action::CancelTimer(id) => timers.retain(|(_, known)| *known != id),
                _ => {}
            }
        }
        let Some(&(at, id)) = timers.iter().min() else { return machine };
        timers.retain(|(_, known)| *known != id);
        now = at;
        (machine, actions) = step(agent, &machine, Event::Timer(id), &around);
    }
}

#[test]
fn the_w3c_assertions_hold() {
    let tests = tests();
    let mut failures = Vec::new();
    for test in &tests {
        let parsed = Agent::parse(&test.file, None);
        let failure = match (parsed, test.rejected) {
            (Ok(agent), None) => {
                let machine = run(&agent);
                let names: Vec<&str> =
                    machine.active.iter().map(|&at| agent.states[at].name.as_str()).collect();
                (names != ["pass"]).then(|| format!("ends in {names:?}"))
            }
            (Ok(_), Some(_)) => Some("was not refused".to_owned()),
            (Err(AgentError::Unsound(report)), Some(words)) => {
                let mut errors = report.findings.iter().filter(|f| f.severity == Severity::Error);
                (!errors.any(|error| error.message.contains(words))).then(|| report.to_string())
            }
            (Err(error), _) => Some(error.to_string()),
        };
        failures.extend(failure.map(|failure| format!("{}: {failure}", test.number)));
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), tests.len(), failures.join("\n"));
    assert!(tests.len() >= 90, "only {} tests", tests.len());
}

#[test]
fn no_assertion_is_both_told_and_left_out() {
    const LEFT_OUT: &str = include_str!("../../../../tests/data/scxml/left_out.txt");
    let numbers: Vec<&str> = LEFT_OUT
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
        .flat_map(str::split_whitespace)
        .collect();
    let told: Vec<&str> = tests().iter().map(|test| test.number).collect();
    assert!(numbers.iter().all(|number| !told.contains(number)));
    assert!(numbers.len() > 100 && numbers.windows(2).all(|pair| pair[0] != pair[1]));
}
