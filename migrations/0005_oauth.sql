-- The scope that a session was opened with (RFC 6749 §3.3): permissions joined by spaces. Its tokens say no more than that,
-- whatever the user is given later. Null where none was asked for: then they say what the user may at the time.
alter table sessions add column scope text check (length(scope) > 0);
