-- A table and two columns that no version of the program ever read. A feature that needs them will add what it needs.
drop table one_time_tokens;
alter table sessions drop column auth_methods;
alter table sessions drop column key_thumbprint;
