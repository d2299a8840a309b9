//! Making GGUF files: for tests, and for whatever converts or quantises.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{self, Write};

use super::error::quoted;
use super::{GgmlType, GgufError, Value, ValueType};

/// A GGUF file (version 3, little-endian) in the making.
///
/// Keys and tensors come out in the order they went in. Tensor data are borrowed or owned until
/// [`Writer::write_to`], which streams them, so a file larger than memory can be written from a map.
#[derive(Clone, Debug)]
pub struct Writer<'a> {
    alignment: u32,
    key_count: u64,
    keys: Vec<u8>,
    names: HashSet<String>,
    tensor_names: HashSet<String>,
    tensors: Vec<Tensor<'a>>,
}

#[derive(Clone, Debug)]
struct Tensor<'a> {
    name: String,
    ty: GgmlType,
    shape: Vec<u64>,
    size: usize,
    /// `None` where the data come later, through a [`TensorStream`].
    data: Option<Cow<'a, [u8]>>,
}

/// A GGUF file whose head is written and whose tensors' data follow, in the order they were declared.
pub struct TensorStream<'w> {
    out: &'w mut dyn Write,
    alignment: usize,
    /// Name and size of the tensors that are not complete, the next one last.
    left: Vec<(String, usize)>,
    /// Bytes of the next one that are written.
    written: usize,
}

impl Default for Writer<'_> {
    fn default() -> Self {
        Writer {
            alignment: 32,
            key_count: 0,
            keys: Vec::new(),
            names: HashSet::new(),
            tensor_names: HashSet::new(),
            tensors: Vec::new(),
        }
    }
}

impl<'a> Writer<'a> {
    /// An empty file with an alignment of 32 bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key of any value, also one read from another file. `general.alignment` sets the alignment.
    ///
    /// # Errors
    /// [`GgufError::Write`] when the key stands already, or for an alignment that is not a power of two.
    pub fn set(&mut self, key: &str, value: Value<'_>) -> Result<&mut Self, GgufError> {
        if key == "general.alignment" {
            self.alignment = match value {
                Value::U32(alignment) if alignment.is_power_of_two() => alignment,
                other => return Err(refused(key, format!("{other:?} is not a power of two"))),
            };
        }
        self.key(key, value.value_type())?;
        let out = &mut self.keys;
        match value {
            Value::U8(v) => out.push(v),
            Value::I8(v) => out.extend(v.to_le_bytes()),
            Value::U16(v) => out.extend(v.to_le_bytes()),
            Value::I16(v) => out.extend(v.to_le_bytes()),
            Value::U32(v) => out.extend(v.to_le_bytes()),
            Value::I32(v) => out.extend(v.to_le_bytes()),
            Value::F32(v) => out.extend(v.to_le_bytes()),
            Value::Bool(v) => out.push(v.into()),
            Value::Str(v) => put_string(out, v.as_bytes()),
            Value::Array(v) => {
                out.extend((v.element() as u32).to_le_bytes());
                out.extend((v.len() as u64).to_le_bytes());
                out.extend(v.data());
            }
            Value::U64(v) => out.extend(v.to_le_bytes()),
            Value::I64(v) => out.extend(v.to_le_bytes()),
            Value::F64(v) => out.extend(v.to_le_bytes()),
        }
        Ok(self)
    }

    /// Adds a string.
    ///
    /// # Errors
    /// As [`Writer::set`]; so do all that follow.
    pub fn str(&mut self, key: &str, value: &str) -> Result<&mut Self, GgufError> {
        self.set(key, Value::Str(value))
    }
    /// Adds a `u32`.
    pub fn u32(&mut self, key: &str, value: u32) -> Result<&mut Self, GgufError> {
        self.set(key, Value::U32(value))
    }
    /// Adds an `f32`.
    pub fn f32(&mut self, key: &str, value: f32) -> Result<&mut Self, GgufError> {
        self.set(key, Value::F32(value))
    }
    /// Adds a bool.
    pub fn bool(&mut self, key: &str, value: bool) -> Result<&mut Self, GgufError> {
        self.set(key, Value::Bool(value))
    }

    /// Adds an array of strings.
    pub fn strings<S: AsRef<[u8]>>(&mut self, key: &str, values: &[S]) -> Result<&mut Self, GgufError> {
        self.array(key, ValueType::Str, values.len())?;
        for value in values {
            put_string(&mut self.keys, value.as_ref());
        }
        Ok(self)
    }
    /// Adds an array of `i32`.
    pub fn i32s(&mut self, key: &str, values: &[i32]) -> Result<&mut Self, GgufError> {
        self.array(key, ValueType::I32, values.len())?;
        self.keys.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        Ok(self)
    }
    /// Adds an array of `f32`.
    pub fn f32s(&mut self, key: &str, values: &[f32]) -> Result<&mut Self, GgufError> {
        self.array(key, ValueType::F32, values.len())?;
        self.keys.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        Ok(self)
    }

    /// Adds a tensor. `shape` is in `ne` order: row length first, then the number of rows.
    ///
    /// # Errors
    /// [`GgufError::Write`] when the name stands already, the shape has no or more than 4 extents, or
    /// `data` is not of the size that type and shape ask for.
    pub fn tensor(
        &mut self,
        name: &str,
        ty: GgmlType,
        shape: &[u64],
        data: impl Into<Cow<'a, [u8]>>,
    ) -> Result<&mut Self, GgufError> {
        let data = data.into();
        self.declare(name, ty, shape, Some(data))
    }

    /// Adds a tensor whose data come later: such a file is written with [`Writer::start`].
    ///
    /// # Errors
    /// As [`Writer::tensor`].
    pub fn reserve(&mut self, name: &str, ty: GgmlType, shape: &[u64]) -> Result<&mut Self, GgufError> {
        self.declare(name, ty, shape, None)
    }

    fn declare(
        &mut self,
        name: &str,
        ty: GgmlType,
        shape: &[u64],
        data: Option<Cow<'a, [u8]>>,
    ) -> Result<&mut Self, GgufError> {
        let size = shape.first().filter(|_| shape.len() <= 4).and_then(|&row| {
            let row = ty.row_bytes(usize::try_from(row).ok()?)? as u64;
            shape[1..].iter().try_fold(row, |size, &extent| size.checked_mul(extent))
        });
        let Some(size) = size.and_then(|size| usize::try_from(size).ok()).filter(|&size| size > 0) else {
            return Err(refused(name, format!("{ty} cannot be of shape {shape:?}")));
        };
        if let Some(data) = &data
            && data.len() != size
        {
            return Err(refused(name, format!("{ty} of shape {shape:?} cannot be {} bytes", data.len())));
        }
        if !self.tensor_names.insert(name.to_owned()) {
            return Err(refused(name, "stands twice"));
        }
        self.tensors.push(Tensor { name: name.to_owned(), ty, shape: shape.to_vec(), size, data });
        Ok(self)
    }

    /// Writes the file.
    ///
    /// # Errors
    /// Those of `out`; a tensor that was only reserved.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let mut stream = self.start(out)?;
        for tensor in &self.tensors {
            // Reserved data are missed by `finish`, or as soon as the next tensor's do not fit.
            stream.put(tensor.data.as_deref().unwrap_or_default())?;
        }
        stream.finish()
    }

    /// Writes everything before the tensors' data, which then go into the stream one after the other: also those that
    /// were given to [`Writer::tensor`].
    ///
    /// # Errors
    /// Those of `out`.
    pub fn start<'w>(&self, out: &'w mut dyn Write) -> io::Result<TensorStream<'w>> {
        let mut head = Vec::with_capacity(self.keys.len() + 64 * self.tensors.len() + 64);
        head.extend(b"GGUF");
        head.extend(3u32.to_le_bytes());
        head.extend((self.tensors.len() as u64).to_le_bytes());
        head.extend(self.key_count.to_le_bytes());
        head.extend(&self.keys);
        let alignment = self.alignment as usize;
        let mut offset = 0;
        for tensor in &self.tensors {
            put_string(&mut head, tensor.name.as_bytes());
            head.extend((tensor.shape.len() as u32).to_le_bytes());
            head.extend(tensor.shape.iter().flat_map(|extent| extent.to_le_bytes()));
            head.extend(tensor.ty.id().to_le_bytes());
            head.extend((offset as u64).to_le_bytes());
            offset += tensor.size.next_multiple_of(alignment);
        }
        head.resize(head.len().next_multiple_of(alignment), 0);
        out.write_all(&head)?;
        let left = self.tensors.iter().rev().map(|tensor| (tensor.name.clone(), tensor.size)).collect();
        Ok(TensorStream { out, alignment, left, written: 0 })
    }

    /// The file as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        // Writing to a vector cannot fail.
        let _ = self.write_to(&mut out);
        out
    }

    fn key(&mut self, key: &str, ty: ValueType) -> Result<(), GgufError> {
        if !self.names.insert(key.to_owned()) {
            return Err(refused(key, "stands twice"));
        }
        self.key_count += 1;
        put_string(&mut self.keys, key.as_bytes());
        self.keys.extend((ty as u32).to_le_bytes());
        Ok(())
    }

    fn array(&mut self, key: &str, element: ValueType, len: usize) -> Result<(), GgufError> {
        self.key(key, ValueType::Array)?;
        self.keys.extend((element as u32).to_le_bytes());
        self.keys.extend((len as u64).to_le_bytes());
        Ok(())
    }
}

impl TensorStream<'_> {
    /// Writes some of the next tensor's data, or all of it; never parts of two tensors.
    ///
    /// # Errors
    /// Those of the output; more data than the tensor has.
    pub fn put(&mut self, data: &[u8]) -> io::Result<()> {
        if data.is_empty() {
            return Ok(());
        }
        let end = self.written + data.len();
        let Some(&(_, size)) = self.left.last().filter(|(_, size)| end <= *size) else {
            let name = self.left.last().map_or("past the last tensor", |(name, _)| name);
            return Err(io::Error::other(format!("{name}: more data than its type and shape ask for")));
        };
        self.out.write_all(data)?;
        self.written = end;
        if end == size {
            let padding = end.next_multiple_of(self.alignment) - end;
            io::copy(&mut io::Read::take(io::repeat(0), padding as u64), &mut self.out)?;
            self.left.pop();
            self.written = 0;
        }
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// Those of the output; a tensor whose data did not all come.
    pub fn finish(self) -> io::Result<()> {
        let TensorStream { out, left, written, .. } = self;
        match left.last() {
            Some((name, size)) => {
                Err(io::Error::other(format!("{name}: {written} of its {size} bytes were given")))
            }
            None => out.flush(),
        }
    }
}

fn refused(name: &str, problem: impl Into<String>) -> GgufError {
    GgufError::Write { name: quoted(name.as_bytes()), problem: problem.into() }
}

fn put_string(out: &mut Vec<u8>, text: &[u8]) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text);
}
