-- State of a simulated Alpine IQ account. Documents are JSON text; times are epoch seconds.

create table if not exists meta (
    name text primary key,
    value text not null
) without rowid;

-- stores, audiences, discounts, groups, campaigns, products, overrides, program: what is few
create table if not exists documents (
    kind text not null,
    id text not null,
    position integer not null,
    doc blob not null,
    primary key (kind, id)
) without rowid;

-- one row per contact; hidden is null, or why neither list nor search shows it
create table if not exists contacts (
    seq integer primary key,
    contact_id text not null,
    person integer not null,
    hidden text,
    merged_into integer,
    visible_from real not null default 0,
    name text not null,
    email text not null,
    mobile text not null,
    home text not null,
    source text not null,
    inserted integer not null,
    signup integer not null,
    points real not null,
    used_points real not null
);

-- apart from the columns above, so that searching and sorting read short rows
create table if not exists contact_docs (
    seq integer primary key,
    doc blob not null
);

create table if not exists source_ids (
    source_id text not null,
    source text not null,
    seq integer not null
);

create table if not exists members (
    audience_id text not null,
    seq integer not null,
    primary key (audience_id, seq)
) without rowid;

create table if not exists orders (
    seq integer not null,
    ordinal integer not null,
    ts integer not null,
    visible_from real not null default 0,
    lines integer not null,
    total real not null,
    packed blob not null,
    primary key (seq, ordinal)
) without rowid;

create table if not exists events (
    kind text not null,
    ts integer not null,
    seq integer not null,
    doc blob not null
);

create table if not exists calls (
    id integer primary key,
    at real not null,
    method text not null,
    path text not null,
    status integer not null,
    counted integer not null
);
