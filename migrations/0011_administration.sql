-- Who acted, where that is another than the user whom the event concerns: the id of a user, or `command_line`.
alter table audit_events add column actor text;

drop trigger audit_events_are_not_altered;
create trigger audit_events_are_not_altered before update on audit_events
when new.id <> old.id or new.at <> old.at or new.event <> old.event
    -- The log can be made to forget the user whom an event concerns, or the user who acted, and nothing else.
    or not (
        (new.user_id is null and new.session_id is null and new.ip is null and new.detail = '{}'
            and new.actor is not distinct from old.actor)
        or (new.user_id is not distinct from old.user_id and new.session_id is not distinct from old.session_id
            and new.detail = old.detail and new.ip is null and new.actor = 'deleted_user')
    )
begin
    select raise(abort, 'audit events can only be made to forget a person');
end;

-- The log is read newest first: all of it, of one user, or of one kind.
drop index audit_events_by_user;
create index audit_events_by_user on audit_events (user_id, at);
create index audit_events_by_event on audit_events (event, at);
create index audit_events_by_actor on audit_events (actor) where actor is not null;

-- The list of the disabled users.
create index users_disabled on users (id) where disabled_at is not null;

-- Secrets that work once: the links with which the first admin is made, or a password is chosen.
create table one_time_tokens (
    -- The hash of the secret, which is random. Only the link contains the secret.
    sha256     blob primary key check (length(sha256) = 32),
    -- `setup` makes the first admin; `invite` and `reset` let a user choose a password.
    purpose    text not null check (purpose in ('setup', 'invite', 'reset')),
    user_id    text references users (id) on delete cascade,
    -- The user who created the link, and the roles and permissions of their token, as JSON. Null: the operator. A link works only
    -- while its creator could create it.
    creator    text references users (id) on delete cascade,
    creator_rights text check (json_type(creator_rights) = 'object'),
    created_at integer not null,
    expires_at integer not null,
    used_at    integer,
    check ((user_id is null) = (purpose = 'setup')),
    check ((creator is null) = (creator_rights is null))
) strict, without rowid;

create index one_time_tokens_by_end on one_time_tokens (expires_at);
create index one_time_tokens_by_user on one_time_tokens (user_id);
create index one_time_tokens_by_creator on one_time_tokens (creator) where creator is not null;
-- A newer link replaces an older one.
create unique index one_time_tokens_one_link on one_time_tokens (user_id) where used_at is null;

-- A link is void once the password, the address or the state of its account has changed. It is a rule of the tables, so
-- that no change can miss it. A new hash of the same password does not touch `updated_at`.
create trigger one_time_tokens_end_with_a_first_password after insert on credentials
begin
    delete from one_time_tokens where user_id = new.user_id and used_at is null;
end;

create trigger one_time_tokens_end_with_a_new_password after update of updated_at on credentials
begin
    delete from one_time_tokens where user_id = new.user_id and used_at is null;
end;

create trigger one_time_tokens_end_with_the_state after update of email_key, disabled_at on users
when new.email_key is distinct from old.email_key or (new.disabled_at is null) <> (old.disabled_at is null)
begin
    delete from one_time_tokens where user_id = new.id and used_at is null;
end;

-- The clients that were made at run time. Those of the configuration are not here.
create table clients (
    id          text primary key check (length(id) between 1 and 64),
    name        text check (length(name) between 1 and 64),
    -- A JSON array of texts. Empty: the server's own audience.
    audiences   text not null default '[]' check (json_type(audiences) = 'array'),
    -- A JSON array of permissions. Null: all permissions of the user.
    scopes      text check (scopes is null or json_type(scopes) = 'array'),
    -- A JSON array of `password` and `refresh_token`.
    grants      text not null check (json_type(grants) = 'array'),
    -- Null for a public client.
    secret_hash text check (secret_hash like 'sha256$%'),
    created_at  integer not null
) strict, without rowid;

-- A new kind: the clients have changed. SQLite can't change a check, so the table is made anew, as in migration 9.
create table changes_now (
    seq     integer primary key autoincrement,
    kind    text not null check (
        kind in ('session_revoked', 'token_revoked', 'session_tokens_revoked', 'authorization_version', 'signing_keys',
            'clients')
    ),
    -- A session's id, a token's `jti`, a user's id; empty for the keys and the clients.
    subject text not null,
    value   integer,
    at      integer not null,
    until   integer not null,
    check ((value is not null) = (kind in ('authorization_version', 'session_tokens_revoked')))
) strict;

insert into changes_now select seq, kind, subject, value, at, until from changes;
delete from sqlite_sequence where name = 'changes_now';
insert into sqlite_sequence (name, seq) select 'changes_now', seq from sqlite_sequence where name = 'changes';
drop table changes;
alter table changes_now rename to changes;

create index changes_by_end on changes (until);
create index changes_of_sessions on changes (subject) where kind = 'session_tokens_revoked';
