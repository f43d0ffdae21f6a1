//! RFC 6902 operations, and the guard that looks at a patch before it is sent.

use std::collections::BTreeSet;
use std::fmt;

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, PatchOperation, ReplaceOperation};
use serde_json::{Value, json};

use crate::annotations::STATUS;
use crate::pod::{PodView, items, token};

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

/// Applies the operations to the pod as it was received, compares the result with the pod as it is meant to be, and
/// looks through it for what the API server would refuse because of softstop. A patch that does not apply, or whose
/// result is refused, fails the request whatever the failurePolicy says.
pub(crate) fn check(pod: &Value, ops: &[&Op], intended: &Value) -> Result<(), Doubt> {
    for op in ops {
        if !is_allowed(&op.path) {
            return Err(Doubt(format!("the patch would touch {}", op.path)));
        }
    }
    let mut result = pod.clone();
    let patch = ops
        .iter()
        .map(|op| operation(op))
        .collect::<Result<Vec<_>, _>>()?;
    json_patch::patch(&mut result, &patch)
        .map_err(|error| Doubt(format!("the patch does not apply: {error}")))?;
    if result != *intended {
        return Err(Doubt(
            "the patched pod is not the pod that was planned".into(),
        ));
    }
    is_valid(PodView(&result), PodView(pod))
}

fn operation(op: &Op) -> Result<PatchOperation, Doubt> {
    let path = PointerBuf::parse(op.path.as_str())
        .map_err(|error| Doubt(format!("{}: {error}", op.path)))?;
    let value = op.value.clone();
    Ok(match op.kind {
        OpKind::Add => PatchOperation::Add(AddOperation { path, value }),
        OpKind::Replace => PatchOperation::Replace(ReplaceOperation { path, value }),
    })
}

/// The places that softstop writes to, and no others.
fn is_allowed(path: &str) -> bool {
    if matches!(
        path,
        "/spec/terminationGracePeriodSeconds"
            | "/spec/volumes"
            | "/spec/volumes/-"
            | "/spec/initContainers"
            | "/spec/initContainers/-"
            | "/metadata"
            | "/metadata/annotations"
    ) || path.strip_prefix("/metadata/annotations/") == Some(&token(STATUS))
    {
        return true;
    }
    let Some(rest) = path.strip_prefix("/spec/containers/") else {
        return false;
    };
    let Some((index, field)) = rest.split_once('/') else {
        return false;
    };
    let is_word = |field: &str| {
        field
            .rsplit_once('/')
            .is_some_and(|(list, index)| matches!(list, "command" | "args") && is_index(index))
    };
    is_index(index)
        && (matches!(
            field,
            "command"
                | "args"
                | "env"
                | "env/-"
                | "lifecycle"
                | "lifecycle/preStop"
                | "volumeMounts"
                | "volumeMounts/-"
        ) || is_word(field))
}

fn is_index(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// What the API server's validation says of the fields that softstop writes (`pkg/apis/core/validation`). A pod that
/// was wrong before is not softstop's to judge: the server will say so.
fn is_valid(pod: PodView<'_>, before: PodView<'_>) -> Result<(), Doubt> {
    let grace = pod.grace();
    if grace < before.grace() {
        return Err(Doubt(format!(
            "the grace would sink from {} s to {grace} s",
            before.grace()
        )));
    }
    let volumes: Vec<_> = pod
        .volumes()
        .filter_map(|volume| volume.get("name")?.as_str())
        .collect();
    let names: BTreeSet<_> = volumes.iter().collect();
    if names.len() < volumes.len() && is_new(pod, before, |p| p.volumes().count()) {
        return Err(Doubt("two volumes would have one name".into()));
    }
    for (container, was) in pod.containers().zip(before.containers()) {
        let sleep = |hook: &Value| hook.get("sleep")?.get("seconds")?.as_u64();
        if let Some(seconds) = container.pre_stop().and_then(sleep)
            && seconds > grace
            && was.pre_stop().is_none()
        {
            return Err(Doubt(format!(
                "container {}: preStop would sleep {seconds} s of a grace of {grace} s",
                container.name()
            )));
        }
        let mounts: Vec<_> = container.list("volumeMounts").collect();
        if mounts.len() > was.list("volumeMounts").count() {
            let paths: BTreeSet<_> = mounts
                .iter()
                .filter_map(|m| m.get("mountPath")?.as_str())
                .collect();
            if paths.len() < mounts.len() {
                return Err(Doubt(format!(
                    "container {}: two mounts would have one path",
                    container.name()
                )));
            }
            let known = |mount: &&&Value| {
                mount
                    .get("name")
                    .and_then(Value::as_str)
                    .is_some_and(|name| volumes.contains(&name))
            };
            if let Some(mount) = mounts.iter().find(|mount| !known(mount)) {
                return Err(Doubt(format!(
                    "container {}: no volume for the mount {mount}",
                    container.name()
                )));
            }
        }
        if container.name().is_empty() {
            return Err(Doubt("a container has no name".into()));
        }
    }
    if items(pod.spec("containers")).count() != items(before.spec("containers")).count() {
        return Err(Doubt("the number of containers would change".into()));
    }
    Ok(())
}

fn is_new(pod: PodView<'_>, before: PodView<'_>, count: impl Fn(PodView<'_>) -> usize) -> bool {
    count(pod) > count(before)
}
