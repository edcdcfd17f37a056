-- Contacts as the list shows them (blocklisted ones are left out). One row per contact.

with

raw_contacts as (select * from {{ source('raw_alpine_iq', 'contacts') }}),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_contacts.record_key,
        raw_contacts.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_contacts.payload,
            '{
                "contactID": "VARCHAR",
                "srcID": "VARCHAR",
                "firstName": "VARCHAR",
                "lastName": "VARCHAR",
                "email": "VARCHAR",
                "mobilePhone": "VARCHAR",
                "homePhone": "VARCHAR",
                "platform": "VARCHAR",
                "favoriteStoreID": "VARCHAR",
                "inserted": "VARCHAR",
                "loyalty": "VARCHAR",
                "loyaltySignupTS": "VARCHAR",
                "loyaltyPoints": "VARCHAR",
                "optinTime": "VARCHAR",
                "optoutTime": "VARCHAR",
                "optreqTime": "VARCHAR",
                "hasRequested": "VARCHAR",
                "emailOptInTime": "VARCHAR",
                "emailOptOutTime": "VARCHAR",
                "smsconsent": "VARCHAR"
            }'
        ) as contact
    from raw_contacts
    inner join completed_loads
        on raw_contacts._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        record_key as contact_id,
        {{ text_or_null('contact.srcid') }} as source_id,
        {{ text_or_null('contact.favoritestoreid') }} as favorite_store_id,
        ---------- text
        {{ text_or_null('contact.firstname') }} as first_name,
        {{ text_or_null('contact.lastname') }} as last_name,
        {{ text_or_null('contact.email') }} as email,
        {{ text_or_null('contact.mobilephone') }} as mobile_phone,
        {{ text_or_null('contact.homephone') }} as home_phone,
        {{ text_or_null('contact.platform') }} as platform,
        ---------- numbers
        {{ number_or_null('contact.loyaltypoints') }} as points_balance,
        ---------- booleans
        {{ boolean_or_null('contact.loyalty') }} as is_loyalty_member,
        {{ boolean_or_null('contact.hasrequested') }} as has_sms_invitation,
        {{ boolean_or_null('contact.smsconsent') }} as has_sms_consent_mark,
        ---------- timestamps
        {{ instant_or_null('contact.inserted') }} as inserted_at,
        {{ instant_or_null('contact.loyaltysignupts') }} as loyalty_signup_at,
        {{ instant_or_null('contact.optintime') }} as sms_opted_in_at,
        {{ instant_or_null('contact.optouttime') }} as sms_opted_out_at,
        {{ instant_or_null('contact.optreqtime') }} as sms_invited_at,
        {{ instant_or_null('contact.emailoptintime') }} as email_opted_in_at,
        {{ instant_or_null('contact.emailoptouttime') }} as email_opted_out_at,
        fetched_at
    from parsed
)

select * from typed
