-- Which sensitive columns may cross for each person, by the state of the home store.
-- One row per source_key and column_name.

with

persons as (select * from {{ ref('int_contacts_merged_to_persons') }}),

home_stores as (select * from {{ ref('int_person_home_stores_chosen') }}),

stores as (select * from {{ ref('int_stores_configured') }}),

consents as (select * from {{ ref('int_person_consents_resolved') }}),

policies_ranked as (
    select
        column_name,
        upper(trim(state)) as state,
        decision,
        case decision when 'allow' then 0 when 'require_evidence' then 1 else 2 end
            as strictness
    from {{ ref('field_policies') }}
),

-- a person whose state nobody knows may live under any of the rules
strictest as (
    select
        column_name,
        arg_max(decision, strictness) as decision
    from policies_ranked
    group by column_name
),

for_other_states as (
    select
        column_name,
        decision
    from policies_ranked
    where state = '*'
),

states_known as (
    select
        persons.source_key,
        upper(stores.state) as state,
        coalesce(
            consents.sms_opt_in = 'Yes' or consents.email_opt_in = 'Yes', false
        ) as has_evidence
    from persons
    left join home_stores
        on persons.source_key = home_stores.source_key
    left join stores
        on home_stores.store_id = stores.store_id
    left join consents
        on persons.source_key = consents.source_key
),

decided as (
    select
        states_known.source_key,
        strictest.column_name,
        states_known.state,
        states_known.has_evidence,
        case
            when states_known.state is null then strictest.decision
            -- a column without a rule for a state does not cross there
            else coalesce(policies_ranked.decision, for_other_states.decision, 'drop')
        end as decision
    from states_known
    cross join strictest
    left join policies_ranked
        on
            strictest.column_name = policies_ranked.column_name
            and states_known.state = policies_ranked.state
    left join for_other_states
        on strictest.column_name = for_other_states.column_name
),

applied as (
    select
        source_key,
        column_name,
        state,
        decision,
        decision = 'allow'
        or (decision = 'require_evidence' and has_evidence) as is_allowed
    from decided
)

select * from applied
