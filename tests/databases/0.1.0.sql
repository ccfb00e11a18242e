-- The database of release 0.1.0 with one user, ada, whose password is "a long walk to the sea", and one session. Its root secret is
-- 0.1.0.key. Dumped from what that release wrote.
BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "_sqlx_migrations" VALUES(1,'users','2026-11-26 15:00:41',1,X'FA597F8F05F53609F249CDFA085EAE70C2FB825CF709F1E3530F6D0BA21A98140DA0D96D65F9A90DBB257796633668C2',967362);
INSERT INTO "_sqlx_migrations" VALUES(2,'sessions','2026-11-26 15:00:41',1,X'F67A0CD03B70C1E0FC035AF635C12FABE166F16E41558B4AC0F67D67162EFFECA2197A6D711C0AF674CE912ABC8FB967',691536);
INSERT INTO "_sqlx_migrations" VALUES(3,'operation','2026-11-26 15:00:41',1,X'E778FC773C0B06260AEF537748C8B5AE508EEA7FAD4C2F50EA4C35E4636C25F5A37CF38ACEDAE8F0A5322EC188E88373',759035);
INSERT INTO "_sqlx_migrations" VALUES(4,'keys','2026-11-26 15:00:41',1,X'F85052442508B3E50E016319A99D8D370026AF05707FC457D86047CD9A5AB25942F583A02B2EB67FCD1B728F65688AE5',706243);
INSERT INTO "_sqlx_migrations" VALUES(5,'oauth','2026-11-26 15:00:41',1,X'68299D2C18C109DBECD0DE9F9B140B709D46241E3CC470530A3C75D29C5F29CE23F6916AD14F705696BCFA5898945EF2',638863);
CREATE TABLE audit_events (
    id         integer primary key autoincrement,
    at         integer not null,
    event      text not null,
    -- No foreign keys: the log outlives what it tells of.
    user_id    text,
    session_id text,
    ip         text,
    detail     text not null default '{}' check (json_type(detail) = 'object')
) strict;
INSERT INTO "audit_events" VALUES(1,1795705241,'user_added','01a2185f-7da8-7408-81c1-a51b363d93e1',NULL,NULL,'{"roles":["admin"]}');
INSERT INTO "audit_events" VALUES(2,1795705241,'signing_key_created',NULL,NULL,NULL,'{"algorithm":"ES256","kid":"kdH4UCs7sv0gRhH-Sloq3Q_91ZIxh_RenCWyBq9S05Y"}');
INSERT INTO "audit_events" VALUES(3,1795705242,'login_succeeded','01a2185f-7da8-7408-81c1-a51b363d93e1','01a2185f-8190-77db-aa44-8e1c483d8d86','127.0.0.1','{"client_id":"default"}');
CREATE TABLE changes (
    seq     integer primary key autoincrement,
    kind    text not null check (kind in ('session_revoked', 'token_revoked', 'authorization_version', 'signing_keys')),
    -- A session's id, a token's `jti`, a user's id; empty for the keys.
    subject text not null,
    value   integer,
    at      integer not null,
    until   integer not null,
    check ((value is not null) = (kind = 'authorization_version'))
) strict;
INSERT INTO "changes" VALUES(1,'signing_keys','',NULL,1795705241,1795791641);
CREATE TABLE credentials (
    id         integer primary key,
    user_id    text not null references users (id) on delete cascade,
    kind       text not null check (kind in ('password')),
    -- For a password a PHC string: never the secret itself.
    secret     text not null check (secret like '$%'),
    created_at integer not null,
    updated_at integer not null
) strict;
INSERT INTO "credentials" VALUES(1,'01a2185f-7da8-7408-81c1-a51b363d93e1','password','$argon2id$v=19$m=19456,t=2,p=1$8/5DBGcKQ4Mtq0tnyM139g$PZzG5nfbRcKCvaIkRLWse6Wwx7GmiUGgNZqcQ7zZfGA',1795705241,1795705241);
CREATE TABLE devices (
    id           text primary key check (length(id) = 36),
    user_id      text not null references users (id) on delete cascade,
    client_id    text not null,
    secret_hash  blob not null unique check (length(secret_hash) = 32),
    created_at   integer not null,
    -- The last login or refresh on it; devices unused for `device_retention` are forgotten.
    last_used_at integer not null
) strict, without rowid;
INSERT INTO "devices" VALUES('01a2185f-8190-7f41-ad88-661ec72980d1','01a2185f-7da8-7408-81c1-a51b363d93e1','default',X'FC8651A81B1ADF1474644575C25B762091FD8E219EB09B47FA10CCFC4132DCA6',1795705242,1795705242);
CREATE TABLE meta (
    key   text primary key,
    value text not null
) strict, without rowid;
INSERT INTO "meta" VALUES('algorithm','ES256');
INSERT INTO "meta" VALUES('audit_swept_before','1787929241');
INSERT INTO "meta" VALUES('keys_followed','1');
INSERT INTO "meta" VALUES('profile','serve');
INSERT INTO "meta" VALUES('root_secret_recognition','InR-IwTvcGDfRKiY1gQsWT_ucrryCGHTkmPFqBIWRpk');
CREATE TABLE one_time_tokens (
    sha256     blob primary key check (length(sha256) = 32),
    purpose    text not null,
    user_id    text references users (id) on delete cascade,
    expires_at integer not null,
    used_at    integer
) strict, without rowid;
CREATE TABLE role_permissions (
    role       text not null references roles (name) on delete cascade,
    permission text not null check (length(permission) between 1 and 64),
    primary key (role, permission)
) strict, without rowid;
CREATE TABLE roles (
    name       text primary key check (length(name) between 1 and 64),
    created_at integer not null
) strict, without rowid;
INSERT INTO "roles" VALUES('admin',0);
CREATE TABLE sessions (
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
    revoked_reason     text, scope text check (length(scope) > 0),
    check ((revoked_at is null) = (revoked_reason is null))
) strict, without rowid;
INSERT INTO "sessions" VALUES('01a2185f-8190-77db-aa44-8e1c483d8d86','01a2185f-7da8-7408-81c1-a51b363d93e1','01a2185f-8190-7f41-ad88-661ec72980d1','default','curl 7','curl/7.88.1','127.0.0.1',1795705242,1795705243,2,1803481242,1796310043,2,'[1795705242,1795705243]',1795706143,'["pwd"]',1795705242,NULL,0,0,NULL,NULL,NULL,NULL);
CREATE TABLE signing_keys (
    kid        text primary key,
    algorithm  text not null,
    sealed     blob not null,
    -- `current` signs; `retiring` still checks what it signed, until `retires_at`. `next` is published before it signs.
    status     text not null check (status in ('next', 'current', 'retiring')),
    created_at integer not null,
    retires_at integer, signs_from integer not null default 0,
    check ((status = 'retiring') = (retires_at is not null))
) strict, without rowid;
INSERT INTO "signing_keys" VALUES('kdH4UCs7sv0gRhH-Sloq3Q_91ZIxh_RenCWyBq9S05Y','ES256',X'CDB687A605F65C21A34AF1F99E388416F33E37FDEB6DD245E5EB1545970B5B8434E5969749F6541BD2F98964AEC125A20B1A7BD4A28388978BD2BCA47EFE4FC4D8D1FA78D80951B83C08275CEBF3654661E26B102B698AB3649292959BC5713CB2CBF956A74830F960892D2542B5C9E8D0E91D1083FFEE62B6C2683ED0A9DA48943E60E5EA53C4C69283D4D0B88B02002B15AAF8EDF84F8CD4E6E5E8DB92DC6F9558485E4F14','current',1795705241,NULL,1795705241);
CREATE TABLE user_permissions (
    user_id    text not null references users (id) on delete cascade,
    permission text not null check (length(permission) between 1 and 64),
    primary key (user_id, permission)
) strict, without rowid;
CREATE TABLE user_roles (
    user_id text not null references users (id) on delete cascade,
    role    text not null references roles (name) on delete cascade,
    primary key (user_id, role)
) strict, without rowid;
INSERT INTO "user_roles" VALUES('01a2185f-7da8-7408-81c1-a51b363d93e1','admin');
CREATE TABLE users (
    id                    text primary key check (length(id) = 36),
    -- As written, and folded: unique without regard to case in any script, which SQLite's own `nocase` is not.
    username              text,
    username_key          text unique,
    email                 text,
    email_key             text unique,
    -- Set once a mail showed that the address is theirs.
    email_verified_at     integer,
    disabled_at           integer,
    -- Raised whenever something that older access tokens say stops being true; a token with a lower one is refused.
    authorization_version integer not null default 1 check (authorization_version >= 1),
    -- Custom claims of their access tokens: a JSON object.
    claims                text not null default '{}' check (json_type(claims) = 'object'),
    created_at            integer not null,
    check (username is not null or email is not null),
    check ((username is null) = (username_key is null)),
    check ((email is null) = (email_key is null)),
    check (email_verified_at is null or email is not null)
) strict, without rowid;
INSERT INTO "users" VALUES('01a2185f-7da8-7408-81c1-a51b363d93e1','ada','ada','ada@example.com','ada@example.com',NULL,NULL,1,'{}',1795705241);
CREATE UNIQUE INDEX credentials_one_password on credentials (user_id) where kind = 'password';
CREATE TRIGGER roles_admin_stays before delete on roles when old.name = 'admin'
begin
    select raise(abort, 'the role admin can''t be removed');
end;
CREATE INDEX user_roles_by_role on user_roles (role);
CREATE INDEX one_time_tokens_by_end on one_time_tokens (expires_at);
CREATE INDEX devices_by_user on devices (user_id);
CREATE INDEX devices_by_use on devices (last_used_at);
CREATE INDEX sessions_by_user on sessions (user_id, revoked_at);
CREATE INDEX sessions_by_device on sessions (device_id);
CREATE INDEX sessions_by_use on sessions (used_order);
CREATE INDEX sessions_by_end on sessions (refresh_expires_at);
CREATE TRIGGER sessions_leave_their_end after delete on sessions when old.device_id is not null
begin
    update devices set last_used_at = max(last_used_at, coalesce(old.revoked_at, old.refresh_expires_at))
    where id = old.device_id;
end;
CREATE UNIQUE INDEX signing_keys_one_current on signing_keys (status) where status = 'current';
CREATE INDEX changes_by_end on changes (until);
CREATE INDEX audit_events_by_time on audit_events (at);
CREATE INDEX audit_events_by_user on audit_events (user_id);
CREATE TRIGGER audit_events_are_not_altered before update on audit_events
when new.id <> old.id or new.at <> old.at or new.event <> old.event
    or new.user_id is not null or new.session_id is not null or new.ip is not null or new.detail <> '{}'
begin
    select raise(abort, 'audit events can only be made to forget a person');
end;
CREATE TRIGGER audit_events_are_not_removed before delete on audit_events
when old.at >= coalesce((select cast(value as integer) from meta where key = 'audit_swept_before'), 0)
begin
    select raise(abort, 'audit events are removed by age only');
end;
CREATE UNIQUE INDEX signing_keys_one_next on signing_keys (status) where status = 'next';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('audit_events',3);
INSERT INTO "sqlite_sequence" VALUES('changes',1);
COMMIT;
