//! Metadata values, read in place.

use std::ops::Range;

/// The type of a metadata value, by its id in the file.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ValueType {
    U8 = 0,
    I8 = 1,
    U16 = 2,
    I16 = 3,
    U32 = 4,
    I32 = 5,
    F32 = 6,
    Bool = 7,
    Str = 8,
    Array = 9,
    U64 = 10,
    I64 = 11,
    F64 = 12,
}

impl ValueType {
    /// The type with this id.
    pub fn from_id(id: u32) -> Option<ValueType> {
        use ValueType::*;
        [U8, I8, U16, I16, U32, I32, F32, Bool, Str, Array, U64, I64, F64].get(id as usize).copied()
    }

    /// Bytes of a value; `None` for strings and arrays.
    pub fn size(self) -> Option<usize> {
        use ValueType::*;
        match self {
            U8 | I8 | Bool => Some(1),
            U16 | I16 => Some(2),
            U32 | I32 | F32 => Some(4),
            U64 | I64 | F64 => Some(8),
            Str | Array => None,
        }
    }

    /// The name used in messages.
    pub fn name(self) -> &'static str {
        use ValueType::*;
        match self {
            U8 => "u8",
            I8 => "i8",
            U16 => "u16",
            I16 => "i16",
            U32 => "u32",
            I32 => "i32",
            F32 => "f32",
            Bool => "bool",
            Str => "string",
            Array => "array",
            U64 => "u64",
            I64 => "i64",
            F64 => "f64",
        }
    }
}

/// A metadata value; strings and arrays borrow from the file.
#[allow(missing_docs)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    U8(u8),
    I8(i8),
    U16(u16),
    I16(i16),
    U32(u32),
    I32(i32),
    F32(f32),
    Bool(bool),
    Str(&'a str),
    Array(Array<'a>),
    U64(u64),
    I64(i64),
    F64(f64),
}

impl<'a> Value<'a> {
    /// The type of this value.
    pub fn value_type(&self) -> ValueType {
        match self {
            Value::U8(_) => ValueType::U8,
            Value::I8(_) => ValueType::I8,
            Value::U16(_) => ValueType::U16,
            Value::I16(_) => ValueType::I16,
            Value::U32(_) => ValueType::U32,
            Value::I32(_) => ValueType::I32,
            Value::F32(_) => ValueType::F32,
            Value::Bool(_) => ValueType::Bool,
            Value::Str(_) => ValueType::Str,
            Value::Array(_) => ValueType::Array,
            Value::U64(_) => ValueType::U64,
            Value::I64(_) => ValueType::I64,
            Value::F64(_) => ValueType::F64,
        }
    }

    /// Any integer type as an `i128`, so that no value changes on the way.
    pub fn integer(&self) -> Option<i128> {
        Some(match *self {
            Value::U8(v) => v.into(),
            Value::I8(v) => v.into(),
            Value::U16(v) => v.into(),
            Value::I16(v) => v.into(),
            Value::U32(v) => v.into(),
            Value::I32(v) => v.into(),
            Value::U64(v) => v.into(),
            Value::I64(v) => v.into(),
            _ => return None,
        })
    }

    /// A scalar of fixed size from its little-endian bytes; `None` for other types or too few bytes.
    fn read_fixed(ty: ValueType, bytes: &'a [u8]) -> Option<Value<'a>> {
        Some(match ty {
            ValueType::U8 => Value::U8(*bytes.first()?),
            ValueType::I8 => Value::I8(*bytes.first()? as i8),
            ValueType::Bool => Value::Bool(*bytes.first()? != 0),
            ValueType::U16 => Value::U16(u16::from_le_bytes(*bytes.first_chunk()?)),
            ValueType::I16 => Value::I16(i16::from_le_bytes(*bytes.first_chunk()?)),
            ValueType::U32 => Value::U32(u32::from_le_bytes(*bytes.first_chunk()?)),
            ValueType::I32 => Value::I32(i32::from_le_bytes(*bytes.first_chunk()?)),
            ValueType::F32 => Value::F32(f32::from_le_bytes(*bytes.first_chunk()?)),
            ValueType::U64 => Value::U64(u64::from_le_bytes(*bytes.first_chunk()?)),
            ValueType::I64 => Value::I64(i64::from_le_bytes(*bytes.first_chunk()?)),
            ValueType::F64 => Value::F64(f64::from_le_bytes(*bytes.first_chunk()?)),
            ValueType::Str | ValueType::Array => return None,
        })
    }

    /// A value from the bytes after its type id. The parser has checked them; a file that changed
    /// since then gives `None`.
    pub(super) fn read(ty: ValueType, bytes: &'a [u8]) -> Option<Value<'a>> {
        match ty {
            ValueType::Str => {
                let text = bytes.get(8..)?;
                Some(Value::Str(std::str::from_utf8(text).ok()?))
            }
            ValueType::Array => {
                let element = ValueType::from_id(u32::from_le_bytes(*bytes.first_chunk()?))?;
                let len = u64::from_le_bytes(*bytes.get(4..)?.first_chunk()?);
                let len = usize::try_from(len).ok()?;
                Some(Value::Array(Array { element, len, data: bytes.get(12..)? }))
            }
            _ => Value::read_fixed(ty, bytes),
        }
    }
}

/// An array in the file: numbers are read one by one where they lie, strings are walked.
#[derive(Clone, Copy, PartialEq)]
pub struct Array<'a> {
    element: ValueType,
    len: usize,
    /// The elements as they stand in the file; strings each with a u64 length in front.
    data: &'a [u8],
}

impl<'a> Array<'a> {
    /// The elements' type.
    pub fn element(&self) -> ValueType {
        self.element
    }
    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.len
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    /// The elements' bytes in the file.
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The `index`th number or bool; `None` past the end, and for strings (use [`Array::strings`]).
    pub fn get(&self, index: usize) -> Option<Value<'a>> {
        if index >= self.len {
            return None;
        }
        let size = self.element.size()?;
        Value::read_fixed(self.element, self.data.get(index.checked_mul(size)?..)?)
    }

    /// The `index`th element as an `f32`, of an array of `f32`.
    pub fn f32(&self, index: usize) -> Option<f32> {
        match self.get(index)? {
            Value::F32(value) => Some(value),
            _ => None,
        }
    }

    /// The `index`th element as an `i32`, of an array of any integers.
    pub fn i32(&self, index: usize) -> Option<i32> {
        i32::try_from(self.get(index)?.integer()?).ok()
    }

    /// Walks an array of strings; `None` for arrays of anything else. There is no index in the file:
    /// whoever needs random access keeps the ranges that this yields.
    pub fn strings(&self) -> Option<Strings<'a>> {
        (self.element == ValueType::Str).then_some(Strings { data: self.data, at: 0, left: self.len })
    }
}

impl std::fmt::Debug for Array<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}; {}]", self.element.name(), self.len)
    }
}

/// The strings of an array, in order: each with its range in [`Array::data`]. The bytes are not
/// checked to be UTF-8, because vocabularies have been seen that are not.
#[derive(Clone, Debug)]
pub struct Strings<'a> {
    data: &'a [u8],
    at: usize,
    left: usize,
}

impl<'a> Iterator for Strings<'a> {
    type Item = (Range<usize>, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let len = u64::from_le_bytes(*self.data.get(self.at..)?.first_chunk()?);
        let start = self.at + 8;
        let end = start.checked_add(usize::try_from(len).ok()?)?;
        let text = self.data.get(start..end)?;
        self.at = end;
        Some((start..end, text))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

/// What a metadata value can be read as. Integers of any width are taken when the value fits.
pub trait FromValue<'a>: Sized {
    /// How messages name the type.
    const EXPECTED: &'static str;
    /// The value as this type, if it is one.
    fn from_value(value: Value<'a>) -> Option<Self>;
}

macro_rules! from_value {
    ($($type:ty, $expected:literal, $value:ident => $read:expr;)*) => {$(
        impl<'a> FromValue<'a> for $type {
            const EXPECTED: &'static str = $expected;
            fn from_value($value: Value<'a>) -> Option<Self> { $read }
        }
    )*};
}

from_value! {
    u32, "a number from 0 to 4294967295", value => u32::try_from(value.integer()?).ok();
    u64, "a number that is not negative", value => u64::try_from(value.integer()?).ok();
    i32, "a 32-bit integer", value => i32::try_from(value.integer()?).ok();
    f32, "a floating-point number", value => match value {
        Value::F32(v) => Some(v),
        Value::F64(v) => Some(v as f32),
        _ => None,
    };
    bool, "a bool", value => match value { Value::Bool(v) => Some(v), _ => None };
    &'a str, "a string", value => match value { Value::Str(v) => Some(v), _ => None };
    Array<'a>, "an array", value => match value { Value::Array(v) => Some(v), _ => None };
}
