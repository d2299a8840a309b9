//! The talking half of an engine: a request or an answer in, what is done or asked back out.

use std::time::Instant;

use serde_json::json;

use super::Engine;
use super::choices::{self, Answer, Choice};
use super::later::Later;
use super::mind::{MindError, Reading};
use super::reply;
use super::report::{CallReport, Report, TokenCounts};
use super::trace::{self, Given};
use crate::agent::chart::Form;
use crate::agent::graph::call as in_words;
use crate::agent::{By, Event};
use crate::prompt::{Background, Earlier};
use crate::tool::Call;

impl Engine {
    /// One request, from words to reply.
    ///
    /// # Errors
    /// When it could not be read (too long, cancelled, a failing model); nothing was done then.
    pub fn turn(&mut self, request: &str) -> Result<Report, MindError> {
        self.given(
            || Given::Request(request.to_owned()),
            |engine| engine.serve(request),
            |report| Some(trace::turn(report)),
        )
    }

    fn serve(&mut self, request: &str) -> Result<Report, MindError> {
        let started = Instant::now();
        self.asked = None;
        let mut said = Vec::new();
        self.event(Event::Activity, &mut said);
        let mut report = self.report(1.0);
        if !self.machine.running {
            said.push(reply::ENDED.to_owned());
            self.finish(&mut report, said, started);
            return Ok(report);
        }
        self.understand(request, By::Turn, &mut report, &mut said)?;
        self.finish(&mut report, said, started);
        Ok(report)
    }

    /// Makes one call without the model, held to what the model may do here: as if a person had asked for it.
    pub fn call(&mut self, call: Call) -> Report {
        let given = Given::Call(call.clone());
        self.given(|| given, |engine| engine.make(call), |report| Some(trace::report(report)))
    }

    fn make(&mut self, call: Call) -> Report {
        let started = Instant::now();
        let mut said = Vec::new();
        self.event(Event::Activity, &mut said);
        let mut report = self.report(1.0);
        if !self.machine.running {
            said.push(reply::ENDED.to_owned());
        } else if self.needs_yes(std::slice::from_ref(&call)) {
            said.push(format!("That needs a person's yes: {}.", in_words(&call)));
        } else {
            report.calls = self.act(vec![call], false, By::Turn, &mut said);
        }
        self.finish(&mut report, said, started);
        report
    }

    /// A question of the agent's own. One that comes up while another is being answered is dropped.
    pub(super) fn ask_model(&mut self, request: &str, said: &mut Vec<String>) {
        if std::mem::replace(&mut self.asking, true) {
            tracing::warn!("a question to the model inside of another was dropped: {request}");
            return;
        }
        let mut report = self.report(1.0);
        if let Err(error) = self.understand(request, By::Transition, &mut report, said) {
            said.push(format!("That did not work: {error}."));
        }
        self.asking = false;
    }

    /// A question of the agent's own whose answer has a form: the event that it makes.
    pub(super) fn ask_form(&mut self, request: &str, form: &Form) -> Event {
        let shown = self.agent.shown(&self.scope.context, Some(&self.machine));
        let background = Background { prose: self.scope.prompt.as_deref(), variables: &shown, before: &[] };
        let answer = self.outside.write(&background, request, &form.frame);
        if let Err(error) = &answer {
            tracing::warn!("no answer to {request:?}: {error}");
        }
        Event::answer(form, answer.as_deref().map_err(String::as_str))
    }

    fn report(&self, confidence: f64) -> Report {
        Report {
            state: self.state_name(),
            calls: Vec::new(),
            ask: None,
            reply: String::new(),
            next_state: String::new(),
            confidence,
            tokens: TokenCounts::default(),
            ms: 0.0,
        }
    }

    /// Reads a request and does what it asks for, or asks back, or says why not.
    fn understand(
        &mut self,
        request: &str,
        by: By,
        report: &mut Report,
        said: &mut Vec<String>,
    ) -> Result<(), MindError> {
        let (act, ask) = (self.scope.act, self.scope.ask);
        let later = (by == By::Turn).then(|| Later::of(request, &self.scene, &self.agent)).flatten();
        let reading = match later {
            None => self.read(request, by)?,
            Some(later) => match self.meant_now(&later, request)? {
                Some(reading) => reading,
                None if self.stays || self.journal.is_some() => {
                    return self.defer(later, report, said);
                }
                None => {
                    said.push(reply::LEAVES.to_owned());
                    return Ok(());
                }
            },
        };
        report.confidence = reading.confidence;
        report.tokens = reading.tokens;
        let calls = reading.calls.clone();
        let (choices, ambiguous) = (reading.choices.clone(), reading.ambiguous);
        let sure = reading.confidence;
        let unserved = reply::unserved(&self.scene, &reading.links);
        self.last = Some(reading);
        if ambiguous && act > 0.0 {
            self.ask_back(choices, report, said);
        } else if calls.is_empty() || sure < ask {
            let before = said.len();
            self.event(Event::Unserved { text: request.to_owned() }, said);
            if said.len() == before {
                said.push(if calls.is_empty() { unserved } else { reply::UNSURE.to_owned() });
            }
        } else if sure < act {
            self.ask_back(choices, report, said);
        } else if self.needs_yes(&calls) {
            self.ask_back(vec![Choice::new(calls)], report, said);
        } else {
            report.calls = self.act(calls, false, by, said);
        }
        if by == By::Turn {
            self.remember(request.to_owned(), &report.calls);
        }
        Ok(())
    }

    /// What is made of a request that names a time and is to be done now all the same.
    fn meant_now(&mut self, later: &Later, request: &str) -> Result<Option<Reading>, MindError> {
        if !later.may_be_now(&self.scene) {
            return Ok(None);
        }
        let reading = self.read(request, By::Turn)?;
        let now = later.is_now(&reading, &self.scene, self.scope.act, self.scope.ask);
        Ok(now.then_some(reading))
    }

    /// Has a request read, with what the states show and carry.
    fn read(&mut self, request: &str, by: By) -> Result<Reading, MindError> {
        let shown = self.agent.shown(&self.scope.context, Some(&self.machine));
        let carried = if by == By::Turn { self.scope.carry.min(self.before.len()) } else { 0 };
        let before = &self.before[self.before.len() - carried..];
        let background = Background { prose: self.scope.prompt.as_deref(), variables: &shown, before };
        self.outside.read(&background, &self.scene, request)
    }

    /// Keeps a turn for those after it. What no state would carry is not kept.
    fn remember(&mut self, request: String, done: &[CallReport]) {
        let most = self.agent.states.iter().map(|state| state.carry).max().unwrap_or(0);
        let calls = done.iter().map(|done| done.call.clone()).collect();
        let result = |done: &CallReport| match &done.error {
            Some(error) => json!({ "error": error }),
            None => done.result.clone().unwrap_or_default(),
        };
        self.before.push(Earlier { request, calls, results: done.iter().map(result).collect() });
        let more = self.before.len().saturating_sub(most);
        self.before.drain(..more);
    }

    /// A request for later: read without its time, and put away when it is clear and needs no yes.
    fn defer(&mut self, later: Later, report: &mut Report, said: &mut Vec<String>) -> Result<(), MindError> {
        let Later { when, rest: request } = later;
        let reading = self.read(&request, By::Turn)?;
        report.confidence = reading.confidence;
        report.tokens = reading.tokens;
        let (calls, ambiguous) = (reading.calls.clone(), reading.ambiguous);
        let unserved = reply::unserved(&self.scene, &reading.links);
        self.last = Some(reading);
        if calls.is_empty() || report.confidence < self.scope.ask {
            let before = said.len();
            self.event(Event::Unserved { text: request }, said);
            if said.len() == before {
                said.push(unserved);
            }
        } else if ambiguous || report.confidence < self.scope.act || self.needs_yes(&calls) {
            let words = calls.iter().map(in_words).collect::<Vec<_>>().join(", then ");
            said.push(format!(
                "I am not sure enough to do that alone later: {words}. Say it with the device's name."
            ));
        } else {
            said.push(self.schedule(when, calls));
        }
        Ok(())
    }

    fn ask_back(&mut self, choices: Vec<Choice>, report: &mut Report, said: &mut Vec<String>) {
        said.extend(choices::question(&choices).lines().map(str::to_owned));
        report.ask = Some(choices.clone());
        self.asked = Some(choices);
    }

    /// How many choices stand asked; `None`: nothing does.
    pub fn asking(&self) -> Option<usize> {
        self.asked.as_ref().map(Vec::len)
    }

    /// What a person says: an answer to what stands asked ("yes", "2", "the second"), or else a request.
    ///
    /// # Errors
    /// As [`Engine::turn`].
    pub fn talk(&mut self, words: &str) -> Result<Report, MindError> {
        self.given(
            || Given::Say(words.to_owned()),
            |engine| engine.hear(words),
            |report| Some(trace::turn(report)),
        )
    }

    fn hear(&mut self, words: &str) -> Result<Report, MindError> {
        let Some(choices) = self.asked.take() else { return self.serve(words) };
        let answer = Answer::read(words, choices.len());
        if answer == Answer::Other {
            return self.serve(words);
        }
        let started = Instant::now();
        let mut said = Vec::new();
        self.event(Event::Activity, &mut said);
        let mut report = self.report(1.0);
        match answer {
            Answer::Pick(at) => {
                // Only a yes to the one thing that was shown is a yes.
                let shown_alone = choices.len() == 1;
                let calls = choices[at].calls.clone();
                if !shown_alone && self.needs_yes(&calls) {
                    self.ask_back(vec![Choice::new(calls)], &mut report, &mut said);
                } else {
                    report.calls = self.act(calls.clone(), shown_alone, By::Turn, &mut said);
                    // The request that was asked about is the last turn.
                    if let Some(last) = self.before.last_mut() {
                        last.calls = calls;
                    }
                }
            }
            Answer::No => said.push("Nothing was done.".to_owned()),
            _ => self.ask_back(choices, &mut report, &mut said),
        }
        self.finish(&mut report, said, started);
        Ok(report)
    }

    fn finish(&self, report: &mut Report, said: Vec<String>, started: Instant) {
        if said.is_empty() && !report.calls.is_empty() {
            report.reply = "Done.".to_owned();
        } else {
            report.reply = said.join("\n");
        }
        report.next_state = self.state_name();
        report.ms = started.elapsed().as_secs_f64() * 1000.0;
    }
}
