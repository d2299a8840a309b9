//! The cage that user tools run in.
