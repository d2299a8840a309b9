use super::*;
use crate::grammar::TokenMask;

fn build(vocabulary: &[&[u8]], special: &[u32]) -> TokenTrie {
    TokenTrie::new(vocabulary.len(), |id| vocabulary[id as usize], |id| special.contains(&id))
}

/// The nodes in order: byte, token, number of nodes below.
fn walk(nodes: Nodes<'_>) -> Vec<(u8, Option<u32>, usize)> {
    let mut all: Vec<(u8, Option<u32>, usize)> = Vec::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < nodes.len() {
        while open.last().is_some_and(|(_, end)| *end <= at) {
            open.pop();
        }
        open.iter().for_each(|(above, _)| all[*above].2 += 1);
        let node = nodes.get(at);
        open.push((all.len(), node.end()));
        all.push((node.byte(), node.token(), 0));
        at = node.below();
    }
    all
}

const SOME: &[&[u8]] = &[
    b"a",
    b"ab",
    b"abc",
    b"b",
    b"",
    b"ab",
    "\u{e9}".as_bytes(),
    b"bcd",
    b"<s>",
    b"b\"",
    b"\xc3",
    b"\n",
    b"abcdefghijklmnopq",
    b"abcdefghijklmnop",
];

#[test]
fn every_token_is_found_by_its_bytes() {
    let trie = build(SOME, &[8]);
    assert!(trie.has_byte(b'a') && trie.has_byte(0xC3) && !trie.has_byte(b'c'));
    assert_eq!((trie.longest(), trie.vocab_size()), (17, 14));
    assert!(trie.is_special(8) && trie.bytes(8).is_empty() && trie.bytes(99).is_empty());
    let mut found = Vec::new();
    for token in walk(trie.nodes()).iter().filter_map(|node| node.1) {
        found.push(token);
        found.extend(trie.twins(token));
    }
    found.sort_unstable();
    assert_eq!(found, [0, 1, 2, 3, 5, 6, 7, 9, 10, 11, 12, 13]);
    assert_eq!(trie.twins(1).collect::<Vec<_>>(), [5]);
    let below = trie.below(b"ab").unwrap();
    assert_eq!(trie.nodes().get(below.start).byte(), b'c');
    assert!(trie.below(b"ac").is_none() && trie.below(b"bcde").is_none());
    let three = build(&[b"x", b"x", b"x"], &[]);
    assert_eq!(three.twins(0).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn plain_tokens_are_told_by_length() {
    let trie = build(SOME, &[8]);
    let of = |characters: u64| {
        let (bits, longer) = trie.plain(characters);
        let mut mask = TokenMask::new(trie.vocab_size());
        mask.add_all(bits);
        longer.for_each(|token| mask.remove(token));
        mask.iter().collect::<Vec<_>>()
    };
    assert_eq!(of(1), [0, 3, 6]);
    assert_eq!(of(2), [0, 1, 3, 5, 6]);
    assert_eq!(of(3), [0, 1, 2, 3, 5, 6, 7]);
    assert_eq!(of(15), of(3));
    assert_eq!(of(16), [0, 1, 2, 3, 5, 6, 7, 13]);
    assert_eq!(of(17), [0, 1, 2, 3, 5, 6, 7, 12, 13]);
    assert_eq!(of(u64::MAX), of(17));
    // The others, as a trie without the plain ones.
    let rest = walk(trie.rest());
    assert_eq!(rest, [(b'\n', Some(11), 0), (b'b', None, 1), (b'"', Some(9), 0), (0xC3, Some(10), 0)]);
}

#[test]
fn nodes_of_all_sizes_are_found() {
    // Subtrees of so many nodes that each width of a size is used, in both widths of ids.
    for more in [0u32, 70_000] {
        let text = |id: u32| if id < 40_000 { format!("{id:016b}") } else { String::new() };
        let trie = TokenTrie::new((40_000 + more) as usize, text, |_| false);
        let nodes = walk(trie.nodes());
        let tokens = nodes.iter().filter_map(|node| node.1);
        let mut all: Vec<u32> = tokens.chain(trie.twins(0)).collect();
        all.sort_unstable();
        assert!(all.iter().copied().eq(0..40_000), "{} tokens", all.len());
        assert_eq!(nodes.iter().filter(|node| node.1.is_none()).count() + 40_000, nodes.len());
        for id in [0, 1, 77, 39_999] {
            let below = trie.below(text(id).as_bytes()).unwrap();
            assert!(below.is_empty() && trie.bytes(id) == text(id).as_bytes());
        }
        assert!(trie.bytes(40_000).is_empty() && trie.nodes().are_sound(40_000 + more));
        assert!(!trie.nodes().are_sound(39_999));
    }
    // Chains of single nodes as long as a token may be, and one that is too long.
    let trie = build(&[&[b'x'; 1000], &[b'x'; 1001]], &[]);
    assert_eq!((trie.bytes(0).len(), trie.bytes(1).len(), trie.longest()), (1000, 0, 1000));
    assert_eq!(walk(trie.nodes()).len(), 1000);
}

#[test]
fn a_file_gives_the_same_trie_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/vocabulary.trie");
    let trie = build(SOME, &[8]);
    let hash = trie.header.vocabulary;
    assert!(TokenTrie::open(&path, hash).is_err());
    trie.save(&path).unwrap();
    let read = TokenTrie::open(&path, hash).unwrap();
    assert_eq!(read.header, trie.header);
    assert_eq!(read.bytes[16..], trie.bytes[16..]);
    assert!((0..14).all(|id| read.bytes(id) == trie.bytes(id)));
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    // Another vocabulary; then every damage, a byte at a time, and every cut.
    assert_ne!(hash, build(&SOME[..13], &[8]).header.vocabulary);
    assert_ne!(hash, build(SOME, &[7]).header.vocabulary);
    assert!(TokenTrie::open(&path, hash + 1).is_err());
    let good = std::fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x41;
        std::fs::write(&path, &bad).unwrap();
        assert!(TokenTrie::open(&path, hash).is_err(), "byte {at}");
        std::fs::write(&path, &good[..at]).unwrap();
        assert!(TokenTrie::open(&path, hash).is_err(), "cut at {at}");
    }
}

#[test]
fn tokens_without_bytes_are_never_legal_and_those_alike_are_legal_together() {
    let trie = build(&[b"a", b"", b"b", b"a", b"ab", b"ab", b""], &[]);
    assert_eq!((trie.bytes(1), trie.bytes(6)), (&b""[..], &b""[..]));
    let grammar = crate::grammar::gbnf::parse("root ::= \"a\"* \"b\"").unwrap();
    let mut run =
        crate::grammar::Matcher::new(std::sync::Arc::new(grammar), std::sync::Arc::new(trie)).unwrap();
    assert_eq!(run.mask(None).unwrap().iter().collect::<Vec<u32>>(), [0, 2, 3, 4, 5]);
    assert!(run.accept(1).is_err());
    run.accept(3).unwrap();
    assert_eq!(run.mask(None).unwrap().iter().collect::<Vec<u32>>(), [0, 2, 3, 4, 5]);
    run.accept(5).unwrap();
    assert!(run.is_complete() && run.mask(None).unwrap().count() == 0);
}
