//! GGUF v2 and v3 files, read from a map: metadata, tensors, every offset and length checked before use.
