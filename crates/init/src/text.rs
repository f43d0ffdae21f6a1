//! Building paths and messages without an allocator.

use core::ffi::CStr;

use crate::sys::{self, Errno};

/// Text in a buffer of fixed size; what does not fit is cut off and remembered.
#[derive(Debug)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
    cut: bool,
}

impl<const N: usize> Text<N> {
    /// No text.
    pub const fn new() -> Self {
        Self {
            bytes: [0; N],
            length: 0,
            cut: false,
        }
    }

    /// These pieces, one after the other.
    pub fn of(pieces: &[&[u8]]) -> Self {
        let mut text = Self::new();
        for piece in pieces {
            text.push(piece);
        }
        text
    }

    /// Appends.
    pub fn push(&mut self, piece: &[u8]) {
        // The last place is kept for a NUL.
        let room = self.bytes.get_mut(self.length..N - 1).unwrap_or_default();
        let count = append(room, piece);
        self.length += count;
        self.cut |= count < piece.len();
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// The text as a path, which holds no NUL: its pieces come from the kernel's own strings.
    ///
    /// # Errors
    /// If it was cut off.
    pub fn as_c_str(&self) -> sys::Result<&CStr> {
        if self.cut {
            return Err(Errno::NAMETOOLONG);
        }
        CStr::from_bytes_until_nul(&self.bytes).map_err(|_| Errno::NAMETOOLONG)
    }
}

fn append(room: &mut [u8], piece: &[u8]) -> usize {
    room.iter_mut()
        .zip(piece)
        .map(|(slot, &byte)| *slot = byte)
        .count()
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// A number in decimal.
#[derive(Debug)]
pub struct Decimal {
    digits: [u8; 10],
    first: usize,
}

impl Decimal {
    /// The digits.
    pub fn as_bytes(&self) -> &[u8] {
        self.digits.get(self.first..).unwrap_or_default()
    }
}

/// A process id in decimal.
pub fn decimal(mut value: u32) -> Decimal {
    let mut digits = [0_u8; 10];
    let mut first = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
        first -= 1;
        if value == 0 {
            break;
        }
    }
    Decimal { digits, first }
}

/// One line on standard error, in one write.
pub fn say(what: &[u8], detail: &[u8]) {
    say_all(&[what, detail]);
}

/// The same, of more than two pieces.
pub fn say_all(pieces: &[&[u8]]) {
    let mut line = Text::<512>::new();
    line.push(b"softstop-init: ");
    for piece in pieces {
        line.push(piece);
    }
    for byte in &mut line.bytes {
        // A line is a line, whatever a file name holds.
        if byte.is_ascii_control() {
            *byte = b'?';
        }
    }
    if let Some(end) = line.bytes.get_mut(line.length) {
        *end = b'\n';
        line.length += 1;
    }
    sys::write(sys::STDERR, line.as_bytes());
}
