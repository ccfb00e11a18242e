-- Which of the stored generations a rotation made that brought the secret of the session's device: a JSON array of their
-- numbers. A token that such a rotation superseded is repeated within the grace only by a request that brings the secret too.
alter table sessions add column device_generations text not null default '[]'
    check (json_type(device_generations) = 'array');

-- The last time at which a superseded token came from elsewhere than its rotation, and the address from which it came.
alter table sessions add column repeated_at integer;
alter table sessions add column repeated_ip text;

-- The access tokens of the session that were revoked alone. Past a number of them, one row of `changes` stands for all.
alter table sessions add column revoked_tokens integer not null default 0 check (revoked_tokens >= 0);

-- When refreshes came from another device: a JSON array of instants, those of the last day.
alter table sessions add column mismatched_at text not null default '[]' check (json_type(mismatched_at) = 'array');

-- A new kind: the access tokens of a session that were issued up to `value`, an instant. SQLite can't change a check, so the
-- table is made anew. The sequence goes on, because a running server asks for what came after the last number that it saw.
create table changes_now (
    seq     integer primary key autoincrement,
    kind    text not null check (
        kind in ('session_revoked', 'token_revoked', 'session_tokens_revoked', 'authorization_version', 'signing_keys')
    ),
    -- A session's id, a token's `jti`, a user's id; empty for the keys.
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
