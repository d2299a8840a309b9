//! Arithmetic on quantised rows: a scalar definition of each format, AVX2 beside it, chosen once at run time.
