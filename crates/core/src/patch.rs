//! RFC 6902 operations, and the guard that looks at a patch before it is sent.

use std::fmt;

use serde_json::{Value, json};

/// The two kinds of operation softstop emits. Never `remove`, never `test`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpKind {
    /// `add`.
    Add,
    /// `replace`.
    Replace,
}

/// One JSON Patch operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Op {
    /// What it does.
    pub kind: OpKind,
    /// JSON pointer to where.
    pub path: String,
    /// The new value.
    pub value: Value,
}

impl Op {
    /// As RFC 6902 writes it.
    pub fn to_json(&self) -> Value {
        let op = match self.kind {
            OpKind::Add => "add",
            OpKind::Replace => "replace",
        };
        json!({ "op": op, "path": self.path, "value": self.value })
    }
}

/// Why a patch must not be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt(pub String);

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Doubt {}
