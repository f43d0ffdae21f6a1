//! What the API server itself refuses of a policy, with a sentence that says why: CEL rules in the schema.
//!
//! They repeat what the strict reader knows, so that a mistake is seen at `kubectl apply`. What needs knowledge that
//! grows with softstop (the names of the profiles) is left to the reader, which answers in the policy's status: a
//! definition may be older than the softstop that runs.
//!
//! Lists and strings have bounds, because the API server refuses rules whose cost it cannot estimate.

use kube::CustomResourceExt as _;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::types::ShutdownPolicy;

/// The most items of a list, and labels of a selector.
pub(super) const MOST: usize = 64;

const DURATION: &str = "^([0-9]{1,8}|([0-9]{1,8}h)?([0-9]{1,8}m)?([0-9]{1,8}s)?)$";
const LABEL_KEY: &str =
    "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$";
const LABEL_VALUE: &str = "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$";
const LABEL_KEYS_ARE: &str = "the key of a label is expected, as in app.kubernetes.io/name";
const LABEL_VALUES_ARE: &str = "values of labels are at most 63 letters, digits, -, _ and ., with letters or digits at both ends";

/// The definition of the custom resource.
pub fn crd() -> Value {
    let mut crd = serde_json::to_value(ShutdownPolicy::crd()).unwrap_or_default();
    without_null(&mut crd["spec"]["versions"][0]["schema"]);
    crd
}

/// The API server drops a null from a field that is not nullable, and the reader takes it for an absent field too. In
/// a nullable field CEL would see it as a value.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.remove("nullable");
            if let Some(Value::Array(values)) = fields.get_mut("enum") {
                values.retain(|value| !value.is_null());
            }
            fields.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

fn rule(rule: impl Into<String>, message: &str) -> Value {
    json!({"rule": rule.into(), "message": message})
}

/// The same, reported at a field of what the rule is about.
fn rule_at(path: &str, rule: &str, message: &str) -> Value {
    json!({"rule": rule, "message": message, "fieldPath": path})
}

/// CEL: whether `x`, a number or a string, is a duration.
fn is_duration(x: &str) -> String {
    format!(
        "(type({x}) == int ? {x} >= 0 && {x} <= 86400 : {x} != '' && {x}.matches('{DURATION}') && {} <= 86400)",
        seconds(x)
    )
}

/// CEL: the seconds of a duration.
fn seconds(x: &str) -> String {
    format!(
        "(type({x}) == int ? {x} : {x}.matches('^[0-9]+$') ? int({x}) : duration({x}).getSeconds())"
    )
}

/// CEL: `a` is at most `b`, where both are there and are durations. What is none has been told already.
fn at_most(a: &str, b: &str, both_there: &str) -> String {
    format!(
        "!({both_there}) || !({} && {}) || {} <= {}",
        is_duration(a),
        is_duration(b),
        seconds(a),
        seconds(b)
    )
}

pub(super) fn spec() -> Value {
    let within = |field: &str| {
        let default = format!("self.{field}");
        let bound = format!("self.bounds.{field}.max");
        let both = format!(
            "has({default}) && has(self.bounds) && has(self.bounds.{field}) && has({bound})"
        );
        rule_at(
            &format!(".{field}"),
            &at_most(&default, &bound, &both),
            &format!("{field} is more than the policy's own bounds.{field}.max"),
        )
    };
    json!([within("gracePeriod"), within("drainDelay")])
}

pub(super) fn grace_bounds() -> Value {
    let both = "has(self.min) && has(self.max)";
    json!([rule(
        at_most("self.min", "self.max", both),
        "min is more than max"
    )])
}

pub(super) fn pre_stop() -> Value {
    json!([rule(
        "has(self.exec) != has(self.httpGet)",
        "exactly one of exec and httpGet is expected"
    )])
}

pub(super) fn requirement() -> Value {
    json!([rule(
        "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
        "In and NotIn need values; Exists and DoesNotExist take none"
    )])
}

pub(super) fn duration(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "x-kubernetes-int-or-string": true,
        "maxLength": 16,
        "x-kubernetes-validations": [rule(
            is_duration("self"),
            "a duration is expected: seconds, or as in 90s, 2m or 1m30s, from 0 to 24h"
        )],
    })
}

pub(super) fn signal(_: &mut SchemaGenerator) -> Schema {
    // By name as signal(7) has them, with or without SIG and in any case, or by number.
    let names = "HUP|INT|QUIT|ILL|TRAP|ABRT|BUS|FPE|USR1|SEGV|USR2|PIPE|ALRM|TERM|STKFLT|CHLD|CONT|TSTP|TTIN|TTOU|URG|\
                 XCPU|XFSZ|VTALRM|PROF|WINCH|IO|PWR|SYS|RTMIN([+][0-9]{1,2})?|RTMAX(-[0-9]{1,2})?";
    json_schema!({
        "type": "string",
        "maxLength": 16,
        "x-kubernetes-validations": [rule(
            format!("self.matches('^(?i)((SIG)?({names})|[1-9]|[1-5][0-9]|6[0-4])$') && !(self in ['9', '19'])"),
            "a signal that a program can catch is expected, such as SIGTERM, SIGQUIT or SIGINT"
        )],
    })
}

pub(super) fn runtime(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "maxLength": 63,
        "x-kubernetes-validations": [rule(
            "self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",
            "auto, none or the name of a profile is expected, as in gunicorn"
        )],
    })
}

pub(super) fn writable(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": MOST,
        "items": {
            "type": "string",
            "maxLength": 256,
            "x-kubernetes-validations": [rule(
                "self.matches('^(/[^/:[:cntrl:]]+)+/?$') && !self.matches('/[.][.]?(/|$)')",
                "an absolute path other than / is expected, without : and .., as in /run"
            )],
        },
    })
}

pub(super) fn argv(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "items": {"type": "string"},
        "x-kubernetes-validations": [rule(
            "size(self) > 0",
            "the argv is expected, as in [nginx, -s, quit]"
        )],
    })
}

pub(super) fn port(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "x-kubernetes-int-or-string": true,
        "maxLength": 15,
        "x-kubernetes-validations": [rule(
            "type(self) == int ? self >= 1 && self <= 65535 : self.matches('^[1-9][0-9]{0,4}$') ? int(self) <= 65535 : \
             self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$') && self.matches('[a-z]') && !self.contains('--')",
            "a port is expected: 1 to 65535, or the name of a container port"
        )],
    })
}

pub(super) fn path(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "maxLength": 1024,
        "x-kubernetes-validations": [rule("self.startsWith('/')", "a path begins with /")],
    })
}

pub(super) fn labels(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": MOST,
        "additionalProperties": {"type": "string", "maxLength": 63},
        "x-kubernetes-validations": [
            rule(format!("self.all(key, key.matches('{LABEL_KEY}'))"), LABEL_KEYS_ARE),
            rule(format!("self.all(key, self[key].matches('{LABEL_VALUE}'))"), LABEL_VALUES_ARE),
        ],
    })
}

pub(super) fn label_key(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "maxLength": 317,
        "x-kubernetes-validations": [rule(format!("self.matches('{LABEL_KEY}')"), LABEL_KEYS_ARE)],
    })
}

pub(super) fn label_values(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": MOST,
        "items": {"type": "string", "maxLength": 63},
        "x-kubernetes-validations": [rule(
            format!("self.all(value, value.matches('{LABEL_VALUE}'))"),
            LABEL_VALUES_ARE
        )],
    })
}
