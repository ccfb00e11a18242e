//! The names of the cookies that no setting names.

use crate::config;

/// The name of the cookie with the secret of the device, without the prefix `__Host-`.
pub const DEVICE: &str = "device_id";

/// The name of the cookie that binds the forms before a sign-in to the browser, without the prefix `__Host-`.
pub const FORM: &str = "vestibule_form";

/// The name of the cookie that counts redirects, without the prefix `__Host-`.
pub const REDIRECTS: &str = "vestibule_hops";

/// The name of the cookie that tells the sign-in page why a session has ended, without the prefix `__Host-`.
pub const ENDED: &str = "vestibule_ended";

/// The name of the cookie with the times at which this browser displayed the devices, without the prefix `__Host-`.
pub const VISIT: &str = "vestibule_visit";

/// Returns the name of a cookie that the browser sends only to this host, whatever `cookie_domain` is. The prefix requires the
/// attribute `Secure`, so a server without `cookie_secure` omits it.
pub fn host_name(cookies: &config::Cookies, plain: &str) -> String {
    if cookies.secure { format!("__Host-{plain}") } else { plain.to_owned() }
}
