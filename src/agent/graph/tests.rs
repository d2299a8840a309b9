//! Pictures of the embedded agents and of one with everything in it.

use super::*;
use crate::agent::{Agent, EMBEDDED};

const ALL: &str = r#"
    format = 1
    [agent]
    name = "all <of> \"it\""
    start = "work"
    [devices.bell]
    kind = "button"
    [devices.lamp]
    kind = "lamp"
    [variables]
    n = 0
    [states.work]
    parallel = true
    on = [{ edge = "bell", if = "(n + 1) * 2 > 3 and not on('lamp')", to = "end" }]
    [states.left]
    parent = "work"
    [states.a]
    parent = "left"
    on = [{ after = "90s", to = "b" }, { cron = "0,30 8-17 * * mon-fri", say = "half past" }]
    [states.b]
    parent = "left"
    on = [{ call = "on", device = "lamp", to = "memory" }]
    [states.memory]
    parent = "left"
    history = "deep"
    start = "a"
    [states.right]
    parent = "work"
    on = [{ event = "x", to = "right" }]
    entry = [{ raise = "x" }]
    [states.end]
    final = true
"#;

fn diagram(source: &str) -> Diagram {
    let agent = Agent::parse(source, None).unwrap_or_else(|error| panic!("{error}"));
    Diagram::new(&agent, &agent.initial)
}

#[test]
fn transitions_are_told_in_words() {
    let all = diagram(ALL);
    let labels: Vec<&str> = all.arrows.iter().map(|arrow| arrow.label.as_str()).collect();
    assert_eq!(
        labels,
        ["bell becomes active [(n + 1) * 2 > 3 and not on(lamp)]", "after 1.5m", "on lamp", "x"]
    );
    assert_eq!(all.nodes[2].within, ["cron 0,30 8-17 * * 1-5"]);
}

#[test]
fn every_state_and_arrow_is_in_every_form() {
    for source in EMBEDDED.iter().map(|(_, source)| *source).chain([ALL]) {
        let diagram = diagram(source);
        let (mermaid, dot, svg) = (diagram.mermaid(), diagram.dot(), diagram.svg());
        for at in 0..diagram.nodes.len() {
            assert!(mermaid.contains(&format!(" as s{at}")), "{mermaid}");
            assert!(dot.contains(&format!("s{at} [")) || dot.contains(&format!("cluster{at} {{")), "{dot}");
        }
        assert_eq!(mermaid.matches(" --> s").count(), diagram.arrows.len() + begins(&diagram));
        assert_eq!(svg.matches("stroke-width=\"0.5\"").count(), diagram.arrows.len());
        // Well-formed: every tag that is opened is closed, and text has no bare marks.
        assert!(svg.matches('<').count() == svg.matches('>').count(), "{svg}");
        assert_eq!(svg.matches("<text ").count(), svg.matches("</text>").count());
        assert_eq!(dot.matches('{').count(), dot.matches('}').count());
    }
}

/// One for the whole, one for each state with others inside of which one is active.
fn begins(diagram: &Diagram) -> usize {
    1 + diagram.nodes.iter().filter(|node| node.kind == crate::agent::Kind::Compound).count()
}

#[test]
fn boxes_hold_their_own_and_nothing_else() {
    for source in EMBEDDED.iter().map(|(_, source)| *source).chain([ALL]) {
        let diagram = diagram(source);
        let places = diagram.places();
        for (at, node) in diagram.nodes.iter().enumerate() {
            for &child in &node.children {
                assert!(places[at].holds(&places[child]), "{} in {}", diagram.nodes[child].name, node.name);
            }
            for pair in node.children.windows(2) {
                let (a, b) = (&places[pair[0]], &places[pair[1]]);
                assert!(a.x + a.w < b.x || a.y + a.h < b.y, "{a:?} over {b:?}");
            }
        }
    }
}
