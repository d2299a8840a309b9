//! The grammars that come with the program.

/// Name and GBNF text, by name.
const SHIPPED: [(&str, &str); 8] = [
    ("date", include_str!("../../grammars/date.gbnf")),
    ("gpio_call", include_str!("../../grammars/gpio_call.gbnf")),
    ("identifier", include_str!("../../grammars/identifier.gbnf")),
    ("json", include_str!("../../grammars/json.gbnf")),
    ("json_arr", include_str!("../../grammars/json_arr.gbnf")),
    ("list", include_str!("../../grammars/list.gbnf")),
    ("number", include_str!("../../grammars/number.gbnf")),
    ("yes_no", include_str!("../../grammars/yes_no.gbnf")),
];

/// The shipped grammars: name and GBNF text.
pub fn shipped() -> impl Iterator<Item = (&'static str, &'static str)> {
    SHIPPED.into_iter()
}
