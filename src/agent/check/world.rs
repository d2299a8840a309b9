//! What the rest of an agent may name, resolved, and how names are looked up in it.

use std::ops::Range;
use std::path::Path;

use super::super::chart::Type;
use super::super::checked::ToolRef;
use super::super::finding::Findings;
use super::events::Events;
use super::shown;
use crate::board::Device;
use crate::tool::{Builtin, UserTool};

/// What states may name.
pub(super) struct World<'a> {
    /// The folder of the agent's file.
    pub folder: Option<&'a Path>,
    pub devices: &'a [Device],
    pub tools: &'a [UserTool],
    pub act: f64,
    pub ask: f64,
    /// The agent's `budget`.
    pub budget: Option<usize>,
    /// Context variables with their types.
    pub variables: Vec<(String, Type)>,
    /// Names of the states.
    pub names: Vec<String>,
    pub events: Events,
}

impl World<'_> {
    /// The tool of that name, or an error with the nearest one.
    pub fn tool(&self, name: &str, span: &Range<usize>, findings: &mut Findings) -> Option<ToolRef> {
        if let Some(tool) = Builtin::from_name(name) {
            return Some(ToolRef::Builtin(tool));
        }
        if let Some(index) = self.tools.iter().position(|tool| tool.name == name) {
            return Some(ToolRef::User(index));
        }
        if name == "schedule" {
            findings
                .error(span, "`schedule` is no tool that a state lists")
                .help("leave it out: requests for later are put away wherever what they ask for is legal");
            return None;
        }
        let known = self.tools.iter().map(|tool| tool.name.as_str());
        findings.unknown(span, "tool", name, known.chain(Builtin::ALL.iter().map(|tool| tool.name())));
        None
    }

    /// The device of that name, or an error with the nearest one.
    pub fn device(&self, name: &str, span: &Range<usize>, findings: &mut Findings) -> Option<usize> {
        let found = self.devices.iter().position(|device| device.name == name);
        if found.is_none() {
            match self.devices.iter().find(|device| device.aliases.iter().any(|alias| alias == name)) {
                Some(device) => {
                    let message = format!("`{}` is an alias; here a device goes by its name", shown(name));
                    findings.error(span, message).help(format!("say `{}`", shown(&device.name)));
                }
                None => findings.unknown(
                    span,
                    "device",
                    name,
                    self.devices.iter().map(|device| device.name.as_str()),
                ),
            }
        }
        found
    }
}
