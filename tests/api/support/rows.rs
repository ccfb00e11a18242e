//! The queries with which tests read and change the tables. Only this module, [`super::triggers`] and
//! [`super::database`] name tables and columns.

use vestibule::store::{self, Tx, sql};

use super::{Actor, Server, wait_for};

/// The stored hash of a user's password.
impl Actor<'_> {
    /// Returns the stored hash.
    pub fn stored_hash(&self) -> String {
        self.server.value("select secret from credentials where user_id = $1 and kind = 'password'", &[&self.id])
    }

    /// Replaces the stored hash.
    pub fn set_stored_hash(&self, hash: &str) {
        let (id, hash) = (self.id.clone(), hash.to_owned());
        let write = async move |tx: &mut Tx| {
            let update = sql("update credentials set secret = $1 where user_id = $2 and kind = 'password'");
            update.bind(hash.as_str()).bind(id.as_str()).execute(tx).await
        };
        let updated = wait_for(self.server.vestibule.store.write(write)).expect("the statement runs");
        assert_eq!(updated, 1);
    }
}

/// The users and their credentials.
impl Server {
    /// Returns the number of users.
    pub fn count_users(&self) -> usize {
        self.count("select count(*) from users")
    }

    /// Returns the number of users whose email address begins with `beginning`.
    pub fn count_users_with_email(&self, beginning: &str) -> usize {
        self.count_of("select count(*) from users where email like $1", &[&format!("{beginning}%")])
    }

    /// Returns the username of each user, or the email address of a user without one, in descending order.
    pub fn names_descending(&self) -> Vec<String> {
        self.texts("select coalesce(username, email) as name from users order by name desc")
    }

    /// Marks the email address of every user as verified.
    pub fn verify_all_emails(&self) {
        self.write("update users set email_verified_at = 1");
    }

    /// Deletes every user.
    pub fn delete_users(&self) {
        self.write("delete from users");
    }

    /// Returns the number of passwords whose hash has these parameters, as a PHC string spells them.
    pub fn count_passwords_with(&self, parameters: &str) -> usize {
        self.count_of("select count(*) from credentials where secret like $1", &[&format!("%{parameters}%")])
    }

    /// Returns one text for each user, password, session and device, with the columns that an endpoint could change. The last
    /// text is the number of audit events.
    pub fn state(&self) -> Vec<String> {
        const TABLES: [&str; 5] = [
            "select json_array(id, username, email, authorization_version, disabled_at, claims) as row from users order by id",
            "select json_array(user_id, secret) as row from credentials order by user_id",
            "select json_array(id, generation, last_used_at, access_expires_at, refresh_expires_at, auth_time,
                failed_proofs, mismatches, revoked_at) as row from sessions order by id",
            "select json_array(id, user_id) as row from devices order by id",
            "select json_array(count(*)) as row from audit_events",
        ];
        TABLES.iter().flat_map(|table| self.texts(table)).collect()
    }
}

/// The roles.
impl Server {
    /// Returns the number of roles with this name: 0 or 1.
    pub fn count_roles(&self, name: &str) -> usize {
        self.count_of("select count(*) from roles where name = $1", &[name])
    }

    /// Inserts the roles `a!b` and `z` without permissions. No operator could choose the first name.
    pub fn insert_odd_roles(&self) {
        self.write("insert into roles (name, created_at) values ('a!b', 0), ('z', 0)");
    }

    /// Inserts the role `huge` with 99 long permissions. An operator may not grant a role that much.
    pub fn insert_huge_role(&self) {
        self.write("insert into roles (name, created_at) values ('huge', 0)");
        self.write(
            "insert into role_permissions (role, permission)
             with recursive n(i) as (select 1 union all select i + 1 from n where i < 99)
             select 'huge', 'permission-of-an-application-number-' || i from n",
        );
    }
}

/// The sessions.
impl Server {
    /// Returns the number of sessions, whether they are revoked or not.
    pub fn count_sessions(&self) -> usize {
        self.count("select count(*) from sessions")
    }

    /// Returns the number of sessions that are not revoked.
    pub fn count_live_sessions(&self) -> usize {
        self.count("select count(*) from sessions where revoked_at is null")
    }

    /// Returns the number of sessions of a user that are not revoked.
    pub fn count_live_sessions_of(&self, user: &str) -> usize {
        self.count_of("select count(*) from sessions where user_id = $1 and revoked_at is null", &[user])
    }

    /// Returns the number of sessions that a client opened.
    pub fn count_sessions_of_client(&self, client: &str) -> usize {
        self.count_of("select count(*) from sessions where client_id = $1", &[client])
    }

    /// Returns the number of sessions that were revoked for this reason.
    pub fn count_sessions_revoked_for(&self, reason: &str) -> usize {
        self.count_of("select count(*) from sessions where revoked_reason = $1", &[reason])
    }

    /// Returns the number of sessions with a sealed fingerprint.
    pub fn count_bound_sessions(&self) -> usize {
        self.count("select count(*) from sessions where fingerprint is not null")
    }

    /// Returns the ids of the sessions that are not revoked, the least recently used first. A login over the limit revokes the
    /// first of them.
    pub fn live_sessions_in_order_of_use(&self) -> Vec<String> {
        self.texts("select id from sessions where revoked_at is null order by used_order")
    }

    /// Returns the generation of the only session.
    pub fn generation(&self) -> i64 {
        self.value("select generation from sessions", &[])
    }

    /// Returns the highest generation of all sessions. It is 1 if no session was refreshed.
    pub fn highest_generation(&self) -> i64 {
        self.value("select max(generation) from sessions", &[])
    }

    /// Returns the sum of the generations of all sessions.
    pub fn sum_of_generations(&self) -> i64 {
        self.value("select sum(generation) from sessions", &[])
    }

    /// Returns a number that changes when a session is rotated, and when a session is used at a later second.
    pub fn sum_of_uses(&self) -> i64 {
        self.value("select sum(generation + last_used_at) from sessions", &[])
    }

    /// Returns the time of the last use of the only session, in Unix seconds.
    pub fn last_used_at(&self) -> i64 {
        self.value("select last_used_at from sessions", &[])
    }

    /// Returns the time at which the last access token of the only session expires, in Unix seconds.
    pub fn access_expires_at(&self) -> i64 {
        self.value("select access_expires_at from sessions", &[])
    }

    /// Returns the number of mismatches that the only session has counted.
    pub fn mismatches(&self) -> i64 {
        self.value("select mismatches from sessions", &[])
    }

    /// Returns the number of mismatches that all sessions together have counted.
    pub fn sum_of_mismatches(&self) -> i64 {
        self.value("select sum(mismatches) from sessions", &[])
    }

    /// Returns the sealed fingerprint of a session, or `none`.
    pub fn sealed_fingerprint(&self, session: &str) -> String {
        self.value("select coalesce(fingerprint, 'none') from sessions where id = $1", &[session])
    }

    /// Returns the columns of a session that a rotation changes, as one text.
    pub fn rotation_of(&self, session: &str) -> String {
        let row = "select json_array(generation, generations_made_at, last_used_at, refresh_expires_at, fingerprint)
            from sessions where id = $1";
        self.value(row, &[session])
    }

    /// Returns the reason for which a session was revoked.
    pub fn revoked_reason(&self, session: &str) -> String {
        self.value("select revoked_reason from sessions where id = $1", &[session])
    }

    /// Sets every session back to its first generation, created at [`super::START`], as if an older copy of the database had
    /// been restored.
    pub fn set_back_to_the_first_generation(&self) {
        self.write("update sessions set generation = 1, generations_made_at = '[1800000000]'");
    }

    /// Revokes every session only in its row. The server's memory does not contain the revocation.
    pub fn revoke_rows_of_sessions(&self) {
        self.write("update sessions set revoked_at = 1, revoked_reason = 'logout'");
    }

    /// Deletes the row of every session.
    pub fn delete_sessions(&self) {
        self.write("delete from sessions");
    }
}

/// The devices.
impl Server {
    /// Returns the number of devices.
    pub fn count_devices(&self) -> usize {
        self.count("select count(*) from devices")
    }

    /// Adds a device to the only user whose id is not a UUID, as a damaged file could have one.
    pub fn spoil_a_device_id(&self) {
        self.write(
            "insert into devices (id, user_id, client_id, secret_hash, created_at, last_used_at)
             select 'this is no UUID but has 36 character', id, 'default', zeroblob(32), 1, 1 from users",
        );
    }

    /// Returns the ids of the devices.
    pub fn device_ids(&self) -> Vec<String> {
        self.texts("select id from devices")
    }

    /// Returns the id of the user with this username.
    pub fn id_of(&self, name: &str) -> String {
        self.value("select id from users where username = $1", &[name])
    }

    /// Returns the id of the only device of a user.
    pub fn device_of(&self, user: &str) -> String {
        self.value("select id from devices where user_id = $1", &[user])
    }

    /// Returns the hash of the secret of the oldest device.
    pub fn oldest_device_hash(&self) -> Vec<u8> {
        self.value("select secret_hash from devices order by created_at, id limit 1", &[])
    }

    /// Returns the length of the hash of the only device's secret, in bytes.
    pub fn device_hash_length(&self) -> i64 {
        self.value("select length(secret_hash) from devices", &[])
    }

    /// Returns the hashes of all devices' secrets, in hexadecimal digits. There must be at least one.
    #[track_caller]
    pub fn device_hashes(&self) -> Vec<String> {
        let hashes = self.texts("select hex(secret_hash) as hash from devices");
        assert!(!hashes.is_empty(), "no device");
        hashes
    }
}

/// The audit log.
impl Server {
    /// Returns the number of rows of the log.
    pub fn count_audit_events(&self) -> usize {
        self.count("select count(*) from audit_events")
    }

    /// Returns the number of events of this name.
    pub fn count_events(&self, event: &str) -> usize {
        self.count_of("select count(*) from audit_events where event = $1", &[event])
    }

    /// Returns the number of events whose name contains `part`.
    pub fn count_events_like(&self, part: &str) -> usize {
        self.count_of("select count(*) from audit_events where event like $1", &[&format!("%{part}%")])
    }

    /// Returns the number of events of this name for the signing key `kid`.
    pub fn count_events_of_key(&self, event: &str, kid: &str) -> usize {
        self.count_of("select count(*) from audit_events where event = $1 and detail ->> 'kid' = $2", &[event, kid])
    }

    /// Returns the number of events with this address.
    pub fn count_events_from(&self, ip: &str) -> usize {
        self.count_of("select count(*) from audit_events where ip = $1", &[ip])
    }

    /// Returns the number of events whose address begins with `beginning`.
    pub fn count_events_from_network(&self, beginning: &str) -> usize {
        self.count_of("select count(*) from audit_events where ip like $1", &[&format!("{beginning}%")])
    }

    /// Returns the number of events with an address other than `ip`. Events without an address are not counted.
    pub fn count_events_from_elsewhere_than(&self, ip: &str) -> usize {
        self.count_of("select count(*) from audit_events where ip <> $1", &[ip])
    }

    /// Returns the number of events with an address or a user.
    pub fn count_events_of_persons(&self) -> usize {
        self.count("select count(*) from audit_events where ip is not null or user_id is not null")
    }

    /// Returns the time of the oldest event, in Unix seconds.
    pub fn oldest_event_at(&self) -> i64 {
        self.value("select min(at) from audit_events", &[])
    }

    /// Returns the detail of the only event of this name in a session, as JSON.
    pub fn event_detail(&self, event: &str, session: &str) -> String {
        self.value("select detail from audit_events where event = $1 and session_id = $2", &[event, session])
    }

    /// Returns user, session, address and detail of the only event of this name, as one text.
    pub fn event_row(&self, event: &str) -> String {
        self.value("select json_array(user_id, session_id, ip, detail) from audit_events where event = $1", &[event])
    }

    /// Returns the length of the hash of the typed name in the only event `login_failed`, in characters.
    pub fn name_hash_length(&self) -> i64 {
        let length =
            "select length(json_extract(detail, '$.name_hash')) from audit_events where event = 'login_failed'";
        self.value(length, &[])
    }

    /// Tries to delete all events. The database refuses this, so the result is an error.
    pub fn try_delete_audit_events(&self) -> store::Result<u64> {
        wait_for(self.vestibule.store.write(async |tx| sql("delete from audit_events").execute(tx).await))
    }
}

/// The feed of changes, the signing keys and the notes of the store.
impl Server {
    /// Returns the number of changes of this kind.
    pub fn count_changes(&self, kind: &str) -> usize {
        self.count_of("select count(*) from changes where kind = $1", &[kind])
    }

    /// Returns the number of changes of any other kind.
    pub fn count_changes_other_than(&self, kind: &str) -> usize {
        self.count_of("select count(*) from changes where kind <> $1", &[kind])
    }

    /// Returns the number of signing keys.
    pub fn count_signing_keys(&self) -> usize {
        self.count("select count(*) from signing_keys")
    }

    /// Returns the number of signing keys in this state: `next`, `current` or `retired`.
    pub fn count_signing_keys_that_are(&self, status: &str) -> usize {
        self.count_of("select count(*) from signing_keys where status = $1", &[status])
    }

    /// Returns the number of notes under this key: 0 or 1.
    pub fn count_notes(&self, key: &str) -> usize {
        self.count_of("select count(*) from meta where key = $1", &[key])
    }

    /// Returns the note under this key.
    pub fn note(&self, key: &str) -> String {
        self.value("select value from meta where key = $1", &[key])
    }

    /// Returns the keys of the empty notes, in ascending order.
    pub fn empty_notes(&self) -> Vec<String> {
        self.texts("select key from meta where value = '' order by key")
    }
}

/// The links.
impl Server {
    /// Returns the number of links, whether they were used or not.
    pub fn count_links(&self) -> usize {
        self.count("select count(*) from one_time_tokens")
    }
}

/// Inserts a note, as a write of an application could. It fails if there is a note under the key.
pub async fn insert_note(tx: &mut Tx, key: &'static str, value: &'static str) -> store::Result<u64> {
    sql("insert into meta (key, value) values ($1, $2)").bind(key).bind(value).execute(tx).await
}

/// Appends a plus sign to the note `profile`.
pub async fn append_to_profile(tx: &mut Tx) -> store::Result<u64> {
    sql("update meta set value = value || '+' where key = 'profile'").execute(tx).await
}
