//! Tries in files: written once for a vocabulary, mapped ever after.

use std::fs::File;
use std::io::{Error, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::{Header, MAX_VOCABULARY, TokenTrie};
use crate::gguf::Bytes;
use crate::tokenizer::Tokenizer;

/// Name and version of the format.
const MAGIC: &[u8; 8] = b"pntltri3";
/// Vocabularies below this are built quicker than a file is found.
const WORTH_A_FILE: usize = 8192;

impl Header {
    /// The header without its checksum, which is known last.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&self.vocabulary.to_le_bytes());
        for number in [self.tokens, self.nodes, self.twins, self.long, self.text, self.longest] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for word in self.single {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(&self.rest.to_le_bytes());
        out.resize(Header::SIZE, 0);
    }

    fn read(bytes: &[u8]) -> Option<Header> {
        let (words, _) = bytes.get(..Header::SIZE)?.as_chunks::<8>();
        let word = |i: usize| u64::from_le_bytes(words[i]);
        let half = |i: usize| (word(3 + i / 2) >> (i % 2 * 32)) as u32;
        Some(Header {
            vocabulary: word(2),
            tokens: half(0),
            nodes: half(1),
            twins: half(2),
            long: half(3),
            text: half(4),
            longest: half(5),
            single: [word(6), word(7), word(8), word(9)],
            rest: word(10) as u32,
        })
    }
}

/// A checksum of bytes whose number is a multiple of 8: four sums side by side, so that it is as quick
/// as memory. It finds damage, not malice.
fn checksum(bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut sums = [1u64, 2, 3, 4];
    let (blocks, rest) = bytes.as_chunks::<32>();
    for block in blocks {
        let (words, _) = block.as_chunks::<8>();
        for (sum, word) in sums.iter_mut().zip(words) {
            *sum = (*sum ^ u64::from_le_bytes(*word)).wrapping_mul(PRIME).rotate_left(29);
        }
    }
    let tail = rest.iter().map(|byte| u64::from(*byte));
    sums.into_iter()
        .chain(tail)
        .fold(bytes.len() as u64, |all, sum| (all ^ sum).wrapping_mul(PRIME).rotate_left(31))
}

/// Where tries are kept for this user: `pintail` in the cache folder of the XDG base directories; `None`
/// without a home.
pub fn cache_folder() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))?;
    Some(folder.join("pintail"))
}

impl TokenTrie {
    /// The hash of a vocabulary: of the bytes of its tokens, in order, and of which are special.
    pub fn hash_of<B: AsRef<[u8]>>(
        vocab_size: usize,
        bytes: impl Fn(u32) -> B,
        is_special: impl Fn(u32) -> bool,
    ) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325u64;
        let mut mix = |word: u64| hash = (hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(27);
        mix(vocab_size as u64);
        for id in 0..vocab_size.min(MAX_VOCABULARY) as u32 {
            if is_special(id) {
                mix(u64::MAX);
                continue;
            }
            let token = bytes(id);
            let (words, rest) = token.as_ref().as_chunks::<8>();
            words.iter().for_each(|word| mix(u64::from_le_bytes(*word)));
            let last = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
            mix(last << 8 | token.as_ref().len() as u64 & 0xFF);
        }
        hash
    }

    /// The trie of a tokenizer's vocabulary from its file in `folder`, which is made where it is
    /// missing, of another vocabulary or version, or damaged. Small vocabularies get no file. A folder
    /// that cannot be written costs the next start some milliseconds and is no error.
    pub fn cached(tokenizer: &Tokenizer, folder: Option<&Path>) -> TokenTrie {
        let Some(folder) = folder.filter(|_| tokenizer.vocab_size() >= WORTH_A_FILE) else {
            return TokenTrie::of(tokenizer);
        };
        let size = tokenizer.vocab_size().min(MAX_VOCABULARY);
        let hash = TokenTrie::hash_of(size, |id| tokenizer.token_bytes(id), |id| tokenizer.is_special(id));
        let path = folder.join(format!("{hash:016x}.trie"));
        match TokenTrie::open(&path, hash) {
            Ok(trie) => return trie,
            Err(error) => tracing::debug!("{}: {error}; building it", path.display()),
        }
        let trie = TokenTrie::of(tokenizer);
        if let Err(error) = trie.save(&path) {
            tracing::debug!("{}: {error}", path.display());
        }
        trie
    }

    /// Maps a trie that was saved for the vocabulary with this hash.
    ///
    /// # Errors
    /// The file cannot be read, is no trie of this version, of another vocabulary, or damaged.
    pub fn open(path: &Path, vocabulary: u64) -> std::io::Result<TokenTrie> {
        let file = File::open(path)?;
        let length = usize::try_from(file.metadata()?.len()).map_err(Error::other)?;
        let map = || Bytes::map_part(&file, 0, length).map_err(Error::other);
        let checked = TokenTrie::read(map()?, vocabulary)?;
        // The check has touched every page; those of a new map come one by one, as far as masks walk.
        Ok(TokenTrie { bytes: map()?, ..checked })
    }

    /// The trie that was saved as these bytes for the vocabulary with this hash.
    ///
    /// # Errors
    /// As [`TokenTrie::open`].
    pub fn read(bytes: Bytes, vocabulary: u64) -> std::io::Result<TokenTrie> {
        let wrong = |what: &str| Error::new(ErrorKind::InvalidData, what.to_owned());
        let header = match Header::read(&bytes) {
            Some(header) if bytes.starts_with(MAGIC) => header,
            _ => return Err(wrong("no token trie of this version")),
        };
        if header.vocabulary != vocabulary {
            return Err(wrong("the trie of another vocabulary"));
        }
        let stored = bytes[8..16].try_into().map_or(0, u64::from_le_bytes);
        if header.places()[8] != bytes.len() || checksum(&bytes[16..]) != stored {
            return Err(wrong("a damaged token trie"));
        }
        let trie = TokenTrie { places: header.places(), bytes, header };
        if trie.is_sound() { Ok(trie) } else { Err(wrong("a token trie that contradicts itself")) }
    }

    /// Saves it, atomically: a reader sees the old file or the new one.
    ///
    /// # Errors
    /// The folder cannot be made or the file not written.
    pub fn save(&self, path: &Path) -> std::io::Result<()> {
        let folder = path.parent().ok_or_else(|| Error::other("a path without a folder"))?;
        std::fs::create_dir_all(folder)?;
        // A name of its own, so that two that save at once do not write into each other.
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}", std::process::id()));
        let beside = PathBuf::from(name);
        let written = (|| {
            let mut file = File::create(&beside)?;
            file.write_all(&self.bytes[..8])?;
            file.write_all(&checksum(&self.bytes[16..]).to_le_bytes())?;
            file.write_all(&self.bytes[16..])?;
            file.sync_all()?;
            std::fs::rename(&beside, path)
        })();
        if written.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        written
    }

    /// Whether every number in it leads inside: no walk over it can go astray or not end.
    fn is_sound(&self) -> bool {
        let tokens = self.header.tokens;
        if ![self.nodes(), self.rest()].into_iter().all(|nodes| nodes.are_sound(tokens)) {
            return false;
        }
        let mut before = 0;
        for at in (0..=tokens).map(|token| self.begin(token)) {
            if at < before || at > self.header.text as usize {
                return false;
            }
            before = at;
        }
        let pairs = self.part(1).as_chunks::<8>().0.iter().chain(self.part(4).as_chunks::<8>().0);
        pairs.map(|pair| u64::from_le_bytes(*pair)).all(|pair| ((pair >> 32) as u32) < tokens)
    }
}
