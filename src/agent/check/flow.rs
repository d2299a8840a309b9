//! What can happen at all: states that are never reached or never left, transitions that are never taken, events that
//! nobody waits for.

use std::ops::Range;

use super::super::chart::{Value, describes};
use super::super::chart_file::{StateTable, TransitionTable, When};
use super::super::checked::{Kind, State, Transition, Trigger};
use super::super::file::{At, Table};
use super::super::finding::Findings;
use super::{World, shown};

/// Transitions of one state that hide each other or never come. `places` go with the sound transitions, `written` with
/// all of them.
pub(super) fn transitions(
    state: &State,
    places: &[Range<usize>],
    written: &[At<TransitionTable>],
    findings: &mut Findings,
) {
    let all = &state.transitions;
    for (index, transition) in all.iter().enumerate() {
        let guard = transition.guard.as_ref().and_then(|guard| guard.constant());
        let at = written.iter().find(|at| at.span == places[index]);
        let guard_span = at.and_then(|at| at.value.guard.as_ref()).map(|guard| guard.span.clone());
        if guard == Some(Value::Flag(false)) {
            findings.warning(
                guard_span.as_ref().unwrap_or(&places[index]),
                "this guard never holds, so the transition is never taken",
            );
            continue;
        }
        let always = transition.guard.is_none() || guard == Some(Value::Flag(true));
        if transition.trigger == Trigger::Always && always && transition.to.is_empty() {
            findings
                .error(&places[index], "this transition is taken without end")
                .help("give it a guard that its actions make false, or `to`");
        }
        let earlier = all[..index].iter().position(|earlier| hides(earlier, transition));
        if let Some(earlier) = earlier {
            let line = all[earlier].line;
            let warning = findings.warning(
                &places[index],
                format!("this transition is never taken: the one on line {line} comes first"),
            );
            warning.help("the first that matches is taken; give that one a guard, or put it below");
        }
    }
}

/// Whether whatever sets off `later` is taken by `earlier`.
fn hides(earlier: &Transition, later: &Transition) -> bool {
    let passes = match &earlier.guard {
        None => true,
        Some(guard) => guard.constant() == Some(Value::Flag(true)) || earlier.guard == later.guard,
    };
    passes
        && match (&earlier.trigger, &later.trigger) {
            // A state that is left as soon as it is entered waits for nothing.
            (Trigger::Always, _) if !earlier.to.is_empty() && earlier.guard != later.guard => true,
            (Trigger::Always, Trigger::Always) => true,
            (Trigger::Call { tool: a, device: x }, Trigger::Call { tool: b, device: y })
            | (Trigger::Error { tool: a, device: x }, Trigger::Error { tool: b, device: y }) => {
                a == b && (x.is_none() || x == y)
            }
            (Trigger::Unserved, Trigger::Unserved) => true,
            (Trigger::Edge { device: a, when: x }, Trigger::Edge { device: b, when: y }) => {
                a == b && (*x == When::Both || x == y)
            }
            (Trigger::Threshold(a), Trigger::Threshold(b)) => a == b,
            (Trigger::Event(a), Trigger::Event(b)) => b.iter().all(|inner| {
                let name = inner.strip_suffix(".*").unwrap_or(inner);
                a.iter().any(|outer| if name == "*" { outer == "*" } else { describes(outer, name) })
            }),
            _ => false,
        }
}

/// States that nothing leads to or out of, and events that nothing waits for.
pub(super) fn states(
    states: &[State],
    table: &Table<StateTable>,
    initial: &[usize],
    world: &World,
    findings: &mut Findings,
) {
    let reached = reached(states, initial);
    for (index, (name, _)) in table.0.iter().enumerate() {
        if !reached[index] {
            let message = format!("no transition leads to the state `{}`", shown(&name.value));
            findings.warning(&name.span, message);
        } else if is_trap(states, index, &reached) {
            findings
                .warning(&name.span, format!("nothing leads out of the state `{}`", shown(&name.value)))
                .help("say `final = true` when this is the end");
        }
    }
    let awaited = |event: &str| {
        let waits = |trigger: &Trigger| match trigger {
            Trigger::Event(names) => names.iter().any(|name| describes(name, event)),
            _ => false,
        };
        states.iter().any(|state| state.transitions.iter().any(|transition| waits(&transition.trigger)))
    };
    for (name, _) in &world.events.sent {
        if !name.value.contains("{{") && !awaited(&name.value) {
            let warning =
                findings.warning(&name.span, format!("nothing waits for the event `{}`", shown(&name.value)));
            let waiting =
                states.iter().flat_map(|state| &state.transitions).filter_map(|t| match &t.trigger {
                    Trigger::Event(names) => Some(names),
                    _ => None,
                });
            let waiting: Vec<&str> = waiting.flatten().map(String::as_str).collect();
            if let Some(near) = super::nearest(&name.value, waiting.into_iter()) {
                warning.help(format!("did you mean `{near}`?"));
            }
        }
    }
}

/// Whether a transition may ever be taken.
fn may_fire(state: &State, index: usize) -> bool {
    let transition = &state.transitions[index];
    let never = transition.guard.as_ref().and_then(|guard| guard.constant()) == Some(Value::Flag(false));
    !never && !state.transitions[..index].iter().any(|earlier| hides(earlier, transition))
}

fn leading(state: &State) -> impl Iterator<Item = &Transition> {
    let fires = move |index: &usize| may_fire(state, *index) && !state.transitions[*index].to.is_empty();
    (0..state.transitions.len()).filter(fires).map(|index| &state.transitions[index])
}

/// The states that may become active (or, of history states, be followed).
fn reached(states: &[State], initial: &[usize]) -> Vec<bool> {
    let mut reached = vec![false; states.len()];
    let mut open = initial.to_vec();
    while let Some(at) = open.pop() {
        if std::mem::replace(&mut reached[at], true) {
            continue;
        }
        let state = &states[at];
        open.extend(state.parent);
        open.extend(&state.initial.targets);
        if state.kind == Kind::Parallel {
            let history = |child: &&usize| matches!(states[**child].kind, Kind::History { .. });
            open.extend(state.children.iter().filter(|child| !history(child)));
        }
        open.extend(leading(state).flat_map(|transition| &transition.to));
    }
    reached
}

/// Whether an atomic state that is reached is never left, though there are others beside it.
fn is_trap(states: &[State], at: usize, reached: &[bool]) -> bool {
    let state = &states[at];
    if state.kind != Kind::Atomic {
        return false;
    }
    let beside = (0..states.len()).any(|other| {
        let kind = states[other].kind;
        other != at
            && reached[other]
            && states[other].parent == state.parent
            && !matches!(kind, Kind::History { .. })
    });
    // A region of a parallel state may well consist of one state.
    if !beside || state.parent.is_some_and(|parent| states[parent].kind == Kind::Parallel) {
        return false;
    }
    let around: Vec<usize> =
        std::iter::successors(Some(at), |&at| states[at].parent).take(states.len()).collect();
    let leaves = |&from: &usize| leading(&states[from]).any(|transition| transition.to != [at]);
    if around.iter().any(leaves) {
        return false;
    }
    // Another region may leave the parallel state around both.
    let parallel: Vec<usize> =
        around.iter().copied().filter(|&at| states[at].kind == Kind::Parallel).collect();
    let inside = |state: usize, of: usize| {
        std::iter::successors(states[state].parent, |&at| states[at].parent)
            .take(states.len())
            .any(|at| at == of)
    };
    !parallel.iter().any(|&parallel| {
        (0..states.len()).filter(|&other| inside(other, parallel)).any(|other| {
            leading(&states[other]).any(|transition| transition.to.iter().any(|&to| !inside(to, parallel)))
        })
    })
}
