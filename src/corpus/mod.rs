//! Worlds and sentences for training and calibration: the lexicon and the generator.
