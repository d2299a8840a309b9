//! The state machine: (agent, state, event) to (new state, actions). Pure: the caller owns the
//! clock, the board and the tools.
//!
//! The caller feeds events in the order in which they happen and carries out the actions in the
//! order in which they are given. A call made by a transition ([`Action::Do`]) is reported back as
//! [`Event::Called`] by [`By::Transition`], and may set off further transitions; such a chain ends
//! after [`MAX_CHAIN`] transitions.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::checked::{Agent, ToolRef, Transition, Trigger};
use super::file::When;
use crate::tool::Call;

/// So many transitions in a row may be set off by calls of transitions; then the machine stays where
/// it is until something else happens.
pub const MAX_CHAIN: u32 = 8;

/// Where the machine is. Small, and written out whole for crash recovery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineState {
    /// Index of the state in the agent.
    pub state: usize,
    /// Counts the entries of states; timers of earlier entries are void.
    pub entry: u64,
    /// Transitions since the last event that no transition caused.
    pub chain: u32,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A call was carried out, or failed.
    Called {
        /// The call.
        call: Call,
        /// Whether it succeeded.
        ok: bool,
        /// Who made it.
        by: By,
    },
    /// A request that no legal tool serves.
    Unserved,
    /// An input changed.
    Edge {
        /// Index of the device.
        device: usize,
        /// From inactive to active, or the other way.
        rising: bool,
    },
    /// A timer that was set has run out.
    Timer(TimerId),
}

/// Who made a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The model, or a person.
    Turn,
    /// A transition.
    Transition,
}

/// Names one timer of one entry of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TimerId {
    /// The entry that it belongs to.
    pub entry: u64,
    /// Index of its transition in the state.
    pub transition: usize,
}

/// What the caller is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Say this.
    Say(String),
    /// Make this call and report it back as [`Event::Called`] by [`By::Transition`].
    Do(Call),
    /// The state of this index is entered.
    Enter(usize),
    /// Send [`Event::Timer`] after this time.
    SetTimer {
        /// From now.
        after: Duration,
        /// To be sent with the event.
        id: TimerId,
    },
    /// Forget this timer. One that has run out already may be named.
    CancelTimer(TimerId),
    /// A chain of transitions was cut after [`MAX_CHAIN`]; the one on this line of the file was not taken.
    Cut {
        /// Line in the agent file, from 1.
        line: usize,
    },
}

/// The machine in its first state, and what starting it asks for.
pub fn start(agent: &Agent) -> (MachineState, Vec<Action>) {
    let mut actions = Vec::new();
    let machine = MachineState { state: agent.start, entry: 0, chain: 0 };
    enter(agent, &machine, &mut actions);
    (machine, actions)
}

/// One event: takes the first transition of the current state that it sets off, if any.
///
/// A machine state of another agent (a state index that is not there) is taken as the start state.
pub fn step(agent: &Agent, machine: &MachineState, event: Event) -> (MachineState, Vec<Action>) {
    let Some(state) = agent.states.get(machine.state) else { return start(agent) };
    let caused = matches!(event, Event::Called { by: By::Transition, .. });
    let mut next = MachineState { chain: if caused { machine.chain } else { 0 }, ..machine.clone() };
    let mut actions = Vec::new();
    let taken = state
        .transitions
        .iter()
        .enumerate()
        .find(|(index, transition)| sets_off(agent, machine, *index, &transition.trigger, &event));
    let Some((_, Transition { to, say, calls, line, .. })) = taken else { return (next, actions) };
    if next.chain == MAX_CHAIN {
        actions.push(Action::Cut { line: *line });
        return (next, actions);
    }
    next.chain += 1;
    actions.extend(say.iter().cloned().map(Action::Say));
    actions.extend(calls.iter().cloned().map(Action::Do));
    if let Some(to) = *to {
        actions.extend(timers(agent, machine).map(|(_, id)| Action::CancelTimer(id)));
        next.state = to;
        next.entry += 1;
        enter(agent, &next, &mut actions);
    }
    (next, actions)
}

fn enter(agent: &Agent, machine: &MachineState, actions: &mut Vec<Action>) {
    actions.push(Action::Enter(machine.state));
    actions.extend(timers(agent, machine).map(|(after, id)| Action::SetTimer { after, id }));
}

/// The timers of the current entry.
fn timers(agent: &Agent, machine: &MachineState) -> impl Iterator<Item = (Duration, TimerId)> {
    let entry = machine.entry;
    agent.states[machine.state].transitions.iter().enumerate().filter_map(move |(index, transition)| {
        match transition.trigger {
            Trigger::After(after) => Some((after, TimerId { entry, transition: index })),
            _ => None,
        }
    })
}

fn sets_off(agent: &Agent, machine: &MachineState, index: usize, trigger: &Trigger, event: &Event) -> bool {
    match (trigger, event) {
        (Trigger::Call { tool, device }, Event::Called { call, ok: true, .. })
        | (Trigger::Error { tool, device }, Event::Called { call, ok: false, .. }) => {
            is_call(agent, *tool, *device, call)
        }
        (Trigger::Unserved, Event::Unserved) => true,
        (Trigger::Edge { device, when }, Event::Edge { device: changed, rising }) => {
            device == changed
                && match when {
                    When::Rising => *rising,
                    When::Falling => !*rising,
                    When::Both => true,
                }
        }
        (Trigger::After(_), Event::Timer(id)) => *id == TimerId { entry: machine.entry, transition: index },
        _ => false,
    }
}

fn is_call(agent: &Agent, tool: ToolRef, device: Option<usize>, call: &Call) -> bool {
    let addresses = |device: usize| {
        let name = agent.devices[device].name.as_str();
        let devices = call.arguments.get("devices").and_then(|devices| devices.as_array());
        devices.is_some_and(|devices| devices.iter().any(|addressed| addressed == name))
    };
    call.tool == agent.tool_name(tool) && device.is_none_or(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const AGENT: &str = r#"
        format = 1
        [agent]
        name = "test"
        start = "day"
        [devices.lamp]
        kind = "lamp"
        [devices.fan]
        kind = "fan"
        [devices.bell]
        kind = "button"
        [states.day]
        on = [
          { call = "off", device = "lamp", to = "night", say = "Sleep well." },
          { call = "off", to = "day" },
          { error = "on", say = "That failed." },
          { unserved = true, say = "Not here." },
          { edge = "bell", when = "falling", do = [ { tool = "blink", arguments = { devices = ["lamp"] } } ] },
          { after = "30s", to = "night" },
          { after = "5s", say = "Hello?" },
        ]
        [states.night]
        tools = ["on", "toggle", "read"]
        on = [
          { edge = "bell", when = "both", to = "day" },
          { call = "toggle", to = "night", do = [ { tool = "toggle", arguments = { devices = ["fan", "lamp"] } } ] },
        ]
    "#;

    fn agent() -> Agent {
        Agent::parse(AGENT, None).unwrap_or_else(|error| panic!("{error}"))
    }

    fn called(tool: &str, device: &str, ok: bool) -> Event {
        let arguments = json!({ "devices": [device] }).as_object().unwrap().clone();
        Event::Called { call: Call { tool: tool.into(), arguments }, ok, by: By::Turn }
    }

    fn timer(entry: u64, transition: usize) -> TimerId {
        TimerId { entry, transition }
    }

    #[test]
    fn starting_enters_the_first_state_and_sets_its_timers() {
        let (machine, actions) = start(&agent());
        assert_eq!(machine.state, 0);
        let set = |seconds, transition| Action::SetTimer {
            after: Duration::from_secs(seconds),
            id: timer(0, transition),
        };
        assert_eq!(actions, [Action::Enter(0), set(30, 5), set(5, 6)]);
    }

    #[test]
    fn the_first_match_wins_and_devices_narrow() {
        let agent = agent();
        let (machine, _) = start(&agent);
        let (night, actions) = step(&agent, &machine, called("off", "lamp", true));
        assert_eq!(night.state, 1);
        let cancelled = |transition| Action::CancelTimer(timer(0, transition));
        assert_eq!(
            actions,
            [Action::Say("Sleep well.".into()), cancelled(5), cancelled(6), Action::Enter(1)]
        );

        // The fan is no lamp: the second transition, which enters the same state anew.
        let (day, actions) = step(&agent, &machine, called("off", "fan", true));
        assert_eq!((day.state, day.entry), (0, 1));
        assert!(actions.contains(&Action::SetTimer { after: Duration::from_secs(30), id: timer(1, 5) }));

        let (same, actions) = step(&agent, &machine, called("read", "lamp", true));
        assert_eq!((same.state, actions.len()), (0, 0));
    }

    #[test]
    fn failures_are_no_successes() {
        let agent = agent();
        let (machine, _) = start(&agent);
        assert_eq!(step(&agent, &machine, called("off", "lamp", false)), (machine.clone(), vec![]));
        assert_eq!(step(&agent, &machine, called("on", "fan", true)).1, []);
        let (next, actions) = step(&agent, &machine, called("on", "fan", false));
        assert_eq!((next.state, actions), (0, vec![Action::Say("That failed.".into())]));
    }

    #[test]
    fn unserved_requests_and_edges() {
        let agent = agent();
        let (machine, _) = start(&agent);
        assert_eq!(step(&agent, &machine, Event::Unserved).1, [Action::Say("Not here.".into())]);
        assert_eq!(step(&agent, &machine, Event::Edge { device: 2, rising: true }).1, []);
        assert_eq!(step(&agent, &machine, Event::Edge { device: 1, rising: false }).1, []);
        let (_, actions) = step(&agent, &machine, Event::Edge { device: 2, rising: false });
        let [Action::Do(call)] = actions.as_slice() else { panic!("{actions:?}") };
        // Defaults are filled in when the file is checked.
        assert_eq!(call.arguments["times"], 3);
        assert_eq!(call.arguments["interval"], 0.5);
        for rising in [true, false] {
            let night = MachineState { state: 1, entry: 1, chain: 0 };
            assert_eq!(step(&agent, &night, Event::Edge { device: 2, rising }).0.state, 0);
        }
    }

    #[test]
    fn timers_of_states_that_were_left_are_void() {
        let agent = agent();
        let (machine, _) = start(&agent);
        let (still, actions) = step(&agent, &machine, Event::Timer(timer(0, 6)));
        assert_eq!((still.entry, actions), (0, vec![Action::Say("Hello?".into())]));
        let (night, _) = step(&agent, &machine, Event::Timer(timer(0, 5)));
        assert_eq!(night.state, 1);
        let (day, _) = step(&agent, &night, Event::Edge { device: 2, rising: true });
        assert_eq!((day.state, day.entry), (0, 2));
        for void in [timer(0, 5), timer(1, 5), timer(2, 0), timer(2, 99)] {
            assert_eq!(step(&agent, &day, Event::Timer(void)).1, []);
        }
        assert_ne!(step(&agent, &day, Event::Timer(timer(2, 5))).1, []);
    }

    #[test]
    fn chains_end() {
        let agent = agent();
        let mut machine = MachineState { state: 1, entry: 0, chain: 0 };
        let mut event = called("toggle", "fan", true);
        for steps in 1.. {
            let (next, actions) = step(&agent, &machine, event);
            machine = next;
            let call = actions.iter().find_map(|action| match action {
                Action::Do(call) => Some(call.clone()),
                _ => None,
            });
            let Some(call) = call else {
                assert_eq!(steps, MAX_CHAIN + 1);
                assert!(matches!(actions[..], [Action::Cut { .. }]));
                break;
            };
            // Resolved in the order of the file.
            assert_eq!(call.arguments["devices"], json!(["lamp", "fan"]));
            event = Event::Called { call, ok: true, by: By::Transition };
        }
        // Anything else begins anew.
        assert_ne!(step(&agent, &machine, called("toggle", "fan", true)).1, []);
    }

    #[test]
    fn a_state_of_another_agent_starts_anew() {
        let agent = agent();
        let lost = MachineState { state: 99, entry: 7, chain: 0 };
        assert_eq!(step(&agent, &lost, Event::Unserved).0.state, agent.start);
    }
}
