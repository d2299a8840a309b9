//! Text from models, tools and files as it may reach a terminal.

use std::borrow::Cow;

/// The text with control characters, and those that reorder or hide text, written as `\u{…}`; new
/// lines and tabs stay.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hostile(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

fn is_hostile(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // Marks and overrides of writing direction, invisible separators, tag characters.
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{feff}' | '\u{e0000}'..='\u{e007f}' => true,
        _ => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn terminal_attacks_become_text() {
        assert_eq!(escaped("\u{1b}]0;title\u{7}"), "\\u{1b}]0;title\\u{7}");
        assert_eq!(escaped("a\rb\u{9b}31m\u{202e}c"), "a\\u{d}b\\u{9b}31m\\u{202e}c");
        assert_eq!(escaped("plain — text\n\tёж 🦆"), "plain — text\n\tёж 🦆");
    }
}
