//! Random-walk tests: random steps of clients, an operator and time, taken on a server and in a small model of
//! `docs/contract/http-api.md`. After each step the response, the rows and the audit log must agree with the model, and the
//! invariants of `ARCHITECTURE.md` must be true.

mod database;
mod model;
mod steps;
#[expect(dead_code, unused_imports, reason = "shared with the tests of the API, which use more of it")]
#[path = "../api/support/mod.rs"]
mod support;
mod walk;

use proptest::{prelude::*, test_runner::Config};

use steps::{Step, step};
use walk::Walk;

proptest! {
    #![proptest_config(Config { cases: 32, max_shrink_iters: 150, failure_persistence: None, ..Config::default() })]

    #[test]
    fn sessions_behave_as_the_contract_states(steps in prop::collection::vec(step(), 20..36)) {
        let mut walk = Walk::begin();
        walk.take(&Step::Login { device: None });
        walk.check();
        for step in &steps {
            walk.take(step);
            walk.check();
        }
        walk.present_all_tokens();
    }
}
