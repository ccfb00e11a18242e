//! The flows of users: registration, changes, import, export and deletion.

pub mod add_user;
pub mod change_names;
pub mod change_password;
pub mod change_user;
pub mod delete_user;
pub mod export_user;
pub mod import_users;
pub mod reauthenticate;
pub mod register;
pub mod remove_device;
