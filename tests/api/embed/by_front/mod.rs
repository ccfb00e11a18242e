//! The application, launched by `Front`.

use crate::support::Launcher;

const LAUNCHER: Launcher = Launcher::Front;

#[path = "../application.rs"]
mod application;
#[path = "../notes.rs"]
mod notes;
