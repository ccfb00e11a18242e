-- Whether a request of the session has brought the secret of its device. Then a refresh without the secret is not told it.
alter table sessions add column device_seen integer not null default 0 check (device_seen in (0, 1));
