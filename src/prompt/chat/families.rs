//! Which template and which dialect a model file asks for.

use super::{ChatError, Dialect};
use crate::gguf::Gguf;
use crate::tokenizer::Tokenizer;

const KEY: &str = "tokenizer.chat_template";
/// Some files have a template of its own for conversations with tools.
const TOOL_KEY: &str = "tokenizer.chat_template.tool_use";

/// How a template shows that calls are a list.
const LIST: &str = "<tool_call>[";

/// A model family, as far as speaking to it goes.
pub(super) struct Family<'a> {
    /// Where the template comes from, and its text.
    pub(super) template: Option<(String, &'a str)>,
    pub(super) dialect: Dialect,
    /// Whether the template may declare tools: then it does so in the dialect's words.
    pub(super) declares: bool,
}

/// The built-in templates: each by a token that only its family has.
const BUILT_IN: [(&str, &str, &str); 4] = [
    ("<start_function_call>", "function-gemma", include_str!("templates/function-gemma.jinja")),
    ("<start_of_turn>", "gemma", include_str!("templates/gemma.jinja")),
    ("<|start_header_id|>", "llama3", include_str!("templates/llama3.jinja")),
    ("<|im_start|>", "chatml", include_str!("templates/chatml.jinja")),
];
/// Qwen 3 is told by an empty thought not to think.
const QWEN3: (&str, &str) = (
    "chatml, qwen3",
    concat!(
        include_str!("templates/chatml.jinja"),
        "{{- '<think>\\n\\n</think>\\n\\n' if add_generation_prompt }}"
    ),
);
/// What TinyLlama's and Zephyr's marks lack in the vocabulary stands in the name.
const ZEPHYR: (&str, &str) = ("zephyr", include_str!("templates/zephyr.jinja"));

/// The family of a file: by its template if it has one, else by its vocabulary and name.
pub(super) fn find<'a>(file: &'a Gguf, tokenizer: &Tokenizer) -> Result<Family<'a>, ChatError> {
    let name = file.optional::<&str>("general.name")?.unwrap_or_default().to_lowercase();
    for key in [TOOL_KEY, KEY] {
        if let Some(source) = file.optional::<&str>(key)? {
            let dialect = dialect(source, &name);
            let declares = declares(source, dialect);
            return Ok(Family { template: Some((key.to_owned(), source)), dialect, declares });
        }
    }
    let marked = |token: &str| tokenizer.token_id(token).is_some_and(|id| tokenizer.is_marker(id));
    let by_token = BUILT_IN.into_iter().find(|(token, ..)| marked(token));
    let by_name =
        || ["tinyllama", "zephyr"].iter().any(|known| name.contains(known)) && name.contains("chat");
    let architecture = file.optional::<&str>("general.architecture")?.unwrap_or_default();
    let template = match by_token {
        Some((_, "chatml", _)) if architecture == "qwen3" => Some(QWEN3),
        Some((_, name, source)) => Some((name, source)),
        None => by_name().then_some(ZEPHYR),
    };
    let dialect = match template {
        // The built-in ChatML template is that of several families, with tools as Qwen declares them.
        Some(("chatml", _)) if name.contains("smollm2") => Dialect::HermesList,
        Some(("chatml", _)) if !architecture.starts_with("qwen") && architecture != "smollm3" => {
            Dialect::Plain
        }
        Some((_, source)) => dialect(source, &name),
        None => Dialect::Plain,
    };
    let declares = template.is_some_and(|(_, source)| declares(source, dialect));
    let template = template.map(|(name, source)| (format!("built-in, {name}"), source));
    Ok(Family { template, dialect, declares })
}

fn declares(source: &str, dialect: Dialect) -> bool {
    match dialect {
        Dialect::Plain => false,
        Dialect::HermesList => source.contains(LIST),
        _ => true,
    }
}

/// The dialect that a template teaches.
fn dialect(source: &str, name: &str) -> Dialect {
    if source.contains("<start_function_declaration>") {
        Dialect::FunctionGemma
    } else if source.contains(LIST) || name.contains("smollm2") {
        Dialect::HermesList
    } else if source.contains("<tool_call>") {
        Dialect::Hermes
    } else if source.contains("\"parameters\"") && source.contains("<|start_header_id|>") {
        Dialect::Llama3
    } else {
        Dialect::Plain
    }
}
