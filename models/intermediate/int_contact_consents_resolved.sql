-- What each source says about a contact's consent, after its own later statement
-- has replaced its earlier one. One row per contact_id, channel and source_name.

with

evidence as (select * from {{ ref('int_consent_evidence_collected') }}),

resolved as (
    select
        contact_id,
        channel,
        source_name,
        consent_rank,
        statement_name,
        stated_at,
        fetched_at
    from evidence
    qualify
        row_number() over (
            partition by contact_id, channel, source_name
            order by
                -- an opt-out without a date can't be proved to be older than anything
                case
                    when consent_rank = 0
                        then coalesce(stated_at, timestamp '9999-01-01')
                    else coalesce(stated_at, timestamp '0001-01-01')
                end desc,
                consent_rank asc,
                statement_name asc
        ) = 1
)

select * from resolved
