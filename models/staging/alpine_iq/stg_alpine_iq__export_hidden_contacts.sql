-- Contacts that the service's support says the list leaves out. One row per contact.

with

raw_export_hidden_contacts as (
    select * from {{ source('raw_alpine_iq', 'export_hidden_contacts') }}
),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_export_hidden_contacts.record_key,
        raw_export_hidden_contacts.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_export_hidden_contacts.payload,
            '{
                "contactID": "VARCHAR",
                "srcIDs": "VARCHAR",
                "firstName": "VARCHAR",
                "lastName": "VARCHAR",
                "email": "VARCHAR",
                "mobilePhone": "VARCHAR",
                "homePhone": "VARCHAR",
                "loyalty": "VARCHAR",
                "loyaltySignupTS": "VARCHAR",
                "loyaltyPoints": "VARCHAR",
                "favoriteStore": "VARCHAR",
                "countOfSales": "VARCHAR",
                "spent": "VARCHAR",
                "platform": "VARCHAR",
                "birthdate": "VARCHAR",
                "gender": "VARCHAR",
                "medID": "VARCHAR",
                "address": "VARCHAR",
                "city": "VARCHAR",
                "state": "VARCHAR",
                "zip": "VARCHAR",
                "country": "VARCHAR",
                "optinTime": "VARCHAR",
                "optoutTime": "VARCHAR",
                "emailOptInTime": "VARCHAR",
                "emailOptOutTime": "VARCHAR",
                "inserted": "VARCHAR",
                "hiddenReason": "VARCHAR",
                "mergedInto": "VARCHAR"
            }'
        ) as candidate
    from raw_export_hidden_contacts
    inner join completed_loads
        on raw_export_hidden_contacts._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        record_key as contact_id,
        {{ text_or_null('candidate.medid') }} as medical_id,
        {{ source_ids_of_text('candidate.srcids') }} as source_ids,
        {{ text_or_null('candidate.mergedinto') }} as merged_into_contact_id,
        ---------- text
        lower({{ text_or_null('candidate.hiddenreason') }}) as hidden_reason,
        {{ text_or_null('candidate.firstname') }} as first_name,
        {{ text_or_null('candidate.lastname') }} as last_name,
        {{ text_or_null('candidate.email') }} as email,
        {{ text_or_null('candidate.mobilephone') }} as mobile_phone,
        {{ text_or_null('candidate.homephone') }} as home_phone,
        {{ text_or_null('candidate.platform') }} as platform,
        {{ text_or_null('candidate.favoritestore') }} as favorite_store_name,
        {{ text_or_null('candidate.address') }} as street,
        {{ text_or_null('candidate.city') }} as city,
        {{ text_or_null('candidate.state') }} as state,
        {{ text_or_null('candidate.zip') }} as postal_code,
        {{ text_or_null('candidate.country') }} as country,
        {{ text_or_null('candidate.birthdate') }} as birth_date_text,
        {{ text_or_null('candidate.gender') }} as gender,
        ---------- numbers
        {{ number_or_null('candidate.loyaltypoints') }} as points_balance,
        {{ number_or_null('candidate.spent') }} as spent_amount,
        {{ number_or_null('candidate.countofsales') }} as sales_count,
        ---------- booleans
        {{ boolean_or_null('candidate.loyalty') }} as is_loyalty_member,
        ---------- timestamps
        {{ instant_or_null('candidate.inserted') }} as inserted_at,
        {{ instant_or_null('candidate.loyaltysignupts') }} as loyalty_signup_at,
        {{ instant_or_null('candidate.optintime') }} as sms_opted_in_at,
        {{ instant_or_null('candidate.optouttime') }} as sms_opted_out_at,
        {{ instant_or_null('candidate.emailoptintime') }} as email_opted_in_at,
        {{ instant_or_null('candidate.emailoptouttime') }} as email_opted_out_at,
        fetched_at
    from parsed
)

select * from typed
