//! Which named events there are in an agent, and what data each of them has.

use super::super::chart::{Names, Shape, Type, describes, parse};
use super::super::chart_file::{ActionTable, Datum, StateTable};
use super::super::file::{At, Table};
use super::forms;
use crate::board::Device;

/// Data of an event: names with types.
type Data = Vec<(String, Type)>;

/// The named events of an agent.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// Those that actions raise or send: name, place, data.
    pub sent: Vec<(At<String>, Data)>,
    /// Those that the machine makes itself.
    made: Vec<(String, Data)>,
    /// Whether some name is computed, so that any event may come.
    pub any: bool,
    /// Names by which delayed events can be cancelled.
    pub ids: Vec<String>,
    /// Whether some of those are computed.
    pub any_id: bool,
}

impl Events {
    /// Looks through all actions. Types that depend on an event's own data are left open.
    pub fn gather(
        states: &Table<StateTable>,
        variables: &[(String, Type)],
        devices: &[Device],
        names: &[String],
    ) -> Events {
        let mut events = Events::default();
        let nothing = Shape::default();
        let known = Names { variables, devices, states: names, event: &nothing };
        let message = vec![("message".to_owned(), Type::Text)];
        events.made.push(("error.execution".to_owned(), message));
        for (name, state) in &states.0 {
            let lists = [&state.entry, &state.exit, &state.begin];
            for list in lists.into_iter().chain(state.on.iter().map(|at| &at.value.actions)) {
                events.look(list, known, 0);
            }
            let is_final = state.is_final.as_ref().is_some_and(|at| at.value);
            if let Some(parent) = state.parent.as_ref().filter(|_| is_final) {
                events.made.push((format!("done.state.{}", parent.value), types(&state.data, known)));
            }
            if state.parallel.as_ref().is_some_and(|at| at.value) {
                events.made.push((format!("done.state.{}", name.value), Vec::new()));
            }
        }
        events
    }

    fn look(&mut self, list: &[At<ActionTable>], known: Names<'_>, depth: usize) {
        if depth > 64 {
            return;
        }
        for At { value: table, .. } in list {
            for name in [&table.raise, &table.send].into_iter().flatten() {
                if name.value.contains("{{") {
                    self.any = true;
                }
                let data = table.data.as_ref().map(|data| types(&data.value, known)).unwrap_or_default();
                self.sent.push((name.clone(), data));
            }
            if let Some(answer) =
                table.grammar.as_ref().map(|at| &at.span).or(table.schema.as_ref().map(|at| &at.span))
            {
                let unnamed = At { value: forms::ANSWER.to_owned(), span: answer.clone() };
                let data = forms::data(table.schema.as_ref().map(|at| &at.value));
                self.sent.push((table.event.clone().unwrap_or(unnamed), data));
                self.made.push(("error.ask".to_owned(), vec![("message".to_owned(), Type::Text)]));
            }
            if let Some(id) = &table.id {
                self.any_id |= id.value.contains("{{");
                self.ids.push(id.value.clone());
            }
            self.look(&table.then, known, depth + 1);
            self.look(&table.otherwise, known, depth + 1);
            self.look(table.attempt.as_deref().unwrap_or_default(), known, depth + 1);
        }
    }

    /// Whether an event of this name may come from inside of the agent.
    pub fn may_come(&self, descriptor: &str) -> bool {
        self.any || self.all().any(|(name, _)| describes(descriptor, name))
    }

    /// Names of events that may come.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.all().map(|(name, _)| name)
    }

    fn all(&self) -> impl Iterator<Item = (&str, &[(String, Type)])> + Clone {
        let sent = self.sent.iter().map(|(name, data)| (name.value.as_str(), data.as_slice()));
        sent.chain(self.made.iter().map(|(name, data)| (name.as_str(), data.as_slice())))
    }

    /// The data that events of these names may have.
    pub fn shape(&self, descriptors: &[String]) -> Shape {
        let mut shape = Shape::default();
        let fits = |name: &str| {
            name.contains("{{") || descriptors.iter().any(|descriptor| describes(descriptor, name))
        };
        for (key, kind) in self.all().filter(|(name, _)| fits(name)).flat_map(|(_, data)| data) {
            match shape.fields.iter_mut().find(|(known, _)| known == key) {
                Some((_, known)) if known != kind => *known = Type::Any,
                Some(_) => {}
                None => shape.fields.push((key.clone(), *kind)),
            }
        }
        shape
    }
}

fn types(data: &Table<At<Datum>>, known: Names<'_>) -> Data {
    let kind = |datum: &Datum| match datum {
        Datum::Flag(_) => Type::Flag,
        Datum::Number(_) => Type::Number,
        Datum::Expression(text) => parse(text, known).map_or(Type::Any, |(_, kind)| kind),
    };
    data.0.iter().map(|(key, datum)| (key.value.clone(), kind(&datum.value))).collect()
}
