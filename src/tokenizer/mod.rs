//! Tokenizers built from GGUF metadata: byte-level BPE and SentencePiece-style, over the map.
#![allow(dead_code)]
mod split;
mod unicode;
