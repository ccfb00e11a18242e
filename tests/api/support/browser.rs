//! A browser without scripts. It stores cookies, sends the forms of pages, and follows redirects with the status 303.

use std::{cell::RefCell, collections::BTreeMap};

use super::{Answer, Call, PASSWORD, Server};

/// The origin of the pages, which is the `public_url` of a test server.
pub const ORIGIN: &str = "http://auth.test";

/// The number of redirects after which [`Browser::follow`] panics.
const MOST_HOPS: usize = 12;

/// A browser with its cookies.
pub struct Browser<'s> {
    pub server: &'s Server,
    /// Value and path of each cookie, by its name.
    cookies: RefCell<BTreeMap<String, (String, String)>>,
    user_agent: String,
}

/// A form of a page: the path to which it is sent, and its hidden fields.
#[derive(Clone, Debug)]
pub struct PageForm {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

impl<'s> Browser<'s> {
    pub fn new(server: &'s Server) -> Self {
        Self::called(server, "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0 Safari/537.36")
    }

    /// Returns a browser that sends this `User-Agent`.
    pub fn called(server: &'s Server, user_agent: &str) -> Self {
        Self { server, cookies: RefCell::default(), user_agent: user_agent.to_owned() }
    }

    /// Returns a browser in which a user has signed in with [`PASSWORD`].
    #[track_caller]
    pub fn signed_in(server: &'s Server, name: &str) -> Self {
        let browser = Self::new(server);
        browser.sign_in(name, PASSWORD).expect(303);
        browser
    }

    /// Returns a second browser with a copy of the cookies. Later cookies of one browser do not reach the other.
    pub fn copied(&self) -> Self {
        Self { server: self.server, cookies: self.cookies.clone(), user_agent: self.user_agent.clone() }
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.borrow().get(name).map(|(value, _)| value.clone())
    }

    /// Sets a cookie with the path `/`.
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.borrow_mut().insert(name.to_owned(), (value.to_owned(), "/".to_owned()));
    }

    pub fn forget_cookie(&self, name: &str) {
        self.cookies.borrow_mut().remove(name);
    }

    /// Begins a request with the browser's `User-Agent` and with the cookies whose path covers `path`.
    pub fn call(&self, method: &str, path: &str) -> Call<'s> {
        let only_path = path.split('?').next().unwrap_or_default();
        let cookies: Vec<String> = self
            .cookies
            .borrow()
            .iter()
            .filter(|(_, (_, of))| of == "/" || only_path == of || only_path.starts_with(&format!("{of}/")))
            .map(|(name, (value, _))| format!("{name}={value}"))
            .collect();
        let call = self
            .server
            .call(method, path)
            .header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("User-Agent", &self.user_agent);
        if cookies.is_empty() { call } else { call.header("Cookie", &cookies.join("; ")) }
    }

    /// Stores the cookies that a response sets, and removes the cookies that it expires. Returns the response.
    pub fn keep(&self, answer: Answer) -> Answer {
        for (_, line) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let mut parts = line.split("; ");
            let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            let attributes: Vec<&str> = parts.collect();
            let path = attributes.iter().find_map(|part| part.strip_prefix("Path=")).unwrap_or("/");
            if attributes.contains(&"Max-Age=0") {
                // The line removes only a cookie of the same path.
                let is_same = self.cookies.borrow().get(name).is_some_and(|(_, kept)| kept == path);
                if is_same {
                    self.forget_cookie(name);
                }
            } else {
                self.cookies.borrow_mut().insert(name.to_owned(), (value.to_owned(), path.to_owned()));
            }
        }
        answer
    }

    /// Sends a `GET`. Returns the response, also if it is a redirect.
    pub fn get(&self, path: &str) -> Answer {
        self.keep(self.call("GET", path).send())
    }

    /// Sends a `GET` and follows the redirects. Returns the last response.
    #[track_caller]
    pub fn open(&self, path: &str) -> Answer {
        self.follow(self.get(path))
    }

    /// Follows redirects with the status 303, beginning with `answer`. Returns the first response that is not a 303.
    #[track_caller]
    pub fn follow(&self, answer: Answer) -> Answer {
        let mut answer = answer;
        for _ in 0..MOST_HOPS {
            match (answer.status, answer.header("location").map(str::to_owned)) {
                (303, Some(location)) => answer = self.get(&location),
                _ => return answer,
            }
        }
        panic!("a redirect loop at {:?}", answer.header("location"));
    }

    /// Posts fields with the `Origin` of the pages. Returns the response, also if it is a redirect.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.keep(self.posting(path, fields).header("Origin", ORIGIN).send())
    }

    /// Begins a `POST` of fields without the header `Origin`.
    pub fn posting(&self, path: &str, fields: &[(&str, &str)]) -> Call<'s> {
        self.call("POST", path).body("application/x-www-form-urlencoded", encoded(fields))
    }

    /// Sends a form with its hidden fields and the fields `more`, which replace hidden fields of the same name. Returns the
    /// response, also if it is a redirect.
    pub fn submit(&self, form: &PageForm, more: &[(&str, &str)]) -> Answer {
        let mut fields: Vec<(&str, &str)> = form.fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        for (name, value) in more {
            fields.retain(|(known, _)| known != name);
            fields.push((name, value));
        }
        self.post(&form.action, &fields)
    }

    /// Opens `/login` and signs in with its form. Returns the response to the form.
    #[track_caller]
    pub fn sign_in(&self, name: &str, password: &str) -> Answer {
        let form = form(&self.get("/login"), "/login");
        self.submit(&form, &[("username", name), ("password", password)])
    }

    /// Returns the form of `/account` that is sent to `action`.
    #[track_caller]
    pub fn account_form(&self, action: &str) -> PageForm {
        form(&self.open("/account").expect(200), action)
    }

    /// Returns whether `/account` leads to the page of an account. This can refresh the session, because the browser follows
    /// the redirects.
    pub fn is_signed_in(&self) -> bool {
        self.open("/account").text.contains("id=\"sign-out\"")
    }
}

/// Returns the form of a page that is sent to `action`. Panics if there is no such form.
#[track_caller]
pub fn form(page: &Answer, action: &str) -> PageForm {
    let found = forms(page).into_iter().find(|form| form.action == action);
    found.unwrap_or_else(|| panic!("no form to {action} in {}", page.text))
}

/// Returns every form of a page.
pub fn forms(page: &Answer) -> Vec<PageForm> {
    let parts = page.text.split("<form ").skip(1).filter_map(|part| part.split("</form>").next());
    parts
        .map(|part| {
            let inputs = part.split("<input ").skip(1).filter_map(|input| input.split('>').next());
            let hidden = inputs.filter(|input| attribute(input, "type").as_deref() == Some("hidden"));
            PageForm {
                action: attribute(part, "action").expect("a form goes somewhere"),
                fields: hidden
                    .map(|input| {
                        (attribute(input, "name").expect("a name"), attribute(input, "value").expect("a value"))
                    })
                    .collect(),
            }
        })
        .collect()
}

/// Returns an attribute of the first tag in a piece of markup, unescaped. `None` if the tag does not have the attribute.
pub fn attribute(markup: &str, name: &str) -> Option<String> {
    let tag = markup.split('>').next()?;
    let value = tag.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
    Some(value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
}

/// Returns the sentence in the page's element `id="error"`. `None` if the element is absent or hidden.
pub fn error_of(page: &Answer) -> Option<String> {
    let tag = page.text.split("<div id=\"error\"").nth(1)?;
    let (attributes, rest) = tag.split_once('>')?;
    let sentence = rest.split("</p>").next().unwrap_or_default().trim_start_matches("<p>");
    (!attributes.contains(" hidden")).then(|| sentence.to_owned())
}

/// Returns fields as the body of a form, with every byte percent-encoded.
fn encoded(fields: &[(&str, &str)]) -> String {
    let escaped = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    fields.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect::<Vec<_>>().join("&")
}
