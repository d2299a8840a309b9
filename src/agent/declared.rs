//! The seam to the user's own tools: how `[tools.NAME]` becomes a tool.

use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// `[tools.NAME]` as written. Empty: the tool is looked up by its name.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InlineTool {
    /// One line on what it does.
    pub description: Option<String>,
    /// JSON Schema of its arguments.
    pub parameters: Option<Value>,
    /// Program and arguments; left out: the tool is only declared.
    pub command: Option<Vec<String>>,
    /// Template of the reply.
    pub reply: Option<String>,
    /// What it may touch.
    pub permissions: Option<Value>,
    /// What it may use up.
    pub limits: Option<Value>,
}

/// A user tool as the checked agent holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct UserTool {
    /// Its name.
    pub name: String,
    /// One line on what it does.
    pub description: String,
    /// JSON Schema of its arguments.
    pub parameters: Value,
}

impl InlineTool {
    /// The tool of that name: this table, or, when it is empty, the file that it stands for, looked
    /// up beside `folder` and in the data directories.
    ///
    /// # Errors
    /// What is wrong with it, for a finding.
    pub(super) fn check(self, name: &str, _folder: Option<&Path>) -> Result<UserTool, String> {
        let parameters = self
            .parameters
            .clone()
            .unwrap_or_else(|| serde_json::json!({ "type": "object", "properties": {} }));
        if parameters["type"] != "object" || !parameters["properties"].is_object() {
            return Err(format!("the parameters of `{name}` are no object schema with `properties`"));
        }
        let description = self.description.clone().unwrap_or_default();
        Ok(UserTool { name: name.to_owned(), description, parameters })
    }
}
