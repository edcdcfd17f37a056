-- The loader's memory. Times are RFC 3339 text in UTC; hashes are hex; ids are the target's.
-- Nothing here holds a plain personal value: payloads appear as hashes, values only encrypted.

create table if not exists binding (
    only_row integer primary key check (only_row = 1),
    company_id integer not null,
    company_domain text not null,
    source_account text not null,
    ledger_id text not null,
    schema_version integer not null,
    created_at text not null
) strict;

create table if not exists runs (
    run_id text primary key,
    kind text not null,
    plan_digest text,
    code_version text not null,
    started_at text not null,
    ended_at text,
    exit_reason text,
    tokens_spent integer not null default 0,
    calls integer not null default 0,
    writes integer not null default 0
) strict;

create table if not exists id_map (
    entity text not null,
    source_key text not null,
    state text not null check (
        state in (
            'planned', 'intent', 'ambiguous', 'confirmed', 'quarantined', 'gone', 'removing',
            'removed'
        )
    ),
    pipedrive_id integer,
    payload_hash text,
    field_hashes text,
    -- what the target should hold after our last write: {column: hash of the value as the API gives it}
    target_hashes text,
    -- elements of replaced lists that are ours (keyed hashes): {column: [hash]}
    own_elements text,
    origin text check (origin in ('created', 'adopted')),
    plan_digest text,
    run_id text references runs (run_id),
    attempts integer not null default 0,
    recoveries integer not null default 0,
    not_before text,
    -- the deal that a line or a note hangs on, so that an unknown outcome can be looked up
    deal_id integer,
    -- a deal whose lines were written: is its value still to be read back?
    value_check text check (value_check in ('due', 'done')),
    reason_code text,
    reason text,
    updated_at text not null,
    primary key (entity, source_key)
) strict;

create index if not exists id_map_by_state on id_map (state, entity);
create index if not exists id_map_by_key on id_map (source_key);
create index if not exists id_map_by_target on id_map (entity, pipedrive_id);

create table if not exists attempts (
    attempt_id integer primary key,
    run_id text not null references runs (run_id),
    entity text not null,
    source_key text not null,
    verb text not null check (verb in ('create', 'update', 'remove')),
    endpoint text not null,
    payload_hash text,
    -- what a create sent, by column, as `id_map.target_hashes` has it: so its late double is known
    sent_hashes text,
    id_high_water integer,
    intent_at text not null,
    outcome text check (outcome in ('ok', 'rejected', 'ambiguous', 'applied', 'not_applied')),
    http_status integer,
    pipedrive_id integer,
    tokens integer,
    finished_at text
) strict;

create index if not exists attempts_by_record on attempts (entity, source_key);
create index if not exists attempts_open on attempts (entity) where outcome is null;

create table if not exists journal (
    attempt_id integer not null references attempts (attempt_id),
    entity text not null,
    source_key text not null,
    pipedrive_id integer not null,
    column_name text not null,
    hash_before text,
    hash_sent text,
    -- a column that may not be raised: what its change log said of the moment of our write
    guard text check (guard in ('due', 'clear', 'put back', 'unread')),
    primary key (attempt_id, column_name)
) strict;

create index if not exists journal_guards on journal (entity) where guard = 'due';

create table if not exists before_images (
    attempt_id integer not null references attempts (attempt_id),
    entity text not null,
    pipedrive_id integer not null,
    column_name text not null,
    value_encrypted blob not null,
    captured_at text not null,
    primary key (attempt_id, column_name)
) strict;

create table if not exists extras (
    entity text not null,
    pipedrive_id integer not null,
    source_key text not null,
    why text not null,
    action text not null,
    primary key (entity, pipedrive_id)
) strict;

create table if not exists events (
    seq integer primary key,
    at text not null,
    run_id text,
    what text not null,
    detail text not null,
    prev_hash text not null,
    hash text not null
) strict;

create table if not exists field_codes (
    entity text not null,
    column_name text not null,
    field_code text not null,
    field_name text not null,
    field_type text not null,
    created_by_run text,
    state text not null check (state in ('active', 'intent', 'gone')),
    primary key (entity, column_name)
) strict;

create table if not exists option_ids (
    entity text not null,
    column_name text not null,
    option_label text not null,
    option_id integer not null,
    created_by_run text,
    primary key (entity, column_name, option_label)
) strict;

create table if not exists token_use (
    day text not null,
    run_id text not null,
    entity text not null,
    endpoint text not null,
    calls integer not null,
    tokens integer not null,
    primary key (day, run_id, entity, endpoint)
) strict;

create view if not exists quarantine as
select
    entity,
    source_key,
    reason_code,
    reason,
    attempts,
    run_id,
    updated_at
from id_map
where state = 'quarantined';
