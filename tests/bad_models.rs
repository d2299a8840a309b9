//! Model files that are not what they should be: always an error that names the place, never a panic, never memory
//! beyond what the file's size allows. And what memory a large vocabulary takes, by the same count.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::panic::catch_unwind;
use std::sync::Arc;

use pintail::gguf::{GgmlType, Gguf, Writer};
use pintail::model::{LanguageModel, Model, Options, Session};
use pintail::tokenizer::{Specials, Tokenizer};

/// The system's allocator, counting what each thread holds.
struct Counting;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // A thread that is ending has no counters any more.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches nothing but two cells of the thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: as our caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as our caller promises.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most heap that reading a file of this size may take: tables of the parser and the tokenizer, at most twice the
/// file, and what an empty tokenizer has.
fn allowance(file: usize) -> isize {
    2 * file as isize + (64 << 10)
}

type Shaped = (&'static str, GgmlType, Vec<u64>);

/// The tensors of a llama of width 32 with one layer and 96 tokens.
fn tensors() -> Vec<Shaped> {
    let matrix = |name, cols, rows| (name, GgmlType::Q8_0, vec![cols, rows]);
    let norm = |name| (name, GgmlType::F32, vec![32]);
    vec![
        matrix("token_embd.weight", 32, 96),
        norm("blk.0.attn_norm.weight"),
        matrix("blk.0.attn_q.weight", 32, 32),
        matrix("blk.0.attn_k.weight", 32, 16),
        matrix("blk.0.attn_v.weight", 32, 16),
        matrix("blk.0.attn_output.weight", 32, 32),
        norm("blk.0.ffn_norm.weight"),
        matrix("blk.0.ffn_gate.weight", 32, 64),
        matrix("blk.0.ffn_up.weight", 32, 64),
        matrix("blk.0.ffn_down.weight", 64, 32),
        norm("output_norm.weight"),
    ]
}

const KEYS: [(&str, u32); 6] = [
    ("llama.block_count", 1),
    ("llama.embedding_length", 32),
    ("llama.feed_forward_length", 64),
    ("llama.attention.head_count", 2),
    ("llama.attention.head_count_kv", 1),
    ("llama.context_length", 64),
];

/// The file, without the key of this name, and with a tensor changed or left out.
fn model(without: &str, edit: impl Fn(&Shaped) -> Option<Shaped>) -> Vec<u8> {
    let mut w = Writer::new();
    if without != "general.architecture" {
        w.str("general.architecture", "llama").unwrap();
    }
    if without != "llama.attention.layer_norm_rms_epsilon" {
        w.f32("llama.attention.layer_norm_rms_epsilon", 1e-5).unwrap();
    }
    for (key, value) in KEYS.iter().filter(|(key, _)| *key != without) {
        w.u32(key, *value).unwrap();
    }
    let mut tokens: Vec<String> = ('!'..='~').map(String::from).collect();
    tokens.extend(["on", "<|d1|>"].map(String::from));
    let mut types = vec![1; tokens.len()];
    types[95] = 3;
    w.str("tokenizer.ggml.model", "gpt2").unwrap().str("tokenizer.ggml.pre", "smollm").unwrap();
    w.strings("tokenizer.ggml.tokens", &tokens).unwrap().i32s("tokenizer.ggml.token_type", &types).unwrap();
    w.strings("tokenizer.ggml.merges", &["o n"]).unwrap().u32("tokenizer.ggml.eos_token_id", 95).unwrap();
    for (name, ty, shape) in tensors().iter().filter_map(edit) {
        let size = ty.row_bytes(shape[0] as usize).unwrap() * shape[1..].iter().product::<u64>() as usize;
        w.tensor(name, ty, &shape, vec![0; size]).unwrap();
    }
    w.to_bytes()
}

fn intact() -> Vec<u8> {
    model("", |tensor| Some(tensor.clone()))
}

/// Reads all there is to read; the error's message with its causes.
fn load(bytes: Vec<u8>) -> Result<(Model, Tokenizer), String> {
    let file = Gguf::parse(bytes.into()).map_err(|error| error.to_string())?;
    let tokenizer = Tokenizer::from_gguf(&file).map_err(|error| error.to_string())?;
    let model = Model::from_gguf(file).map_err(|error| error.to_string())?;
    Ok((model, tokenizer))
}

/// Whether a message names a key or a tensor (where its name cannot be read, its number), or what is wrong with the header
/// before them.
fn names_its_place(message: &str) -> bool {
    let header = ["not a GGUF file", "GGUF version", "a big-endian GGUF file"];
    let counts =
        ["version", "tensor count", "metadata count"].map(|field| format!("truncated file: {field} at "));
    let other = ["general.architecture", "llama.attention.layer_norm_rms_epsilon", "tokenizer.ggml."];
    let keys = KEYS.iter().map(|(key, _)| *key).chain(other);
    // "key" and "tensor" are followed by a name in quotes, a number, or a name that this program asked for.
    let followed = |word: &str| {
        let mut after = message.split(word).skip(1).filter_map(|rest| rest.chars().next());
        after.any(|next| next == '"' || next.is_ascii_digit())
    };
    header.iter().any(|text| message.starts_with(text))
        || counts.iter().any(|text| message.starts_with(text))
        || keys.chain(tensors().iter().map(|(name, ..)| *name)).any(|name| message.contains(name))
        || followed("key ")
        || message.starts_with("key llama.")
        || followed("tensor ")
        || message.starts_with("tensor ")
            && (message.contains(" is missing: ") || message.contains(" has no place "))
}

/// A token through a model, and a text through its tokenizer.
fn exercise((model, tokenizer): (Model, Tokenizer)) {
    let mut ids = Vec::new();
    tokenizer.encode("on <|d1|> é", Specials::Parse, &mut ids);
    tokenizer.decode(&ids, Specials::Parse);
    let options = Options { context: Some(4), threads: 1, ..Options::default() };
    if let Ok(mut session) = Session::new(Arc::new(model), options) {
        session.feed(&[1, 0]).unwrap();
        assert_eq!(session.logits(Some(&[1, 2])).len(), 2);
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

/// One to three changes among the first `head` bytes, or the file cut short.
fn mutate(file: &[u8], head: usize, random: &mut Random) -> Vec<u8> {
    const NUMBERS: [u64; 8] = [0, 1, 255, 1 << 31, u32::MAX as u64, 1 << 40, 1 << 61, u64::MAX];
    let mut bytes = file.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(head);
        match random.below(8) {
            0 => bytes.truncate(random.below(bytes.len()).max(4)),
            1 | 2 => {
                let number = NUMBERS[random.below(NUMBERS.len())].to_le_bytes();
                let width = [1, 4, 8][random.below(3)];
                let end = (at + width).min(bytes.len());
                if at < end {
                    bytes[at..end].copy_from_slice(&number[..end - at]);
                }
            }
            3 => {
                let from = random.below(head);
                let size = random.below(32);
                if at.max(from) + size < bytes.len() {
                    bytes.copy_within(from..from + size, at);
                }
            }
            4 => {
                if at < bytes.len() {
                    bytes.remove(at);
                }
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = match random.below(3) {
                        0 => *byte ^ 1 << random.below(8),
                        1 => byte.wrapping_add(1),
                        _ => random.below(256) as u8,
                    };
                }
            }
        }
    }
    bytes
}

#[test]
fn a_hundred_thousand_mutated_headers() {
    let file = intact();
    let head = Gguf::parse(file.clone().into()).unwrap().data_start();
    let batch = |seed: u64| {
        let (mut refused, mut loaded) = (0, 0);
        for i in 0..50_000 {
            let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (seed << 32 | i));
            let bytes = mutate(&file, head, &mut random);
            let (size, before) = (bytes.len(), LIVE.get());
            PEAK.set(before);
            let result = catch_unwind(move || load(bytes));
            let taken = PEAK.get() - before;
            assert!(
                taken <= allowance(size),
                "mutation {seed}/{i}: {taken} bytes of heap for {size} of file"
            );
            match result.unwrap_or_else(|_| panic!("mutation {seed}/{i}")) {
                Ok(known) => {
                    loaded += 1;
                    if loaded % 32 == 0 {
                        exercise(known);
                    }
                }
                Err(message) => {
                    refused += 1;
                    assert!(names_its_place(&message), "mutation {seed}/{i}: {message}");
                }
            }
        }
        (refused, loaded)
    };
    let both = std::thread::scope(|scope| {
        let other = scope.spawn(|| batch(2));
        (batch(1), other.join().unwrap())
    });
    let ((a, b), (c, d)) = both;
    println!("{} refused, {} loaded", a + c, b + d);
    assert_eq!(a + b + c + d, 100_000);
    assert!(a + c > 50_000 && b + d > 1_000, "{both:?}");
}

#[test]
fn every_end_of_file_is_told() {
    let file = intact();
    exercise(load(file.clone()).unwrap());
    for end in 0..file.len() {
        let message = load(file[..end].to_vec()).err().unwrap_or_else(|| panic!("cut at {end} it loads"));
        assert!(names_its_place(&message), "cut at {end}: {message}");
    }
}

#[test]
fn what_is_missing_is_named() {
    for (name, ..) in tensors() {
        let error = load(model("", |tensor| (tensor.0 != name).then(|| tensor.clone()))).err().unwrap();
        assert!(error.contains(name), "{name}: {error}");
    }
    let keys = KEYS.iter().map(|(key, _)| *key).filter(|key| *key != "llama.attention.head_count_kv");
    for key in keys.chain(["general.architecture", "llama.attention.layer_norm_rms_epsilon"]) {
        let error = load(model(key, |tensor| Some(tensor.clone()))).err().unwrap();
        assert!(error.contains(key), "{key}: {error}");
    }
    let error = load(model("llama.attention.head_count_kv", |tensor| Some(tensor.clone()))).err().unwrap();
    assert!(error.contains("blk.0.attn_k.weight"), "as many as heads are expected: {error}");
}

#[test]
fn wrong_shapes_and_types_are_named() {
    for (name, ty, shape) in tensors() {
        let edit = |change: &dyn Fn(&Shaped) -> Shaped| {
            load(model("", |tensor| Some(if tensor.0 == name { change(tensor) } else { tensor.clone() })))
        };
        let wider = edit(&|_| (name, ty, [&[2 * shape[0]], &shape[1..]].concat())).err().unwrap();
        assert!(wider.contains(name), "{wider}");
        let deeper = edit(&|_| (name, ty, [&shape[..], &[2, 2]].concat()[..3.min(shape.len() + 1)].to_vec()));
        let deeper = deeper.err().unwrap();
        assert!(deeper.contains(name), "{deeper}");
        let other = edit(&|_| (name, GgmlType::I32, shape.clone())).err().unwrap();
        assert!(other.contains(name), "{other}");
    }
}

#[test]
fn absurd_counts_are_refused_at_once() {
    let file = intact();
    for at in [8, 16] {
        for count in [1u64 << 20, 1 << 40, u64::MAX] {
            let mut bytes = file.clone();
            bytes[at..at + 8].copy_from_slice(&count.to_le_bytes());
            let before = LIVE.get();
            PEAK.set(before);
            let size = bytes.len();
            assert!(load(bytes).is_err());
            assert!(PEAK.get() - before <= allowance(size));
        }
    }
}

#[test]
fn models_from_bytes_paths_and_parts_of_files() {
    use std::io::Write;
    let bytes = intact();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    std::fs::write(&path, &bytes).unwrap();
    exercise((Model::from_path(&path).unwrap(), load(bytes.clone()).unwrap().1));
    let model = Model::from_bytes(bytes.clone()).unwrap();
    assert_eq!(model.config().width, 32);

    // Inside another file, at a place that is no page boundary.
    let mut inside = std::fs::File::create(folder.path().join("firmware.bin")).unwrap();
    inside.write_all(&[0xee; 5001]).unwrap();
    inside.write_all(&bytes).unwrap();
    inside.write_all(&[0xee; 77]).unwrap();
    let inside = std::fs::File::open(folder.path().join("firmware.bin")).unwrap();
    let model = Model::from_fd(&inside, 5001, bytes.len()).unwrap();
    assert_eq!(model.file().bytes()[..], bytes);
    exercise((model, load(bytes.clone()).unwrap().1));
    for (offset, len) in [(5002, bytes.len()), (5001, bytes.len() + 78), (1 << 40, 10), (u64::MAX, 1), (0, 0)]
    {
        assert!(Model::from_fd(&inside, offset, len).is_err(), "{offset} {len}");
    }
    assert!(Model::from_path(folder.path()).unwrap_err().to_string().contains("cannot open"));
}

#[test]
fn a_vocabulary_of_49_152_takes_less_than_3_mb_of_heap() {
    // As large as SmolLM2's: single bytes, then a token a merge.
    let mut tokens: Vec<String> = ('!'..='~').chain('¡'..='¬').chain('®'..='Ń').map(String::from).collect();
    let mut merges = Vec::new();
    let mut from = 0;
    while tokens.len() < 49_152 {
        let left = tokens[from].clone();
        for right in ('a'..='z').take(49_152 - tokens.len()) {
            merges.push(format!("{left} {right}"));
            tokens.push(format!("{left}{right}"));
        }
        from += 1;
    }
    let mut w = Writer::new();
    w.str("tokenizer.ggml.model", "gpt2").unwrap().str("tokenizer.ggml.pre", "smollm").unwrap();
    w.strings("tokenizer.ggml.tokens", &tokens).unwrap().strings("tokenizer.ggml.merges", &merges).unwrap();
    let file = Gguf::parse(w.to_bytes().into()).unwrap();
    let before = LIVE.get();
    PEAK.set(before);
    let tokenizer = Tokenizer::from_gguf(&file).unwrap();
    let (kept, most) = (LIVE.get() - before, PEAK.get() - before);
    println!("{} tokens: {kept} bytes of heap, {most} at the most while loading", tokenizer.vocab_size());
    assert_eq!(tokenizer.vocab_size(), 49_152);
    assert!(kept < 1_500_000 && most < 3_000_000, "{kept} kept, {most} at the most");
}
