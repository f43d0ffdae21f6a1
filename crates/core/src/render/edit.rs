//! One edit of a pod: what it means, and the operations that carry it out.
//!
//! Meaning and operations are written apart on purpose: the guard compares the two before a patch is sent.

use serde_json::{Map, Value, json};

use super::status;
use crate::decide::Decision;
use crate::observe::Observed;
use crate::plan::Change;
use crate::pod::token;
use crate::{Code, Op, OpKind};

/// One edit.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    /// One word of `command` or `args`.
    Word { path: String, text: String },
    /// `command`, `args` or both, where they stood in the image.
    Command {
        container: String,
        command: Option<Vec<String>>,
        args: Option<Vec<String>>,
    },
    /// One more variable.
    Env {
        container: String,
        name: &'static str,
        value: String,
    },
    /// A preStop hook where there is none.
    PreStop { container: String, hook: Value },
    /// `terminationGracePeriodSeconds`.
    Grace(u64),
    /// One more volume.
    Volume(Value),
    /// One more init container, behind those that are there.
    InitContainer(Value),
    /// One more mount.
    Mount { container: String, mount: Value },
    /// One annotation.
    Annotation { key: &'static str, text: String },
}

impl Edit {
    /// What it means for the pod.
    fn apply(&self, pod: &mut Value) {
        match self {
            Self::Word { path, text } => {
                if let Some(word) = pod.pointer_mut(path) {
                    *word = json!(text);
                }
            }
            Self::Command {
                container,
                command,
                args,
            } => {
                if let Some(container) = object(pod, container) {
                    for (field, words) in [("command", command), ("args", args)] {
                        if let Some(words) = words {
                            container.insert(field.into(), json!(words));
                        }
                    }
                }
            }
            Self::Env {
                container,
                name,
                value,
            } => {
                push(
                    object(pod, container),
                    "env",
                    json!({ "name": name, "value": value }),
                );
            }
            Self::PreStop { container, hook } => {
                if let Some(container) = object(pod, container) {
                    let lifecycle = container.entry("lifecycle").or_insert_with(|| json!({}));
                    if lifecycle.is_null() {
                        *lifecycle = json!({});
                    }
                    if let Some(lifecycle) = lifecycle.as_object_mut() {
                        lifecycle.insert("preStop".into(), hook.clone());
                    }
                }
            }
            Self::Grace(seconds) => {
                if let Some(spec) = object(pod, "/spec") {
                    spec.insert("terminationGracePeriodSeconds".into(), json!(seconds));
                }
            }
            Self::Volume(volume) => push(object(pod, "/spec"), "volumes", volume.clone()),
            Self::InitContainer(container) => {
                push(object(pod, "/spec"), "initContainers", container.clone());
            }
            Self::Mount { container, mount } => {
                push(object(pod, container), "volumeMounts", mount.clone());
            }
            Self::Annotation { key, text } => {
                let Some(pod) = pod.as_object_mut() else {
                    return;
                };
                let mut parent = pod;
                for field in ["metadata", "annotations"] {
                    let child = parent.entry(field).or_insert_with(|| json!({}));
                    if child.is_null() {
                        *child = json!({});
                    }
                    let Some(child) = child.as_object_mut() else {
                        return;
                    };
                    parent = child;
                }
                parent.insert((*key).into(), json!(text));
            }
        }
    }

    /// The operations that carry it out against this document; parents that are missing come first.
    fn ops(&self, pod: &Value) -> Vec<Op> {
        match self {
            Self::Word { path, text } => vec![replace(path.clone(), json!(text))],
            Self::Command {
                container,
                command,
                args,
            } => {
                let field = |(field, words): (&str, &Option<Vec<String>>)| {
                    let words = words.as_ref()?;
                    Some(set(pod, format!("{container}/{field}"), json!(words)))
                };
                [("command", command), ("args", args)]
                    .into_iter()
                    .filter_map(field)
                    .collect()
            }
            Self::Env {
                container,
                name,
                value,
            } => append(
                pod,
                format!("{container}/env"),
                json!({ "name": name, "value": value }),
            ),
            Self::PreStop { container, hook } => {
                let mut ops = parent(pod, &format!("{container}/lifecycle"));
                ops.push(add(format!("{container}/lifecycle/preStop"), hook.clone()));
                ops
            }
            Self::Grace(seconds) => {
                let path = "/spec/terminationGracePeriodSeconds".to_owned();
                vec![set(pod, path, json!(seconds))]
            }
            Self::Volume(volume) => append(pod, "/spec/volumes".into(), volume.clone()),
            Self::InitContainer(container) => {
                append(pod, "/spec/initContainers".into(), container.clone())
            }
            Self::Mount { container, mount } => {
                append(pod, format!("{container}/volumeMounts"), mount.clone())
            }
            Self::Annotation { key, text } => {
                let mut ops = parent(pod, "/metadata");
                ops.extend(parent(pod, "/metadata/annotations"));
                ops.push(set(
                    pod,
                    format!("/metadata/annotations/{}", token(key)),
                    json!(text),
                ));
                ops
            }
        }
    }
}

/// Collects the changes of a pod and keeps the pod as it is meant to be.
pub(super) struct Editor<'a> {
    original: &'a Value,
    /// Made at the first edit: most pods get none.
    intended: Option<Value>,
    changes: Vec<Change>,
}

impl<'a> Editor<'a> {
    pub(super) fn new(original: &'a Value) -> Self {
        Self {
            original,
            intended: None,
            changes: Vec::new(),
        }
    }

    pub(super) fn pod(&self) -> &Value {
        self.intended.as_ref().unwrap_or(self.original)
    }

    pub(super) fn edit(&mut self, edit: &Edit, code: Code, reason: &str) {
        self.record(edit, Some(code), reason);
    }

    fn record(&mut self, edit: &Edit, code: Option<Code>, reason: &str) {
        let ops = edit.ops(self.pod());
        edit.apply(self.intended.get_or_insert_with(|| self.original.clone()));
        self.changes.push(Change {
            code,
            reason: reason.to_owned(),
            ops,
        });
    }

    /// The status annotation goes with other changes, never alone.
    pub(super) fn finish(
        mut self,
        containers: &[Observed<'_>],
        decisions: &[Decision],
    ) -> (Vec<Change>, Option<Value>) {
        if !self.changes.is_empty() {
            let text = status::status(containers, decisions, &self.changes);
            let edit = Edit::Annotation {
                key: crate::annotations::STATUS,
                text,
            };
            self.record(&edit, None, "what softstop did to this pod");
        }
        (self.changes, self.intended)
    }
}

fn object<'v>(pod: &'v mut Value, pointer: &str) -> Option<&'v mut Map<String, Value>> {
    pod.pointer_mut(pointer)?.as_object_mut()
}

fn push(object: Option<&mut Map<String, Value>>, field: &str, value: Value) {
    let Some(object) = object else { return };
    let list = object.entry(field).or_insert_with(|| json!([]));
    match list.as_array_mut() {
        Some(list) => list.push(value),
        None => *list = json!([value]),
    }
}

fn add(path: String, value: Value) -> Op {
    Op {
        kind: OpKind::Add,
        path,
        value,
    }
}

fn replace(path: String, value: Value) -> Op {
    Op {
        kind: OpKind::Replace,
        path,
        value,
    }
}

fn is_there(pod: &Value, path: &str) -> bool {
    pod.pointer(path).is_some_and(|value| !value.is_null())
}

fn set(pod: &Value, path: String, value: Value) -> Op {
    if pod.pointer(&path).is_some() {
        replace(path, value)
    } else {
        add(path, value)
    }
}

/// An empty object at `path`, if nothing is there. (`add` overwrites a `null`.)
fn parent(pod: &Value, path: &str) -> Vec<Op> {
    if is_there(pod, path) {
        Vec::new()
    } else {
        vec![add(path.to_owned(), json!({}))]
    }
}

/// Appends to a list, or begins it: lists that are empty are absent in what the API server sends.
fn append(pod: &Value, list: String, value: Value) -> Vec<Op> {
    if is_there(pod, &list) {
        vec![add(format!("{list}/-"), value)]
    } else {
        vec![add(list, json!([value]))]
    }
}
