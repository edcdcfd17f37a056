-- Contacts that traces name and the list leaves out. One row per candidate.

with

raw_hidden_contacts as (select * from {{ source('raw_alpine_iq', 'hidden_contacts') }}),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_hidden_contacts.record_key,
        raw_hidden_contacts.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_hidden_contacts.payload,
            '{
                "contactID": "VARCHAR",
                "found": "VARCHAR",
                "traces": [
                    "VARCHAR"
                ],
                "detail": {
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
                }
            }'
        ) as candidate
    from raw_hidden_contacts
    inner join completed_loads
        on raw_hidden_contacts._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        record_key as contact_id,
        {{ text_or_null('candidate.detail.srcid') }} as source_id,
        {{ text_or_null('candidate.detail.favoritestoreid') }} as favorite_store_id,
        {{ text_or_null('candidate.detail.contactid') }} as answered_contact_id,
        coalesce(candidate.detail.srcids, []) as source_ids,
        ---------- text
        {{ text_or_null('candidate.detail.firstname') }} as first_name,
        {{ text_or_null('candidate.detail.lastname') }} as last_name,
        {{ text_or_null('candidate.detail.email') }} as email,
        {{ text_or_null('candidate.detail.mobilephone') }} as mobile_phone,
        {{ text_or_null('candidate.detail.homephone') }} as home_phone,
        {{ text_or_null('candidate.detail.platform') }} as platform,
        coalesce(candidate.found, 'unknown') as found,
        coalesce(list_sort(candidate.traces), []) as traces,
        ---------- numbers
        {{ number_or_null('candidate.detail.loyaltypoints') }} as points_balance,
        ---------- booleans
        {{ boolean_or_null('candidate.detail.loyalty') }} as is_loyalty_member,
        {{ boolean_or_null('candidate.detail.hasrequested') }} as has_sms_invitation,
        {{ boolean_or_null('candidate.detail.smsconsent') }} as has_sms_consent_mark,
        ---------- timestamps
        {{ instant_or_null('candidate.detail.inserted') }} as inserted_at,
        {{ instant_or_null('candidate.detail.loyaltysignupts') }} as loyalty_signup_at,
        {{ instant_or_null('candidate.detail.optintime') }} as sms_opted_in_at,
        {{ instant_or_null('candidate.detail.optouttime') }} as sms_opted_out_at,
        {{ instant_or_null('candidate.detail.optreqtime') }} as sms_invited_at,
        {{ instant_or_null('candidate.detail.emailoptintime') }} as email_opted_in_at,
        {{ instant_or_null('candidate.detail.emailoptouttime') }} as email_opted_out_at,
        fetched_at
    from parsed
)

select * from typed
