//! The application, launched by Rocket.

use crate::support::Launcher;

const LAUNCHER: Launcher = Launcher::Rocket;

#[path = "../application.rs"]
mod application;
#[path = "../notes.rs"]
mod notes;
