//! The effective argv: what the kubelet will exec.
//!
//! `command` or the image's ENTRYPOINT, then `args` or, only if `command` is absent, the image's CMD. The kubelet
//! expands `$(VAR)` in the pod's words, not in the image's.

use std::cell::Cell;

use softstop_programs::signal::Signal;

use super::env::Env;
use crate::Context;
use crate::argv::Word;
use crate::expand::{Expanded, Unreadable, Variable, expand};
use crate::facts::Trust;
use crate::pod::ContainerView;

/// Where the first word comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The pod's `command`.
    Pod,
    /// The image's ENTRYPOINT or CMD, as the facts tell.
    Image(Trust),
    /// Neither: nobody knows.
    Unknown,
}

/// Where a word is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Command(usize),
    Args(usize),
    Entrypoint(usize),
    Cmd(usize),
}

impl Place {
    /// JSON pointer below the container; `None` for a word of the image.
    pub(crate) fn pointer(self) -> Option<String> {
        match self {
            Self::Command(index) => Some(format!("/command/{index}")),
            Self::Args(index) => Some(format!("/args/{index}")),
            Self::Entrypoint(_) | Self::Cmd(_) => None,
        }
    }
}

/// One word of the effective argv.
#[derive(Clone, Debug)]
pub(crate) struct Arg<'a> {
    pub(crate) raw: &'a str,
    pub(crate) place: Place,
    /// After the kubelet's expansion; the image's words are not expanded.
    pub(crate) expanded: Option<Expanded>,
}

impl Arg<'_> {
    pub(crate) fn text(&self) -> &str {
        self.expanded
            .as_ref()
            .map_or(self.raw, |expanded| &expanded.text)
    }

    pub(crate) fn unreadable(&self) -> Option<Unreadable> {
        self.expanded
            .as_ref()?
            .unreadable
            .as_ref()
            .map(|(why, _)| *why)
    }
}

/// The effective argv of a container.
#[derive(Clone, Debug)]
pub(crate) struct Argv<'a> {
    pub(crate) origin: Origin,
    pub(crate) args: Vec<Arg<'a>>,
    pub(crate) words: Vec<Word>,
    /// The image's STOPSIGNAL, where facts by digest tell it.
    pub(crate) stop_signal: Option<Signal>,
}

impl<'a> Argv<'a> {
    pub(crate) fn read(container: ContainerView<'a>, env: &Env<'_>, context: &Context<'a>) -> Self {
        let image = container
            .text("image")
            .and_then(|image| context.facts.get(image));
        let stop_signal = match image {
            Some((image, Trust::Digest)) => Some(image.stop_signal.unwrap_or(Signal::TERM)),
            _ => None,
        };
        let command = container.words("command");
        let args = container.words("args");
        let mut items: Vec<(&'a str, Place)> = Vec::new();
        let origin = match (&command, image) {
            (Some(_), _) => Origin::Pod,
            (None, Some((_, trust))) => Origin::Image(trust),
            (None, None) => Origin::Unknown,
        };
        if origin == Origin::Unknown {
            return Self {
                origin,
                args: Vec::new(),
                words: Vec::new(),
                stop_signal,
            };
        }
        match (command, image) {
            (Some(command), _) => {
                items.extend(
                    command
                        .into_iter()
                        .enumerate()
                        .map(|(i, word)| (word, Place::Command(i))),
                );
            }
            (None, Some((image, _))) => {
                items.extend(
                    image
                        .entrypoint
                        .iter()
                        .enumerate()
                        .map(|(i, w)| (w.as_str(), Place::Entrypoint(i))),
                );
            }
            (None, None) => {}
        }
        match (args, image) {
            (Some(args), _) => items.extend(
                args.into_iter()
                    .enumerate()
                    .map(|(i, w)| (w, Place::Args(i))),
            ),
            (None, Some((image, _))) if origin != Origin::Pod => {
                items.extend(
                    image
                        .cmd
                        .iter()
                        .enumerate()
                        .map(|(i, w)| (w.as_str(), Place::Cmd(i))),
                );
            }
            (None, _) => {}
        }
        let (args, words) = items
            .into_iter()
            .map(|(raw, place)| read_word(raw, place, env))
            .unzip();
        Self {
            origin,
            args,
            words,
            stop_signal,
        }
    }

    /// The argv is proven: it stands in the pod, or the facts are keyed by digest.
    pub(crate) fn is_proven(&self) -> bool {
        matches!(self.origin, Origin::Pod | Origin::Image(Trust::Digest))
    }
}

fn read_word<'a>(raw: &'a str, place: Place, env: &Env<'_>) -> (Arg<'a>, Word) {
    if matches!(place, Place::Entrypoint(_) | Place::Cmd(_)) {
        let word = Word {
            text: raw.to_owned(),
            known: true,
        };
        return (
            Arg {
                raw,
                place,
                expanded: None,
            },
            word,
        );
    }
    let certain = Cell::new(true);
    let expanded = expand(raw, |name| {
        let variable = env.lookup(name);
        certain.set(certain.get() && matches!(variable, Variable::Value(_) | Variable::Undeclared));
        variable
    });
    let known = certain.get() && expanded.unreadable.is_none();
    let word = Word {
        text: expanded.text.clone(),
        known,
    };
    (
        Arg {
            raw,
            place,
            expanded: Some(expanded),
        },
        word,
    )
}
