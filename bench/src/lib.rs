//! Benchmarks against the release binary.
