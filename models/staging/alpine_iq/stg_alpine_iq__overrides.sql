-- What staff has set for good about a contact. One row per contact asked about.

with

raw_overrides as (select * from {{ source('raw_alpine_iq', 'overrides') }}),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_overrides.record_key,
        raw_overrides.fetched_at at time zone 'UTC' as fetched_at,
        coalesce(json_type(raw_overrides.payload, '$.override') = 'OBJECT', false)
            as has_override,
        -- null is an empty list here as everywhere; only an absent member says nothing
        coalesce(
            json_type(raw_overrides.payload, '$.override.rewardOverrides'),
            json_type(raw_overrides.payload, '$.override.overrides.rewardOverrides')
        ) is not null as names_rewards,
        from_json(
            raw_overrides.payload,
            '{
                "contactID": "VARCHAR",
                "override": {
                    "contactID": "VARCHAR",
                    "overrides": {
                        "firstName": "VARCHAR",
                        "lastName": "VARCHAR",
                        "email": "VARCHAR",
                        "mobilePhone": "VARCHAR",
                        "homePhone": "VARCHAR",
                        "address": "VARCHAR",
                        "city": "VARCHAR",
                        "state": "VARCHAR",
                        "zip": "VARCHAR",
                        "country": "VARCHAR",
                        "birthdate": "VARCHAR",
                        "gender": "VARCHAR",
                        "medID": "VARCHAR",
                        "rewardOverrides": [
                            {
                                "discountID": "VARCHAR",
                                "points": "VARCHAR",
                                "expires": "VARCHAR"
                            }
                        ]
                    },
                    "rewardOverrides": [
                        {
                            "discountID": "VARCHAR",
                            "points": "VARCHAR",
                            "expires": "VARCHAR"
                        }
                    ],
                    "updated": "VARCHAR"
                }
            }'
        ) as answer
    from raw_overrides
    inner join completed_loads
        on raw_overrides._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        record_key as contact_id,
        {{ text_or_null('answer.override.contactid') }} as answered_contact_id,
        ---------- text
        {{ text_or_null('answer.override.overrides.firstname') }} as first_name,
        {{ text_or_null('answer.override.overrides.lastname') }} as last_name,
        {{ text_or_null('answer.override.overrides.email') }} as email,
        {{ text_or_null('answer.override.overrides.mobilephone') }} as mobile_phone,
        {{ text_or_null('answer.override.overrides.homephone') }} as home_phone,
        {{ text_or_null('answer.override.overrides.address') }} as street,
        {{ text_or_null('answer.override.overrides.city') }} as city,
        {{ text_or_null('answer.override.overrides.state') }} as state,
        {{ text_or_null('answer.override.overrides.zip') }} as postal_code,
        {{ text_or_null('answer.override.overrides.country') }} as country,
        {{ text_or_null('answer.override.overrides.birthdate') }} as birth_date_text,
        {{ text_or_null('answer.override.overrides.gender') }} as gender,
        {{ text_or_null('answer.override.overrides.medid') }} as medical_id,
        -- nobody has proved on which level they stand
        coalesce(
            answer.override.rewardoverrides,
            answer.override.overrides.rewardoverrides,
            []
        ) as reward_overrides,
        ---------- booleans
        has_override,
        names_rewards,
        ---------- timestamps
        {{ instant_or_null('answer.override.updated') }} as overridden_at,
        fetched_at
    from parsed
)

select * from typed
