//! Safetensors files: a length, a JSON header, raw little-endian tensors; one file or shards with an index.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

use super::{ConvertError, read_json};
use crate::gguf::{Bytes, GgmlType};

/// Longest header that is read. The format's own limit.
const MAX_HEADER: u64 = 100_000_000;
const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// The mapped files of a folder and where their tensors lie.
pub(super) struct Shards {
    files: Vec<Bytes>,
    tensors: HashMap<String, Source>,
}

/// A tensor of the folder.
pub(super) struct Source {
    file: usize,
    /// F32, F16 or BF16.
    pub(super) ty: GgmlType,
    /// Extents, the length of a row last.
    pub(super) shape: Vec<u64>,
    data: Range<usize>,
}

impl Shards {
    /// Maps the files and checks their headers. The files must not change meanwhile, as with [`Bytes::map`].
    pub(super) fn open(folder: &Path) -> Result<Shards, ConvertError> {
        let mut shards = Shards { files: Vec::new(), tensors: HashMap::new() };
        let index = folder.join(INDEX);
        if !index.exists() {
            let single = folder.join(SINGLE);
            if !single.exists() {
                return Err(ConvertError::File { path: folder.to_owned(), problem: missing(folder) });
            }
            shards.add(&single)?;
            return Ok(shards);
        }
        let json = read_json(&index)?;
        let wrong = |problem: String| ConvertError::File { path: index.clone(), problem };
        let map = json.get("weight_map").and_then(Json::as_object);
        let map = map.ok_or_else(|| wrong("weight_map is missing".to_owned()))?;
        let mut names: Vec<&str> = map.values().filter_map(Json::as_str).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            // A path out of the folder is no shard.
            if Path::new(name).file_name().is_none_or(|file| file != name) {
                return Err(wrong(format!("{name:?} in weight_map is not the name of a file")));
            }
            shards.add(&folder.join(name))?;
        }
        match map.keys().find(|name| !shards.tensors.contains_key(*name)) {
            Some(name) => Err(wrong(format!("{name:?} is in weight_map, but in none of the files"))),
            None => Ok(shards),
        }
    }

    fn add(&mut self, path: &Path) -> Result<(), ConvertError> {
        let bytes = Bytes::map(path)?;
        let wrong = |problem: String| ConvertError::File { path: PathBuf::from(path), problem };
        let (header, start) = header(&bytes).map_err(wrong)?;
        for (name, entry) in header.iter().filter(|(name, _)| *name != "__metadata__") {
            let source = source(entry, self.files.len(), start, bytes.len());
            let source = source.map_err(|problem| wrong(format!("tensor {name:?}: {problem}")))?;
            if self.tensors.insert(name.clone(), source).is_some() {
                return Err(wrong(format!("tensor {name:?} stands in two files")));
            }
        }
        self.files.push(bytes);
        Ok(())
    }

    /// The tensor of a name.
    pub(super) fn get(&self, name: &str) -> Option<&Source> {
        self.tensors.get(name)
    }

    /// The names of all tensors, in no order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The data of a tensor.
    pub(super) fn bytes(&self, source: &Source) -> &[u8] {
        &self.files[source.file][source.data.clone()]
    }
}

/// What to do about a folder without weights that can be read.
fn missing(folder: &Path) -> String {
    let neither = format!("neither {SINGLE} nor {INDEX} is here");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    match names.find(|name| name.ends_with(".bin") || name.ends_with(".pt") || name.ends_with(".pth")) {
        Some(name) => format!(
            "{neither}; {name:?} is PyTorch's own format, which is a program: load the model in Python and write it \
             with save_pretrained(folder, safe_serialization=True)"
        ),
        None => neither,
    }
}

/// The JSON header, and where the data start.
fn header(bytes: &[u8]) -> Result<(Map<String, Json>, usize), String> {
    let length = bytes.first_chunk().map(|length| u64::from_le_bytes(*length));
    let length = length.ok_or("too short to be a safetensors file")?;
    let rest = &bytes[8..];
    if length > MAX_HEADER || length > rest.len() as u64 {
        return Err(format!("a header of {length} bytes, in a file of {}", bytes.len()));
    }
    let (header, _) = rest.split_at(length as usize);
    let header = serde_json::from_slice(header).map_err(|error| format!("its header: {error}"))?;
    Ok((header, 8 + length as usize))
}

fn source(entry: &Json, file: usize, start: usize, end: usize) -> Result<Source, String> {
    let ty = match entry.get("dtype").and_then(Json::as_str) {
        Some("F32") => GgmlType::F32,
        Some("F16") => GgmlType::F16,
        Some("BF16") => GgmlType::BF16,
        Some(other) => return Err(format!("type {other}; F32, F16 and BF16 are read")),
        None => return Err("no dtype".to_owned()),
    };
    let numbers =
        |key: &str| -> Option<Vec<u64>> { entry.get(key)?.as_array()?.iter().map(Json::as_u64).collect() };
    let shape = numbers("shape").ok_or("no shape")?;
    let offsets = numbers("data_offsets").ok_or("no data_offsets")?;
    let &[first, last] = offsets.as_slice() else {
        return Err(format!("data_offsets {offsets:?}, expected two numbers"));
    };
    let elements = shape.iter().try_fold(1u64, |product, &extent| product.checked_mul(extent));
    let size = elements.and_then(|elements| elements.checked_mul(ty.block_bytes() as u64));
    if size.is_none_or(|size| size == 0 || first.checked_add(size) != Some(last)) {
        return Err(format!("{ty} of shape {shape:?} at {first} to {last}"));
    }
    let absolute = |at: u64| usize::try_from(at).ok()?.checked_add(start).filter(|&at| at <= end);
    match (absolute(first), absolute(last)) {
        (Some(first), Some(last)) => Ok(Source { file, ty, shape, data: first..last }),
        _ => Err(format!("its data end at {last}, past the end of the file")),
    }
}
