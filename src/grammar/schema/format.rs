//! Formats of strings, as patterns. Each lets only strings through that its specification allows;
//! where a specification allows more than is ever useful to write (comments in addresses, leap
//! seconds), what is left out is said.

use std::sync::OnceLock;

use super::ecma;
use super::pattern::Pattern;

/// What a `format` means here.
pub(super) enum Format {
    /// Enforced by these patterns, all of them.
    Enforced(&'static [Pattern]),
    /// An annotation.
    Remark,
}

macro_rules! date {
    () => {
        concat!(
            "(\\d{4}-(0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|\\d{4}-(0[469]|11)-(0[1-9]|[12]\\d|30)",
            "|\\d{4}-02-(0[1-9]|1\\d|2[0-8])",
            "|(\\d\\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)"
        )
    };
}
// No leap seconds: whether one is legal depends on the offset.
macro_rules! time {
    () => {
        "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d+)?([zZ]|[+-]([01]\\d|2[0-3]):[0-5]\\d)"
    };
}
macro_rules! ipv4 {
    () => {
        "((25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)\\.){3}(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
    };
}
macro_rules! ipv6 {
    () => {
        concat!(
            "(([\\da-fA-F]{1,4}:){7}([\\da-fA-F]{1,4}|:)|([\\da-fA-F]{1,4}:){6}(:[\\da-fA-F]{1,4}|:|",
            ipv4!(),
            ")|([\\da-fA-F]{1,4}:){5}((:[\\da-fA-F]{1,4}){1,2}|:|:",
            ipv4!(),
            ")|([\\da-fA-F]{1,4}:){4}((:[\\da-fA-F]{1,4}){1,3}|:|(:[\\da-fA-F]{1,4})?:",
            ipv4!(),
            ")|([\\da-fA-F]{1,4}:){3}((:[\\da-fA-F]{1,4}){1,4}|:|(:[\\da-fA-F]{1,4}){0,2}:",
            ipv4!(),
            ")|([\\da-fA-F]{1,4}:){2}((:[\\da-fA-F]{1,4}){1,5}|:|(:[\\da-fA-F]{1,4}){0,3}:",
            ipv4!(),
            ")|[\\da-fA-F]{1,4}:((:[\\da-fA-F]{1,4}){1,6}|:|(:[\\da-fA-F]{1,4}){0,4}:",
            ipv4!(),
            ")|:((:[\\da-fA-F]{1,4}){1,7}|:|(:[\\da-fA-F]{1,4}){0,5}:",
            ipv4!(),
            "))"
        )
    };
}
// Letters, digits and inner hyphens, none of the reserved form `xx--`; of 63 or 30 characters.
macro_rules! label {
    ($more:literal, $less:literal) => {
        concat!(
            "[a-zA-Z0-9]([a-zA-Z0-9]|[a-zA-Z0-9-][a-zA-Z0-9]([a-zA-Z0-9-]{0,",
            $more,
            "}[a-zA-Z0-9])?",
            "|[a-zA-Z0-9-]-[a-zA-Z0-9]([a-zA-Z0-9-]{0,",
            $less,
            "}[a-zA-Z0-9])?)?"
        )
    };
}
// Up to three labels of any length, or up to eight of at most 30: never more than 253 characters.
macro_rules! host {
    () => {
        concat!(
            "((",
            label!("59", "58"),
            "\\.){0,2}",
            label!("59", "58"),
            "|(",
            label!("26", "25"),
            "\\.){3,7}",
            label!("26", "25"),
            ")"
        )
    };
}
macro_rules! pchar {
    () => {
        "([a-zA-Z0-9._~!$&'()*+,;=:@-]|%[0-9a-fA-F]{2})"
    };
}
macro_rules! authority {
    () => {
        concat!(
            "(([a-zA-Z0-9._~!$&'()*+,;=:-]|%[0-9a-fA-F]{2})*@)?",
            "(([a-zA-Z0-9._~!$&'()*+,;=-]|%[0-9a-fA-F]{2})*|\\[",
            ipv6!(),
            "\\])(:\\d*)?"
        )
    };
}
macro_rules! after_path {
    () => {
        concat!("(\\?(", pchar!(), "|[/?])*)?(#(", pchar!(), "|[/?])*)?")
    };
}
macro_rules! absolute_path {
    () => {
        concat!("/(", pchar!(), "+(/", pchar!(), "*)*)?")
    };
}

macro_rules! uri {
    () => {
        concat!(
            "^[a-zA-Z][a-zA-Z0-9+.-]*:(//",
            authority!(),
            "(/",
            pchar!(),
            "*)*|",
            absolute_path!(),
            "|",
            pchar!(),
            "+(/",
            pchar!(),
            "*)*)?",
            after_path!(),
            "$"
        )
    };
}
macro_rules! uri_reference {
    () => {
        concat!(
            "^([a-zA-Z][a-zA-Z0-9+.-]*:(//",
            authority!(),
            "(/",
            pchar!(),
            "*)*|",
            absolute_path!(),
            "|",
            pchar!(),
            "+(/",
            pchar!(),
            "*)*)?|//",
            authority!(),
            "(/",
            pchar!(),
            "*)*|",
            absolute_path!(),
            "|([a-zA-Z0-9._~!$&'()*+,;=@-]|%[0-9a-fA-F]{2})+(/",
            pchar!(),
            "*)*)?",
            after_path!(),
            "$"
        )
    };
}
macro_rules! variable {
    () => {
        "([a-zA-Z0-9_]|%[0-9a-fA-F]{2})(\\.?([a-zA-Z0-9_]|%[0-9a-fA-F]{2}))*(:[1-9]\\d{0,3}|\\*)?"
    };
}

/// Name and patterns (all must match).
const TABLE: &[(&str, &[&str])] = &[
    ("date", &[concat!("^", date!(), "$")]),
    ("time", &[concat!("^", time!(), "$")]),
    ("date-time", &[concat!("^", date!(), "[tT]", time!(), "$")]),
    (
        "duration",
        &[
            "^P(\\d+W|(\\d+Y(\\d+M(\\d+D)?)?|\\d+M(\\d+D)?|\\d+D)(T(\\d+H(\\d+M(\\d+S)?)?|\\d+M(\\d+S)?|\\d+S))?|T(\\d+H(\\d+M(\\d+S)?)?|\\d+M(\\d+S)?|\\d+S))$",
        ],
    ),
    // Local parts without quotes, hosts by name.
    (
        "email",
        &[concat!("^[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+)*@", host!(), "$")],
    ),
    ("hostname", &[concat!("^", host!(), "$")]),
    // Names in ASCII, which are valid everywhere; letters beyond it only before the `@`.
    ("idn-hostname", &[concat!("^", host!(), "$")]),
    (
        "idn-email",
        &[concat!(
            "^[a-zA-Z0-9!#$%&'*+/=?^_`{|}~\\u00A1-\\uD7FF-]+(\\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~\\u00A1-\\uD7FF-]+)*@",
            host!(),
            "$"
        )],
    ),
    (
        "uri-template",
        &[concat!(
            "^([^\\x00-\\x20\"'<>%\\\\^`{|}\\x7F]|%[0-9a-fA-F]{2}|\\{[+#./;?&]?",
            variable!(),
            "(,",
            variable!(),
            ")*\\})*$"
        )],
    ),
    ("ipv4", &[concat!("^", ipv4!(), "$")]),
    ("ipv6", &[concat!("^", ipv6!(), "$")]),
    ("uuid", &["^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"]),
    ("uri", &[uri!()]),
    ("uri-reference", &[uri_reference!()]),
    // As their ASCII kin.
    ("iri", &[uri!()]),
    ("iri-reference", &[uri_reference!()]),
    ("json-pointer", &["^(/([^~/]|~[01])*)*$"]),
    ("relative-json-pointer", &["^(0|[1-9]\\d*)(#|(/([^~/]|~[01])*)*)$"]),
];

/// The meaning of a format's name.
pub(super) fn find(name: &str) -> Format {
    static PATTERNS: OnceLock<Vec<OnceLock<Vec<Pattern>>>> = OnceLock::new();
    let Some(at) = TABLE.iter().position(|(known, _)| *known == name) else { return Format::Remark };
    let all = PATTERNS.get_or_init(|| TABLE.iter().map(|_| OnceLock::new()).collect());
    Format::Enforced(all[at].get_or_init(|| {
        // Every pattern of the table is read by a test.
        TABLE[at].1.iter().filter_map(|text| ecma::parse(text).ok()).collect()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_read() {
        for (name, patterns) in TABLE {
            for text in *patterns {
                ecma::parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            }
        }
    }

    #[test]
    fn formats_tell_right_from_wrong() {
        let all: &[(&str, &[&str], &[&str])] = &[
            (
                "date",
                &["2024-02-29", "2000-02-29", "1999-12-31"],
                &["2023-02-29", "1900-02-29", "2024-04-31", "24-1-1"],
            ),
            ("time", &["00:00:00Z", "23:59:59.123+05:30"], &["24:00:00Z", "12:00:00", "12:00Z"]),
            ("date-time", &["2024-02-29t12:00:00z"], &["2024-02-29 12:00:00Z", "2024-02-30T12:00:00Z"]),
            ("duration", &["P1W", "P1Y2M3D", "PT1H", "P1DT1H1M1S"], &["P", "PT", "P1W1D", "P1YT", "P1Y1D"]),
            ("email", &["a.b+c@x.org"], &["a..b@x.org", ".a@x", "a@", "@x", "a@-x"]),
            ("hostname", &["a", "a.b-c.de"], &["", "-a", "a-", "a..b", "xn--x", "a_b", "a."]),
            ("ipv4", &["0.0.0.0", "255.1.9.10"], &["256.0.0.0", "01.0.0.0", "1.2.3"]),
            (
                "ipv6",
                &[
                    "::",
                    "::1",
                    "1::",
                    "1:2:3:4:5:6:7:8",
                    "1::8",
                    "::ffff:1.2.3.4",
                    "1:2:3:4:5:6:1.2.3.4",
                    "1:2::1.2.3.4",
                ],
                &[
                    ":",
                    ":::",
                    "1:2:3:4:5:6:7",
                    "1:2:3:4:5:6:7:8:9",
                    "1::2::3",
                    "12345::",
                    "::1.2.3",
                    "1:2:3:4:5:6:7:1.2.3.4",
                ],
            ),
            ("uuid", &["2EB8AA08-aa98-11ea-b4aa-73b441d16380"], &["2EB8AA08aa98-11ea-b4aa-73b441d16380-"]),
            (
                "uri",
                &["http://a.b/c?d#e", "urn:x:y", "mailto:a@b.c", "ftp://[::1]:2/", "a:"],
                &["/x", "http:// a", "a b:", "\\\\x", ":x"],
            ),
            ("uri-reference", &["", "/x", "a/b", "#f", "//h/p", "http://x"], &["\\x", "#a#b", " "]),
            ("iri", &["http://a.b/c"], &["/x", "http:// a"]),
            ("iri-reference", &["/x", "#f"], &["\\x"]),
            ("idn-email", &["jörg@x.org"], &["a@", "@x"]),
            ("idn-hostname", &["a.b"], &["-a", "a..b"]),
            ("uri-template", &["/a/{b,c*}{?d:3}"], &["/a{", "{}", "a b"]),
            ("json-pointer", &["", "/a/~0~1"], &["a", "/~2"]),
            ("relative-json-pointer", &["0", "1#", "2/a"], &["", "01", "-1", "0##"]),
        ];
        for (name, yes, no) in all {
            let Format::Enforced(patterns) = find(name) else { panic!("{name}") };
            for text in *yes {
                assert!(patterns.iter().all(|p| p.matches(text)), "{name} {text}");
            }
            for text in *no {
                assert!(!patterns.iter().all(|p| p.matches(text)), "{name} {text}");
            }
        }
        assert!(matches!(find("color"), Format::Remark));
    }
}
