//! The part of an agent file that makes it a statechart, as it is written: states, transitions, actions.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::file::{At, Selector, Table};

/// `[states.NAME]`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StateTable {
    /// Told to models that read prose; left out: the one of the state around.
    pub prompt: Option<String>,
    /// The tools that are legal here; left out: all that the state around allows.
    pub tools: Option<At<Vec<At<String>>>>,
    /// The devices that may be touched here; left out: all that the state around allows.
    pub devices: Option<At<Vec<At<Selector>>>>,
    /// Overrides the agent's `act`.
    pub act: Option<At<f64>>,
    /// Overrides the agent's `ask`.
    pub ask: Option<At<f64>>,
    /// Whatever is done here on a request is done only after the person says yes.
    pub confirm: Option<At<bool>>,
    /// Tokens that the prompt may have here before anything is said; overrides the agent's.
    pub budget: Option<At<u32>>,
    /// Earlier turns kept in the prompt: in full for models that read prose; for the bundled model they are what "it" and "them" mean.
    #[schemars(range(max = 64))]
    pub carry: Option<At<u32>>,
    /// Variables shown in the prompt, by name; left out: those of the state around.
    pub context: Option<At<Vec<At<String>>>>,
    /// The state around this one.
    pub parent: Option<At<String>>,
    /// The state inside of this one in which it begins; left out: the first. Of a history state: where it leads while nothing is remembered.
    pub start: Option<At<NameList>>,
    /// Carried out when `start` is followed.
    #[serde(default)]
    pub begin: Vec<At<ActionTable>>,
    /// All the states inside of this one are active at once.
    pub parallel: Option<At<bool>>,
    /// The state around comes to its end here; outside of every state, the agent does.
    #[serde(rename = "final")]
    pub is_final: Option<At<bool>>,
    /// Stands for what was last active inside of the state around.
    pub history: Option<At<Depth>>,
    /// Carried out when the state is entered.
    #[serde(default)]
    pub entry: Vec<At<ActionTable>>,
    /// Carried out when the state is left.
    #[serde(default)]
    pub exit: Vec<At<ActionTable>>,
    /// Data of the event `done.state...`, of a final state.
    #[serde(default)]
    pub data: Table<At<Datum>>,
    /// Transitions; the first that matches is taken.
    #[serde(default)]
    pub on: Vec<At<TransitionTable>>,
}

/// How much a history state remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Depth {
    /// The state just inside.
    Shallow,
    /// All the way down.
    Deep,
}

/// One entry of `on`: exactly one trigger, then what happens.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransitionTable {
    /// Trigger: this tool was called and succeeded.
    pub call: Option<At<String>>,
    /// Trigger: this tool was called and failed.
    pub error: Option<At<String>>,
    /// Narrows `call` and `error` to calls that address this device.
    pub device: Option<At<String>>,
    /// Trigger: a request that no legal tool serves.
    pub unserved: Option<At<bool>>,
    /// Trigger: this input changed.
    pub edge: Option<At<String>>,
    /// Which change of the input; left out: rising.
    pub when: Option<At<When>>,
    /// Trigger: this sensor went `above` or `below` a value.
    pub sensor: Option<At<String>>,
    /// The value that the sensor has to exceed.
    pub above: Option<At<f64>>,
    /// The value that the sensor has to fall below.
    pub below: Option<At<f64>>,
    /// How far the value has to come back before it counts again.
    pub hysteresis: Option<At<f64>>,
    /// Trigger: time since the state was entered (`"500ms"`, `"30s"`, `"5m"`, `"2h"`).
    pub after: Option<At<String>>,
    /// Trigger: again and again after this time, while the state is active.
    pub every: Option<At<String>>,
    /// Trigger: a time of day, as in crontab (`"30 6 * * mon-fri"`); waits until the clock is set.
    pub cron: Option<At<String>>,
    /// Trigger: nobody has said anything for this time, while the state is active.
    pub idle: Option<At<String>>,
    /// Trigger: an event of this name, or of one of these names.
    pub event: Option<At<NameList>>,
    /// Trigger: this state has come to its end.
    pub done: Option<At<String>>,
    /// Trigger: none; taken as soon as the guard holds.
    pub always: Option<At<bool>>,
    /// Guard: an expression that has to hold.
    #[serde(rename = "if")]
    pub guard: Option<At<String>>,
    /// The state to enter, or several inside of parallel states.
    pub to: Option<At<NameList>>,
    /// A transition to a state inside of this one does not leave this one.
    pub internal: Option<At<bool>>,
    /// What is said; `{{ ... }}` is an expression.
    pub say: Option<At<String>>,
    /// What is done.
    #[serde(default, rename = "do")]
    pub actions: Vec<At<ActionTable>>,
}

/// Which change of an input counts. Rising is from inactive to active, whatever the line's voltage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// From inactive to active.
    #[default]
    Rising,
    /// From active to inactive.
    Falling,
    /// Either.
    Both,
}

/// One action: exactly one of `tool`, `say`, `ask`, `set`, `raise`, `send`, `cancel`, `if` and `try`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActionTable {
    /// Call this tool, without the model.
    pub tool: Option<At<String>>,
    /// Its arguments, as in a call; a text that is one `{{ ... }}` is computed.
    pub arguments: Option<At<serde_json::Map<String, serde_json::Value>>>,
    /// Say this.
    pub say: Option<At<String>>,
    /// Ask the model this: as if a person had said it, or with `grammar` or `schema` for an answer of that form.
    pub ask: Option<At<String>>,
    /// With `ask`: the answer fits this GBNF grammar: a file (`"colour.gbnf"`), or the name of one (`"yes_no"`).
    pub grammar: Option<At<String>>,
    /// With `ask`: the answer fits this JSON Schema.
    pub schema: Option<At<serde_json::Value>>,
    /// With `grammar` or `schema`: the event that the answer makes; left out: `answer`.
    pub event: Option<At<String>>,
    /// Give variables values: texts are expressions.
    pub set: Option<At<Table<At<Datum>>>>,
    /// An event to the agent itself, before anything from outside.
    pub raise: Option<At<String>>,
    /// An event to the agent itself, after what is already waiting.
    pub send: Option<At<String>>,
    /// Data of the event: texts are expressions.
    pub data: Option<At<Table<At<Datum>>>>,
    /// How much later it is sent: a time (`"30s"`), or seconds (`"{{ pause }}"`).
    pub after: Option<At<String>>,
    /// The name by which it can be cancelled.
    pub id: Option<At<String>>,
    /// It outlives the state that sent it.
    pub keep: Option<At<bool>>,
    /// Forget what was sent under this name.
    pub cancel: Option<At<String>>,
    /// Do what stands in `do` when this holds, else what stands in `else`.
    #[serde(rename = "if")]
    pub condition: Option<At<String>>,
    /// With `if`.
    #[serde(default, rename = "do")]
    pub then: Vec<At<ActionTable>>,
    /// With `if`.
    #[serde(default, rename = "else")]
    pub otherwise: Vec<At<ActionTable>>,
    /// Actions of which one that fails ends these, and not what comes after them.
    #[serde(rename = "try")]
    pub attempt: Option<Vec<At<ActionTable>>>,
}

/// A number, `true`, `false`, or a text that is an expression (`"count + 1"`, `"'a text'"`).
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Datum {
    /// As it stands.
    Flag(bool),
    /// As it stands.
    Number(f64),
    /// An expression.
    Expression(String),
}

/// One name, or several.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NameList(Vec<At<String>>);

impl At<NameList> {
    /// The names with their places.
    pub fn names(&self) -> Vec<At<String>> {
        let whole = |at: &At<String>| if at.span.is_empty() { self.span.clone() } else { at.span.clone() };
        self.value.0.iter().map(|at| At { value: at.value.clone(), span: whole(at) }).collect()
    }
}

impl<'de> Deserialize<'de> for NameList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = NameList;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a name, or a list of names")
            }
            fn visit_str<E>(self, name: &str) -> Result<NameList, E> {
                let span: Range<usize> = 0..0;
                Ok(NameList(vec![At { value: name.to_owned(), span }]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<NameList, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = list.next_element::<At<String>>()? {
                    names.push(name);
                }
                Ok(NameList(names))
            }
        }
        deserializer.deserialize_any(Names)
    }
}

impl JsonSchema for NameList {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Names".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
    }
}
