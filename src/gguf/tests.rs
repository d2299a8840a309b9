use proptest::prelude::*;

use super::*;

/// A file with a key of every kind and tensors of several types.
fn sample() -> Vec<u8> {
    let mut w = Writer::new();
    w.str("general.architecture", "llama").unwrap();
    w.u32("llama.block_count", 2).unwrap();
    w.set("big", Value::U64(1 << 40)).unwrap();
    w.set("negative", Value::I32(-3)).unwrap();
    w.set("byte", Value::U8(7)).unwrap();
    w.f32("eps", 1e-5).unwrap();
    w.bool("flag", true).unwrap();
    w.strings("words", &["a", "", "zwölf"]).unwrap();
    w.f32s("scores", &[0.5, -1.0]).unwrap();
    w.i32s("types", &[1, 2, 3]).unwrap();
    w.tensor("norm", GgmlType::F32, &[3], vec![0u8; 12]).unwrap();
    w.tensor("w", GgmlType::Q8_0, &[64, 2], (0..136).collect::<Vec<u8>>()).unwrap();
    w.tensor("k", GgmlType::Q4_0, &[32, 2, 2], vec![1u8; 72]).unwrap();
    w.to_bytes()
}

fn parse(bytes: Vec<u8>) -> Result<Gguf, GgufError> {
    Gguf::parse(bytes.into())
}

fn message(bytes: Vec<u8>) -> String {
    parse(bytes).unwrap_err().to_string()
}

/// A file of one key, from its raw bytes after the header.
fn raw(tensors: u64, keys: u64, rest: &[u8]) -> Vec<u8> {
    let mut out = b"GGUF\x03\0\0\0".to_vec();
    out.extend(tensors.to_le_bytes());
    out.extend(keys.to_le_bytes());
    out.extend(rest);
    out
}

fn string(text: &str) -> Vec<u8> {
    let mut out = (text.len() as u64).to_le_bytes().to_vec();
    out.extend(text.as_bytes());
    out
}

fn raw_tensor(name: &str, shape: &[u64], ty: u32, offset: u64) -> Vec<u8> {
    let mut out = string(name);
    out.extend((shape.len() as u32).to_le_bytes());
    out.extend(shape.iter().flat_map(|extent| extent.to_le_bytes()));
    out.extend(ty.to_le_bytes());
    out.extend(offset.to_le_bytes());
    out
}

#[test]
fn what_is_written_is_read() {
    let file = parse(sample()).unwrap();
    assert_eq!(file.str("general.architecture").unwrap(), "llama");
    assert_eq!(file.u32("llama.block_count").unwrap(), 2);
    assert_eq!(file.u64("big").unwrap(), 1 << 40);
    assert_eq!(file.u32("byte").unwrap(), 7);
    assert_eq!(file.f32("eps").unwrap(), 1e-5);
    assert!(file.bool("flag").unwrap());
    assert_eq!(file.u32_or("absent", 9).unwrap(), 9);
    let words: Vec<_> = file.array("words").unwrap().strings().unwrap().map(|(_, text)| text).collect();
    assert_eq!(words, ["a".as_bytes(), b"", "zwölf".as_bytes()]);
    assert_eq!(file.array("scores").unwrap().f32(1), Some(-1.0));
    assert_eq!(file.array("types").unwrap().i32(2), Some(3));
    assert_eq!(file.array("types").unwrap().i32(3), None);
    assert_eq!(file.metadata().count(), 10);

    let w = file.tensor("w").unwrap();
    assert_eq!((w.ty, w.shape, w.dims), (GgmlType::Q8_0, [64, 2, 1, 1], 2));
    assert_eq!(file.tensor_bytes(&w), (0..136).collect::<Vec<u8>>());
    assert!(w.data.start.is_multiple_of(32));
    assert_eq!(file.tensor("k").unwrap().rows(), 4);
    assert!(file.tensor("absent").is_none());
    assert_eq!(file.tensors().map(|t| t.name).collect::<Vec<_>>(), ["norm", "w", "k"]);
}

#[test]
fn metadata_copies_from_file_to_file() {
    let first = parse(sample()).unwrap();
    let mut w = Writer::new();
    for (key, value) in first.metadata() {
        w.set(key, value).unwrap();
    }
    for tensor in first.tensors() {
        let shape: Vec<u64> = tensor.shape[..tensor.dims].iter().map(|&extent| extent as u64).collect();
        w.tensor(tensor.name, tensor.ty, &shape, first.tensor_bytes(&tensor)).unwrap();
    }
    assert_eq!(w.to_bytes(), sample());
}

#[test]
fn a_wrong_type_names_the_key() {
    let file = parse(sample()).unwrap();
    let error = file.u32("general.architecture").unwrap_err().to_string();
    assert!(error.contains("\"general.architecture\" is of type string"), "{error}");
    assert!(file.u32("negative").unwrap_err().to_string().contains("-3 (i32)"));
    assert!(file.u32("big").unwrap_err().to_string().contains("1099511627776"));
    assert!(file.bool_or("eps", false).is_err());
    assert!(matches!(file.str("absent"), Err(GgufError::Missing { .. })));
}

#[test]
fn other_formats_are_refused_by_name() {
    assert!(matches!(parse(vec![]), Err(GgufError::NotGguf { .. })));
    assert!(message(b"GGML\0\0\0\0".to_vec()).contains("GGML"));
    for (bytes, what) in [
        (&b""[..], "empty"),
        (b"PK\x03\x04", "starts with \"PK\\x03\\x04\""),
        (b"PK\x03\x04", "PyTorch"),
        (b"<!DOCTYPE html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"tjgg\x01\0\0\0", "before GGUF"),
        (b"\x20\0\0\0\0\0\0\0{\"a\":", "pintail convert"),
    ] {
        assert!(message(bytes.to_vec()).contains(what), "{what}");
    }
    assert!(matches!(parse(b"GGUF\x01\0\0\0".to_vec()), Err(GgufError::Version { found: 1 })));
    assert!(matches!(parse(b"GGUF\x04\0\0\0".to_vec()), Err(GgufError::Version { found: 4 })));
    assert!(matches!(parse(b"GGUF\0\0\0\x03".to_vec()), Err(GgufError::BigEndian { version: 3 })));
    assert!(matches!(parse(b"GGUF\x03\0".to_vec()), Err(GgufError::Truncated { .. })));
    assert!(parse(raw(0, 0, &[])).is_ok());
}

#[test]
fn counts_from_the_file_do_not_allocate() {
    for count in [1, 1 << 20, 1 << 61, u64::MAX] {
        assert!(matches!(parse(raw(count, 0, &[])), Err(GgufError::Truncated { .. })));
        assert!(matches!(parse(raw(0, count, &[])), Err(GgufError::Truncated { .. })));
        // An array of `count` strings, and of u64, with nothing behind it.
        for element in [8u32, 10] {
            let mut key = string("k");
            key.extend(9u32.to_le_bytes());
            key.extend(element.to_le_bytes());
            key.extend(count.to_le_bytes());
            assert!(matches!(parse(raw(0, 1, &key)), Err(GgufError::Truncated { .. })));
        }
        let mut key = count.to_le_bytes().to_vec();
        key.extend(b"");
        assert!(matches!(parse(raw(0, 1, &key)), Err(GgufError::Truncated { .. })));
    }
}

#[test]
fn metadata_that_cannot_be_is_refused() {
    let entry = |name: &str, ty: u32, value: &[u8]| {
        let mut out = string(name);
        out.extend(ty.to_le_bytes());
        out.extend(value);
        out
    };
    assert!(message(raw(0, 1, &entry("k", 13, &[0; 8]))).contains("unknown value type 13"));
    assert!(message(raw(0, 1, &entry("k", 7, &[2]))).contains("0 or 1"));
    assert!(message(raw(0, 1, &entry("k", 8, &[1, 0, 0, 0, 0, 0, 0, 0, 0xff]))).contains("UTF-8"));
    let nested = [9u32.to_le_bytes().as_slice(), &1u64.to_le_bytes()].concat();
    assert!(message(raw(0, 1, &entry("k", 9, &nested))).contains("array of arrays"));
    let twice = [entry("k", 0, &[1]), entry("k", 0, &[2])].concat();
    assert!(
        message(raw(0, 2, &twice)).contains("\"k\" at offset 38: stands twice"),
        "{}",
        message(raw(0, 2, &twice))
    );
    for alignment in [0u32, 24] {
        let key = entry("general.alignment", 4, &alignment.to_le_bytes());
        assert!(message(raw(0, 1, &key)).contains("power of two"));
    }
    let control = message(raw(0, 1, &entry("a\u{1b}[2J", 13, &[])));
    assert!(!control.contains('\u{1b}'), "{control:?}");
}

#[test]
fn tensors_that_cannot_be_are_refused() {
    let file = |tensors: &[Vec<u8>], data: usize| {
        let mut out = raw(tensors.len() as u64, 0, &tensors.concat());
        out.resize(out.len().next_multiple_of(32) + data, 0);
        out
    };
    assert!(parse(file(&[raw_tensor("t", &[4], 0, 0)], 16)).is_ok());
    for (tensor, expected) in [
        (raw_tensor("t", &[], 0, 0), "0 dimensions"),
        (raw_tensor("t", &[1; 5], 0, 0), "5 dimensions"),
        (raw_tensor("t", &[4, 0], 0, 0), "an extent of 0"),
        (raw_tensor("t", &[5], 0, 0), "past the end"),
        (raw_tensor("t", &[4], 0, 32), "past the end"),
        (raw_tensor("t", &[4], 0, 8), "multiple of 32"),
        (raw_tensor("t", &[31], 2, 0), "multiples of 32"),
        (raw_tensor("t", &[1 << 40, 1 << 40], 0, 0), "overflows"),
        // 2^64 elements of 54 bytes a 256: the bytes would fit, the number of elements does not.
        (raw_tensor("t", &[1 << 32, 1 << 32], 34, 0), "overflows"),
        (raw_tensor("t", &[u64::MAX], 24, 0), "past the end"),
        (raw_tensor("t", &[4], 0, u64::MAX - 31), "past the end"),
        (raw_tensor("t", &[4], 4, 0), "unknown type id 4"),
        (raw_tensor("t", &[4], 99, 0), "unknown type id 99"),
    ] {
        let message = message(file(&[tensor], 16));
        assert!(message.contains(expected) && message.contains("\"t\""), "{message}");
    }
    let same_name = [raw_tensor("t", &[4], 0, 0), raw_tensor("t", &[4], 0, 32)];
    assert!(message(file(&same_name, 48)).contains("stands twice"));
    let overlapping = [raw_tensor("a", &[16], 0, 0), raw_tensor("b", &[4], 0, 32)];
    assert!(message(file(&overlapping, 64)).contains("overlap"));
}

#[test]
fn the_writer_refuses_what_the_reader_would() {
    let mut w = Writer::new();
    w.u32("k", 1).unwrap();
    assert!(w.u32("k", 1).is_err());
    assert!(w.u32("general.alignment", 24).is_err());
    assert!(w.tensor("t", GgmlType::F32, &[4], vec![0u8; 15]).is_err());
    assert!(w.tensor("t", GgmlType::Q4_0, &[16], vec![0u8; 9]).is_err());
    assert!(w.tensor("t", GgmlType::F32, &[], vec![]).is_err());
    w.tensor("t", GgmlType::F32, &[1], vec![0u8; 4]).unwrap();
    assert!(w.tensor("t", GgmlType::F32, &[1], vec![0u8; 4]).is_err());
    w.u32("general.alignment", 4096).unwrap();
    assert_eq!(parse(w.to_bytes()).unwrap().tensor("t").unwrap().data, 4096..4100);
}

#[test]
fn every_type_is_found_by_its_id() {
    for &ty in GgmlType::ALL {
        assert_eq!(GgmlType::from_id(ty.id()), Some(ty));
        assert_eq!(ty.row_bytes(256), Some(256 / ty.block_len() * ty.block_bytes()));
    }
    assert_eq!(GgmlType::Q4_0.row_bytes(33), None);
    assert_eq!(GgmlType::F32.row_bytes(usize::MAX), None);
}

#[test]
fn a_path_that_is_no_file_is_an_error() {
    assert!(Bytes::map("/nonexistent/model.gguf").unwrap_err().to_string().contains("/nonexistent"));
    assert!(Bytes::map("/").is_err());
    let empty = tempfile::NamedTempFile::new().unwrap();
    assert!(matches!(Gguf::parse(Bytes::map(empty.path()).unwrap()), Err(GgufError::NotGguf { .. })));
}

/// Touches everything that a file offers, as a hostile reader would.
pub(crate) fn walk(file: &Gguf) -> usize {
    let mut seen = 0;
    for (key, value) in file.metadata() {
        assert_eq!(file.get(key).map(|v| v.value_type()), Some(value.value_type()));
        if let Value::Array(array) = value {
            seen += array.strings().map_or(0, |strings| strings.map(|(_, text)| text.len()).sum());
            seen += (0..array.len().min(64)).filter_map(|index| array.get(index)).count();
        }
    }
    for tensor in file.tensors() {
        seen += file.tensor_bytes(&tensor).len();
        assert_eq!(
            Some(file.tensor_bytes(&tensor).len()),
            tensor.ty.row_bytes(tensor.row_len()).map(|row| row * tensor.rows())
        );
    }
    seen
}

#[test]
fn every_truncation_is_an_error() {
    let whole = sample();
    for len in 0..whole.len() {
        // The last tensor's padding is nobody's data.
        if whole.len() - len > 24 {
            assert!(parse(whole[..len].to_vec()).is_err(), "{len} of {} bytes", whole.len());
        } else if let Ok(file) = parse(whole[..len].to_vec()) {
            walk(&file);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_files_are_read_or_refused(
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![Just(0u8), Just(255), any::<u8>()]), 1..6),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
        grow in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut bytes = sample();
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(at) = grow {
            let at = at.index(bytes.len());
            bytes.splice(at..at, [0u8; 9]);
        }
        if let Some(len) = cut {
            bytes.truncate(len.index(bytes.len()));
        }
        if let Ok(file) = parse(bytes) {
            walk(&file);
        }
    }

    #[test]
    fn random_bytes_are_refused_or_read(mut bytes in prop::collection::vec(any::<u8>(), 0..200), keys in 0u8..3) {
        let mut file = raw(0, keys.into(), &[]);
        file.append(&mut bytes);
        if let Ok(file) = parse(file) {
            walk(&file);
        }
    }
}
