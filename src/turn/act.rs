//! The acting half of an engine: calls on the board and on tools, held to what the active states allow.

use serde_json::{Value, json};

use super::Engine;
use super::reply;
use super::report::CallReport;
use crate::agent::{By, Event, ToolRef};
use crate::safety::{Confirmed, Legal, Mode, SafetyError};
use crate::tool::{Builtin, Call, ToolError, UserTool};

impl Engine {
    /// What the current state lets happen.
    fn legal(&self) -> Legal {
        let scope = &self.scope;
        Legal::only(
            scope.tools.iter().map(|tool| self.agent.tool_name(*tool)),
            scope.devices.iter().map(|&at| self.agent.devices[at].name.as_str()),
        )
    }

    /// Whether a person has to say yes to some of these calls.
    pub(super) fn needs_yes(&self, calls: &[Call]) -> bool {
        let legal = self.legal();
        let looks = |tool| matches!(tool, Builtin::List | Builtin::Read);
        calls.iter().any(|call| match Builtin::from_name(&call.tool) {
            Some(tool) if looks(tool) => false,
            Some(_) => {
                self.scope.confirm
                    || matches!(
                        self.outside.kernel.check(call, &legal, None),
                        Err(SafetyError::NeedsConfirmation { .. })
                    )
            }
            None => self.scope.confirm || self.user_tool(&call.tool).is_some_and(|tool| tool.confirm),
        })
    }

    /// Carries out a turn's calls in order; stops at the first that fails or is interrupted. All are held to what was
    /// legal when the turn began, whatever state they lead to.
    pub(super) fn act(
        &mut self,
        calls: Vec<Call>,
        confirmed: bool,
        by: By,
        said: &mut Vec<String>,
    ) -> Vec<CallReport> {
        let legal = self.legal();
        let mut done = Vec::new();
        let count = calls.len();
        for (at, call) in calls.into_iter().enumerate() {
            let (report, go_on) = self.perform(call, &legal, confirmed, said);
            let ok = report.error.is_none();
            self.event(called(&report, by), said);
            done.push(report);
            if (!ok || !go_on) && at + 1 < count {
                said.push("The rest was not done.".to_owned());
                break;
            }
        }
        done
    }

    /// One call; whether the turn goes on after it.
    pub(super) fn perform(
        &mut self,
        call: Call,
        legal: &Legal,
        confirmed: bool,
        said: &mut Vec<String>,
    ) -> (CallReport, bool) {
        let outcome: Result<(Value, String, bool), String> = match Builtin::from_name(&call.tool) {
            Some(Builtin::List) => {
                let (devices, tools) = self.inventory();
                let text = format!("Devices: {}.\nTools: {}.", devices.join(", "), tools.join(", "));
                Ok((json!({ "devices": devices, "tools": tools }), text, true))
            }
            Some(_) => {
                let yes = confirmed.then(|| Confirmed::by_person(&call));
                self.outside
                    .perform(&call, legal, yes)
                    .map(|outcome| (json!(outcome), reply::outcome(&outcome), !outcome.interrupted))
            }
            None => self.use_tool(&call, legal, confirmed).map(|(result, text)| (result, text, true)),
        };
        match outcome {
            Ok((result, text, go_on)) => {
                if !text.is_empty() {
                    said.push(text);
                }
                (CallReport { call, result: Some(result), error: None }, go_on)
            }
            Err(error) => {
                said.push(format!("That did not work: {error}."));
                (CallReport { call, result: None, error: Some(error) }, false)
            }
        }
    }

    fn user_tool(&self, name: &str) -> Option<&UserTool> {
        self.agent.tools.iter().find(|tool| tool.name == name)
    }

    fn use_tool(&mut self, call: &Call, legal: &Legal, confirmed: bool) -> Result<(Value, String), String> {
        let Self { agent, machine, outside, .. } = self;
        let failed = |complaint: &str| Err(format!("tool `{}`: {complaint}", call.tool));
        let Some(tool) = agent.tools.iter().find(|tool| tool.name == call.tool) else {
            return failed("not a tool of this agent");
        };
        if !legal.tool(&tool.name) {
            return failed("it is not allowed in this state");
        }
        if tool.confirm && !confirmed {
            return failed("it needs a person's yes");
        }
        let wrong = |error: ToolError| error.to_string();
        let awaited = agent.tool(&tool.name).is_some_and(|tool| agent.awaits(&machine.active, tool));
        if tool.command.is_none() && awaited {
            // The call is what a transition waits for, and its arguments are all there is to know.
            let mut arguments = call.arguments.clone();
            tool.parameters.fill_defaults(&mut arguments);
            tool.parameters
                .validate(&arguments)
                .map_err(|(pointer, message)| ToolError::Argument {
                    tool: tool.name.clone(),
                    pointer,
                    message,
                })
                .map_err(wrong)?;
            let arguments = Value::Object(arguments);
            let text = match tool.reply {
                Some(_) => tool.reply(&call.arguments, &arguments).map_err(wrong)?,
                None => String::new(),
            };
            return Ok((arguments, text));
        }
        if outside.kernel.mode() == Mode::DryRun {
            return Ok((json!({ "dry_run": true }), format!("{} would be run.", tool.name)));
        }
        let result = outside.run(tool, call)?;
        let text = tool.reply(&call.arguments, &result).map_err(wrong)?;
        Ok((result, text))
    }

    /// Names of the devices and tools of the current state.
    fn inventory(&self) -> (Vec<String>, Vec<String>) {
        let scope = &self.scope;
        let devices = self.scene().devices.iter().map(|device| device.name.clone()).collect();
        let tools = scope.tools.iter().map(|tool: &ToolRef| self.agent.tool_name(*tool).to_owned()).collect();
        (devices, tools)
    }
}

/// A call as the machine is told of it.
pub(super) fn called(report: &CallReport, by: By) -> Event {
    let result = match &report.error {
        None => Ok(report.result.clone().unwrap_or_default()),
        Some(error) => Err(error.clone()),
    };
    Event::Called { call: report.call.clone(), result, by }
}
