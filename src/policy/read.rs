//! From the nodes of a file to policies.

use std::collections::{BTreeMap, BTreeSet};

use softstop_core::{Bounds, Entrypoint, Mode, Policy, PreStop, Runtime, Setting, Violations};
use softstop_programs::signal::Signal;

use super::field::Field;
use super::selector::{is_label, is_subdomain, selector};
use crate::manifest::{Broken, File};

const API_VERSION: &str = "softstop.dev/v1alpha1";
const KIND: &str = "ShutdownPolicy";

/// Reads every policy of a file.
pub(super) fn policies(file: &File) -> Result<Vec<Policy>, Broken> {
    let mut found = BTreeMap::new();
    for document in file.documents() {
        document_of(&Field::root(file, &document?.root), &mut found)?;
    }
    Ok(found.into_values().collect())
}

fn document_of(root: &Field<'_>, found: &mut BTreeMap<String, Policy>) -> Result<(), Broken> {
    let kind = root.required("kind", "ShutdownPolicy or List")?;
    match kind.text()? {
        "List" | "ShutdownPolicyList" => {
            root.only(&["apiVersion", "kind", "metadata", "items"])?;
            let items = root.required("items", "a list of policies")?;
            items
                .items("policies")?
                .iter()
                .try_for_each(|item| document_of(item, found))
        }
        KIND => {
            let policy = policy(root)?;
            if found.contains_key(&policy.name) {
                let name = root.required("metadata", "")?.required("name", "")?;
                return Err(name.wrong(format!("there is another policy named {}", policy.name)));
            }
            found.insert(policy.name.clone(), policy);
            Ok(())
        }
        other => Err(kind.wrong(format!("{other} is none of {KIND}, List"))),
    }
}

fn policy(root: &Field<'_>) -> Result<Policy, Broken> {
    // `status` is what `kubectl get -o yaml` prints; it says nothing to us.
    root.only(&["apiVersion", "kind", "metadata", "spec", "status"])?;
    root.required("apiVersion", API_VERSION)?
        .one_of(API_VERSION, |version| {
            (version == API_VERSION).then_some(())
        })?;
    let metadata = root.required("metadata", "with the policy's name")?;
    if let Some(namespace) = metadata.get("namespace") {
        return Err(namespace.wrong("a policy is in no namespace; which namespaces it speaks for says spec.namespaceSelector"));
    }
    let name = metadata
        .required("name", "the policy's name")?
        .one_of("a DNS subdomain, as in web.team-a", |name| {
            is_subdomain(name).then(|| name.to_owned())
        })?;

    let spec = root.required("spec", "with at least the mode")?;
    spec.only(&[
        "mode",
        "priority",
        "namespaceSelector",
        "podSelector",
        "entrypoint",
        "drainDelay",
        "drainTime",
        "gracePeriod",
        "preStop",
        "stopSignal",
        "runtime",
        "writable",
        "trustSourcedFiles",
        "bounds",
        "locked",
        "violations",
    ])?;
    let bounds = optional(&spec, "bounds", bounds)?.unwrap_or_default();
    let policy = Policy {
        name,
        priority: optional(&spec, "priority", Field::integer)?.unwrap_or(0),
        namespaces: optional(&spec, "namespaceSelector", selector)?.unwrap_or_default(),
        pods: optional(&spec, "podSelector", selector)?.unwrap_or_default(),
        mode: spec
            .required("mode", "enforce, audit or \"off\"")?
            .one_of("enforce, audit, \"off\"", Mode::parse)?,
        locked: optional(&spec, "locked", locked)?.unwrap_or_default(),
        bounds,
        violations: optional(&spec, "violations", violations)?.unwrap_or_default(),
        entrypoint: optional(&spec, "entrypoint", entrypoint)?.unwrap_or(Entrypoint::Exec),
        drain_delay: optional(&spec, "drainDelay", Field::seconds)?,
        drain_time: optional(&spec, "drainTime", Field::seconds)?,
        grace_period: optional(&spec, "gracePeriod", Field::seconds)?,
        pre_stop: optional(&spec, "preStop", pre_stop)?,
        stop_signal: optional(&spec, "stopSignal", stop_signal)?,
        runtime: optional(&spec, "runtime", runtime)?,
        writable: optional(&spec, "writable", writable)?.unwrap_or_default(),
        trust_sourced_files: optional(&spec, "trustSourcedFiles", Field::boolean)?,
    };
    agrees(&spec, "gracePeriod", policy.grace_period, bounds.grace_max)?;
    agrees(
        &spec,
        "drainDelay",
        policy.drain_delay,
        bounds.drain_delay_max,
    )?;
    Ok(policy)
}

/// A policy for the pods of one that cannot be read, if it can be told which they are: it leaves them alone, whatever
/// they say themselves, since the policy may have locked that.
pub(super) fn stand_in(file: &File) -> Option<Policy> {
    let document = file.documents().next()?.ok()?;
    let root = Field::root(file, &document.root);
    let spec = root.get("spec")?;
    let name = root.get("metadata")?.get("name")?.text().ok()?;
    Some(Policy {
        priority: optional(&spec, "priority", Field::integer)
            .ok()?
            .unwrap_or(0),
        namespaces: optional(&spec, "namespaceSelector", selector)
            .ok()?
            .unwrap_or_default(),
        pods: optional(&spec, "podSelector", selector)
            .ok()?
            .unwrap_or_default(),
        locked: [Setting::Mode].into(),
        ..Policy::new(name, Mode::Off, Entrypoint::Off)
    })
}

fn optional<'n, T>(
    parent: &Field<'n>,
    name: &str,
    read: impl FnOnce(&Field<'n>) -> Result<T, Broken>,
) -> Result<Option<T>, Broken> {
    parent.get(name).map(|field| read(&field)).transpose()
}

/// A default beyond the policy's own bound would never be what happens.
fn agrees(
    spec: &Field<'_>,
    name: &str,
    value: Option<u32>,
    max: Option<u32>,
) -> Result<(), Broken> {
    match (value, max) {
        (Some(value), Some(max)) if value > max => {
            let message =
                format!("{value} s is more than the policy's own spec.bounds.{name}.max, {max} s");
            Err(spec.required(name, "")?.wrong(message))
        }
        _ => Ok(()),
    }
}

fn bounds(field: &Field<'_>) -> Result<Bounds, Broken> {
    field.only(&["gracePeriod", "drainDelay"])?;
    let mut bounds = Bounds::default();
    if let Some(grace) = field.get("gracePeriod") {
        grace.only(&["min", "max"])?;
        bounds.grace_min = optional(&grace, "min", Field::seconds)?;
        bounds.grace_max = optional(&grace, "max", Field::seconds)?;
        if let (Some(min), Some(max)) = (bounds.grace_min, bounds.grace_max)
            && min > max
        {
            return Err(grace.wrong(format!("min, {min} s, is more than max, {max} s")));
        }
    }
    if let Some(delay) = field.get("drainDelay") {
        delay.only(&["max"])?;
        bounds.drain_delay_max = optional(&delay, "max", Field::seconds)?;
    }
    Ok(bounds)
}

fn locked(field: &Field<'_>) -> Result<BTreeSet<Setting>, Broken> {
    let accepted = Setting::ALL.map(field_name).join(", ");
    let setting = |text: &str| {
        Setting::ALL
            .into_iter()
            .find(|setting| field_name(*setting) == text)
    };
    field
        .items("settings")?
        .iter()
        .map(|item| item.one_of(&accepted, setting))
        .collect()
}

/// The field of a policy for a setting: `drainDelay` for the annotation `drain-delay`.
const fn field_name(setting: Setting) -> &'static str {
    match setting {
        Setting::Mode => "mode",
        Setting::Entrypoint => "entrypoint",
        Setting::DrainDelay => "drainDelay",
        Setting::DrainTime => "drainTime",
        Setting::GracePeriod => "gracePeriod",
        Setting::PreStop => "preStop",
        Setting::StopSignal => "stopSignal",
        Setting::Runtime => "runtime",
        Setting::Writable => "writable",
        Setting::TrustSourcedFiles => "trustSourcedFiles",
    }
}

fn violations(field: &Field<'_>) -> Result<Violations, Broken> {
    field.one_of("Allow, Warn, Deny", |text| match text {
        "Allow" => Some(Violations::Allow),
        "Warn" => Some(Violations::Warn),
        "Deny" => Some(Violations::Deny),
        _ => None,
    })
}

fn entrypoint(field: &Field<'_>) -> Result<Entrypoint, Broken> {
    field.one_of("auto, exec, init, hook, \"off\"", Entrypoint::parse)
}

fn stop_signal(field: &Field<'_>) -> Result<Signal, Broken> {
    let text = field.text_or_integer()?;
    softstop_core::stop_signal(&text).map_err(|accepted| {
        field.wrong(format!("\"{text}\" is not accepted; accepted: {accepted}"))
    })
}

fn runtime(field: &Field<'_>) -> Result<Runtime, Broken> {
    let text = field.text()?;
    Runtime::parse(text).map_err(|accepted| {
        field.wrong(format!("\"{text}\" is not accepted; accepted: {accepted}"))
    })
}

fn writable(field: &Field<'_>) -> Result<Vec<String>, Broken> {
    let path = |item: &Field<'_>| {
        let text = item.text()?;
        softstop_core::writable_path(text).map_err(|accepted| {
            item.wrong(format!("\"{text}\" is not accepted; accepted: {accepted}"))
        })
    };
    field.items("directories")?.iter().map(path).collect()
}

fn pre_stop(field: &Field<'_>) -> Result<PreStop, Broken> {
    field.only(&["exec", "httpGet"])?;
    match (field.get("exec"), field.get("httpGet")) {
        (Some(exec), None) => {
            exec.only(&["command"])?;
            let command = exec.required("command", "the argv, as in [nginx, -s, quit]")?;
            let argv = command
                .items("words")?
                .iter()
                .map(|word| word.text().map(str::to_owned))
                .collect::<Result<Vec<_>, _>>()?;
            if argv.is_empty() {
                return Err(command
                    .wrong("it is empty; the argv is expected here, as in [nginx, -s, quit]"));
            }
            Ok(PreStop::Exec(argv))
        }
        (None, Some(get)) => {
            get.only(&["port", "path"])?;
            let port = get.required("port", "number or name of a container port")?;
            let path = get.get("path");
            let path = path.map(|path| {
                path.one_of("what begins with /", |text| {
                    text.starts_with('/').then(|| text.to_owned())
                })
            });
            Ok(PreStop::HttpGet {
                port: self::port(&port)?,
                path: path.transpose()?.unwrap_or_else(|| "/".to_owned()),
            })
        }
        _ => Err(field.wrong("one of exec and httpGet is expected here")),
    }
}

/// A port number, or a name as Kubernetes allows it.
fn port(field: &Field<'_>) -> Result<String, Broken> {
    let text = field.text_or_integer()?;
    let sound = match text.parse::<u64>() {
        Ok(number) => (1..=65535).contains(&number),
        Err(_) => {
            text.len() <= 15
                && is_label(&text)
                && text.bytes().any(|byte| byte.is_ascii_lowercase())
        }
    };
    if sound {
        Ok(text)
    } else {
        Err(field.wrong(format!(
            "\"{text}\" is no port: neither 1 to 65535 nor a port's name"
        )))
    }
}
