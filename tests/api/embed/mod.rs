//! Vestibule in another application, launched by Rocket and by `Front`.

#![expect(clippy::duplicate_mod, reason = "the same tests run with either server")]

mod by_front;
mod by_rocket;
