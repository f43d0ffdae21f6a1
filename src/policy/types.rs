//! The custom resource as the API server knows it: the source of its schema (`softstop crd`).

#![allow(
    clippy::duplicated_attributes,
    reason = "each column of `kubectl get` has a type"
)]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;

/// How the pods of a cluster are made to stop gracefully. Of all policies that match a pod one wins as a whole: the
/// one with the highest priority, then the one whose name sorts first.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "softstop.dev",
    version = "v1alpha1",
    kind = "ShutdownPolicy",
    plural = "shutdownpolicies",
    doc = "How the pods of a cluster are made to stop gracefully.",
    shortname = "sdp",
    category = "softstop",
    derive = "PartialEq",
    status = "ShutdownPolicyStatus",
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"),
    printcolumn(name = "Priority", type_ = "integer", json_path = ".spec.priority"),
    printcolumn(name = "Violations", type_ = "string", json_path = ".spec.violations"),
    printcolumn(
        name = "Accepted",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Accepted")].status"#
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = schema::spec()))]
pub struct ShutdownPolicySpec {
    /// What is done with the pods: `enforce` changes them, `audit` only says what would change, `off` leaves them alone.
    pub mode: Mode,

    /// Higher wins; 0 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,

    /// Namespaces it speaks for, by their labels; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,

    /// Pods it speaks for, by their labels; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_selector: Option<LabelSelector>,

    /// What may be done about entrypoints; `exec` if absent: scripts are edited, nothing is injected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Entrypoint>,

    /// Time between a pod being marked for deletion and the signal that drains it: seconds, or `5s`, `2m`, `1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration")]
    pub drain_delay: Option<IntOrString>,

    /// Time that programs may need after that signal: seconds, or `5s`, `2m`, `1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration")]
    pub drain_time: Option<IntOrString>,

    /// The least `terminationGracePeriodSeconds`: seconds, or `5s`, `2m`, `1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration")]
    pub grace_period: Option<IntOrString>,

    /// A preStop hook for containers that have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_stop: Option<PreStopHook>,

    /// The signal that drains the programs, as in `SIGQUIT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::signal")]
    pub stop_signal: Option<String>,

    /// The profile of the programs; `auto` (the default) detects it, `none` uses none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::runtime")]
    pub runtime: Option<String>,

    /// Directories in which an emptyDir in memory is mounted, for containers whose root file system is read-only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::writable")]
    pub writable: Vec<String>,

    /// Whether the files that start scripts source are taken for harmless: they define no function or alias of the
    /// program's name, set no trap and start nothing. softstop cannot see them; `false` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_sourced_files: Option<bool>,

    /// Limits that no annotation can pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Bounds>,

    /// What annotations may not override, by the names of the fields here, as in `entrypoint` or `drainDelay`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub locked: Vec<Setting>,

    /// What the validating registration answers for a pod that does not stop gracefully; `Allow` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub violations: Option<Violations>,
}

/// What softstop makes of the policy.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShutdownPolicyStatus {
    /// `Accepted`: whether it is in force. `Conflicting`: whether another policy takes pods from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// A label selector: every part must match; an empty one matches everything.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// Labels that must be there with these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::labels")]
    pub match_labels: BTreeMap<String, String>,
    /// Requirements that must all hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = schema::MOST))]
    pub match_expressions: Vec<Requirement>,
}

/// What must hold of a label.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[schemars(extend("x-kubernetes-validations" = schema::requirement()))]
pub struct Requirement {
    /// The label's key.
    #[schemars(schema_with = "schema::label_key")]
    pub key: String,
    /// How the label relates to the values.
    pub operator: Operator,
    /// At least one for `In` and `NotIn`, none for the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::label_values")]
    pub values: Vec<String>,
}

/// How a label relates to values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the Kubernetes operators, by name")]
pub enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

/// What is done with pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "described where it is used")]
pub enum Mode {
    Enforce,
    Audit,
    #[default]
    Off,
}

/// What may be done about entrypoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "described where it is used")]
pub enum Entrypoint {
    Auto,
    Exec,
    Init,
    Hook,
    Off,
}

/// The settings that annotations can override.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "described where it is used")]
pub enum Setting {
    Mode,
    Entrypoint,
    DrainDelay,
    DrainTime,
    GracePeriod,
    PreStop,
    StopSignal,
    Runtime,
    Writable,
    TrustSourcedFiles,
}

/// Answers of the validating registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "described where it is used")]
pub enum Violations {
    Allow,
    Warn,
    Deny,
}

/// A preStop hook: one of the two, as in a container's `lifecycle.preStop`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = schema::pre_stop()))]
pub struct PreStopHook {
    /// Run a program in the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec: Option<Exec>,
    /// Send a request to the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_get: Option<HttpGet>,
}

/// A program to run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Exec {
    /// Its argv; no shell is involved.
    #[schemars(schema_with = "schema::argv")]
    pub command: Vec<String>,
}

/// A request to send.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct HttpGet {
    /// Number or name of a container port.
    #[schemars(schema_with = "schema::port")]
    pub port: IntOrString,
    /// Begins with `/`; `/` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::path")]
    pub path: Option<String>,
}

/// Limits.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bounds {
    /// For `terminationGracePeriodSeconds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_period: Option<GraceBounds>,
    /// For the drain delay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain_delay: Option<DelayBounds>,
}

/// Limits of the grace period.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[schemars(extend("x-kubernetes-validations" = schema::grace_bounds()))]
pub struct GraceBounds {
    /// It is raised to at least this: seconds, or `5s`, `2m`, `1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration")]
    pub min: Option<IntOrString>,
    /// It is never raised above this: seconds, or `5s`, `2m`, `1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration")]
    pub max: Option<IntOrString>,
}

/// Limits of the drain delay.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct DelayBounds {
    /// It is never longer: seconds, or `5s`, `2m`, `1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::duration")]
    pub max: Option<IntOrString>,
}
