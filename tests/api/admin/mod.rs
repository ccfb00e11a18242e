//! The administration: who may call which endpoint, what somebody may give and take, and the lists.

mod clients;
mod events;
mod last_admin;
mod links;
mod lists;
mod networks;
mod pages;
mod pages_forms;
mod pages_shown;
mod pages_table;
mod power;
mod privileges;
mod refused;
mod targets;
