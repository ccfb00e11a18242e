-- Facts about this database itself: which profile made it, which root secret belongs to it, up to where the audit log
-- was swept.
create table meta (
    key   text primary key,
    value text not null
) strict, without rowid;

-- People. What proves that someone is one of them stands in `credentials`.
create table users (
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

-- What proves that someone is a user. A password today; a passkey or a one-time password is another kind.
create table credentials (
    id         integer primary key,
    user_id    text not null references users (id) on delete cascade,
    kind       text not null check (kind in ('password')),
    -- For a password a PHC string: never the secret itself.
    secret     text not null check (secret like '$%'),
    created_at integer not null,
    updated_at integer not null
) strict;

create unique index credentials_one_password on credentials (user_id) where kind = 'password';

-- Roles are names for sets of permissions. `admin` has every permission, by definition and without rows.
create table roles (
    name       text primary key check (length(name) between 1 and 64),
    created_at integer not null
) strict, without rowid;

insert into roles (name, created_at) values ('admin', 0);

create trigger roles_admin_stays before delete on roles when old.name = 'admin'
begin
    select raise(abort, 'the role admin can''t be removed');
end;

create table role_permissions (
    role       text not null references roles (name) on delete cascade,
    permission text not null check (length(permission) between 1 and 64),
    primary key (role, permission)
) strict, without rowid;

create table user_roles (
    user_id text not null references users (id) on delete cascade,
    role    text not null references roles (name) on delete cascade,
    primary key (user_id, role)
) strict, without rowid;

create index user_roles_by_role on user_roles (role);

create table user_permissions (
    user_id    text not null references users (id) on delete cascade,
    permission text not null check (length(permission) between 1 and 64),
    primary key (user_id, permission)
) strict, without rowid;

-- Secrets that work once: a set-up link today, later password resets and email verification. Only their hash is here.
create table one_time_tokens (
    sha256     blob primary key check (length(sha256) = 32),
    purpose    text not null,
    user_id    text references users (id) on delete cascade,
    expires_at integer not null,
    used_at    integer
) strict, without rowid;

create index one_time_tokens_by_end on one_time_tokens (expires_at);
