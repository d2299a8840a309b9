//! Whether cases fit their agent: an answer that no state allows could never be given.

use std::sync::Arc;

use super::run::state_of;
use super::{Case, EvalError};
use crate::agent::{Agent, State, ToolRef};
use crate::board::SimClock;
use crate::safety::{Confirmed, Kernel, Legal, Mode, SafetyError};
use crate::tool::{Builtin, Call};

/// Checks every case against the agent: the state exists, and each expected call is one that the safety
/// kernel would let through there (of calls in `setup` and `before`, one that it would let through somewhere).
///
/// # Errors
/// The first case that does not fit, with its line and a suggestion.
pub fn check_cases(agent: &Agent, cases: &[Case]) -> Result<(), EvalError> {
    let checker = Checker::new(agent)?;
    for case in cases {
        let misfit = |at: String, message| EvalError::Misfit { place: case.origin.clone(), at, message };
        let state = &agent.states[state_of(agent, case)?];
        for (list, calls) in case.accepted().enumerate() {
            for (index, call) in calls.iter().enumerate() {
                let at = || match list {
                    0 => format!("/calls/{index}"),
                    other => format!("/any_of/{}/{index}", other - 1),
                };
                checker.check(call, Some(state)).map_err(|message| misfit(at(), message))?;
            }
        }
        for (index, call) in case.setup.iter().enumerate() {
            checker.check(call, None).map_err(|message| misfit(format!("/setup/{index}"), message))?;
        }
        for (turn, earlier) in case.before.iter().enumerate() {
            for (index, call) in earlier.calls.iter().enumerate() {
                let at = || format!("/before/{turn}/calls/{index}");
                checker.check(call, None).map_err(|message| misfit(at(), message))?;
            }
        }
    }
    Ok(())
}

struct Checker<'a> {
    agent: &'a Agent,
    /// Never told to do anything; it knows what it would not do.
    kernel: Kernel,
}

impl<'a> Checker<'a> {
    fn new(agent: &'a Agent) -> Result<Self, EvalError> {
        let clock = Arc::new(SimClock::new());
        let (kernel, _) = Kernel::simulated(agent.devices.clone(), clock, Mode::DryRun)?;
        Ok(Checker { agent, kernel })
    }

    /// Says what is wrong with a call in a state, or anywhere.
    fn check(&self, call: &Call, state: Option<&State>) -> Result<(), String> {
        let name = &call.tool;
        let Some(tool) = self.agent.tool(name) else {
            let mut known: Vec<&str> = self.agent.tools.iter().map(|tool| tool.name.as_str()).collect();
            known.extend(Builtin::ALL.map(Builtin::name));
            return Err(format!("there is no tool `{name}`{}", suggestion(name, known.into_iter())));
        };
        if let Some(state) = state.filter(|state| !state.tools.contains(&tool)) {
            return Err(format!("`{name}` is not allowed in state `{}`", state.name));
        }
        match tool {
            ToolRef::User(at) => self.agent.tools[at]
                .parameters
                .validate(&call.arguments)
                .map_err(|(pointer, message)| format!("argument {pointer} of `{name}`: {message}")),
            ToolRef::Builtin(Builtin::List) if call.arguments.is_empty() => Ok(()),
            ToolRef::Builtin(Builtin::List) => Err("`list` takes no arguments".into()),
            ToolRef::Builtin(_) => {
                match self.kernel.check(call, &self.legal(state), Some(&Confirmed::by_person(call))) {
                    // The state of a device is the run's; a case may well be about one that has been set before.
                    Ok(()) | Err(SafetyError::StateUnknown { .. }) => Ok(()),
                    Err(error) => Err(error.to_string()),
                }
            }
        }
    }

    fn legal(&self, state: Option<&State>) -> Legal {
        state.map_or_else(Legal::everything, |state| {
            let tools = state.tools.iter().map(|&tool| self.agent.tool_name(tool));
            Legal::only(tools, state.devices.iter().map(|&at| self.agent.devices[at].name.as_str()))
        })
    }
}

/// Empty, or the nearest of the known names.
pub(super) fn suggestion<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest = known.map(|name| (strsim::osa_distance(word, name), name)).min();
    match nearest {
        Some((distance, name)) if distance <= (word.chars().count() / 3).max(1) => {
            format!("; did you mean `{name}`?")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::eval::{Earlier, Origin, read_cases};
    use crate::turn::effects::tests::{agent, calls};

    fn checked(case: Case) -> Result<(), String> {
        let origin = Origin { file: Arc::new("set.jsonl".into()), line: 7 };
        check_cases(&agent(), &[Case { origin, ..case }]).map_err(|error| error.to_string())
    }

    fn expecting(text: &str) -> Case {
        Case { calls: calls(text), ..Case::default() }
    }

    fn at_night(text: &str) -> Case {
        Case { state: Some("night".into()), ..expecting(text) }
    }

    #[test]
    fn tools_and_devices_exist() {
        for good in
            ["on a b", "feed grams=5", "feed grams=5.5 times=3", "list", "wait seconds=5", "open d", ""]
        {
            assert_eq!(checked(expecting(good)), Ok(()), "{good}");
        }
        let complaint = |text: &str| checked(expecting(text)).unwrap_err();
        assert_eq!(
            complaint("on a; toggel a"),
            "set.jsonl:7: /calls/1: there is no tool `toggel`; did you mean `toggle`?"
        );
        assert_eq!(complaint("schedule a"), "set.jsonl:7: /calls/0: there is no tool `schedule`");
        assert!(complaint("on aa").ends_with("there is no device `aa`; did you mean `a`?"));
    }

    #[test]
    fn arguments_fit() {
        for bad in [
            "on",
            "on a a",
            "open a",
            "set_level a percent=101",
            "set_level a",
            "wait seconds=601",
            "blink a times=0",
            "list a",
            "feed",
            "feed grams=\"much\"",
            "feed grams=5 spoon=1",
        ] {
            assert!(checked(expecting(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn calls_are_allowed_in_their_state() {
        assert_eq!(checked(at_night("on a; feed grams=5")), Ok(()));
        assert!(
            checked(at_night("toggle a")).unwrap_err().contains("`toggle` is not allowed in state `night`")
        );
        assert!(checked(at_night("on b")).unwrap_err().contains("device `b` is not allowed in this state"));
        let lost = Case { state: Some("nigth".into()), ..Case::default() };
        assert_eq!(
            checked(lost).unwrap_err(),
            "set.jsonl:7: /state: there is no state `nigth`; did you mean `night`?"
        );
    }

    #[test]
    fn every_list_of_calls_is_checked() {
        let bad = || calls("on x");
        let any_of = Case { any_of: vec![vec![], bad()], ..Case::default() };
        assert!(checked(any_of).unwrap_err().contains("/any_of/1/0: "));
        assert!(checked(Case { setup: bad(), ..Case::default() }).unwrap_err().contains("/setup/0: "));
        let before = vec![Earlier { text: "x".into(), calls: bad() }];
        assert!(checked(Case { before, ..Case::default() }).unwrap_err().contains("/before/0/calls/0: "));
        // What was done before may have been done in another state.
        assert_eq!(checked(Case { setup: calls("toggle b"), ..at_night("on a") }), Ok(()));
    }

    #[test]
    fn the_hand_written_sets_fit_their_agents() {
        for (folder, size) in [("eval", (7, 511)), ("report", (8, 1254))] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
            let (mut files, mut count) = (0, 0);
            for path in std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()) {
                if path.extension().is_some_and(|extension| extension == "jsonl") {
                    let agent = crate::agent::load(path.with_extension("toml").to_str().unwrap()).unwrap();
                    let cases = read_cases(&path).unwrap();
                    check_cases(&agent, &cases).unwrap_or_else(|error| panic!("{error}"));
                    files += 1;
                    count += cases.len();
                }
            }
            assert_eq!((files, count), size);
        }
    }
}
