//! Ranges of code points as sequences of byte ranges.

/// A sequence of one to four byte ranges.
pub(super) type ByteRanges = Vec<(u8, u8)>;

/// Characters that JSON strings hold as they are. Left out are DEL, which many grammars of strings exclude, and
/// the separators U+2028 and U+2029, which `.` of patterns does not match.
pub(super) const PLAIN: [(u32, u32); 6] =
    [(0x20, 0x21), (0x23, 0x5B), (0x5D, 0x7E), (0x80, 0x2027), (0x202A, 0xD7FF), (0xE000, 0x10FFFF)];

/// Whether a set of characters holds all of [`PLAIN`].
pub(super) fn holds_plain(ranges: &[(u32, u32)]) -> bool {
    intersect(ranges, &PLAIN) == PLAIN
}

/// Whether a character of [`PLAIN`] begins with this byte.
pub(super) fn begins_plain(byte: u8) -> bool {
    byte >= 0xC2 || ((0x20..0x7F).contains(&byte) && !matches!(byte, b'"' | b'\\'))
}

/// Sorts, merges and cuts ranges of code points to scalar values (no surrogates, at most U+10FFFF).
pub(super) fn normalise(ranges: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut cut = Vec::with_capacity(ranges.len() + 1);
    for &(lo, hi) in ranges {
        let hi = hi.min(0x10FFFF);
        for (a, b) in [(lo, hi.min(0xD7FF)), (lo.max(0xE000), hi)] {
            if a <= b && !cut.contains(&(a, b)) {
                cut.push((a, b));
            }
        }
    }
    super::fx::sort(&mut cut);
    let mut merged: Vec<(u32, u32)> = Vec::with_capacity(cut.len());
    for (lo, hi) in cut {
        match merged.last_mut() {
            Some(last) if lo <= last.1.saturating_add(1) => last.1 = last.1.max(hi),
            _ => merged.push((lo, hi)),
        }
    }
    // Merging may join 0xD7FF and 0xE000 only if they were adjacent, which they are not.
    merged
}

/// All scalar values that are in none of the ranges.
pub(super) fn complement(ranges: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut out = Vec::new();
    let mut next = 0u32;
    for (lo, hi) in normalise(ranges) {
        if lo > next {
            out.push((next, lo - 1));
        }
        next = hi + 1;
    }
    if next <= 0x10FFFF {
        out.push((next, 0x10FFFF));
    }
    normalise(&out)
}

/// The scalar values in both.
pub(super) fn intersect(a: &[(u32, u32)], b: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let (a, b) = (normalise(a), normalise(b));
    let mut out = Vec::new();
    for &(lo, hi) in &a {
        for &(lo2, hi2) in &b {
            if lo.max(lo2) <= hi.min(hi2) {
                out.push((lo.max(lo2), hi.min(hi2)));
            }
        }
    }
    normalise(&out)
}

/// The byte sequences of one normalised range.
pub(super) fn sequences(lo: u32, hi: u32, out: &mut Vec<ByteRanges>) {
    // Cut where the encoded length changes, then where continuation bytes are not the full range.
    for max in [0x7F, 0x7FF, 0xFFFF] {
        if lo <= max && max < hi {
            sequences(lo, max, out);
            sequences(max + 1, hi, out);
            return;
        }
    }
    if hi < 0x80 {
        out.push(vec![(lo as u8, hi as u8)]);
        return;
    }
    for shift in [6, 12, 18] {
        let mask = (1u32 << shift) - 1;
        if lo & !mask != hi & !mask {
            if lo & mask != 0 {
                sequences(lo, lo | mask, out);
                sequences((lo | mask) + 1, hi, out);
                return;
            }
            if hi & mask != mask {
                sequences(lo, (hi & !mask) - 1, out);
                sequences(hi & !mask, hi, out);
                return;
            }
        }
    }
    let (a, b) = (encode(lo), encode(hi));
    out.push(a.into_iter().zip(b).collect());
}

fn encode(code: u32) -> Vec<u8> {
    let c = char::from_u32(code).unwrap_or('\u{FFFD}');
    let mut buffer = [0; 4];
    c.encode_utf8(&mut buffer).as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(seqs: &[ByteRanges], c: char) -> bool {
        let mut buffer = [0; 4];
        let bytes = c.encode_utf8(&mut buffer).as_bytes();
        seqs.iter().any(|s| {
            s.len() == bytes.len() && s.iter().zip(bytes).all(|((lo, hi), b)| (lo..=hi).contains(&b))
        })
    }

    #[test]
    fn ranges_match_exactly_their_code_points() {
        for range in
            [(0, 0x10FFFF), (0x41, 0x41), (0x7E, 0x82), (0x7F0, 0x1234), (0xFFF0, 0x10203), (0x800, 0xFFFF)]
        {
            let mut seqs = Vec::new();
            for (lo, hi) in normalise(&[range]) {
                sequences(lo, hi, &mut seqs);
            }
            for code in
                (0..0x11_0000).filter(|c| c % 7 == 0 || (range.0.abs_diff(*c)).min(range.1.abs_diff(*c)) < 3)
            {
                if let Some(c) = char::from_u32(code) {
                    assert_eq!(matches(&seqs, c), (range.0..=range.1).contains(&code), "{range:x?} {code:x}");
                }
            }
        }
        assert_eq!(complement(&[(0x41, 0x5A)]), vec![(0, 0x40), (0x5B, 0xD7FF), (0xE000, 0x10FFFF)]);
    }
}
