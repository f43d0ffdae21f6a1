//! Signals by name and number (Linux, x86-64 and aarch64 numbering).

use core::fmt;

/// A signal number, 1 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(u8);

/// Names of 1 to 31, in order, without `SIG`.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// The kernel's first real-time signal that glibc leaves to programs.
const RTMIN: u8 = 34;
const MAX: u8 = 64;

#[allow(missing_docs, reason = "the names say it")]
impl Signal {
    pub const HUP: Self = Self(1);
    pub const INT: Self = Self(2);
    pub const QUIT: Self = Self(3);
    pub const KILL: Self = Self(9);
    pub const USR1: Self = Self(10);
    pub const USR2: Self = Self(12);
    pub const TERM: Self = Self(15);
    pub const WINCH: Self = Self(28);
}

impl Signal {
    /// The signal of that number; `None` outside 1 to 64.
    pub const fn from_number(number: u8) -> Option<Self> {
        if number >= 1 && number <= MAX {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The number, as `kill(2)` takes it.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Reads `SIGQUIT`, `QUIT`, `quit`, `3`, `SIGRTMIN`, `SIGRTMIN+3` or `SIGRTMAX-1`, the forms an image's
    /// `STOPSIGNAL` and `lifecycle.stopSignal` use.
    ///
    /// ```
    /// use softstop_programs::signal::Signal;
    /// assert_eq!(Signal::parse("SIGQUIT"), Some(Signal::QUIT));
    /// assert_eq!(Signal::parse("3"), Some(Signal::QUIT));
    /// assert_eq!(Signal::parse("SIGRTMIN+3").map(Signal::number), Some(37));
    /// assert_eq!(Signal::parse("SIGFOO"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        if !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit()) {
            return text.parse().ok().and_then(Self::from_number);
        }
        let name = match text.get(..3) {
            Some(sig) if sig.eq_ignore_ascii_case("SIG") => text.get(3..)?,
            _ => text,
        };
        if let Some(index) = NAMES.iter().position(|n| n.eq_ignore_ascii_case(name)) {
            return u8::try_from(index + 1).ok().and_then(Self::from_number);
        }
        let head = name.get(..5)?;
        let tail = name.get(5..)?;
        let offset = |sign: char| -> Option<u8> {
            if tail.is_empty() {
                return Some(0);
            }
            let digits = tail.strip_prefix(sign)?;
            (digits.len() <= 2 && digits.bytes().all(|b| b.is_ascii_digit()))
                .then(|| digits.parse().ok())
                .flatten()
        };
        let number = if head.eq_ignore_ascii_case("RTMIN") {
            RTMIN.checked_add(offset('+')?)?
        } else if head.eq_ignore_ascii_case("RTMAX") {
            MAX.checked_sub(offset('-')?)?
        } else {
            return None;
        };
        (RTMIN..=MAX).contains(&number).then_some(Self(number))
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.get(usize::from(self.0) - 1) {
            Some(name) => write!(f, "SIG{name}"),
            None if self.0 >= RTMIN => write!(f, "SIGRTMIN+{}", self.0 - RTMIN),
            None => write!(f, "signal {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn every_signal_survives_its_own_name() {
        for number in (1..=31).chain(34..=64) {
            let signal = Signal::from_number(number).unwrap();
            assert_eq!(Signal::parse(&signal.to_string()), Some(signal), "{signal}");
        }
    }

    #[test]
    fn what_is_no_signal_is_refused() {
        for text in [
            "", "0", "65", "SIG", "SIGNOPE", "-9", "TERM ", "RTMIN+31", "RTMAX-31", "RTMIN3", "é",
            "SIGé",
        ] {
            assert_eq!(Signal::parse(text), None, "{text:?}");
        }
    }
}
