-- When a key begins or began to sign. A `next` key is published until then: by the time of its first token everybody has it
-- who keeps a copy of the key set for less long than that.
alter table signing_keys add column signs_from integer not null default 0;
update signing_keys set signs_from = created_at;

create unique index signing_keys_one_next on signing_keys (status) where status = 'next';
