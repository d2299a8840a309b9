//! Sentences for a tool that the lexicon does not know: made from its name, its description and its parameters.

use crate::prompt::{Param, ParamKind, Tool};

use super::tools::SaidTool;

/// How the words for a parameter are led in; `{}` is its slot, `NAME` its name.
fn led_in(param: &Param, slot: &str) -> String {
    let name = plain(&param.name.replace('_', " "));
    let tail = match &param.kind {
        ParamKind::Number { .. } => "(|with|at|of|for|to|, |: ) {} (NAME|)",
        ParamKind::Choice(_) => "(|to|with|, |: |as|for|NAME) {}",
        ParamKind::Text { .. } => "(: |saying |NAME |, |) {}",
        // Nobody says a flag in words that could be guessed from its name, but "NAME" itself.
        ParamKind::Flag => "{:(|, |and )NAME|(not |no |without )NAME}",
    };
    tail.replace("NAME", &name).replace("{}", &format!("{{{slot}}}")).replace("{:", &format!("{{{slot}:"))
}

/// Text that stands in a sentence's line as it is.
fn plain(text: &str) -> String {
    text.replace(['(', ')', '|', '{', '}', '$'], " ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

/// The sentences for a user's tool; `None` for a built-in one.
pub(super) fn heard(tool: &Tool) -> Option<SaidTool> {
    let Tool::User { name, description, parameters } = tool else { return None };
    let slots: Vec<String> = (0..parameters.len()).map(|at| format!("p{at}")).collect();
    let asks = [plain(&name.replace('_', " ")), plain(description.trim_end_matches('.'))];
    // A text comes last: it has no end of its own.
    let mut order: Vec<usize> = (0..parameters.len()).collect();
    order.sort_by_key(|&at| matches!(parameters[at].kind, ParamKind::Text { .. }));
    let said = |ask: &str, with: &dyn Fn(&Param) -> bool| {
        let mut line = ask.to_owned();
        for &at in order.iter().filter(|&&at| with(&parameters[at])) {
            line.push(' ');
            line.push_str(&led_in(&parameters[at], &slots[at]));
        }
        line
    };
    let mut says = Vec::new();
    for ask in asks.iter().filter(|ask| !ask.is_empty()) {
        says.push(said(ask, &|param| param.required));
        says.push(said(ask, &|_| true));
        for other in parameters.iter().filter(|param| !param.required) {
            says.push(said(ask, &|param| param.required || param.name == other.name));
        }
    }
    let needy = parameters.iter().any(|param| param.required);
    let bare = if needy { asks.iter().filter(|ask| !ask.is_empty()).cloned().collect() } else { Vec::new() };
    Some(SaidTool::new(tool.clone(), slots, says, bare))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Generator;
    use crate::prompt::Scene;

    fn feed() -> Tool {
        let param = |name: &str, kind, required| Param { name: name.into(), kind, required, unit: None };
        Tool::User {
            name: "feed_cat".into(),
            description: "Give the cat (a lot of) food.".into(),
            parameters: vec![
                param("note", ParamKind::Text { max_length: 60 }, false),
                param("grams", ParamKind::Number { min: 1.0, max: 50.0, integer: true }, true),
                param("slowly", ParamKind::Flag, false),
                // A schema may call a property anything.
                param("{x|(y", ParamKind::Choice(vec!["a".into(), "b".into()]), false),
            ],
        }
    }

    #[test]
    fn a_tool_of_any_name_is_asked_for() {
        let said = heard(&feed()).unwrap();
        assert!(said.says.iter().all(|line| line.contains("{p1}")), "{:?}", said.says);
        assert!(said.says.iter().any(|line| line.starts_with("give the cat a lot of food")));
        assert!(!said.bare.is_empty());
        let scene = Scene::new(vec![feed()], Vec::new());
        let calls =
            Generator::in_scene(5, scene).take(60).filter(|example| !example.steps.is_empty()).count();
        assert!(calls > 20, "{calls} of 60");
    }
}
