//! The server from outside. A test goes into the file of the flow that it is about; what is true of every path goes into
//! `conventions`; a bug that was fixed goes into `regressions` when no flow owns it.

mod conventions;
mod login;
mod refresh;
mod support;
