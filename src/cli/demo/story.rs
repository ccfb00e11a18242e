//! The story of the demonstration. `/demo` tells the same with the visitor's own browser.

use serde_json::Value;

use super::{
    screen::Screen,
    stage::{Sender, Stage, print_after},
};
use crate::{
    cli::{Failure, output},
    domain::{
        SessionId,
        demonstration::{Switch, sample},
        device::{Explained, SealedFingerprint},
        jwt,
        session::SessionState,
    },
    flows::{Tokens, sessions::refresh::RefreshError},
};

/// Tells the whole story.
pub(super) async fn tell(stage: &Stage, screen: &Screen) -> Result<(), Failure> {
    screen.say(
        "How this server recognises a browser\n\n\
         A refresh token can be stolen. This shows what a thief can do with one, what stops the thief, and what does not.\n\
         It uses a server of its own on a temporary database, and a sample browser. `vestibule dev` shows the same at /demo\n\
         with your own browser.",
    )?;
    reveal(screen)?;
    let ada = store(stage, screen).await?;
    let ada = rotate(stage, screen, ada).await?;
    change(stage, screen, ada.session_id).await?;
    steal(stage, screen, &ada).await?;
    let loot = copy(stage, screen, &ada).await?;
    discover(stage, screen, &ada, &loot).await?;
    conclude(screen)
}

/// Tells step 1: what the browser reveals.
fn reveal(screen: &Screen) -> Result<(), Failure> {
    screen.step("1. What a browser reveals")?;
    screen.ask("A page reads the browser. Will the browser ask for permission?")?;
    screen.say(
        "No. The weight of a value is about the number of bits by which it distinguishes two machines. What most\n\
         browsers say does not count.",
    )?;
    let fields = sample();
    let rows = print_after(&[])?.explain().into_iter().map(|component| {
        let value = match &fields[component.name] {
            Value::String(text) => text.chars().take(52).collect(),
            other => other.to_string(),
        };
        [component.name.to_owned(), value, weight(&component)]
    });
    output::print_table(["COMPONENT", "VALUE", "WEIGHT"], rows)?;
    output::print("")?;
    source(screen, "static/fingerprint.js, src/domain/device/weights.rs", "no RFC")
}

/// Returns the weight of a component, for people.
fn weight(component: &Explained) -> String {
    match component {
        Explained { role: "veto", .. } => "must be equal".to_owned(),
        Explained { weight: 0, .. } => "not counted".to_owned(),
        Explained { is_common: true, .. } => "0, a common value".to_owned(),
        Explained { is_present: false, .. } => "0, not revealed".to_owned(),
        Explained { weight, .. } => weight.to_string(),
    }
}

/// Tells step 2: what the server stores of two people on one machine. Returns Ada's tokens.
async fn store(stage: &Stage, screen: &Screen) -> Result<Tokens, Failure> {
    screen.step("2. What the server stores")?;
    screen.ask("Ada and Bob sign in with this browser. Will the server store the same codes for both?")?;
    let ada = stage.sign_in("ada.demo@example.com").await?;
    let bob = stage.sign_in("bob.demo@example.com").await?;
    screen.say(
        "No. The key of the codes is not in the database, and the user is part of their input (HMAC-SHA-256). A copy of the\n\
         database tells neither the values nor which users share a machine. The beginnings of the codes:",
    )?;
    let codes = async |id| -> Result<Vec<(&'static str, String)>, Failure> {
        let (session, _) = stage.look(id, &[]).await?;
        Ok(session.fingerprint.iter().flat_map(SealedFingerprint::shortened).collect())
    };
    let (of_ada, of_bob) = (codes(ada.session_id).await?, codes(bob.session_id).await?);
    let rows = of_ada.into_iter().zip(of_bob).map(|((name, ada), (_, bob))| [name.to_owned(), ada, bob]);
    output::print_table(["COMPONENT", "ADA", "BOB"], rows)?;
    output::print("")?;
    source(screen, "src/domain/device/sealed_fingerprint.rs, src/flows/sessions/login.rs", "RFC 2104, RFC 9068")?;
    Ok(ada)
}

/// Tells step 3: a refresh. Returns Ada's new tokens.
async fn rotate(stage: &Stage, screen: &Screen, ada: Tokens) -> Result<Tokens, Failure> {
    screen.step("3. Ada's browser refreshes")?;
    screen.ask("Will the refresh token stay the same?")?;
    let next = stage.refresh(Sender::Ada, &ada.refresh_token, ada.device_id.as_deref(), true, 1).await?;
    let next = next.map_err(|error| Failure::of(&error))?;
    screen.say(&format!(
        "No, it is replaced. The claims of the new one, which its holder may read:\n\n{}",
        serde_json::to_string_pretty(&claims(&next.refresh_token))?
    ))?;
    screen.say("\"gen\" has grown. So the server notices later if somebody comes with an old token.")?;
    source(
        screen,
        "src/flows/sessions/refresh.rs, src/domain/rotation.rs",
        "RFC 6749 section 6, RFC 9700 section 4.14.2",
    )?;
    Ok(Tokens { device_id: next.device_id.clone().or(ada.device_id), ..next })
}

/// Tells step 4: what happens to a browser in its life.
async fn change(stage: &Stage, screen: &Screen, session: SessionId) -> Result<(), Failure> {
    screen.step("4. A browser changes")?;
    screen.ask("Ada's browser updates itself overnight. Must she sign in again?")?;
    let devices = &stage.vestibule.config.devices;
    screen.say(&format!(
        "No: the version does not count. From a score of {:.2} on it is the same device. From {:.2} on the refresh passes and is\n\
         recorded. Below, it is refused.",
        devices.match_from, devices.drift_from
    ))?;
    let mut rows = Vec::new();
    for switch in Switch::ALL {
        let (_, found) = stage.look(session, &[switch]).await?;
        let score = found.score.map_or_else(|| "-".to_owned(), |score| format!("{score:.2}"));
        let veto = if found.veto { ", at any score" } else { "" };
        let differed = if found.differed.is_empty() { "-".to_owned() } else { found.differed.join(", ") };
        rows.push([switch.title().to_owned(), score, format!("{}{veto}", found.verdict.as_str()), differed]);
    }
    output::print_table(["WHAT HAPPENED", "SCORE", "VERDICT", "DIFFERENT OR MISSING"], rows)?;
    output::print("")?;
    source(screen, "src/domain/device/verdict.rs, src/domain/demonstration.rs", "no RFC: the rule is this server's own")
}

/// Tells step 5: a thief with the token alone.
async fn steal(stage: &Stage, screen: &Screen, ada: &Tokens) -> Result<(), Failure> {
    screen.step("5. The thief")?;
    screen.say("A thief has copied Ada's refresh token. It is genuine, and has not expired.")?;
    screen.ask("Will the thief get new tokens?")?;
    match stage.refresh(Sender::Thief, &ada.refresh_token, None, false, 2).await? {
        Err(RefreshError::DeviceMismatch(..)) => {
            let (session, _) = stage.look(ada.session_id, &[]).await?;
            screen.say(&format!(
                "No: 401 device_mismatch, attempt {} of 3. Ada notices nothing, and her session goes on.\n\
                 The third attempt in a row would end the session.",
                session.mismatches.in_a_row
            ))?;
        }
        other => return Err(unexpected("the thief without the fingerprint", &other)),
    }
    source(screen, "src/flows/steps/fingerprint_check.rs, src/domain/mismatches.rs", "RFC 6749 section 10.4")
}

/// Tells step 6: a thief with the token and the fingerprint. Returns what the thief gets.
async fn copy(stage: &Stage, screen: &Screen, ada: &Tokens) -> Result<Tokens, Failure> {
    screen.step("6. A thief with the fingerprint")?;
    screen.say("This thief has run a script on Ada's machine, and has copied the fingerprint too.")?;
    screen.ask("Will the thief be refused again?")?;
    let loot = stage.refresh(Sender::Thief, &ada.refresh_token, None, true, 3).await?;
    let loot = loot.map_err(|error| Failure::of(&error))?;
    screen.say(
        "No. THE THIEF IS IN. We say so openly: a fingerprint is what a browser says of itself, and a copy says the same. It\n\
         makes a stolen token harder to use. It proves nothing.",
    )?;
    source(screen, "src/domain/device/mod.rs", "RFC 9700 section 2.2.2, RFC 9449")?;
    Ok(loot)
}

/// Tells step 7: both copies of the token have been used.
async fn discover(stage: &Stage, screen: &Screen, ada: &Tokens, loot: &Tokens) -> Result<(), Failure> {
    let grace = stage.vestibule.rotation_policy().grace;
    screen.step("7. Rotation catches the thief")?;
    screen.say(&format!(
        "The thief's refresh has replaced the token, and Ada's browser still has the old one. For {grace} seconds the server\n\
         repeats its answer to the old one: two tabs, or an answer that was lost, look the same. Here that time passes at once."
    ))?;
    screen.ask("Now Ada's browser comes with the old token. Who is signed out: Ada, the thief, or both?")?;
    let late = 3 + grace + 1;
    let refused = stage.refresh(Sender::Ada, &ada.refresh_token, ada.device_id.as_deref(), true, late).await?;
    let Err(RefreshError::Reused(_)) = refused else {
        return Err(unexpected("Ada with the old token", &refused));
    };
    let thief = stage.refresh(Sender::Thief, &loot.refresh_token, None, true, late).await?;
    let Err(RefreshError::SessionEnded(_)) = thief else {
        return Err(unexpected("the thief after the discovery", &thief));
    };
    let (session, _) = stage.look(ada.session_id, &[]).await?;
    if session.state(stage.vestibule.clock.now()) != SessionState::Revoked {
        return Err(Failure::new("the session of the demonstration did not end"));
    }
    screen.say(
        "Both. Ada gets 401 refresh_reused, and the session ends: two copies of one token can't both be right, and the server\n\
         can't know whose is. The thief tries once more, and gets 401 token_revoked. Ada signs in again with her password.",
    )?;
    source(screen, "src/domain/generations.rs, src/flows/steps/refresh_record.rs", "RFC 9700 section 4.14.2")
}

/// Tells the end: what passes, and what would stop it.
fn conclude(screen: &Screen) -> Result<(), Failure> {
    screen.step("What the server still accepts")?;
    screen.say(
        "- A browser that looks the same: a second profile, a cloned machine, an identical laptop.\n\
         - A copied fingerprint: anybody who runs a script in Ada's browser can read what the page reads.\n\
         - A thief whose token Ada's browser never uses again: if she does not come back, nobody notices.",
    )?;
    screen.step("What each protection stops")?;
    screen.say(
        "- Tokens in HttpOnly cookies: a script can use them, but not carry them away.\n\
         - The fingerprint: a token from a log, a backup or a proxy is of no use on another machine.\n\
         - Rotation: a copy is discovered as soon as both have been used.\n\
         - A key that can't leave the browser would stop the copy too: DPoP (RFC 9449), or Device Bound Session Credentials.\n\
         \u{20}\u{20}This server does not have them yet.",
    )
}

/// Prints where a step is in the code, and in which RFC.
fn source(screen: &Screen, code: &str, rfc: &str) -> Result<(), Failure> {
    screen.say(&format!("In the code: {code}; {rfc}\n"))
}

/// Returns the claims of a token.
fn claims(token: &str) -> Value {
    jwt::decode_unverified(token).map_or(Value::Null, |(_, claims)| Value::Object(claims))
}

/// Returns the failure of a step that went otherwise than the story says. It is an error of this program.
fn unexpected(who: &str, outcome: &Result<Tokens, RefreshError>) -> Failure {
    let what = outcome.as_ref().map_or_else(ToString::to_string, |_| "new tokens".to_owned());
    Failure::new(format!("{who}: {what}, which the story does not expect"))
}
