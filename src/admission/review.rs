//! The wire types of `admission.k8s.io/v1`: only the fields that are used, lenient about all others.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use softstop_core::Op;
use thiserror::Error;

const API_VERSION: &str = "admission.k8s.io/v1";
const KIND: &str = "AdmissionReview";

/// Why a body is no `AdmissionReview`. The messages never quote the body: it may hold secrets.
#[derive(Debug, Error)]
pub enum ReviewError {
    /// Not JSON, or not of an `AdmissionReview`'s shape.
    #[error("the body is no AdmissionReview: {what} at line {line} column {column}")]
    Parse {
        /// What kind of mistake.
        what: &'static str,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// Another kind of object, or another version.
    #[error(
        "the body must be {API_VERSION} {KIND}; register the webhook with `admissionReviewVersions: [v1]`"
    )]
    OtherKind,
    /// No request, or one without uid.
    #[error("the AdmissionReview has no `request` with a `uid`")]
    NoRequest,
}

impl From<serde_json::Error> for ReviewError {
    fn from(error: serde_json::Error) -> Self {
        use serde_json::error::Category;
        let what = match error.classify() {
            Category::Eof => "it ends too early",
            Category::Data => "a field has an unexpected type",
            Category::Syntax | Category::Io => "it is not valid JSON",
        };
        Self::Parse {
            what,
            line: error.line(),
            column: error.column(),
        }
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, rename = "apiVersion")]
    api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    request: Option<Review>,
}

/// The request of an `AdmissionReview`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// Echoed in the answer.
    #[serde(default)]
    pub uid: String,
    /// What kind of object it is about.
    #[serde(default)]
    pub kind: GroupKind,
    /// `status`, `ephemeralcontainers`, ...: a request for a part of the object.
    #[serde(default)]
    pub sub_resource: Option<String>,
    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    #[serde(default)]
    pub operation: String,
    /// The name of the object; absent where the API server is still to make it up.
    #[serde(default)]
    pub name: Option<String>,
    /// The namespace of the object.
    #[serde(default)]
    pub namespace: Option<String>,
    /// The object as text: it is read where a panic or a syntax error can still be answered with the uid.
    #[serde(default)]
    pub object: Option<Box<RawValue>>,
}

/// A kind of object.
#[derive(Debug, Default, Deserialize)]
pub struct GroupKind {
    /// API group; empty for the core group.
    #[serde(default)]
    pub group: String,
    /// Kind.
    #[serde(default)]
    pub kind: String,
}

impl Review {
    /// Reads the body of a request.
    pub fn parse(body: &[u8]) -> Result<Self, ReviewError> {
        let envelope: Envelope<'_> = serde_json::from_slice(body)?;
        if envelope.api_version != API_VERSION || envelope.kind != KIND {
            return Err(ReviewError::OtherKind);
        }
        envelope
            .request
            .filter(|request| !request.uid.is_empty())
            .ok_or(ReviewError::NoRequest)
    }

    /// The creation of a bare pod, as the API server would ask about it.
    pub fn of_pod(pod: Box<RawValue>, namespace: String) -> Self {
        Self {
            uid: "00000000-0000-0000-0000-000000000000".into(),
            kind: GroupKind {
                group: String::new(),
                kind: "Pod".into(),
            },
            sub_resource: None,
            operation: "CREATE".into(),
            name: None,
            namespace: Some(namespace),
            object: Some(pod),
        }
    }

    /// About how much memory its pod takes, read and patched, in bytes: told from the text, because reading it takes that memory.
    ///
    /// An object of one field is a hundred times as large as its text; a pod usually twenty times, and there are two of it.
    pub fn weight(&self) -> usize {
        /// A node of a B-tree, which has room for eleven fields.
        const OBJECT: usize = 640;
        /// What a further field or item adds.
        const ITEM: usize = 100;
        /// Half of what a string takes beside its bytes.
        const QUOTE: usize = 12;
        let text = self.object.as_ref().map_or("", |object| object.get());
        let parts = text.bytes().map(|byte| match byte {
            b'{' => OBJECT,
            b'[' | b',' => ITEM,
            b'"' => QUOTE,
            _ => 0,
        });
        2 * (text.len() + parts.sum::<usize>())
    }

    /// Why softstop has no business with this request; `None` for the creation of a pod.
    pub fn out_of_scope(&self) -> Option<&'static str> {
        if !self.kind.group.is_empty() || self.kind.kind != "Pod" {
            Some("not-a-pod")
        } else if self
            .sub_resource
            .as_deref()
            .is_some_and(|sub| !sub.is_empty())
        {
            Some("subresource")
        } else if self.operation != "CREATE" {
            Some("not-a-creation")
        } else {
            None
        }
    }
}

/// The answer to a [`Review`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The request's uid.
    pub uid: String,
    /// Why the pod is refused, if it is.
    pub denied: Option<String>,
    /// The JSON Patch (RFC 6902) as text, if there is something to change.
    pub patch: Option<String>,
    /// Shown to whoever created the pod.
    pub warnings: Vec<String>,
    /// Added to the API server's audit log.
    pub audit: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseEnvelope<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

/// The API server takes `patch` and `patchType` both or neither.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: &'a BTreeMap<&'static str, String>,
}

/// What the client of the API server gets to see of a refusal.
#[derive(Serialize)]
struct Status<'a> {
    code: u16,
    message: &'a str,
}

impl Answer {
    /// Allowed, nothing changed, nothing said.
    pub fn allowed(uid: &str) -> Self {
        Self {
            uid: uid.to_owned(),
            ..Self::default()
        }
    }

    /// The same with this patch.
    #[must_use]
    pub fn patched(self, patch: &[Op]) -> Self {
        let ops: Vec<_> = patch.iter().map(Op::to_json).collect();
        let patch = (!ops.is_empty()).then(|| serde_json::Value::Array(ops).to_string());
        Self { patch, ..self }
    }

    /// The whole `AdmissionReview`.
    pub fn to_json(&self) -> Vec<u8> {
        let patch = self.patch.as_ref().map(|patch| BASE64.encode(patch));
        let review = ResponseEnvelope {
            api_version: API_VERSION,
            kind: KIND,
            response: Response {
                uid: &self.uid,
                allowed: self.denied.is_none(),
                status: self
                    .denied
                    .as_deref()
                    .map(|message| Status { code: 403, message }),
                patch_type: patch.as_ref().map(|_| "JSONPatch"),
                patch,
                warnings: self
                    .warnings
                    .iter()
                    .map(|warning| one_line(warning))
                    .collect(),
                audit_annotations: &self.audit,
            },
        };
        // Only strings and maps of strings: there is nothing in it that could fail to serialise.
        serde_json::to_vec(&review).unwrap_or_default()
    }
}

/// The API server silently drops a warning that has a control character (measured on 1.37).
fn one_line(warning: &str) -> String {
    warning.replace(char::is_control, " ")
}
