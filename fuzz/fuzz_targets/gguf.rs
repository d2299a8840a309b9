//! Any bytes as a model file: read or refused, and all that is read can be walked.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pintail::gguf::{Gguf, Value};

fuzz_target!(|data: &[u8]| {
    let Ok(file) = Gguf::parse(data.to_vec().into()) else { return };
    for (key, value) in file.metadata() {
        assert!(file.get(key).is_some());
        if let Value::Array(array) = value {
            let strings = array.strings().map_or(0, Iterator::count);
            assert!(strings == 0 || strings == array.len());
            assert!(strings > 0 || (0..array.len().min(1000)).all(|index| array.get(index).is_some()));
        }
    }
    for tensor in file.tensors() {
        assert_eq!(file.tensor(tensor.name).as_ref(), Some(&tensor));
        assert!(!file.tensor_bytes(&tensor).is_empty());
    }
});
