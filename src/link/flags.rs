//! How yes-or-no questions are answered in passing: "no rush" says that something is not urgent, "two lattes to go" that they are taken away.

use super::words::stem;

/// What says yes and no to a flag of this name, in the table `flags.txt`.
fn phrases(name: &str) -> Option<(&'static str, &'static str)> {
    let named = |names: &str| several(names).any(|known| known == name);
    include_str!("flags.txt").lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let (names, said) = line.split_once(':')?;
        let (yes, no) = said.split_once(':').unwrap_or((said, ""));
        let (own, opposite) = names.split_once('/').unwrap_or((names, ""));
        if named(own) { Some((yes, no)) } else { named(opposite).then_some((no, yes)) }
    })
}

fn several(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('|').map(str::trim).filter(|word| !word.is_empty())
}

/// Words that deny what stands behind them.
const DENYING: &str = "no not non never none nobody nothing without minus skip neither nae dont don't didn't didnt doesn't doesnt wasn't wasnt \
    weren't isn't isnt aren't hasn't hasnt haven't won't can't cannot";

/// Whether a word, in lower case, denies what stands behind it.
pub fn denies(word: &str) -> bool {
    DENYING.split_whitespace().any(|denying| denying == word)
}

/// What a request says to a flag of this name, if it says anything: by the name itself, by what denies it, or by what people say instead.
pub fn answered(flag: &str, request: &str) -> Option<bool> {
    let words = said(request);
    let name = super::spoken(flag).to_lowercase();
    let (yes, no) = phrases(&name).unwrap_or_default();
    let begins = |phrase: &str| place(&words, &said(phrase));
    if several(no).any(|phrase| begins(phrase).is_some()) {
        return Some(false);
    }
    let at = std::iter::once(&*name).chain(several(yes)).find_map(begins)?;
    let denied = words[at.saturating_sub(2)..at].iter().any(|word| denies(word));
    Some(!denied)
}

/// Lower-case words; hyphens part them.
fn said(text: &str) -> Vec<String> {
    let text = text.to_lowercase().replace('’', "'");
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '\'');
    words.map(|word| word.trim_matches('\'')).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Where a phrase begins among the words; its last word may have another ending.
fn place(words: &[String], phrase: &[String]) -> Option<usize> {
    let (last, first) = phrase.split_last()?;
    words.windows(phrase.len()).position(|window| {
        let (end, start) = window.split_last().expect("a phrase has words");
        start == first && (end == last || (last.len() > 3 && stem(end) == stem(last)))
    })
}

#[cfg(test)]
mod tests {
    use super::answered;

    #[test]
    fn what_is_said_in_passing_answers() {
        for (flag, request, said) in [
            ("urgent", "my pills are low, no rush", Some(false)),
            ("urgent", "get the vet out, can't wait", Some(true)),
            ("rush", "it is not a rush job", Some(false)),
            ("takeaway", "half a dozen flapjacks to go for Big Kev", Some(true)),
            ("takeaway", "one oat flat white, she's sitting in", Some(false)),
            ("chime", "Do the bing-bong and then \"no chalk bags on the mats, please\"", Some(true)),
            ("chime", "no chime, just let the taproom know", Some(false)),
            ("queen_seen", "hive 3, queen seen, five frames", Some(true)),
            ("queen_seen", "hive 3, five frames", None),
            ("double_sided", "forty copies, A4", None),
            ("dog", "and they've a whippet with them", Some(true)),
            ("dog", "we travel without our dog", Some(false)),
            ("first_time", "brand new client", Some(true)),
            ("card", "two teas, he has cash", Some(false)),
            ("cash", "two teas, he has coins", Some(true)),
            ("", "anything", None),
        ] {
            assert_eq!(answered(flag, request), said, "{flag}: {request}");
        }
    }
}
