-- The log forgets a person only after the account is deleted: the user whom an event concerns, the user who acted, or the name that
-- somebody without an account typed. Of a living account, and of the command line, nothing is forgotten.
drop trigger audit_events_are_not_altered;
create trigger audit_events_are_not_altered before update on audit_events
when new.id <> old.id or new.at <> old.at or new.event <> old.event
    or not (
        (new.user_id is null and new.session_id is null and new.ip is null and new.detail = '{}'
            and new.actor is not distinct from old.actor
            and (old.user_id is not null or old.event = 'login_failed')
            and not exists (select 1 from users where id = old.user_id))
        or (new.user_id is not distinct from old.user_id and new.session_id is not distinct from old.session_id
            and new.detail = old.detail and new.ip is null and new.actor = 'deleted_user'
            and old.actor is not null and old.actor <> 'command_line'
            and not exists (select 1 from users where id = old.actor))
    )
begin
    select raise(abort, 'audit events can only be made to forget a person');
end;

-- `insert or replace` deletes a row without the trigger for deletions.
create trigger audit_events_are_not_replaced before insert on audit_events
when exists (select 1 from audit_events where id = new.id)
begin
    select raise(abort, 'audit events can''t be replaced');
end;

-- The permission to delete by age exists only within the transaction of a sweep from now on.
delete from meta where key = 'audit_swept_before';
