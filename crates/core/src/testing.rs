//! Helpers of the engine's own tests.

use serde_json::Value;

use crate::{
    Capabilities, Context, Delivery, ImageFacts, Injection, Namespace, Plan, Policies, plan,
};

/// What a test's pod is planned with.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) namespace: Namespace,
    pub(crate) policies: Policies,
    pub(crate) facts: ImageFacts,
    pub(crate) capabilities: Capabilities,
}

/// Plans a pod as one that is opted in.
pub(crate) fn plan_with(pod: &Value, world: &World) -> Plan {
    let World {
        namespace,
        policies,
        facts,
        capabilities,
    } = world;
    plan(
        pod,
        &Context {
            namespace,
            policies,
            facts,
            capabilities,
            assume_opted_in: true,
        },
    )
}

/// The pod with the plan's patch applied, after the guard has looked at it.
pub(crate) fn apply(pod: &Value, plan: &Plan) -> Value {
    let ops = plan.would_patch(pod).expect("no doubt");
    let ops = Value::Array(ops.iter().map(crate::Op::to_json).collect());
    let patch: json_patch::Patch = serde_json::from_value(ops).expect("RFC 6902");
    let mut pod = pod.clone();
    json_patch::patch(&mut pod, &patch).expect("applies");
    pod
}

/// An installation that brings softstop-init in by an init container.
pub(crate) fn injection() -> Capabilities {
    Capabilities {
        injection: Some(Injection {
            image: "example/softstop:1".into(),
            delivery: Delivery::EmptyDir,
            cpu: "10m".into(),
            memory: "16Mi".into(),
        }),
    }
}
