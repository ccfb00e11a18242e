//! A small Rocket application that protects its own routes with Vestibule's guards.
//!
//! `cargo run --example guarded_routes`, sign in at `/auth/login`, and call `/greeting` with the access token.

use std::sync::Arc;

use rocket::{get, routes};
use vestibule::{
    CurrentUser, FreshToken, MaybeAccessToken,
    clock::Clock,
    config::{self, Flags, Profile, Sources},
    flows::open::{Role, open},
};

/// Whoever is signed in.
#[get("/greeting")]
fn greeting(user: CurrentUser) -> String {
    format!("Hello {}", user.username().unwrap_or("you"))
}

/// Anybody; but a forged token is refused.
#[get("/")]
fn index(token: MaybeAccessToken) -> &'static str {
    if token.token().is_some() { "Welcome back" } else { "Welcome" }
}

/// Whoever has just proved their password.
#[get("/danger")]
fn danger(_fresh: FreshToken) -> &'static str {
    "You may."
}

#[rocket::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let loaded = config::load(&Sources::of_process(Profile::Dev, None, Flags::default()))?;
    let vestibule = Arc::new(open(loaded.config, Clock::system(), Role::Server).await?);
    let rocket = vestibule::http::rocket(Arc::clone(&vestibule), loaded.figment);
    rocket.mount("/", routes![index, greeting, danger]).launch().await?;
    vestibule.close().await;
    Ok(())
}
