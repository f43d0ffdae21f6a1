//! Label selectors, and the names that Kubernetes allows.

use std::collections::BTreeSet;

use softstop_core::{Requirement, Selector};

use super::field::Field;
use crate::manifest::Broken;

/// Reads a `metav1.LabelSelector`.
pub(super) fn selector(field: &Field<'_>) -> Result<Selector, Broken> {
    field.only(&["matchLabels", "matchExpressions"])?;
    let mut selector = Selector::default();
    if let Some(labels) = field.get("matchLabels") {
        for (key, value) in labels.entries("labels")? {
            label_key(&value, key)?;
            selector.labels.insert(key.to_owned(), label_value(&value)?);
        }
    }
    if let Some(expressions) = field.get("matchExpressions") {
        for expression in expressions.items("requirements")? {
            selector.requirements.push(requirement(&expression)?);
        }
    }
    Ok(selector)
}

fn requirement(field: &Field<'_>) -> Result<Requirement, Broken> {
    field.only(&["key", "operator", "values"])?;
    let key_field = field.required("key", "a label's key")?;
    let key = key_field.text()?.to_owned();
    label_key(&key_field, &key)?;
    let operator = field.required("operator", OPERATORS)?;
    let values = match field.get("values") {
        Some(values) => values
            .items("label values")?
            .iter()
            .map(label_value)
            .collect::<Result<BTreeSet<_>, _>>()?,
        None => BTreeSet::new(),
    };
    let (requirement, wants_values) = match operator.text()? {
        "In" => (Requirement::In(key, values.clone()), true),
        "NotIn" => (Requirement::NotIn(key, values.clone()), true),
        "Exists" => (Requirement::Exists(key), false),
        "DoesNotExist" => (Requirement::DoesNotExist(key), false),
        other => {
            return Err(operator.wrong(format!(
                "\"{other}\" is not accepted; accepted: {OPERATORS}"
            )));
        }
    };
    match (wants_values, values.is_empty()) {
        (true, true) => Err(field.wrong("In and NotIn need values")),
        (false, false) => Err(field.wrong("Exists and DoesNotExist take no values")),
        _ => Ok(requirement),
    }
}

const OPERATORS: &str = "In, NotIn, Exists, DoesNotExist";

fn label_key(field: &Field<'_>, key: &str) -> Result<(), Broken> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if prefix.is_none_or(is_subdomain) && !name.is_empty() && is_label_value(name) {
        Ok(())
    } else {
        Err(field.wrong(format!(
            "\"{key}\" is no key of a label (as in app.kubernetes.io/name), so nothing can match"
        )))
    }
}

fn label_value(field: &Field<'_>) -> Result<String, Broken> {
    let accepted =
        "values of labels: at most 63 letters, digits, -, _ and ., letters or digits at both ends";
    field.one_of(accepted, |text| {
        is_label_value(text).then(|| text.to_owned())
    })
}

fn is_label_value(text: &str) -> bool {
    let ends = |end: Option<char>| end.is_none_or(|end| end.is_ascii_alphanumeric());
    text.len() <= 63
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && ends(text.chars().next())
        && ends(text.chars().next_back())
}

/// RFC 1123.
pub(super) fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

pub(crate) fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 63
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}
