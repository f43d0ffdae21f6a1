//! Findings for people and machines: one renderer per format.
