//! Black-box tests of the trackway binary.
