-- The generation that the last password change of the session made. A refresh token of an earlier one gets nothing: whoever
-- copied it does not know the new password. 1 where there was no change.
alter table sessions add column password_generation integer not null default 1
    check (password_generation between 1 and generation);
