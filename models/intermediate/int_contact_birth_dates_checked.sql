-- Birth dates read from every spelling; impossible ones set aside.
-- One row per contact_id that states one.

with

contacts as (select * from {{ ref('int_contacts_united') }}),

stated as (
    select
        contact_id,
        birth_date_text,
        cast(fetched_at as date) as read_date
    from contacts
    where birth_date_text is not null
),

dates_read as (
    select
        contact_id,
        birth_date_text,
        read_date,
        cast(
            coalesce(
                try_strptime(left(birth_date_text, 10), '%Y-%m-%d'),
                try_strptime(birth_date_text, '%m/%d/%Y'),
                try_strptime(birth_date_text, '%Y%m%d'),
                -- epoch seconds; people born before 1970 have negative ones
                case
                    when
                        regexp_full_match(birth_date_text, '-?[0-9]{6,11}')
                        and length(birth_date_text) <> 8
                        then make_timestamp(
                            cast(birth_date_text as bigint) * 1000000
                        )
                end
            ) as date
        ) as birth_date
    from stated
),

dates_judged as (
    select
        contact_id,
        birth_date_text,
        birth_date,
        case
            when birth_date is null then 'birth_date_not_readable'
            -- 1900-01-01 and 0001-01-01 are what systems write for "not known"
            when birth_date <= date '1900-01-01' then 'birth_date_stands_for_nobody'
            when birth_date > read_date then 'birth_date_in_the_future'
            when birth_date < read_date - interval 120 year
                then 'birth_date_over_120_years_ago'
        end as problem
    from dates_read
),

checked as (
    select
        contact_id,
        birth_date_text as raw_birth_date,
        case when problem is null then birth_date end as birth_date,
        problem
    from dates_judged
)

select * from checked
