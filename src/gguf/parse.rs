//! The parser: the one place where bytes of a model file become trusted.

use std::ops::Range;

use super::error::{other_format, quoted};
use super::{Array, Bytes, FromValue, GgmlType, GgufError, Value, ValueType};

/// Tensors have at most this many dimensions.
const MAX_DIMS: usize = 4;
/// Where tensor data are aligned when the file does not say.
const DEFAULT_ALIGNMENT: u32 = 32;

/// A checked GGUF file. Heap use is about 48 bytes a key and 96 bytes a tensor, whatever their sizes.
#[derive(Clone, Debug)]
pub struct Gguf {
    bytes: Bytes,
    version: u32,
    alignment: usize,
    data_start: usize,
    keys: Vec<KeyEntry>,
    /// Positions in `keys`, by name.
    keys_by_name: Vec<u32>,
    tensors: Vec<TensorEntry>,
    /// Positions in `tensors`, by name.
    tensors_by_name: Vec<u32>,
}

#[derive(Clone, Debug)]
struct KeyEntry {
    name: Range<usize>,
    ty: ValueType,
    /// The value, from after its type id to its end.
    value: Range<usize>,
}

#[derive(Clone, Debug)]
struct TensorEntry {
    name: Range<usize>,
    ty: GgmlType,
    dims: usize,
    shape: [usize; MAX_DIMS],
    /// Relative to the data section while parsing, then absolute.
    data: Range<usize>,
    /// Where the entry stands, for messages.
    at: usize,
}

/// A tensor of a file: what it is and where its data are.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorInfo<'a> {
    /// Its name, unique in the file.
    pub name: &'a str,
    /// How its elements are stored.
    pub ty: GgmlType,
    /// Its extents in `ne` order, as they stand in the file: `shape[0]` is the length of a row (the
    /// input side of a matrix, contiguous in memory), `shape[1]` the number of rows (the output side).
    /// Unused extents are 1; none is 0.
    pub shape: [usize; MAX_DIMS],
    /// How many extents the file gives, 1 to 4.
    pub dims: usize,
    /// Where its data lie in [`Gguf::bytes`]: in bounds, aligned to [`Gguf::alignment`] from the start
    /// of the file, and exactly the size that type and shape ask for.
    pub data: Range<usize>,
}

impl TensorInfo<'_> {
    /// Length of a row in elements.
    pub fn row_len(&self) -> usize {
        self.shape[0]
    }
    /// How many rows there are (the product of the other extents).
    pub fn rows(&self) -> usize {
        self.shape[1] * self.shape[2] * self.shape[3]
    }
    /// How many elements there are.
    pub fn elements(&self) -> usize {
        self.row_len() * self.rows()
    }
}

impl Gguf {
    /// Checks a whole file of version 2 or 3, little-endian. A file with a vocabulary and no tensors is fine.
    ///
    /// Time and heap are bounded by the length of the file, never by a count that stands in it.
    ///
    /// # Errors
    /// The first thing that is wrong, with its key or tensor and its offset.
    pub fn parse(bytes: Bytes) -> Result<Gguf, GgufError> {
        let mut r = Reader { bytes: &bytes, at: 0 };
        if bytes.len() < 4 || &bytes[..4] != b"GGUF" {
            let found = bytes[..bytes.len().min(4)].escape_ascii().to_string();
            return Err(GgufError::NotGguf { found, hint: other_format(&bytes) });
        }
        r.at = 4;
        let version = r.u32(|| "version".into())?;
        match version {
            2 | 3 => {}
            swapped if swapped.swap_bytes() <= 0xffff && swapped > 0xffff => {
                return Err(GgufError::BigEndian { version: swapped.swap_bytes() });
            }
            found => return Err(GgufError::Version { found }),
        }
        let tensor_count = r.u64(|| "tensor count".into())?;
        let key_count = r.u64(|| "metadata count".into())?;

        let mut keys = Vec::new();
        for index in 0..key_count {
            keys.push(r.key(index)?);
        }
        let keys_by_name = sorted_names(&bytes, &keys, |key| &key.name).map_err(|index| {
            let key: &KeyEntry = &keys[index];
            key_error(quoted(&bytes[key.name.clone()]), key.name.start - 8, "stands twice")
        })?;
        let mut file = Gguf {
            bytes: bytes.clone(),
            version,
            alignment: DEFAULT_ALIGNMENT as usize,
            data_start: 0,
            keys,
            keys_by_name,
            tensors: Vec::new(),
            tensors_by_name: Vec::new(),
        };
        file.alignment = file.read_alignment()?;

        let mut tensors = Vec::new();
        for index in 0..tensor_count {
            tensors.push(r.tensor(index, file.alignment)?);
        }
        file.tensors_by_name = sorted_names(&bytes, &tensors, |tensor| &tensor.name).map_err(|index| {
            let tensor: &TensorEntry = &tensors[index];
            tensor_error(quoted(&bytes[tensor.name.clone()]), tensor.at, "stands twice".into())
        })?;
        file.data_start = r.at.checked_next_multiple_of(file.alignment).unwrap_or(usize::MAX);
        place_tensors(&bytes, &mut tensors, file.data_start)?;
        file.tensors = tensors;
        Ok(file)
    }

    fn read_alignment(&self) -> Result<usize, GgufError> {
        const KEY: &str = "general.alignment";
        let alignment = self.u32_or(KEY, DEFAULT_ALIGNMENT)?;
        if !alignment.is_power_of_two() {
            return Err(GgufError::WrongType {
                key: quoted(KEY.as_bytes()),
                found: alignment.to_string(),
                expected: "a power of two",
            });
        }
        Ok(alignment as usize)
    }

    /// The whole file.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
    /// The file's format version, 2 or 3.
    pub fn version(&self) -> u32 {
        self.version
    }
    /// What tensor data are aligned to, in bytes from the start of the file. In memory this holds only
    /// as far as the start of [`Bytes`] is itself aligned: maps are, a `&'static [u8]` need not be.
    pub fn alignment(&self) -> usize {
        self.alignment
    }
    /// Where the data section starts.
    pub fn data_start(&self) -> usize {
        self.data_start
    }

    /// The keys with their values, in the order of the file.
    pub fn metadata(&self) -> impl ExactSizeIterator<Item = (&str, Value<'_>)> {
        self.keys.iter().map(|key| (self.text(&key.name), self.value(key)))
    }

    /// The value of a key, whatever its type.
    pub fn get(&self, key: &str) -> Option<Value<'_>> {
        Some(self.value(self.key_entry(key)?))
    }

    fn key_entry(&self, key: &str) -> Option<&KeyEntry> {
        let found = self.keys_by_name.binary_search_by(|&index| {
            self.bytes[self.keys[index as usize].name.clone()].cmp(key.as_bytes())
        });
        Some(&self.keys[self.keys_by_name[found.ok()?] as usize])
    }

    /// The value of a key as `T`; `None` when the file lacks it.
    ///
    /// # Errors
    /// [`GgufError::WrongType`] when it is of another type or out of `T`'s range.
    pub fn optional<'a, T: FromValue<'a>>(&'a self, key: &str) -> Result<Option<T>, GgufError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        T::from_value(value).map(Some).ok_or_else(|| GgufError::WrongType {
            key: quoted(key.as_bytes()),
            found: match value.integer() {
                Some(number) => format!("{number} ({})", value.value_type().name()),
                None => format!("of type {}", value.value_type().name()),
            },
            expected: T::EXPECTED,
        })
    }

    /// The value of a key as `T`.
    ///
    /// # Errors
    /// [`GgufError::Missing`], and as [`Gguf::optional`].
    pub fn required<'a, T: FromValue<'a>>(&'a self, key: &str) -> Result<T, GgufError> {
        self.optional(key)?.ok_or_else(|| GgufError::Missing { key: quoted(key.as_bytes()) })
    }

    /// A string that must be there.
    pub fn str(&self, key: &str) -> Result<&str, GgufError> {
        self.required(key)
    }
    /// A number that must be there, from an integer of any width.
    pub fn u32(&self, key: &str) -> Result<u32, GgufError> {
        self.required(key)
    }
    /// A number that must be there, from an integer of any width.
    pub fn u64(&self, key: &str) -> Result<u64, GgufError> {
        self.required(key)
    }
    /// A floating-point number that must be there.
    pub fn f32(&self, key: &str) -> Result<f32, GgufError> {
        self.required(key)
    }
    /// A bool that must be there.
    pub fn bool(&self, key: &str) -> Result<bool, GgufError> {
        self.required(key)
    }
    /// An array that must be there.
    pub fn array(&self, key: &str) -> Result<Array<'_>, GgufError> {
        self.required(key)
    }
    /// Where the elements of an array that must be there lie in [`Gguf::bytes`], for readers that keep
    /// their own index of them.
    pub fn array_range(&self, key: &str) -> Result<Range<usize>, GgufError> {
        let len = self.array(key)?.data().len();
        let end = self.key_entry(key).map_or(len, |entry| entry.value.end);
        Ok(end - len..end)
    }
    /// A string, or the default when the file lacks it.
    pub fn str_or<'a>(&'a self, key: &str, default: &'a str) -> Result<&'a str, GgufError> {
        Ok(self.optional(key)?.unwrap_or(default))
    }
    /// A number, or the default when the file lacks it.
    pub fn u32_or(&self, key: &str, default: u32) -> Result<u32, GgufError> {
        Ok(self.optional(key)?.unwrap_or(default))
    }
    /// A floating-point number, or the default when the file lacks it.
    pub fn f32_or(&self, key: &str, default: f32) -> Result<f32, GgufError> {
        Ok(self.optional(key)?.unwrap_or(default))
    }
    /// A bool, or the default when the file lacks it.
    pub fn bool_or(&self, key: &str, default: bool) -> Result<bool, GgufError> {
        Ok(self.optional(key)?.unwrap_or(default))
    }

    /// The tensors in the order of the file.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = TensorInfo<'_>> {
        self.tensors.iter().map(|tensor| self.info(tensor))
    }

    /// The tensor of this name.
    pub fn tensor(&self, name: &str) -> Option<TensorInfo<'_>> {
        let found = self.tensors_by_name.binary_search_by(|&index| {
            self.bytes[self.tensors[index as usize].name.clone()].cmp(name.as_bytes())
        });
        Some(self.info(&self.tensors[self.tensors_by_name[found.ok()?] as usize]))
    }

    /// The data of a tensor of this file.
    ///
    /// # Panics
    /// When `tensor` was made up or comes from another, longer file.
    pub fn tensor_bytes(&self, tensor: &TensorInfo<'_>) -> &[u8] {
        &self.bytes[tensor.data.clone()]
    }

    fn info<'a>(&'a self, tensor: &TensorEntry) -> TensorInfo<'a> {
        TensorInfo {
            name: self.text(&tensor.name),
            ty: tensor.ty,
            shape: tensor.shape,
            dims: tensor.dims,
            data: tensor.data.clone(),
        }
    }

    /// A checked name. Should the file have been changed under the map, it reads as empty.
    fn text(&self, range: &Range<usize>) -> &str {
        std::str::from_utf8(&self.bytes[range.clone()]).unwrap_or("")
    }

    fn value(&self, key: &KeyEntry) -> Value<'_> {
        Value::read(key.ty, &self.bytes[key.value.clone()]).unwrap_or(Value::Bool(false))
    }
}

/// Positions sorted by name, or the position of an entry whose name stands twice.
fn sorted_names<T>(
    bytes: &[u8],
    entries: &[T],
    name: impl Fn(&T) -> &Range<usize>,
) -> Result<Vec<u32>, usize> {
    let name = |index: u32| &bytes[name(&entries[index as usize]).clone()];
    // An entry takes more than 12 bytes in the file, so 2^32 of them would be a file of 48 GiB of names.
    let count = u32::try_from(entries.len()).map_err(|_| u32::MAX as usize)?;
    let mut order: Vec<u32> = (0..count).collect();
    order.sort_unstable_by(|&a, &b| name(a).cmp(name(b)).then(a.cmp(&b)));
    match order.windows(2).find(|pair| name(pair[0]) == name(pair[1])) {
        Some(pair) => Err(pair[1] as usize),
        None => Ok(order),
    }
}

/// Makes the tensors' ranges absolute and checks that they are in the file and apart from each other.
fn place_tensors(bytes: &[u8], tensors: &mut [TensorEntry], data_start: usize) -> Result<(), GgufError> {
    for tensor in tensors.iter_mut() {
        let place = |offset: usize| data_start.checked_add(offset).filter(|&at| at <= bytes.len());
        match (place(tensor.data.start), place(tensor.data.end)) {
            (Some(start), Some(end)) => tensor.data = start..end,
            _ => {
                let problem = format!(
                    "its data ({} bytes at {} of the data section, which starts at {data_start}) reach past \
                     the end of the file ({} bytes)",
                    tensor.data.len(),
                    tensor.data.start,
                    bytes.len()
                );
                return Err(tensor_error(quoted(&bytes[tensor.name.clone()]), tensor.at, problem));
            }
        }
    }
    let mut order: Vec<u32> = (0..tensors.len() as u32).collect();
    order.sort_unstable_by_key(|&index| tensors[index as usize].data.start);
    for pair in order.windows(2) {
        let [first, second] = [&tensors[pair[0] as usize], &tensors[pair[1] as usize]];
        if second.data.start < first.data.end {
            let problem = format!("its data overlap those of {}", quoted(&bytes[first.name.clone()]));
            return Err(tensor_error(quoted(&bytes[second.name.clone()]), second.at, problem));
        }
    }
    Ok(())
}

fn key_error(key: String, offset: usize, problem: impl Into<String>) -> GgufError {
    GgufError::Key { key, offset, problem: problem.into() }
}

fn tensor_error(tensor: String, offset: usize, problem: String) -> GgufError {
    GgufError::Tensor { tensor, offset, problem }
}

/// A position in the file that moves only over bytes that are there.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: u64, what: impl FnOnce() -> String) -> Result<&'a [u8], GgufError> {
        let left = self.bytes.len() - self.at;
        match usize::try_from(len) {
            Ok(len) if len <= left => {
                let taken = &self.bytes[self.at..self.at + len];
                self.at += len;
                Ok(taken)
            }
            _ => Err(GgufError::Truncated { what: what(), offset: self.at, needed: len, left }),
        }
    }

    fn u32(&mut self, what: impl FnOnce() -> String) -> Result<u32, GgufError> {
        let bytes = self.take(4, what)?;
        Ok(u32::from_le_bytes(std::array::from_fn(|i| bytes[i])))
    }

    fn u64(&mut self, what: impl FnOnce() -> String) -> Result<u64, GgufError> {
        let bytes = self.take(8, what)?;
        Ok(u64::from_le_bytes(std::array::from_fn(|i| bytes[i])))
    }

    /// A string's range; its length stands in front of it.
    fn string(&mut self, what: impl Fn() -> String) -> Result<Range<usize>, GgufError> {
        let len = self.u64(|| format!("length of {}", what()))?;
        let start = self.at;
        self.take(len, what)?;
        Ok(start..self.at)
    }

    fn key(&mut self, index: u64) -> Result<KeyEntry, GgufError> {
        let offset = self.at;
        let name = self.string(|| format!("name of metadata key {index}"))?;
        let text = &self.bytes[name.clone()];
        let error = |problem: String| key_error(quoted(text), offset, problem);
        if std::str::from_utf8(text).is_err() {
            return Err(error("its name is not UTF-8".into()));
        }
        let what = || format!("value of metadata key {}", quoted(text));
        let id = self.u32(what)?;
        let ty = ValueType::from_id(id).ok_or_else(|| error(format!("unknown value type {id}")))?;
        let start = self.at;
        match ty {
            ValueType::Str => {
                let value = self.string(what)?;
                if std::str::from_utf8(&self.bytes[value]).is_err() {
                    return Err(error("its value is not UTF-8".into()));
                }
            }
            ValueType::Array => self.array(what, error)?,
            _ => {
                let value = self.take(ty.size().unwrap_or(0) as u64, what)?;
                if ty == ValueType::Bool && value[0] > 1 {
                    return Err(error(format!("a bool of {}, expected 0 or 1", value[0])));
                }
            }
        }
        Ok(KeyEntry { name, ty, value: start..self.at })
    }

    fn array(
        &mut self,
        what: impl Fn() -> String,
        error: impl Fn(String) -> GgufError,
    ) -> Result<(), GgufError> {
        let id = self.u32(&what)?;
        let element = ValueType::from_id(id).ok_or_else(|| error(format!("unknown element type {id}")))?;
        let len = self.u64(&what)?;
        match element.size() {
            Some(size) => {
                let data = self.take(len.saturating_mul(size as u64), &what)?;
                if element == ValueType::Bool && data.iter().any(|&byte| byte > 1) {
                    return Err(error("a bool that is neither 0 nor 1".into()));
                }
            }
            None if element == ValueType::Array => {
                return Err(error("an array of arrays, which no model needs".into()));
            }
            None => {
                for index in 0..len {
                    self.string(|| format!("string {index} of {}", what()))?;
                }
            }
        }
        Ok(())
    }

    fn tensor(&mut self, index: u64, alignment: usize) -> Result<TensorEntry, GgufError> {
        let at = self.at;
        let name = self.string(|| format!("name of tensor {index}"))?;
        let text = &self.bytes[name.clone()];
        let error = |problem: String| tensor_error(quoted(text), at, problem);
        if std::str::from_utf8(text).is_err() {
            return Err(error("its name is not UTF-8".into()));
        }
        let what = || format!("entry of tensor {}", quoted(text));
        let dims = self.u32(what)? as usize;
        if !(1..=MAX_DIMS).contains(&dims) {
            return Err(error(format!("{dims} dimensions, expected 1 to {MAX_DIMS}")));
        }
        let mut shape = [1usize; MAX_DIMS];
        for extent in &mut shape[..dims] {
            let value = self.u64(what)?;
            *extent = usize::try_from(value)
                .ok()
                .filter(|&extent| extent > 0)
                .ok_or_else(|| error(format!("an extent of {value}")))?;
        }
        let id = self.u32(what)?;
        let ty = GgmlType::from_id(id).ok_or_else(|| GgufError::UnknownType { tensor: quoted(text), id })?;
        let offset = self.u64(what)?;
        if !offset.is_multiple_of(alignment as u64) {
            return Err(error(format!("data at {offset}, which is not a multiple of {alignment}")));
        }
        let Some(row) = ty.row_bytes(shape[0]) else {
            return Err(error(format!(
                "rows of {} elements; {ty} needs multiples of {}",
                shape[0],
                ty.block_len()
            )));
        };
        // The number of elements must fit as well: a block holds more elements than bytes in some types.
        let rest = shape[1..].iter().try_fold(1usize, |product, &extent| product.checked_mul(extent));
        let end = rest.filter(|&rest| shape[0].checked_mul(rest).is_some()).and_then(|rest| {
            let size = row.checked_mul(rest)?;
            Some((usize::try_from(offset).ok()?, usize::try_from(offset).ok()?.checked_add(size)?))
        });
        let Some((start, end)) = end else {
            return Err(error(format!("shape {:?} at {offset} overflows", &shape[..dims])));
        };
        Ok(TensorEntry { name, ty, dims, shape, data: start..end, at })
    }
}
