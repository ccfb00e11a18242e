//! A small application that keeps notes for its users. It uses Vestibule to sign them in.
//!
//! Start it with `cargo run --example notes`. Create a user with `vestibule user add ada --generate`, sign in at `/auth/login`,
//! and send the access token with each request. The guards in the signature of a handler are the conditions of its route. A
//! route without a guard requires an access token too, because `protected` wraps it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use rocket::{
    Build, Rocket, State, delete,
    figment::Figment,
    get,
    http::Status,
    post,
    response::status::{Created, NoContent},
    routes,
    serde::{Serialize, json::Json},
};
use vestibule::{
    CurrentUser, Embed, FreshToken, MaybeAccessToken, Require, UserId, Vestibule, config::Config, permission, protected,
};

permission!(DeleteNotes = "delete:notes");

/// The notes of all users, by user and by the id of the note. They are kept in memory only, because the example is about the
/// question which user may see a note.
#[derive(Default)]
struct Notes(Mutex<BTreeMap<UserId, BTreeMap<usize, String>>>);

impl Notes {
    /// Calls `act` with the notes of one user and returns the result of `act`. A user without notes gets an empty map.
    fn of<T>(&self, user: UserId, act: impl FnOnce(&mut BTreeMap<usize, String>) -> T) -> T {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(notes.entry(user).or_default())
    }
}

#[derive(Serialize)]
#[serde(crate = "rocket::serde")]
struct Note {
    id: usize,
    text: String,
}

/// Greets everybody. A request without a token is accepted; a request with an invalid token is refused (401).
#[get("/")]
fn index(token: MaybeAccessToken, notes: &State<Notes>) -> String {
    match token.token() {
        Some(token) => format!("You have {} notes.", notes.of(token.subject(), |own| own.len())),
        None => "Sign in to see your notes.".to_owned(),
    }
}

/// Returns the user's own notes.
#[get("/notes")]
fn list(user: CurrentUser, notes: &State<Notes>) -> Json<Vec<Note>> {
    let note = |(id, text): (&usize, &String)| Note { id: *id, text: text.clone() };
    Json(notes.of(user.id(), |own| own.iter().map(note).collect()))
}

/// Adds a note of the user.
#[post("/notes", data = "<text>")]
fn add(user: CurrentUser, text: String, notes: &State<Notes>) -> Created<Json<Note>> {
    let id = notes.of(user.id(), |own| {
        // Ids count from 1 for each user.
        let id = own.keys().last().map_or(1, |last| last + 1);
        own.insert(id, text.clone());
        id
    });
    Created::new(format!("/notes/{id}")).body(Json(Note { id, text }))
}

/// Deletes all notes of the user. The user must have proved the password just before. So a stranger at a computer that was left
/// unlocked can't delete them.
#[delete("/notes")]
fn clear(token: FreshToken, notes: &State<Notes>) -> NoContent {
    notes.of(token.subject(), BTreeMap::clear);
    NoContent
}

/// Deletes a note of another user. Only moderators may do this: the users with a role that grants the permission
/// `delete:notes`. Responds 404 if there is no such note.
#[delete("/users/<author>/notes/<id>")]
fn moderate(
    author: &str,
    id: usize,
    _moderator: Require<DeleteNotes>,
    notes: &State<Notes>,
) -> Result<NoContent, Status> {
    let author = UserId::parse(author).ok_or(Status::NotFound)?;
    notes.of(author, |theirs| theirs.remove(&id)).map(|_| NoContent).ok_or(Status::NotFound)
}

/// Returns the application. All routes require a valid access token, except the paths in the setting `exclude_urls`. Here this
/// is only `/`, which `main` adds.
pub fn application(vestibule: &Arc<Vestibule>, figment: Figment) -> Rocket<Build> {
    rocket::custom(figment)
        .attach(Embed::new(vestibule).only_protected_routes())
        .manage(Notes::default())
        .mount("/", protected(routes![index, list, add, clear, moderate]))
}

#[rocket::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config::of_process()?;
    config.web.exclude_urls.0.push("/".parse()?);
    let vestibule = Vestibule::open(config).await?;
    application(&vestibule, rocket::Config::figment()).launch().await?;
    vestibule.close().await;
    Ok(())
}
