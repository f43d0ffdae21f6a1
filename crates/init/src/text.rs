//! Building paths and messages without an allocator.

use core::ffi::CStr;

use crate::sys;

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
        Self { bytes: [0; N], length: 0, cut: false }
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
        for &byte in piece {
            // The last place is kept for a NUL.
            match self.bytes.get_mut(self.length).filter(|_| self.length + 1 < N) {
                Some(slot) => {
                    *slot = byte;
                    self.length += 1;
                }
                None => self.cut = true,
            }
        }
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// The text as a C string; `None` if it was cut off or holds a NUL.
    pub fn as_c_str(&self) -> Option<&CStr> {
        if self.cut {
            return None;
        }
        CStr::from_bytes_with_nul(self.bytes.get(..=self.length)?).ok()
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// A number in decimal.
pub fn decimal(mut value: u64) -> Text<24> {
    let mut digits = [0_u8; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        if let Some(slot) = digits.get_mut(first) {
            *slot = b'0' + (value % 10) as u8;
        }
        value /= 10;
        if value == 0 || first == 0 {
            break;
        }
    }
    Text::of(&[digits.get(first..).unwrap_or_default()])
}

/// One line on standard error, in one write.
pub fn say(pieces: &[&[u8]]) {
    let mut line = Text::<512>::of(&[b"softstop-init: "]);
    for piece in pieces {
        line.push(piece);
    }
    let mut bytes = line.bytes;
    for byte in &mut bytes {
        // A line is a line, whatever a file name holds.
        if byte.is_ascii_control() {
            *byte = b'?';
        }
    }
    if let Some(end) = bytes.get_mut(line.length) {
        *end = b'\n';
    }
    sys::write(sys::STDERR, bytes.get(..=line.length).unwrap_or_default());
}
