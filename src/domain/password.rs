//! Passwords as people type them, and the form that is kept. The hashing itself is in `memory/hasher`.

use std::{collections::HashSet, fmt};

use zeroize::Zeroizing;

use super::unicode;

/// Longest password, in characters.
pub const MAX_CHARS: usize = 256;

/// Guesses that a password must withstand: about the 30,000 commonest ones with their usual decorations fall below.
const FEWEST_GUESSES: u64 = 100_000;

/// Characters of a password that are judged, and from which on one with this many different ones is good enough.
const LONG_CHARS: usize = 20;
const VARIED_CHARS: usize = 10;

/// A password in the clear, NFC and never trimmed. Lives as short as it can; can't be printed or stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Reads a password that is to be compared with a stored one.
    ///
    /// # Errors
    /// A sentence when it could never have been accepted: empty, over 256 characters, with control characters.
    pub fn parse(input: &str) -> Result<Self, &'static str> {
        let text = Zeroizing::new(unicode::normalise_untrimmed(input)?);
        if text.is_empty() {
            return Err("must not be empty");
        }
        if text.chars().count() > MAX_CHARS {
            return Err("must have at most 256 characters");
        }
        Ok(Self(text))
    }

    /// Checks the length of a password that is to be stored.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn check_length(&self, min_chars: usize) -> Result<(), String> {
        if self.0.chars().count() < min_chars {
            return Err(format!("must have at least {min_chars} characters"));
        }
        Ok(())
    }

    /// Checks a password that is to be stored (NIST SP 800-63B-4 §3.1.1.2): long enough, not among the commonest, not made
    /// of the user's own `names`. No rule about kinds of characters. Takes up to tens of milliseconds.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn check_new(&self, min_chars: usize, names: &[&str]) -> Result<(), String> {
        self.check_length(min_chars)?;
        let is_a_name = names.iter().any(|name| name.to_lowercase() == self.0.to_lowercase());
        if is_a_name || (!self.is_long_and_varied() && self.guesses(names) < FEWEST_GUESSES) {
            return Err("is too easy to guess: a common password, a simple pattern, or your own name".to_owned());
        }
        Ok(())
    }

    /// No common password and no simple pattern is both; the estimate, whose cost grows steeply, is spared.
    fn is_long_and_varied(&self) -> bool {
        let distinct: HashSet<char> = self.0.chars().collect();
        self.0.chars().count() >= LONG_CHARS && distinct.len() >= VARIED_CHARS
    }

    /// How many guesses a cracker would need, by an estimate over the beginning.
    fn guesses(&self, names: &[&str]) -> u64 {
        let words: Vec<&str> = names
            .iter()
            .flat_map(|name| std::iter::once(*name).chain(name.split(['@', '.', '-', '_', '+'])))
            .chain(["vestibule"])
            .filter(|word| word.chars().count() > 2)
            .collect();
        let judged: Zeroizing<String> = Zeroizing::new(self.0.chars().take(LONG_CHARS).collect());
        zxcvbn::zxcvbn(&judged, &words).guesses()
    }

    /// The characters.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// A password's stored form: a PHC string. Made and checked by the hasher only.
#[derive(Clone)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps what the hasher made or the store read.
    pub fn from_stored(phc: String) -> Self {
        Self(phc)
    }

    /// The PHC string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(password: &str) -> Result<(), String> {
        Password::parse(password).expect("a password").check_new(10, &["ada", "ada.lovelace@example.com"])
    }

    #[test]
    fn the_commonest_passwords_and_own_names_are_refused() {
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
    fn ordinary_good_passwords_are_taken() {
        for good in [
            "correct horse battery staple",
            "s3cret-enough-pw",
            "tr0ub4dor&3-x",
            "Blumentopferde 7",
            "пароль-не-угадать",
            "a long walk to the sea",
        ] {
            assert_eq!(judge(good), Ok(()), "{good} should be taken");
        }
    }

    #[test]
    fn no_password_costs_more_to_judge_than_some_hashes() {
        // What made the estimate take seconds: every character may stand for several letters.
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
    fn control_characters_and_excess_are_refused() {
        assert!(Password::parse("nul\0inside").is_err());
        assert!(Password::parse("").is_err());
        assert!(Password::parse(&"é".repeat(256)).is_ok());
        assert!(Password::parse(&"é".repeat(257)).is_err());
    }
}
