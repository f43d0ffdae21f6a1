//! The container's environment, as far as the pod tells.
//!
//! The kubelet builds it in this order (`makeEnvironmentVariables`): `envFrom`, service variables, `env` from top to
//! bottom, where a value may use `$(NAME)` of what came before it.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::expand::{Variable, expand};
use crate::pod::{ContainerView, PodView};

/// The environment of one container.
#[derive(Clone, Debug, Default)]
pub(crate) struct Env<'a> {
    vars: BTreeMap<&'a str, Var<'a>>,
    /// Prefixes of `envFrom` entries: any name behind them may be set.
    from: Vec<&'a str>,
    service_links: bool,
}

#[derive(Clone, Debug)]
enum Var<'a> {
    Value(Cow<'a, str>),
    /// Known at run time only, without shell meaning.
    Plain,
    Hidden,
}

impl<'a> Env<'a> {
    pub(crate) fn read(pod: PodView<'a>, container: ContainerView<'a>) -> Self {
        let mut env = Self {
            vars: BTreeMap::new(),
            from: container
                .list("envFrom")
                .map(|source| {
                    source
                        .get("prefix")
                        .and_then(Value::as_str)
                        .unwrap_or_default()
                })
                .collect(),
            service_links: pod.spec("enableServiceLinks").and_then(Value::as_bool) != Some(false),
        };
        for entry in container.list("env") {
            let Some(name) = entry.get("name").and_then(Value::as_str) else {
                continue;
            };
            let var = match entry.get("valueFrom").filter(|from| !from.is_null()) {
                Some(from) => Var::from_source(from),
                None => env.literal(
                    entry
                        .get("value")
                        .and_then(Value::as_str)
                        .unwrap_or_default(),
                ),
            };
            env.vars.insert(name, var);
        }
        env
    }

    fn literal(&self, raw: &'a str) -> Var<'a> {
        if !raw.contains('$') {
            return Var::Value(Cow::Borrowed(raw));
        }
        let plain = Cell::new(false);
        let expanded = expand(raw, |name| {
            let variable = self.lookup(name);
            plain.set(plain.get() || variable == Variable::Plain);
            variable
        });
        let plain = plain.get();
        match expanded.unreadable {
            Some(_) => Var::Hidden,
            // A part is known at run time only; around it stands text that may well have shell meaning.
            None if plain && !raw.bytes().all(is_plain_byte) => Var::Hidden,
            None if plain => Var::Plain,
            None => Var::Value(Cow::Owned(expanded.text)),
        }
    }

    /// What `$(NAME)` stands for in `command` and `args`.
    pub(crate) fn lookup(&self, name: &str) -> Variable<'_> {
        match self.vars.get(name) {
            Some(Var::Value(value)) => Variable::Value(value),
            Some(Var::Plain) => Variable::Plain,
            Some(Var::Hidden) => Variable::Hidden,
            None if self.may_come_from(name) => Variable::Hidden,
            None if self.is_service_variable(name) => Variable::Plain,
            None => Variable::Undeclared,
        }
    }

    /// The literal value of a variable of `env`.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        match self.vars.get(name)? {
            Var::Value(value) => Some(value),
            Var::Plain | Var::Hidden => None,
        }
    }

    /// `env` has it, or `envFrom` might.
    pub(crate) fn may_have(&self, name: &str) -> bool {
        self.vars.contains_key(name) || self.may_come_from(name)
    }

    /// Names that `env` has.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.vars.keys().copied()
    }

    fn may_come_from(&self, name: &str) -> bool {
        self.from.iter().any(|prefix| name.starts_with(prefix))
    }

    /// `FOO_SERVICE_HOST`, `FOO_PORT_80_TCP_ADDR` and their like; those of the API server are always there.
    fn is_service_variable(&self, name: &str) -> bool {
        let shape = |name: &str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
                && (name.ends_with("_SERVICE_HOST")
                    || name.contains("_SERVICE_PORT")
                    || name.contains("_PORT"))
        };
        shape(name) && (self.service_links || name.starts_with("KUBERNETES_"))
    }
}

impl Var<'_> {
    fn from_source(source: &Value) -> Self {
        let field = source
            .get("fieldRef")
            .and_then(|f| f.get("fieldPath"))
            .and_then(Value::as_str);
        match field {
            Some(path)
                if path.starts_with("metadata.labels")
                    || path.starts_with("metadata.annotations") =>
            {
                Self::Hidden
            }
            Some(_) => Self::Plain,
            None if source.get("resourceFieldRef").is_some() => Self::Plain,
            None => Self::Hidden,
        }
    }
}

/// Bytes that mean nothing to a shell, and those of `$(NAME)` itself.
fn is_plain_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"$()_-./:,@%+=".contains(&byte)
}
