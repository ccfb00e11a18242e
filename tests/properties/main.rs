//! Random walks over everything that moves a session, beside a small model of what `docs/contract/http-api.md` says. After
//! each step the answer, the rows and the log must be as in the model, and the invariants of `ARCHITECTURE.md` must hold.

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
    fn sessions_are_what_the_contract_says(steps in prop::collection::vec(step(), 20..36)) {
        let mut walk = Walk::begin();
        walk.take(&Step::Login { device: None });
        walk.check();
        for step in &steps {
            walk.take(step);
            walk.check();
        }
        walk.show_everything();
    }
}
