-- Keys that sign access tokens. The private half is sealed under a key derived from the root secret, which is not in this
-- file: a copy of the database alone forges nothing.
create table signing_keys (
    kid        text primary key,
    algorithm  text not null,
    sealed     blob not null,
    -- `current` signs; `retiring` still checks what it signed, until `retires_at`. `next` is published before it signs.
    status     text not null check (status in ('next', 'current', 'retiring')),
    created_at integer not null,
    retires_at integer,
    check ((status = 'retiring') = (retires_at is not null))
) strict, without rowid;

create unique index signing_keys_one_current on signing_keys (status) where status = 'current';

-- What every process on this database must learn from the others, in order. A running server follows it by `seq` and
-- rebuilds its memory from it at start. Rows go once no token is left that they concern.
create table changes (
    seq     integer primary key autoincrement,
    kind    text not null check (kind in ('session_revoked', 'token_revoked', 'authorization_version', 'signing_keys')),
    -- A session's id, a token's `jti`, a user's id; empty for the keys.
    subject text not null,
    value   integer,
    at      integer not null,
    until   integer not null,
    check ((value is not null) = (kind = 'authorization_version'))
) strict;

create index changes_by_end on changes (until);

-- What happened, when, to whom, from where. Rows are never altered but to forget a person, and never removed but by age.
create table audit_events (
    id         integer primary key autoincrement,
    at         integer not null,
    event      text not null,
    -- No foreign keys: the log outlives what it tells of.
    user_id    text,
    session_id text,
    ip         text,
    detail     text not null default '{}' check (json_type(detail) = 'object')
) strict;

create index audit_events_by_time on audit_events (at);
create index audit_events_by_user on audit_events (user_id);

create trigger audit_events_are_not_altered before update on audit_events
when new.id <> old.id or new.at <> old.at or new.event <> old.event
    or new.user_id is not null or new.session_id is not null or new.ip is not null or new.detail <> '{}'
begin
    select raise(abort, 'audit events can only be made to forget a person');
end;

create trigger audit_events_are_not_removed before delete on audit_events
when old.at >= coalesce((select cast(value as integer) from meta where key = 'audit_swept_before'), 0)
begin
    select raise(abort, 'audit events are removed by age only');
end;
