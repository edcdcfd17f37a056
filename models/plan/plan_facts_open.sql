-- Facts about the account that an order strategy relies on, and that nobody probed or
-- that turned out otherwise. One row per strategy and fact.

with

needed as (select * from {{ ref('strategy_facts') }}),

probed as (select * from {{ ref('probed_facts') }}),

-- the last probe counts
latest as (
    select
        fact,
        answer
    from probed
    qualify
        row_number() over (partition by fact order by probed_on desc, answer asc) = 1
),

compared as (
    select
        needed.strategy,
        needed.fact,
        needed.answer as needed_answer,
        latest.answer as probed_answer,
        needed.reason
    from needed
    left join latest
        on needed.fact = latest.fact
    where latest.answer is null or latest.answer <> needed.answer
)

select * from compared
