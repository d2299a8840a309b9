//! Renderers: a structured turn into prompt text and grammar, and the answer back into calls.
