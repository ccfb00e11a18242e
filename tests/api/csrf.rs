//! CSRF
