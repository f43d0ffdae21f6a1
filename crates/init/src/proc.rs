//! What the kernel writes in `/proc/PID`: parsers that no process name can mislead.

/// The fields of `/proc/PID/stat` that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat<'a> {
    /// The process's name, as it is: up to 15 bytes of anything.
    pub name: &'a [u8],
    /// One letter: `R`unning, `S`leeping, s`T`opped, `Z`ombie, ...
    pub state: u8,
    /// The parent; 0 where that lives outside the PID namespace.
    pub parent: u32,
    /// The session.
    pub session: u32,
    /// Whether it has a controlling terminal.
    pub terminal: bool,
    /// When it was started, in clock ticks since boot. Together with the id it names one process for ever.
    pub start: u64,
}

impl<'a> Stat<'a> {
    /// Reads `PID (NAME) STATE PPID ...`. NAME may hold `)`, blanks and newlines, so it ends at the last `)`.
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let open = text.iter().position(|&b| b == b'(')?;
        let close = text.iter().rposition(|&b| b == b')')?;
        let name = text.get(open + 1..close)?;
        let mut fields = text
            .get(close + 1..)?
            .split(|&b| b == b' ')
            .filter(|field| !field.is_empty());
        let state = *fields.next()?.first()?;
        let parent = number(fields.next()?)?;
        let session = number(fields.nth(1)?)?;
        let terminal = fields.next()?;
        let start = number(fields.nth(14)?)?;
        Some(Self {
            name,
            state,
            parent: u32::try_from(parent).ok()?,
            session: u32::try_from(session).ok()?,
            terminal: terminal != b"0",
            start,
        })
    }
}

/// The signal masks in `/proc/PID/status`; bit `n - 1` is signal `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Masks {
    /// Blocked in the first thread: left for `sigwait` or a `signalfd`.
    pub blocked: u64,
    /// Ignored.
    pub ignored: u64,
    /// Caught by a handler.
    pub caught: u64,
}

impl Masks {
    /// Reads the `SigBlk`, `SigIgn` and `SigCgt` lines. The kernel escapes newlines in `Name`, so a line is a line.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mask = |key| field(text, key).and_then(hexadecimal);
        Some(Self {
            blocked: mask(b"SigBlk:\t")?,
            ignored: mask(b"SigIgn:\t")?,
            caught: mask(b"SigCgt:\t")?,
        })
    }
}

/// What follows `key` at the beginning of a line.
#[inline(never)]
fn field<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    text.split(|&byte| byte == b'\n')
        .find_map(|line| line.strip_prefix(key))
}

/// The words of `/proc/PID/cmdline`: each ends with NUL. A program that rewrote it has what it likes there.
pub fn words(cmdline: &[u8]) -> impl Iterator<Item = &[u8]> {
    cmdline.split(|&b| b == 0).filter(|word| !word.is_empty())
}

/// Whether two words are equal. Out of line: compared in place, each letter of a literal is an instruction or two.
#[inline(never)]
pub fn is(word: &[u8], other: &[u8]) -> bool {
    word == other
}

/// What follows the last `/`.
pub fn base_name(path: &[u8]) -> &[u8] {
    path.rsplit(|&b| b == b'/').next().unwrap_or(path)
}

/// A decimal number and nothing else.
pub fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |value, &byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

fn hexadecimal(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    if text.is_empty() || text.len() > 16 {
        return None;
    }
    text.iter().try_fold(0_u64, |value, &byte| {
        let digit = (byte as char).to_digit(16)?;
        Some(value << 4 | u64::from(digit))
    })
}

/// The `flags:` line of `/proc/PID/fdinfo/N`, which the kernel writes in octal.
pub fn open_flags(fdinfo: &[u8]) -> Option<u64> {
    let line = field(fdinfo, b"flags:	")?;
    line.iter().try_fold(0_u64, |value, &byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 8)?;
        value.checked_mul(8)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    const REST: &str =
        "7 7 34816 12 4194560 97 0 0 0 1 0 0 0 20 0 1 0 8235 2789376 227 18446744073709551615";

    fn stat(name: &[u8], parent: u32) -> Vec<u8> {
        let mut text = b"12 (".to_vec();
        text.extend(name);
        text.extend(format!(") S {parent} {REST}\n").bytes());
        text
    }

    #[test]
    fn names_cannot_mislead_the_parser() {
        for name in [
            "",
            ")",
            "a) R 1 1 1 1 (b",
            ") R 1 ",
            "x\ny",
            "((()",
            "a b c",
            "S 0 0 0",
            "\u{0}\u{7f}",
        ] {
            let text = stat(name.as_bytes(), 41);
            let parsed = Stat::parse(&text).unwrap();
            assert_eq!(
                (parsed.name, parsed.parent, parsed.session),
                (name.as_bytes(), 41, 7),
                "{name:?}"
            );
            assert_eq!(
                (parsed.state, parsed.terminal, parsed.start),
                (b'S', true, 8235),
                "{name:?}"
            );
        }
    }

    #[test]
    fn our_own_stat_and_masks() {
        let text = std::fs::read("/proc/self/stat").unwrap();
        let parsed = Stat::parse(&text).unwrap();
        assert_eq!(parsed.parent, std::os::unix::process::parent_id());
        let status = std::fs::read("/proc/self/status").unwrap();
        // The standard library ignores SIGPIPE.
        assert!(Masks::parse(&status).unwrap().ignored & 1 << 12 != 0);
        assert_eq!(
            open_flags(b"pos:\t0\nflags:\t0100002\nmnt_id:\t25\n"),
            Some(0o100_002)
        );
    }

    #[test]
    fn a_million_hostile_names() {
        let pieces: [&[u8]; 12] = [
            b")",
            b"(",
            b" ",
            b"R",
            b"1",
            b"\n",
            b") R 1 2 3",
            b"SigCgt:\t",
            b"\0",
            b"\xff",
            b"-",
            b"ffffffffffffffff",
        ];
        let mut random = Random::new(1);
        let mut name = Vec::new();
        for _ in 0..1_000_000 {
            name.clear();
            for _ in 0..random.below(6) {
                name.extend(pieces[random.below(pieces.len())]);
            }
            let parent = u32::try_from(random.below(4_194_304)).unwrap();
            let text = stat(&name, parent);
            let parsed = Stat::parse(&text).unwrap();
            assert!(
                parsed.parent == parent && parsed.name == name && parsed.start == 8235,
                "{name:?}"
            );
        }
    }

    #[test]
    fn a_million_torn_files() {
        let stat = stat(b"a) R 1", 3);
        let status = b"Name:\ta\\nSigCgt:\t0\nSigBlk:\t0000000000010000\nSigIgn:\t0000000000000006\nSigCgt:\t0000000043817ef9\n";
        let mut random = Random::new(2);
        for _ in 0..500_000 {
            for original in [&stat[..], status] {
                let mut text = original.to_vec();
                for _ in 0..=random.below(3) {
                    let place = random.below(text.len());
                    text[place] = u8::try_from(random.below(256)).unwrap();
                }
                text.truncate(random.below(text.len() + 1));
                let _ = (
                    Stat::parse(&text),
                    Masks::parse(&text),
                    words(&text).count(),
                    open_flags(&text),
                );
            }
        }
    }
}
