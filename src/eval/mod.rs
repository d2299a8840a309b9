//! Scoring of recorded requests.
