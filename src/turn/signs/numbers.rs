//! What speaks against the numbers of a call: "table 12 for five" has named which of them is the table.

use crate::link::{Mark, Number};
use crate::prompt::{Argument, Param, ParamKind, Step, Turn};

use super::tools::{called, stem};

/// Words that may stand between a parameter's name and its number.
const BETWEEN: &str = "number no nr of is was at the a to for with equals on in";

/// A number of the request, or a word of a parameter's name, where it stands.
enum Said {
    /// The number with this index.
    Number(usize),
    /// A word of the name of the parameter with this index.
    Name(usize),
}

/// How many numbers a call gives to another parameter than the one that was named beside them.
pub(super) fn misplaced(turn: &Turn<'_>, steps: &[Step]) -> usize {
    let numbers = numbers(turn);
    called(turn, steps)
        .map(|call| {
            let is = |param: usize, number: usize| {
                matches!(call.arguments.get(param), Some(Some(Argument::Number(at))) if *at == number)
            };
            let wrong = |(param, number): &(usize, usize)| {
                let other = (0..call.arguments.len()).any(|at| at != *param && is(at, *number));
                let filled = matches!(call.arguments.get(*param), Some(Some(Argument::Number(_))));
                let fits = call.parameters[*param].number(&numbers[*number].2).is_some();
                !is(*param, *number) && (other || (filled && fits))
            };
            named(turn.request, call.parameters, &numbers).iter().filter(|pair| wrong(pair)).count()
        })
        .sum()
}

/// Parameters that are named beside a number of the request, with the number's index.
pub(crate) fn named_numbers(turn: &Turn<'_>, parameters: &[Param]) -> Vec<(usize, usize)> {
    named(turn.request, parameters, &numbers(turn))
}

/// The numbers of a request with their bytes, in the order of their indices.
fn numbers(turn: &Turn<'_>) -> Vec<(usize, usize, Number)> {
    let of = |mark: &Mark| match mark {
        Mark::Number(number) => Some(*number),
        _ => None,
    };
    turn.links
        .iter()
        .flat_map(|link| link.marks.iter().filter_map(of).map(|number| (link.start, link.end, number)))
        .collect()
}

/// Parameters that are named beside a number, with it.
fn named(request: &str, parameters: &[Param], numbers: &[(usize, usize, Number)]) -> Vec<(usize, usize)> {
    let name_of = |word: &str| {
        let said = stem(&word.to_lowercase());
        let counts = |param: &&Param| matches!(param.kind, ParamKind::Number { .. });
        let is =
            |param: &&Param| param.name.to_lowercase().split(['_', '-', ' ']).any(|part| stem(part) == said);
        let mut all = parameters.iter().enumerate().filter(|(_, param)| counts(param) && is(param));
        let (at, _) = all.next()?;
        all.next().is_none().then_some(at)
    };
    let mut pairs = Vec::new();
    // What was said, and whether it stands right behind what was said before it.
    let mut said: Vec<(Said, bool)> = Vec::new();
    let mut beside = false;
    let mut start = 0;
    let mut last = None;
    for part in request.split_inclusive(|c: char| !c.is_alphanumeric()) {
        let word = part.trim_end_matches(|c: char| !c.is_alphanumeric());
        let end = start + word.len();
        let number = numbers.iter().position(|(from, to, _)| (*from..*to).contains(&start));
        let name = name_of(word);
        match (number, name) {
            // "Twenty minutes" names the parameter `minutes`.
            (Some(number), Some(param)) if end > start => pairs.push((param, number)),
            (Some(number), None) if last != Some(number) => said.push((Said::Number(number), beside)),
            (None, Some(param)) if end > start => said.push((Said::Name(param), beside)),
            _ => {}
        }
        let small = number.is_some()
            || word.is_empty()
            || name.is_some()
            || BETWEEN.split(' ').any(|known| word.eq_ignore_ascii_case(known));
        beside = (beside || number.is_some() || name.is_some()) && small;
        last = number.or(last);
        start += part.len();
    }
    let own: Vec<usize> = pairs.iter().map(|(_, number)| *number).collect();
    let names_first = matches!(said.first(), Some((Said::Name(_), _)));
    for (at, (what, close)) in said.iter().enumerate() {
        let Said::Name(param) = what else { continue };
        let number = |at: Option<usize>, close: bool| match at.and_then(|at| said.get(at)) {
            Some((Said::Number(number), _)) if close && !own.contains(number) => Some(*number),
            _ => None,
        };
        let before = number(at.checked_sub(1), *close);
        let behind = number(Some(at + 1), said.get(at + 1).is_some_and(|(_, close)| *close));
        let number = if names_first { behind.or(before) } else { before.or(behind) };
        pairs.extend(number.map(|number| (*param, number)));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{Scene, Tool};

    fn wrong(parameters: &[&str], request: &str, arguments: &[Option<usize>]) -> usize {
        let param = |name: &&str| Param {
            name: name.to_string(),
            kind: ParamKind::Number { min: -999.0, max: 999.0, integer: false },
            required: false,
            unit: None,
        };
        let tool = Tool::User {
            name: "book".into(),
            description: "book it".into(),
            parameters: parameters.iter().map(param).collect(),
        };
        let scene = Scene::new(vec![tool], Vec::new());
        let turn = Turn::new(&scene, request);
        let arguments = arguments.iter().map(|at| at.map(Argument::Number)).collect();
        misplaced(&turn, &[Step::User { tool: 0, arguments }])
    }

    #[test]
    fn numbers_are_for_what_is_named_beside_them() {
        let table = ["guests", "table"];
        assert_eq!(wrong(&table, "table 12 for Nguyen, five people", &[Some(0), Some(1)]), 1);
        assert_eq!(wrong(&table, "table 12 for Nguyen, five people", &[Some(1), Some(0)]), 0);
        assert_eq!(wrong(&table, "four guests, table number 9", &[Some(0), Some(1)]), 0);
        assert_eq!(wrong(&table, "four guests, table number 9", &[Some(1), Some(0)]), 2);
        let timer = ["work", "rest"];
        assert_eq!(wrong(&timer, "30 seconds work 15 rest", &[Some(1), Some(0)]), 2);
        assert_eq!(wrong(&timer, "30 seconds work 15 rest", &[Some(0), Some(1)]), 0);
        assert_eq!(wrong(&timer, "work 30 rest 15", &[Some(0), Some(1)]), 0);
        assert_eq!(wrong(&["x", "y"], "x 200 y 150", &[Some(1), Some(0)]), 2);
        assert_eq!(wrong(&["minutes", "chair"], "twenty minutes on chair one", &[Some(1), None]), 2);
        assert_eq!(wrong(&["minutes", "chair"], "chair 3, colour's on, 45 minutes", &[Some(0), None]), 2);
    }
}
