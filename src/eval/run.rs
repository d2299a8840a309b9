//! Going through a set of cases.

use super::legal::suggestion;
use super::{Answer, Case, EvalError, Score, Tally, Totals, score};
use crate::agent::Agent;

/// Index of the agent's state in which a case is said.
///
/// # Errors
/// When the agent has no such state.
pub fn state_of(agent: &Agent, case: &Case) -> Result<usize, EvalError> {
    let Some(name) = &case.state else { return Ok(agent.start) };
    agent.state(name).ok_or_else(|| {
        let near = suggestion(name, agent.states.iter().map(|state| state.name.as_str()));
        let message = format!("there is no state `{name}`{near}");
        EvalError::Misfit { place: case.origin.clone(), at: "/state".into(), message }
    })
}

/// Scores every case in order: `understand` gets the index of the state and the case, `on_case` what came of it.
///
/// # Errors
/// The first error of either, or a case in a state that the agent does not have.
pub fn run<E: From<EvalError>>(
    agent: &Agent,
    cases: &[Case],
    mut understand: impl FnMut(usize, &Case) -> Result<Answer, E>,
    mut on_case: impl FnMut(usize, &Case, &Answer, &Score) -> Result<(), E>,
) -> Result<Totals, E> {
    let mut tally = Tally::default();
    for case in cases {
        let state = state_of(agent, case)?;
        let answer = understand(state, case)?;
        let score = score(agent, case, &answer);
        tally.add(case.category.as_deref(), &answer, &score);
        on_case(state, case, &answer, &score)?;
    }
    Ok(tally.totals())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turn::effects::tests::{agent, calls};

    #[test]
    fn every_case_is_understood_in_its_state() {
        let case = |expected: &str, state: Option<&str>| Case {
            text: expected.into(),
            calls: calls(expected),
            state: state.map(str::to_owned),
            ..Case::default()
        };
        let cases = [case("on a", None), case("off a", Some("night")), case("", Some("main"))];
        let mut seen = Vec::new();
        let totals = run(
            &agent(),
            &cases,
            |_, _| {
                Ok::<_, EvalError>(Answer { calls: calls("on a"), asked: false, confidence: 1.0, ms: 0.0 })
            },
            |state, case, _, score| {
                seen.push((state, case.text.clone(), score.exact));
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(seen, [(0, "on a".into(), true), (1, "off a".into(), false), (0, String::new(), false)]);
        assert_eq!((totals.cases, totals.unsafe_), (3, 2.0 / 3.0));
    }

    #[test]
    fn errors_end_the_run() {
        let lost = Case { state: Some("x".into()), ..Case::default() };
        let understand = |_: usize, _: &Case| -> Result<Answer, EvalError> { panic!("not asked") };
        let error = run(&agent(), &[lost], understand, |_, _, _, _| Ok(())).unwrap_err();
        assert!(error.to_string().contains("there is no state `x`"), "{error}");
    }
}
