//! Agents: TOML files, checked, run as state machines by a pure core.
