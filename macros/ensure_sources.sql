{#-
    Creates every source schema and table that is missing, empty, so that a build passes
    in a fresh clone and after every phase. The columns are those that dlt and the loader
    make themselves, so that dlt can load into these tables: a column it misses it would
    add as not null, which DuckDB can't. That is why `_dlt_id` stands here.
-#}
{% macro ensure_sources() -%}
    {%- set database = adapter.quote(target.database) -%}
    {%- set raw_tables = {
        'raw_alpine_iq': [
            'stores', 'contacts', 'contact_details', 'contact_orders',
            'contact_watermarks', 'audiences', 'audience_members', 'loyalty_program', 'discounts', 'discount_groups',
            'campaigns', 'adjustments', 'redemptions', 'conversions', 'points_timelines',
            'overrides', 'optins',
            'hidden_contacts', 'extraction_runs', 'export_personas',
            'export_sales_lines', 'export_hidden_contacts', 'export_files',
            'loyalty_snapshot',
        ],
        'raw_pipedrive': [
            'organizations', 'persons', 'deals', 'products', 'deal_products', 'notes',
            'activities', 'files',
            'person_fields', 'organization_fields', 'deal_fields', 'product_fields',
            'pipelines', 'stages', 'users', 'readbacks',
        ],
    } -%}
    {% for schema_name, table_names in raw_tables.items() %}
        create schema if not exists {{ database }}.{{ schema_name }};
        {% for table_name in table_names %}
            create table if not exists {{ database }}.{{ schema_name }}.{{ table_name }} (
                record_key varchar,
                payload json,
                content_hash varchar,
                request varchar,
                fetched_at timestamp with time zone,
                _dlt_load_id varchar,
                _dlt_id varchar
            );
        {% endfor %}
        create table if not exists {{ database }}.{{ schema_name }}._dlt_loads (
            load_id varchar,
            schema_name varchar,
            status bigint,
            inserted_at timestamp with time zone,
            schema_version_hash varchar
        );
    {% endfor %}
    create schema if not exists {{ database }}.ledger;
    create table if not exists {{ database }}.ledger.id_map (
        entity varchar,
        source_key varchar,
        state varchar,
        pipedrive_id bigint,
        payload_hash varchar,
        field_hashes json,
        origin varchar,
        plan_digest varchar,
        run_id varchar,
        attempts integer,
        reason_code varchar,
        reason varchar,
        updated_at timestamp with time zone
    );
    create table if not exists {{ database }}.ledger.attempts (
        attempt_id bigint,
        run_id varchar,
        entity varchar,
        source_key varchar,
        verb varchar,
        endpoint varchar,
        payload_hash varchar,
        intent_at timestamp with time zone,
        outcome varchar,
        http_status integer,
        pipedrive_id bigint,
        tokens integer,
        finished_at timestamp with time zone
    );
    create table if not exists {{ database }}.ledger.journal (
        attempt_id bigint,
        entity varchar,
        source_key varchar,
        pipedrive_id bigint,
        column_name varchar,
        hash_before varchar,
        hash_sent varchar
    );
    create table if not exists {{ database }}.ledger.extras (
        entity varchar,
        pipedrive_id bigint,
        source_key varchar,
        why varchar,
        action varchar
    );
    create table if not exists {{ database }}.ledger.events (
        seq bigint,
        "at" timestamp with time zone,
        run_id varchar,
        what varchar,
        detail varchar,
        prev_hash varchar,
        hash varchar
    );
    create table if not exists {{ database }}.ledger.field_codes (
        entity varchar,
        column_name varchar,
        field_code varchar,
        field_name varchar,
        field_type varchar,
        created_by_run varchar,
        state varchar
    );
    create table if not exists {{ database }}.ledger.option_ids (
        entity varchar,
        column_name varchar,
        option_label varchar,
        option_id bigint,
        created_by_run varchar
    );
    create table if not exists {{ database }}.ledger.runs (
        run_id varchar,
        kind varchar,
        plan_digest varchar,
        code_version varchar,
        started_at timestamp with time zone,
        ended_at timestamp with time zone,
        exit_reason varchar,
        tokens_spent bigint,
        calls bigint,
        writes bigint
    );
    create table if not exists {{ database }}.ledger.token_use (
        day date,
        run_id varchar,
        entity varchar,
        endpoint varchar,
        calls bigint,
        tokens bigint
    );
    create table if not exists {{ database }}.ledger.binding (
        company_id bigint,
        company_domain varchar,
        source_account varchar,
        ledger_id varchar,
        schema_version integer,
        created_at timestamp with time zone
    );
{%- endmacro %}
