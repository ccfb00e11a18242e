-- A device is whoever holds its `device_id`, of which only a keyed hash is here.
create table devices (
    id           text primary key check (length(id) = 36),
    user_id      text not null references users (id) on delete cascade,
    client_id    text not null,
    secret_hash  blob not null unique check (length(secret_hash) = 32),
    created_at   integer not null,
    -- The last login or refresh on it; devices unused for `device_retention` are forgotten.
    last_used_at integer not null
) strict, without rowid;

create index devices_by_user on devices (user_id);
create index devices_by_use on devices (last_used_at);

-- One sign-in on one device. No token is stored: the refresh token is a function of this row.
create table sessions (
    id                 text primary key check (length(id) = 36),
    user_id            text not null references users (id) on delete cascade,
    device_id          text references devices (id) on delete set null,
    client_id          text not null,
    device_name        text,
    user_agent         text,
    ip                 text,
    created_at         integer not null,
    -- The last login or refresh.
    last_used_at       integer not null,
    -- The same as an order: several are used in one second.
    used_order         integer not null,
    -- The end that no refresh moves, and the one that each rotation moves.
    expires_at         integer not null check (expires_at > created_at),
    refresh_expires_at integer not null check (refresh_expires_at <= expires_at),
    -- Counts refresh tokens from 1. The row takes a rotation only from the generation that the rotation read, so of any
    -- number of concurrent refreshes one makes the successor.
    generation         integer not null check (generation >= 1),
    -- When the current generation and those superseded within the grace were made: a JSON array, newest last.
    generations_made_at text not null
        check (json_type(generations_made_at) = 'array' and json_array_length(generations_made_at) >= 1),
    -- The greatest `exp` given out: until then a revocation must be remembered.
    access_expires_at  integer not null,
    -- How and when the user was proved (`amr` and `auth_time` of OpenID Connect).
    auth_methods       text not null default '["pwd"]' check (json_type(auth_methods) = 'array'),
    auth_time          integer not null,
    -- Thumbprint of a key that the tokens are bound to (RFC 9449 §6); none today.
    key_thumbprint     text,
    -- Wrong passwords since the last right one, and refreshes from another device in a row.
    failed_proofs      integer not null default 0 check (failed_proofs >= 0),
    mismatches         integer not null default 0 check (mismatches >= 0),
    -- Keyed hashes of the browser's components; nothing raw.
    fingerprint        text check (fingerprint is null or json_valid(fingerprint)),
    revoked_at         integer,
    revoked_reason     text,
    check ((revoked_at is null) = (revoked_reason is null))
) strict, without rowid;

create index sessions_by_user on sessions (user_id, revoked_at);
create index sessions_by_device on sessions (device_id);
create index sessions_by_use on sessions (used_order);
create index sessions_by_end on sessions (refresh_expires_at);

-- A device is kept for `device_retention` after its last session ended, not after it was last used.
create trigger sessions_leave_their_end after delete on sessions when old.device_id is not null
begin
    update devices set last_used_at = max(last_used_at, coalesce(old.revoked_at, old.refresh_expires_at))
    where id = old.device_id;
end;
