//! A reader for a part of DER (ITU-T X.690 §8, §10.1). It finds the fields of a key that the library `aws-lc-rs` does
//! not return.

/// An iterator over consecutive DER elements in a byte slice. It ends at the first malformed element.
pub(super) struct Elements<'d>(pub(super) &'d [u8]);

// The tags of the elements that a key contains (ITU-T X.690 §8).
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const SEQUENCE: u8 = 0x30;

impl<'d> Elements<'d> {
    /// Returns the content of the next element. Returns `None` if the element has another tag, is malformed, or does
    /// not exist.
    pub(super) fn expect(&mut self, tag: u8) -> Option<&'d [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }
}

impl<'d> Iterator for Elements<'d> {
    /// The tag and the content.
    type Item = (u8, &'d [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // The length follows in 1 or 2 bytes, so it is at most 64 KiB. No key is longer.
            0x81 | 0x82 => {
                let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }
}
