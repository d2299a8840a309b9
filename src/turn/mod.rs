//! One turn: a request on its way from the agent's state to the board and back to a reply.
//!
//! [`Mind`] reads (request to calls, nothing is executed); [`Engine`] acts (safety kernel, tools, state machine).
//! `events` feeds the engine what happens without a person: timers, edges, sensors; [`Scenario`] is such a course of
//! events, written down. `choices` asks back, `calibration` makes confidences mean what they say; `schedule` and `condition` are for acts at another time; `journal` and `resume` outlive a power cut. What comes from
//! outside passes through `outside`, so that `trace` can write it down and `replay` can give it again; `storm` gives random events.
//! Both are blocking and single-threaded; the shells around them (`repl`, `cli`) own terminals and signals.

mod act;
mod answer;
mod calibration;
mod candidate;
mod choices;
mod condition;
mod cost;
pub(crate) mod effects;
mod engine;
mod events;
mod journal;
mod later;
mod mind;
mod outside;
mod reader;
mod replay;
mod reply;
mod report;
mod resume;
mod scenario;
mod schedule;
mod signs;
mod storm;
mod talk;
mod trace;

use crate::agent::{Agent, Scope, ToolRef};
use crate::prompt::{Scene, Tool};

pub use calibration::{Calibration, CalibrationError, Judged, calibrate, calibrate_thresholds};
pub use choices::{Answer, Choice};
pub use cost::Part;
pub use effects::Effects;
pub use engine::{Engine, EngineError, Settings};
pub use journal::JournalError;
pub use later::Later;
pub use mind::{Mind, MindError, Reading};
pub use reader::{NoModel, Reader};
pub use replay::{Replay, ReplayError, Step};
pub use report::{CallReport, Report, TokenCounts};
pub use scenario::{Scenario, ScenarioError, Told};
pub use storm::{Illegal, Weather, storm};

/// What a state offers: its legal tools and those of its devices that `has` says the board holds.
///
/// # Errors
/// The name of a user's tool, and the parameter that the bundled model's rendering cannot fill.
///
/// # Panics
/// When `state` is not an index of the agent's states.
pub fn scene(agent: &Agent, state: usize, has: &dyn Fn(&str) -> bool) -> Result<Scene, (String, String)> {
    let state = &agent.states[state];
    offered(agent, &state.tools, &state.devices, has)
}

/// As [`scene`], of all the states that are active together.
///
/// # Errors
/// As [`scene`].
pub fn scene_of(agent: &Agent, scope: &Scope, has: &dyn Fn(&str) -> bool) -> Result<Scene, (String, String)> {
    offered(agent, &scope.tools, &scope.devices, has)
}

fn offered(
    agent: &Agent,
    tools: &[ToolRef],
    devices: &[usize],
    has: &dyn Fn(&str) -> bool,
) -> Result<Scene, (String, String)> {
    let devices =
        devices.iter().map(|&at| &agent.devices[at]).filter(|device| has(&device.name)).cloned().collect();
    let tools = tools
        .iter()
        .map(|tool| match tool {
            ToolRef::Builtin(tool) => Ok(Tool::Builtin(*tool)),
            ToolRef::User(at) => {
                let tool = &agent.tools[*at];
                Tool::user(&tool.name, &tool.description, &tool.parameters.schema)
                    .map_err(|parameter| (tool.name.clone(), parameter))
            }
        })
        .collect::<Result<_, _>>()?;
    Ok(Scene::new(tools, devices))
}
