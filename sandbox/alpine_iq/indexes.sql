-- Made after the account is filled: a million rows load several times faster without them.

create unique index if not exists contacts_by_id on contacts (contact_id);
-- the instant of visibility stands in them, so that counting and skipping rows read nothing else
create index if not exists listed_by_id on contacts (contact_id, visible_from) where hidden is null;
create index if not exists listed_by_name on contacts (name, seq, visible_from) where hidden is null;
create index if not exists listed_by_inserted on contacts (inserted, seq, visible_from)
where hidden is null;
create index if not exists contacts_by_mobile on contacts (mobile);
create index if not exists contacts_by_home on contacts (home);
create index if not exists contacts_by_email on contacts (email);
create index if not exists source_ids_by_id on source_ids (source_id);
create index if not exists events_by_time on events (kind, ts);
create index if not exists events_by_contact on events (seq);
