-- Contacts as the look-up by id shows them: address, birth date, custom attributes.
-- One row per contact.

with

raw_contact_details as (select * from {{ source('raw_alpine_iq', 'contact_details') }}),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_contact_details.record_key,
        raw_contact_details.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_contact_details.payload,
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
                "smsconsent": "VARCHAR",
                "srcIDs": [
                    {
                        "source": "VARCHAR",
                        "id": "VARCHAR",
                        "store": "VARCHAR"
                    }
                ],
                "address": "VARCHAR",
                "city": "VARCHAR",
                "state": "VARCHAR",
                "zip": "VARCHAR",
                "zipCode": "VARCHAR",
                "country": "VARCHAR",
                "birthdate": "VARCHAR",
                "dob": "VARCHAR",
                "gender": "VARCHAR",
                "medID": "VARCHAR",
                "med_id": "VARCHAR",
                "medicalID": "VARCHAR",
                "favoriteStore": "VARCHAR",
                "usedPoints": "VARCHAR",
                "lifetimePoints": "VARCHAR",
                "tier": "VARCHAR",
                "spent": "VARCHAR",
                "countOfSales": "VARCHAR",
                "lastSale": "VARCHAR",
                "pushOptIn": "VARCHAR",
                "browserPushOptIn": "VARCHAR",
                "voiceOptIn": "VARCHAR",
                "walletPass": "VARCHAR",
                "ageGate": "VARCHAR",
                "referCode": "VARCHAR",
                "referLink": "VARCHAR",
                "customAttributes": [
                    {
                        "parent": "VARCHAR",
                        "key": "VARCHAR",
                        "value": "VARCHAR",
                        "ts": "VARCHAR"
                    }
                ],
                "rewardOverrides": [
                    {
                        "discountID": "VARCHAR",
                        "points": "VARCHAR",
                        "expires": "VARCHAR"
                    }
                ],
                "pushTokens": [
                    {
                        "platform": "VARCHAR",
                        "token": "VARCHAR",
                        "ts": "VARCHAR"
                    }
                ]
            }'
        ) as detail
    from raw_contact_details
    inner join completed_loads
        on raw_contact_details._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        record_key as contact_id,
        {{ text_or_null('detail.srcid') }} as source_id,
        {{ text_or_null('detail.favoritestoreid') }} as favorite_store_id,
        coalesce(detail.srcids, []) as source_ids,
        coalesce(
            {{ text_or_null('detail.medid') }},
            {{ text_or_null('detail.med_id') }},
            {{ text_or_null('detail.medicalid') }}
        ) as medical_id,
        ---------- text
        {{ text_or_null('detail.firstname') }} as first_name,
        {{ text_or_null('detail.lastname') }} as last_name,
        {{ text_or_null('detail.email') }} as email,
        {{ text_or_null('detail.mobilephone') }} as mobile_phone,
        {{ text_or_null('detail.homephone') }} as home_phone,
        {{ text_or_null('detail.platform') }} as platform,
        {{ text_or_null('detail.favoritestore') }} as favorite_store_name,
        {{ text_or_null('detail.address') }} as street,
        {{ text_or_null('detail.city') }} as city,
        {{ text_or_null('detail.state') }} as state,
        coalesce(
            {{ text_or_null('detail.zip') }},
            {{ text_or_null('detail.zipcode') }}
        ) as postal_code,
        {{ text_or_null('detail.country') }} as country,
        coalesce(
            {{ text_or_null('detail.birthdate') }},
            {{ text_or_null('detail.dob') }}
        ) as birth_date_text,
        {{ text_or_null('detail.gender') }} as gender,
        {{ text_or_null('detail.tier') }} as tier_name,
        {{ text_or_null('detail.refercode') }} as refer_code,
        coalesce(detail.customattributes, []) as custom_attributes,
        coalesce(detail.rewardoverrides, []) as reward_overrides,
        coalesce(len(detail.pushtokens), 0) as push_token_count,
        ---------- numbers
        {{ number_or_null('detail.loyaltypoints') }} as points_balance,
        {{ number_or_null('detail.usedpoints') }} as points_used,
        {{ number_or_null('detail.lifetimepoints') }} as points_lifetime,
        {{ number_or_null('detail.spent') }} as spent_amount,
        {{ number_or_null('detail.countofsales') }} as sales_count,
        ---------- booleans
        {{ boolean_or_null('detail.loyalty') }} as is_loyalty_member,
        {{ boolean_or_null('detail.hasrequested') }} as has_sms_invitation,
        {{ boolean_or_null('detail.smsconsent') }} as has_sms_consent_mark,
        {{ boolean_or_null('detail.pushoptin') }} as has_push_opt_in,
        {{ boolean_or_null('detail.browserpushoptin') }} as has_browser_push_opt_in,
        {{ boolean_or_null('detail.voiceoptin') }} as has_voice_opt_in,
        {{ boolean_or_null('detail.walletpass') }} as has_wallet_pass,
        {{ boolean_or_null('detail.agegate') }} as has_passed_age_gate,
        ---------- timestamps
        {{ instant_or_null('detail.inserted') }} as inserted_at,
        {{ instant_or_null('detail.loyaltysignupts') }} as loyalty_signup_at,
        {{ instant_or_null('detail.optintime') }} as sms_opted_in_at,
        {{ instant_or_null('detail.optouttime') }} as sms_opted_out_at,
        {{ instant_or_null('detail.optreqtime') }} as sms_invited_at,
        {{ instant_or_null('detail.emailoptintime') }} as email_opted_in_at,
        {{ instant_or_null('detail.emailoptouttime') }} as email_opted_out_at,
        {{ instant_or_null('detail.lastsale') }} as last_sale_at,
        fetched_at
    from parsed
)

select * from typed
