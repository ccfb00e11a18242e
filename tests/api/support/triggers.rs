//! Triggers with which tests make the database refuse a write in the middle of a flow.

use vestibule::store::{Tx, sql};

use super::{Server, wait_for};

impl Server {
    /// Makes the database refuse the events of this name, and permit all others.
    pub fn refuse_events(&self, event: &str) {
        self.write("create table if not exists refused_events (event text) strict");
        self.write(
            "create trigger if not exists this_event_is_refused before insert on audit_events
             when new.event in (select event from refused_events)
             begin select raise(abort, 'the test refuses this event'); end",
        );
        self.write("delete from refused_events");
        let event = event.to_owned();
        let write = async move |tx: &mut Tx| {
            sql("insert into refused_events (event) values ($1)").bind(event.as_str()).execute(tx).await
        };
        wait_for(self.vestibule.store.write(write)).expect("the statement runs");
    }

    /// Makes the database refuse every deletion of an audit event after the first `count`.
    pub fn refuse_deletions_of_events_after(&self, count: i64) {
        self.write("create table deletions_left (count integer) strict");
        self.write(
            "create trigger this_deletion_is_refused before delete on audit_events
             begin
                 update deletions_left set count = count - 1;
                 select raise(abort, 'the test refuses this deletion') from deletions_left where count < 0;
             end",
        );
        self.write_number("insert into deletions_left (count) values ($1)", count);
    }

    /// Makes the database permit the deletions of audit events again.
    pub fn permit_deletions_of_events(&self) {
        self.write("drop trigger this_deletion_is_refused");
    }

    /// Inserts `count` audit events of 1970.
    pub fn insert_old_events(&self, count: i64) {
        self.write_number(
            "insert into audit_events (at, event)
             with recursive n(i) as (select 1 union all select i + 1 from n where i < $1) select i, 'login_failed' from n",
            count,
        );
    }

    /// Runs a statement that writes, with one number.
    fn write_number(&self, text: &'static str, number: i64) {
        let write = async move |tx: &mut Tx| sql(text).bind(number).execute(tx).await;
        wait_for(self.vestibule.store.write(write)).expect("the statement runs");
    }
}
