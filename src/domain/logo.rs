//! The logo of the site: an image of the operator, which the pages display beside the name of the site.

use std::{fmt, sync::Arc};

use sha2::{Digest, Sha256};

use super::jwt::base64url;

/// The format of a logo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoFormat {
    /// Scalable Vector Graphics.
    Svg,
    /// Portable Network Graphics.
    Png,
    /// WebP.
    Webp,
    /// JPEG.
    Jpeg,
}

/// An image in a format that browsers display. It is cheap to clone.
#[derive(Clone)]
pub struct Logo {
    format: LogoFormat,
    bytes: Arc<[u8]>,
    tag: String,
}

impl Logo {
    /// The maximum size, in bytes. The logo is loaded with the sign-in page, so it must be small.
    pub const MAX_BYTES: usize = 128 * 1024;

    /// Recognises the format of an image by its first bytes.
    ///
    /// # Errors
    /// The end of a sentence about the file: it is too large, or has none of the four formats.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, String> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(format!("must have at most {} bytes", Self::MAX_BYTES));
        }
        let format = format_of(&bytes).ok_or("must be an image of the format SVG, PNG, WebP or JPEG")?;
        let tag = base64url(&Sha256::digest(&bytes)[..9]);
        Ok(Self { format, bytes: bytes.into(), tag })
    }

    /// Returns the format.
    pub fn format(&self) -> LogoFormat {
        self.format
    }

    /// Returns the content of the file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns a short hash of the content, for its address.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Returns the name of the file in its address, such as `logo.png`.
    pub fn file_name(&self) -> &'static str {
        match self.format {
            LogoFormat::Svg => "logo.svg",
            LogoFormat::Png => "logo.png",
            LogoFormat::Webp => "logo.webp",
            LogoFormat::Jpeg => "logo.jpg",
        }
    }
}

/// Prints the name and the size of the image instead of its bytes.
impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logo({}, {} bytes)", self.file_name(), self.bytes.len())
    }
}

/// Returns the format of an image; `None` for another content.
fn format_of(bytes: &[u8]) -> Option<LogoFormat> {
    match bytes {
        [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Some(LogoFormat::Png),
        [0xFF, 0xD8, 0xFF, ..] => Some(LogoFormat::Jpeg),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(LogoFormat::Webp),
        _ => {
            let text = std::str::from_utf8(bytes).ok()?.trim_start_matches('\u{feff}').trim_start();
            let begins = ["<svg", "<?xml", "<!--", "<!DOCTYPE svg"].iter().any(|start| text.starts_with(start));
            (begins && text.contains("<svg")).then_some(LogoFormat::Svg)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_recognised_by_the_content() {
        let format = |bytes: &[u8]| Logo::parse(bytes.to_vec()).map(|logo| (logo.format(), logo.file_name()));
        assert_eq!(format(b"\x89PNG\r\n\x1a\nrest"), Ok((LogoFormat::Png, "logo.png")));
        assert_eq!(format(b"\xff\xd8\xff\xe0rest"), Ok((LogoFormat::Jpeg, "logo.jpg")));
        assert_eq!(format(b"RIFF\x01\x02\x03\x04WEBPVP8 "), Ok((LogoFormat::Webp, "logo.webp")));
        for svg in ["<svg/>", "\u{feff} <svg></svg>", "<?xml version=\"1.0\"?>\n<!-- a logo --><svg/>"] {
            assert_eq!(format(svg.as_bytes()), Ok((LogoFormat::Svg, "logo.svg")), "{svg}");
        }
    }

    #[test]
    fn other_contents_are_refused() {
        for bytes in [&b""[..], b"GIF89a", b"<html><svg></svg></html>", b"\xff\xfe<\0s\0v\0g\0", b"<?xml?><rss/>"] {
            assert!(Logo::parse(bytes.to_vec()).is_err(), "{bytes:?}");
        }
        let mut large = b"\x89PNG\r\n\x1a\n".to_vec();
        large.resize(Logo::MAX_BYTES, 0);
        assert!(Logo::parse(large.clone()).is_ok());
        large.push(0);
        assert_eq!(Logo::parse(large).map(|_| ()), Err("must have at most 131072 bytes".to_owned()));
    }

    #[test]
    fn the_tag_depends_on_the_content() {
        let tag = |bytes: &[u8]| Logo::parse(bytes.to_vec()).map(|logo| logo.tag().to_owned());
        assert_ne!(tag(b"<svg/>"), tag(b"<svg />"));
        assert_eq!(tag(b"<svg/>").map(|tag| tag.len()), Ok(12));
    }
}
