//! Carrying out actions: what is said and called goes to the caller, the rest happens here.

use std::collections::BTreeMap;
use std::time::Duration;

use super::act::{Act, Block, Delay, Emit};
use super::event::{Action, Occurrence, Origin};
use super::expression::Expr;
use super::machine::{Due, MAX_WAITING, Run};
use super::template::Filled;
use super::value::{Type, Value};

/// Nothing waits longer than a year.
const MOST_DELAY: f64 = 365.0 * 86_400.0;

impl Run<'_> {
    /// A block, in order; after an action that fails the rest is skipped.
    pub(super) fn carry_out(&mut self, block: &Block) {
        self.attempt(block);
    }

    /// Whether the whole block was carried out.
    fn attempt(&mut self, block: &Block) -> bool {
        for step in block {
            let whole = match &step.act {
                Act::Try(block) => {
                    self.attempt(block);
                    Ok(true)
                }
                Act::If { branches, otherwise } => Ok(self.branch(step.line, branches, otherwise)),
                act => self.act(act).map(|()| true),
            };
            match whole {
                Ok(true) => {}
                Ok(false) => return false,
                Err(message) => {
                    self.failed(step.line, message);
                    return false;
                }
            }
        }
        true
    }

    /// A guard that cannot be evaluated does not hold, and the next one is looked at.
    fn branch(&mut self, line: usize, branches: &[(Expr, Block)], otherwise: &Block) -> bool {
        for (guard, block) in branches {
            match guard.flag(self) {
                Ok(true) => return self.attempt(block),
                Ok(false) => {}
                Err(message) => self.failed(line, message),
            }
        }
        self.attempt(otherwise)
    }

    fn act(&mut self, act: &Act) -> Result<(), String> {
        match act {
            Act::Say(template) => {
                let text = template.render(self)?;
                self.actions.push(Action::Say(text));
            }
            Act::Ask(template, form) => {
                let text = template.render(self)?;
                self.actions.push(Action::Ask(text, form.clone()));
            }
            Act::Call(template) => {
                let mut call = template.call.clone();
                for (name, filled) in &template.computed {
                    call.arguments.insert(name.clone(), filled.eval(self)?.to_json());
                }
                self.actions.push(Action::Do(call));
            }
            Act::Set { variable, value } => {
                let value = value.eval(self)?;
                let known = self.agent.variables[*variable].initial.kind();
                if value.kind() != known {
                    let name = &self.agent.variables[*variable].name;
                    return Err(format!("`{name}` is {known}, and this is {}", value.kind()));
                }
                self.machine.variables[*variable] = value;
            }
            Act::Raise(emit) => {
                let event = self.occurrence(emit, Origin::Internal)?;
                if !self.raise(event) {
                    return Err(full("events"));
                }
            }
            Act::Send { emit, after, id, keep } => {
                let event = self.occurrence(emit, Origin::External)?;
                let after = after.as_ref().map(|delay| self.delay(delay)).transpose()?.unwrap_or_default();
                let sent_as = id.as_ref().map(|id| self.name(id)).transpose()?;
                if after.is_zero() {
                    if !self.send(event) {
                        return Err(full("events"));
                    }
                } else if self.machine.pending.len() >= MAX_WAITING {
                    return Err(full("timers"));
                } else {
                    let owner = if *keep { None } else { self.owner };
                    self.set_timer(after, owner, Due::Event { event, sent_as });
                }
            }
            Act::Cancel(id) => {
                let id = self.name(id)?;
                self.cancel(
                    |pending| matches!(&pending.due, Due::Event { sent_as: Some(known), .. } if *known == id),
                );
            }
            Act::If { .. } | Act::Try(_) => unreachable!("carried out by `attempt`"),
        }
        Ok(())
    }

    fn occurrence(&self, emit: &Emit, origin: Origin) -> Result<Occurrence, String> {
        let name = self.name(&emit.name)?;
        Ok(Occurrence { name, origin, data: self.data(&emit.data)? })
    }

    /// Data of an event, all or none.
    pub(super) fn data(&self, data: &[(String, Expr)]) -> Result<BTreeMap<String, Value>, String> {
        data.iter().map(|(key, expr)| Ok((key.clone(), expr.eval(self)?))).collect()
    }

    fn name(&self, filled: &Filled) -> Result<String, String> {
        match filled.eval(self)? {
            Value::Text(name) if !name.is_empty() => Ok(name),
            other => Err(format!("`{other}` is no name: {} is needed", Type::Text)),
        }
    }

    fn delay(&self, delay: &Delay) -> Result<Duration, String> {
        match delay {
            Delay::Fixed(time) => Ok(*time),
            Delay::Computed(expr) => {
                let seconds = expr.number(self)?;
                if !(0.0..=MOST_DELAY).contains(&seconds) {
                    return Err(format!("{seconds} seconds are no delay: from 0 to a year"));
                }
                Ok(Duration::from_secs_f64(seconds))
            }
        }
    }
}

fn full(what: &str) -> String {
    format!("more than {MAX_WAITING} {what} are waiting")
}
