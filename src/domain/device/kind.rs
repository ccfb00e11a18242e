//! The kind of a device, for its picture in a list. It is only displayed; no decision depends on it.

/// The kind of device that a `User-Agent` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// A telephone or a tablet.
    Phone,
    /// A browser on a computer, which includes a tablet that requests pages for computers.
    Computer,
    /// A client that is not a browser.
    Program,
}

impl DeviceKind {
    /// Returns the kind. A session without a user agent belongs to a program, because every browser sends one.
    #[must_use]
    pub fn of(user_agent: Option<&str>) -> Self {
        let text = user_agent.unwrap_or_default();
        let names = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
        match text.starts_with("Mozilla/") || text.starts_with("Opera/") {
            false => Self::Program,
            // Windows and ChromeOS name Android beside themselves if they run its applications.
            true if names(&["Windows NT", "CrOS"]) => Self::Computer,
            true if names(&["iPhone", "iPad", "iPod", "Android", "Mobile"]) => Self::Phone,
            true => Self::Computer,
        }
    }

    /// Returns the name of the kind, under which the texts of the pages have its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Computer => "computer",
            Self::Program => "program",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_follows_from_the_user_agent() {
        for (user_agent, kind) in [
            ("Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0 Safari/537.36", DeviceKind::Computer),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", DeviceKind::Computer),
            ("Mozilla/5.0 (Windows NT 10.0; Android 13) Chrome/156.0.0.0", DeviceKind::Computer),
            ("Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/156.0.0.0 Mobile Safari/537.36", DeviceKind::Phone),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148", DeviceKind::Phone),
            ("curl/8.5.0", DeviceKind::Program),
            ("", DeviceKind::Program),
        ] {
            assert_eq!(DeviceKind::of(Some(user_agent)), kind, "{user_agent}");
        }
        assert_eq!(DeviceKind::of(None), DeviceKind::Program);
    }
}
