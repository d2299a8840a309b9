//! Methods of Python's strings and dictionaries that chat templates call.

use minijinja::value::{ValueKind, from_args};
use minijinja::{Error, ErrorKind, State, Value};

/// Answers a method call that the engine does not know.
pub(super) fn method(
    _: &mut State<'_, '_>,
    value: &Value,
    name: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    let unknown = || Error::new(ErrorKind::UnknownMethod, format!("{} has no method {name}", value.kind()));
    match (value.kind(), value.as_str()) {
        (ValueKind::String, Some(text)) => string(text, name, arguments).unwrap_or_else(|| Err(unknown())),
        (ValueKind::Map, _) => map(value, name, arguments).unwrap_or_else(|| Err(unknown())),
        _ => Err(unknown()),
    }
}

/// `None`: there is no such method.
fn string(text: &str, name: &str, arguments: &[Value]) -> Option<Result<Value, Error>> {
    let none = || from_args::<()>(arguments);
    let one = || from_args::<(&str,)>(arguments).map(|(only,)| only);
    let any_of = || -> Result<Option<&str>, Error> { Ok(from_args::<(Option<&str>,)>(arguments)?.0) };
    let strip = |start: bool, end: bool| {
        any_of().map(|chars| {
            let is = |c: char| chars.map_or(c.is_whitespace(), |chars| chars.contains(c));
            let text = if start { text.trim_start_matches(is) } else { text };
            Value::from(if end { text.trim_end_matches(is) } else { text })
        })
    };
    Some(match name {
        "strip" => strip(true, true),
        "lstrip" => strip(true, false),
        "rstrip" => strip(false, true),
        "upper" => none().map(|()| text.to_uppercase().into()),
        "lower" => none().map(|()| text.to_lowercase().into()),
        "title" | "capitalize" => none().map(|()| capitals(text, name == "title").into()),
        "startswith" => one().map(|start| text.starts_with(start).into()),
        "endswith" => one().map(|end| text.ends_with(end).into()),
        "count" => one().map(|part| text.matches(part).count().into()),
        "find" => one().map(|part| match text.find(part) {
            Some(at) => text[..at].chars().count().into(),
            None => (-1).into(),
        }),
        "replace" => from_args::<(&str, &str)>(arguments).map(|(from, to)| text.replace(from, to).into()),
        "removeprefix" => one().map(|start| text.strip_prefix(start).unwrap_or(text).into()),
        "removesuffix" => one().map(|end| text.strip_suffix(end).unwrap_or(text).into()),
        "split" | "rsplit" => split(text, name == "rsplit", arguments),
        "splitlines" => none().map(|()| Value::from_iter(text.lines())),
        "join" => from_args::<(Value,)>(arguments).and_then(|(list,)| {
            let parts: Vec<String> = list.try_iter()?.map(|part| part.to_string()).collect();
            Ok(parts.join(text).into())
        }),
        _ => return None,
    })
}

/// Parts between separators, or words where none is given; at most so many cuts.
fn split(text: &str, from_end: bool, arguments: &[Value]) -> Result<Value, Error> {
    let (separator, most): (Option<&str>, Option<i64>) = from_args(arguments)?;
    let parts =
        most.and_then(|most| usize::try_from(most).ok()).map_or(usize::MAX, |most| most.saturating_add(1));
    Ok(match separator {
        None => Value::from_iter(text.split_whitespace()),
        Some("") => return Err(Error::new(ErrorKind::InvalidOperation, "split: empty separator")),
        Some(separator) if from_end => {
            let mut all: Vec<&str> = text.rsplitn(parts, separator).collect();
            all.reverse();
            Value::from_iter(all)
        }
        Some(separator) => Value::from_iter(text.splitn(parts, separator)),
    })
}

/// The first letter (of every word, or of all) large, the others small.
fn capitals(text: &str, words: bool) -> String {
    let mut start = true;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if start {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        start = words && !c.is_alphabetic();
    }
    out
}

fn map(value: &Value, name: &str, arguments: &[Value]) -> Option<Result<Value, Error>> {
    let pairs = || -> Result<Vec<(Value, Value)>, Error> {
        from_args::<()>(arguments)?;
        value.try_iter()?.map(|key| Ok((key.clone(), value.get_item(&key)?))).collect()
    };
    Some(match name {
        "items" => {
            pairs().map(|pairs| pairs.into_iter().map(|(key, item)| Value::from_iter([key, item])).collect())
        }
        "keys" => pairs().map(|pairs| pairs.into_iter().map(|(key, _)| key).collect()),
        "values" => pairs().map(|pairs| pairs.into_iter().map(|(_, item)| item).collect()),
        "get" => from_args::<(Value, Option<Value>)>(arguments).and_then(|(key, default)| {
            let found = value.get_item(&key)?;
            Ok(if found.is_undefined() { default.unwrap_or_else(|| Value::from(())) } else { found })
        }),
        _ => return None,
    })
}
