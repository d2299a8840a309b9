//! Formats of strings, as patterns. Each lets only strings through that its specification allows;
//! where a specification allows more than is ever useful to write (comments in addresses, leap
//! seconds), what is left out is said.

use super::ecma;
use super::pattern::Pattern;

/// What a `format` means here.
pub(super) enum Format {
    /// Enforced by this pattern.
    Enforced(Pattern),
    /// An annotation.
    Remark,
}

/// What patterns are made of, by the mark that stands for it in them and in the parts that follow.
const PARTS: &[(&str, &str)] = &[
    (
        "{date}",
        "(\\d{4}-(0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|\\d{4}-(0[469]|11)-(0[1-9]|[12]\\d|30)\
         |\\d{4}-02-(0[1-9]|1\\d|2[0-8])\
         |(\\d\\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)",
    ),
    // No leap seconds: whether one is legal depends on the offset.
    ("{time}", "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d+)?([zZ]|[+-]([01]\\d|2[0-3]):[0-5]\\d)"),
    ("{after}", "T(\\d+H(\\d+M(\\d+S)?)?|\\d+M(\\d+S)?|\\d+S)"),
    ("{byte}", "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"),
    ("{ipv4}", "({byte}\\.){3}{byte}"),
    ("{hex}", "[\\da-fA-F]{1,4}"),
    (
        "{ipv6}",
        "(({hex}:){7}({hex}|:)|({hex}:){6}(:{hex}|:|{ipv4})|({hex}:){5}((:{hex}){1,2}|:|:{ipv4})\
         |({hex}:){4}((:{hex}){1,3}|:|(:{hex})?:{ipv4})|({hex}:){3}((:{hex}){1,4}|:|(:{hex}){0,2}:{ipv4})\
         |({hex}:){2}((:{hex}){1,5}|:|(:{hex}){0,3}:{ipv4})|{hex}:((:{hex}){1,6}|:|(:{hex}){0,4}:{ipv4})\
         |:((:{hex}){1,7}|:|(:{hex}){0,5}:{ipv4}))",
    ),
    // Letters, digits and inner hyphens, none of the reserved form `xx--`; of 63 or 30 characters.
    ("{an}", "[a-zA-Z0-9]"),
    ("{in}", "[a-zA-Z0-9-]"),
    ("{long}", "{an}({an}|{in}{an}({in}{0,59}{an})?|{in}-{an}({in}{0,58}{an})?)?"),
    ("{short}", "{an}({an}|{in}{an}({in}{0,26}{an})?|{in}-{an}({in}{0,25}{an})?)?"),
    // Up to three labels of any length, or up to eight of at most 30: never more than 253 characters.
    ("{host}", "(({long}\\.){0,2}{long}|({short}\\.){3,7}{short})"),
    // What stands before an `@`, without dots and with dots between: never more than 64 bytes (RFC 5321, section
    // 4.5.3.1.1).
    ("{atom}", "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]"),
    ("{local}", "{atom}{1,64}|{atom}(\\.?{atom}){0,31}"),
    ("{wide}", "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~\\u00A1-\\uD7FF-]"),
    ("{percent}", "%[0-9a-fA-F]{2}"),
    ("{pchar}", "([a-zA-Z0-9._~!$&'()*+,;=:@-]|{percent})"),
    ("{scheme}", "[a-zA-Z][a-zA-Z0-9+.-]*:"),
    (
        "{authority}",
        "//(([a-zA-Z0-9._~!$&'()*+,;=:-]|{percent})*@)?\
         (([a-zA-Z0-9._~!$&'()*+,;=-]|{percent})*|\\[{ipv6}\\])(:\\d*)?(/{pchar}*)*",
    ),
    ("{absolute}", "/({pchar}+(/{pchar}*)*)?"),
    ("{query}", "(\\?({pchar}|[/?])*)?(#({pchar}|[/?])*)?"),
    ("{after-scheme}", "({authority}|{absolute}|{pchar}+(/{pchar}*)*)?"),
    ("{segment}", "([a-zA-Z0-9._~!$&'()*+,;=@-]|{percent})"),
    ("{word}", "([a-zA-Z0-9_]|{percent})"),
    ("{variable}", "{word}(\\.?{word})*(:[1-9]\\d{0,3}|\\*)?"),
];

const URI: &str = "^{scheme}{after-scheme}{query}$";
const URI_REFERENCE: &str =
    "^({scheme}{after-scheme}|{authority}|{absolute}|{segment}+(/{pchar}*)*)?{query}$";

/// Names and patterns.
const TABLE: &[(&str, &str)] = &[
    ("date", "^{date}$"),
    ("time", "^{time}$"),
    ("date-time", "^{date}[tT]{time}$"),
    ("duration", "^P(\\d+W|(\\d+Y(\\d+M(\\d+D)?)?|\\d+M(\\d+D)?|\\d+D)({after})?|{after})$"),
    // Local parts without quotes, hosts by name.
    ("email", "^({local})@{host}$"),
    ("hostname", "^{host}$"),
    // Names in ASCII, which are valid everywhere; letters beyond it only before the `@`.
    ("idn-hostname", "^{host}$"),
    ("idn-email", "^({local}|{wide}{1,21}|{wide}(\\.?{wide}){0,15})@{host}$"),
    (
        "uri-template",
        "^([^\\x00-\\x20\"'<>%\\\\^`{|}\\x7F]|{percent}|\\{[+#./;?&]?{variable}(,{variable})*\\})*$",
    ),
    ("ipv4", "^{ipv4}$"),
    ("ipv6", "^{ipv6}$"),
    ("uuid", "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"),
    ("uri", URI),
    ("uri-reference", URI_REFERENCE),
    // As their ASCII kin.
    ("iri", URI),
    ("iri-reference", URI_REFERENCE),
    ("json-pointer", "^(/([^~/]|~[01])*)*$"),
    ("relative-json-pointer", "^(0|[1-9]\\d*)(#|(/([^~/]|~[01])*)*)$"),
];

/// Appends a pattern with its parts written out.
fn write_out(pattern: &str, out: &mut String) {
    let mut rest = pattern;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        rest = match PARTS.iter().find(|(mark, _)| from.starts_with(mark)) {
            Some((mark, part)) => {
                write_out(part, out);
                &from[mark.len()..]
            }
            None => {
                out.push('{');
                &from[1..]
            }
        };
    }
    out.push_str(rest);
}

/// The meaning of a format's name.
pub(super) fn find(name: &str) -> Format {
    let Some((_, pattern)) = TABLE.iter().find(|(known, _)| *known == name) else { return Format::Remark };
    let mut whole = String::new();
    write_out(pattern, &mut whole);
    // Every pattern of the table is read by a test.
    ecma::parse(&whole).map_or(Format::Remark, Format::Enforced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_read() {
        for (name, pattern) in TABLE {
            let mut whole = String::new();
            write_out(pattern, &mut whole);
            ecma::parse(&whole).unwrap_or_else(|e| panic!("{name}: {e}"));
            // What is left of a brace is a number of times, or a character.
            let named = whole
                .match_indices('{')
                .any(|(at, _)| whole[at + 1..].starts_with(|c: char| c.is_lowercase()));
            assert!(!named, "{name}: {whole}");
        }
        // Each part is made of those before it: writing them out comes to an end.
        for (at, (_, part)) in PARTS.iter().enumerate() {
            assert!(PARTS[at..].iter().all(|(mark, _)| !part.contains(mark)), "{part}");
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
            ("email", &["a.b+c@x.org"], &["a..b@x.org", ".a@x", "a.@x", "a@", "@x", "a@-x"]),
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
            let Format::Enforced(pattern) = find(name) else { panic!("{name}") };
            for text in *yes {
                assert!(pattern.matches(text), "{name} {text}");
            }
            for text in *no {
                assert!(!pattern.matches(text), "{name} {text}");
            }
        }
        assert!(matches!(find("color"), Format::Remark));
        // The bytes before the `@` are counted.
        let dotted = format!("a{}", ".b".repeat(31));
        for (name, one, most) in [("email", "a", 64), ("idn-email", "a", 64), ("idn-email", "\u{2603}", 21)] {
            let Format::Enforced(pattern) = find(name) else { panic!("{name}") };
            let fits = |local: &str| pattern.matches(&format!("{local}@x.org"));
            assert!(fits(&one.repeat(most)) && !fits(&one.repeat(most + 1)), "{name} {one}");
            assert!(fits(&dotted) && !fits(&format!("{dotted}.b")), "{name}");
            assert!(!fits("") && !fits("a.") && !fits(".a") && !fits("a..b"), "{name}");
        }
    }
}
