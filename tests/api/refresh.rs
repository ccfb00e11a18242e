//! `POST /auth/refresh`.

use std::{collections::HashSet, sync::Barrier, thread};

use crate::support::Server;

#[test]
fn fifty_threads_with_one_token_get_its_one_successor() {
    let server = Server::with(vec![("refresh_rate_per_session", "0".into())]);
    let ada = server.user("ada");
    let mut session = ada.login();
    for round in 0..200 {
        server.advance(31);
        let barrier = Barrier::new(50);
        let answers: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..50)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        session.try_refresh()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        let successors: HashSet<_> =
            answers.iter().map(|answer| answer.clone().expect(200).text_at("refresh_token").to_owned()).collect();
        assert_eq!(successors.len(), 1, "round {round}");
        session = session.refreshed();
    }
}
