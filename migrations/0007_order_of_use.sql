-- No index on what each refresh changes. The order of use is made by the process, so nothing asks for the greatest one but
-- the first use after a start; and the end that a refresh moves is found by its day, which a refresh changes once a day.
alter table sessions add column end_day integer not null default 0;
update sessions set end_day = refresh_expires_at / 86400;

drop index sessions_by_use;
drop index sessions_by_end;
create index sessions_by_end on sessions (end_day);
