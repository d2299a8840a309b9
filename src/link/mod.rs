//! Mentions in a request: devices, areas, kinds, values and numbers, found before the model reads it.
