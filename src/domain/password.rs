//! Passwords in clear text, and the rules for new passwords. Stored hashes are in `password_hash`.

use std::{collections::HashSet, fmt};

use zeroize::Zeroizing;

use super::unicode;

/// The length of the longest password, in characters.
pub const MAX_CHARS: usize = 256;

/// The least estimated number of guesses for a new password. About 30,000 of the most common passwords, with their
/// usual variations, are below this number.
const MIN_GUESSES: u64 = 100_000;

/// The number of characters at the start of a password that the strength estimate reads. A password of at least this
/// length with at least [`VARIED_CHARS`] different characters is accepted without an estimate.
const LONG_CHARS: usize = 20;
/// The least number of different characters of a password that is accepted without an estimate.
const VARIED_CHARS: usize = 10;

/// A password in clear text, in NFC and never trimmed. Its memory is overwritten when it is dropped, and `Debug` does
/// not print it.
#[derive(Clone)]
pub struct Password {
    text: Zeroizing<String>,
    /// The text as it was typed, if it was not in NFC.
    typed: Option<Zeroizing<String>>,
}

/// Compares the passwords in NFC.
impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Password {}

impl Password {
    /// Reads a password that will be compared with a stored hash.
    ///
    /// # Errors
    /// A message if the text is empty, has more than 256 characters, or contains a control character. No account can
    /// have such a password.
    pub fn parse(input: &str) -> Result<Self, &'static str> {
        let text = Zeroizing::new(unicode::normalise_untrimmed(input)?);
        if text.is_empty() {
            return Err("must not be empty");
        }
        if text.chars().count() > MAX_CHARS {
            return Err("must have at most 256 characters");
        }
        let typed = (text.as_str() != input).then(|| Zeroizing::new(input.to_owned()));
        Ok(Self { text, typed })
    }

    /// Checks that a new password has at least `min_chars` characters.
    ///
    /// # Errors
    /// A message that states the minimum.
    pub fn check_length(&self, min_chars: usize) -> Result<(), String> {
        if self.text.chars().count() < min_chars {
            return Err(format!("must have at least {min_chars} characters"));
        }
        Ok(())
    }

    /// Checks a new password (NIST SP 800-63B-4 §3.1.1.2). It must have at least `min_chars` characters, must not be a
    /// common password, and must not be one of the user's own `names` or a simple variation of a name. There is no rule
    /// about kinds of characters. The check takes up to tens of milliseconds.
    ///
    /// # Errors
    /// A message that describes the problem.
    pub fn check_new(&self, min_chars: usize, names: &[&str]) -> Result<(), String> {
        self.check_length(min_chars)?;
        // A long email address is also long and varied, so the password is compared with the names in any case.
        let is_a_name = names.iter().any(|name| name.to_lowercase() == self.text.to_lowercase());
        if is_a_name || (!self.is_long_and_varied() && self.guesses(names) < MIN_GUESSES) {
            return Err("is too easy to guess: a common password, a simple pattern, or your own name".to_owned());
        }
        Ok(())
    }

    /// Returns whether the password is long and has enough different characters. No common password and no simple
    /// pattern has both properties, so such a password needs no estimate. This limits the cost, which grows steeply
    /// with the length.
    fn is_long_and_varied(&self) -> bool {
        let distinct: HashSet<char> = self.text.chars().collect();
        self.text.chars().count() >= LONG_CHARS && distinct.len() >= VARIED_CHARS
    }

    /// Returns an estimate of the number of guesses that an attacker needs. Reads only the first [`LONG_CHARS`]
    /// characters. The names, the parts of the names and the name of this server count as easy to guess.
    fn guesses(&self, names: &[&str]) -> u64 {
        let words: Vec<&str> = names
            .iter()
            .flat_map(|name| std::iter::once(*name).chain(name.split(['@', '.', '-', '_', '+'])))
            .chain(["vestibule"])
            .filter(|word| word.chars().count() > 2)
            .collect();
        let judged: Zeroizing<String> = Zeroizing::new(self.text.chars().take(LONG_CHARS).collect());
        zxcvbn::zxcvbn(&judged, &words).guesses()
    }

    /// Returns the password in clear text, in NFC.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Returns the password as it was typed, if it was not in NFC. Other systems hash what was typed.
    pub fn as_typed(&self) -> Option<&str> {
        self.typed.as_ref().map(|typed| typed.as_str())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks a new password of the user `ada`, with a minimum of 10 characters.
    fn judge(password: &str) -> Result<(), String> {
        Password::parse(password).expect("a password").check_new(10, &["ada", "ada.lovelace@example.com"])
    }

    #[test]
    fn common_passwords_and_own_names_are_refused() {
        for common in [
            "password123",
            "1234567890",
            "qwertyuiop",
            "aaaaaaaaaaaa",
            "Password1!",
            "iloveyou12",
            "ada.lovelace@example.com",
            "adalovelace",
            "lovelace2026",
            "vestibule1",
        ] {
            assert!(judge(common).is_err(), "{common} should be refused");
        }
    }

    #[test]
    fn good_passwords_are_accepted() {
        for good in [
            "correct horse battery staple",
            "s3cret-enough-pw",
            "tr0ub4dor&3-x",
            "Blumentopferde 7",
            "пароль-не-угадать",
            "a long walk to the sea",
        ] {
            assert_eq!(judge(good), Ok(()), "{good} should be accepted");
        }
    }

    #[test]
    fn the_check_of_a_hostile_password_takes_less_than_five_seconds() {
        // The estimate once took seconds for this password, because each character can represent several letters.
        let hostile: String = "4@8({[<369&#!1|7$5%2z0+".chars().cycle().take(256).collect();
        for length in [10, 19, 20, 64, 256] {
            let password: String = hostile.chars().take(length).collect();
            let started = std::time::Instant::now();
            judge(&password).ok();
            assert!(started.elapsed().as_secs() < 5, "{length} characters took {:?}", started.elapsed());
        }
        let repeated: String = "4@8({[<36".chars().cycle().take(256).collect();
        let started = std::time::Instant::now();
        judge(&repeated).ok();
        assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
    }

    #[test]
    fn a_password_is_normalised_but_never_trimmed() {
        let composed = Password::parse("caf\u{e9} ").expect("a password");
        let decomposed = Password::parse("cafe\u{301} ").expect("a password");
        assert!(composed == decomposed && composed.expose().ends_with(' '));
    }

    #[test]
    fn empty_and_too_long_passwords_and_control_characters_are_refused() {
        assert!(Password::parse("nul\0inside").is_err());
        assert!(Password::parse("").is_err());
        assert!(Password::parse(&"é".repeat(256)).is_ok());
        assert!(Password::parse(&"é".repeat(257)).is_err());
    }
}
