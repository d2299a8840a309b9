//! The Llama-architecture forward pass over mapped weights, and the session (KV cache) that changes.
