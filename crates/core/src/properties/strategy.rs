//! What the properties are tried on: pods, the world around them, and JSON that is no pod.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::{Map, Value, json};
use softstop_programs::signal::Signal;

use crate::testing::{World, injection};
use crate::{
    Bounds, Capabilities, Delivery, Entrypoint, Image, ImageFacts, Injection, Mode, Namespace,
    Policies, Policy, PreStop, Selector, Setting, Violations,
};

/// The pods that are tried on a real API server, too.
#[path = "../../../../tests/cluster/generated/pods.rs"]
mod pods;

/// The image of every generated container, by tag and by digest.
const IMAGES: [&str; 2] = [
    "registry.example.com/app:1",
    "registry.example.com/app@sha256:aa",
];

/// Fields the engine reads and writes, in every place where one may be.
const LISTS: &[&str] = &["env", "volumeMounts", "args", "ports"];

/// A pod as it may reach the webhook: an acceptable one, with nulls, empty lists and fields of a newer API.
pub(super) fn pod() -> impl Strategy<Value = Value> {
    let grace = select(vec![
        None,
        None,
        Some(json!(null)),
        Some(json!(0)),
        Some(json!(1)),
        Some(json!(u32::MAX)),
        Some(json!(i64::MAX)),
        Some(json!(-3)),
    ]);
    (pods::pod(), grace, vec(any::<(Index, u8)>(), 0..4)).prop_map(|(mut pod, grace, twists)| {
        if let Some(grace) = grace {
            pod["spec"]["terminationGracePeriodSeconds"] = grace;
        }
        for (index, twist) in twists {
            twist_pod(&mut pod, index, twist);
        }
        pod
    })
}

/// Ways to write a pod that change nothing, or nothing softstop knows.
fn twist_pod(pod: &mut Value, index: Index, twist: u8) {
    match twist % 6 {
        0 if pod["metadata"].get("annotations").is_none() => {
            pod["metadata"]["annotations"] = Value::Null;
        }
        1 => {
            if let Some(pod) = pod.as_object_mut() {
                pod.remove("metadata");
            }
        }
        2 => pod["spec"]["newerField"] = json!({"deep": [1, {"a": null}]}),
        3 => pod["spec"]["initContainers"] = Value::Null,
        _ => {
            let containers = pod["spec"]["containers"].as_array_mut();
            let Some(containers) = containers.filter(|list| !list.is_empty()) else {
                return;
            };
            let at = index.index(containers.len());
            let container = &mut containers[at];
            match twist / 6 % 6 {
                4 => container["image"] = IMAGES[1].into(),
                0 => container["newerField"] = json!([{"x": 1}]),
                1 if container.get("lifecycle").is_none() => container["lifecycle"] = Value::Null,
                2 if container.get("lifecycle").is_none() => {
                    container["lifecycle"] = json!({"preStop": null, "stopSignal": null});
                }
                3 => {
                    for list in LISTS {
                        if container.get(list).is_none() {
                            container[*list] = Value::Null;
                        }
                    }
                }
                _ => {
                    for list in LISTS {
                        if container.get(list).is_none() {
                            container[*list] = json!([]);
                        }
                    }
                }
            }
        }
    }
}

/// A pod of which one part is replaced by something else.
pub(super) fn broken_pod() -> impl Strategy<Value = Value> {
    (pod(), any::<Index>(), json_value()).prop_map(|(mut pod, index, value)| {
        let mut places = Vec::new();
        pointers(&pod, String::new(), &mut places);
        let place = index.get(&places);
        if let Some(part) = pod.pointer_mut(place) {
            *part = value;
        }
        pod
    })
}

fn pointers(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                pointers(field, format!("{at}/{}", crate::pod::token(key)), places);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, format!("{at}/{index}"), places);
            }
        }
        _ => {}
    }
    places.push(at);
}

/// Any JSON, with the names of a pod's fields.
pub(super) fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        select(vec!["sh", "-c", "exec app", "off", "sleep 5", "Always"]).prop_map(Value::from),
    ];
    #[rustfmt::skip]
    let names = select(vec![
        "metadata", "annotations", "labels", "ownerReferences", "spec", "containers", "initContainers", "volumes",
        "name", "image", "command", "args", "env", "value", "lifecycle", "preStop", "sleep", "seconds", "exec",
        "terminationGracePeriodSeconds", "readinessProbe", "livenessProbe", "httpGet", "ports", "containerPort",
        "volumeMounts", "mountPath", "securityContext", "softstop.dev/mode", "softstop.dev/drain-delay",
    ]);
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((names.clone(), inner), 0..6).prop_map(|fields| {
                let fields = fields
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value));
                Value::Object(fields.collect::<Map<_, _>>())
            }),
        ]
    })
}

/// Policy, namespace, image facts and installation.
pub(super) fn world() -> impl Strategy<Value = World> {
    (
        option::weighted(0.5, policy()),
        namespace(),
        option::weighted(0.3, image()),
        capabilities(),
    )
        .prop_map(|(policy, namespace, image, capabilities)| {
            let mut facts = ImageFacts::default();
            if let Some(image) = image {
                for reference in IMAGES {
                    facts.insert(reference, image.clone());
                }
            }
            World {
                namespace,
                policies: Policies::new(policy),
                facts,
                capabilities,
            }
        })
}

fn policy() -> impl Strategy<Value = Policy> {
    let seconds = || option::of(select(vec![0, 1, 3, 5, 30, 60, 600, u32::MAX]));
    let bounds =
        (seconds(), seconds(), seconds()).prop_map(|(grace_min, grace_max, delay)| Bounds {
            grace_min,
            grace_max,
            drain_delay_max: delay,
        });
    let hooks = vec![
        PreStop::Exec(vec!["/bin/drain".into()]),
        PreStop::HttpGet {
            port: "8080".into(),
            path: "/drain".into(),
        },
    ];
    let defaults = (
        seconds(),
        seconds(),
        seconds(),
        option::weighted(0.2, select(hooks)),
        option::weighted(0.2, Just(Signal::QUIT)),
        option::weighted(0.2, Just("/run".to_owned())),
        option::of(any::<bool>()),
    );
    (
        select(vec![Mode::Enforce, Mode::Enforce, Mode::Audit, Mode::Off]),
        select(vec![
            Entrypoint::Auto,
            Entrypoint::Exec,
            Entrypoint::Init,
            Entrypoint::Hook,
            Entrypoint::Off,
        ]),
        subsequence(Setting::ALL.to_vec(), 0..=Setting::ALL.len()),
        bounds,
        defaults,
    )
        .prop_map(|(mode, entrypoint, locked, bounds, defaults)| {
            let (drain_delay, drain_time, grace_period, pre_stop, stop_signal, writable, trust) =
                defaults;
            Policy {
                name: "all".into(),
                priority: 0,
                namespaces: Selector::default(),
                pods: Selector::default(),
                mode,
                locked: locked.into_iter().collect::<BTreeSet<_>>(),
                bounds,
                violations: Violations::Allow,
                entrypoint,
                drain_delay,
                drain_time,
                grace_period,
                pre_stop,
                stop_signal,
                runtime: None,
                writable: writable.into_iter().collect(),
                trust_sourced_files: trust,
            }
        })
}

fn namespace() -> impl Strategy<Value = Namespace> {
    let mode = select(vec![
        None,
        None,
        Some("enforce"),
        Some("audit"),
        Some("off"),
        Some("on"),
    ]);
    let other = option::weighted(
        0.2,
        select(vec![
            ("softstop.dev/drain-delay", "7"),
            ("softstop.dev/drain-time", "1h"),
            ("softstop.dev/entrypoint", "sideways"),
        ]),
    );
    (mode, other).prop_map(|(mode, other)| {
        let map = |pair: Option<(&str, &str)>| -> BTreeMap<String, String> {
            pair.map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into_iter()
                .collect()
        };
        Namespace {
            name: "shop".into(),
            labels: map(mode.map(|mode| ("softstop.dev/mode", mode))),
            annotations: map(other),
        }
    })
}

fn image() -> impl Strategy<Value = Image> {
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let argv = select(vec![
        (words(&["/bin/sh", "-c", "gunicorn $APP"]), words(&[])),
        (words(&["/entrypoint.sh"]), words(&["nginx"])),
        (words(&[]), words(&["sh", "-c", "app"])),
        (words(&[]), words(&[])),
    ]);
    (argv, option::of(Just(Signal::QUIT))).prop_map(|((entrypoint, cmd), stop_signal)| Image {
        entrypoint,
        cmd,
        stop_signal,
        user: None,
    })
}

fn capabilities() -> impl Strategy<Value = Capabilities> {
    let by_image = injection().injection.map(|injection| Injection {
        delivery: Delivery::ImageVolume,
        ..injection
    });
    select(vec![
        Capabilities::default(),
        injection(),
        Capabilities {
            injection: by_image,
        },
    ])
}
