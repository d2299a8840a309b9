//! GBNF and JSON Schema compiled to one byte-level automaton, and the token mask over a trie of the vocabulary.
