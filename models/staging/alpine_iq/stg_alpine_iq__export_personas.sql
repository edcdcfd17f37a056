-- Personas as the customer exported them; columns that nobody named are custom
-- attributes. One row per contact.

with

raw_export_personas as (select * from {{ source('raw_alpine_iq', 'export_personas') }}),

completed_loads as (
    select load_id from {{ source('raw_alpine_iq', '_dlt_loads') }}
    where status = 0
),

parsed as (
    select
        raw_export_personas.record_key,
        raw_export_personas.request,
        raw_export_personas.fetched_at at time zone 'UTC' as fetched_at,
        from_json(
            raw_export_personas.payload,
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
                "inserted": "VARCHAR"
            }'
        ) as persona,
        -- columns that nobody named keep the header that they have in the file
        cast(
            coalesce(json_extract(raw_export_personas.payload, '$.other'), '{}')
            as map(varchar, varchar) -- noqa: LT01
        ) as other_columns,
        json_keys(raw_export_personas.payload) as column_names
    from raw_export_personas
    inner join completed_loads
        on raw_export_personas._dlt_load_id = completed_loads.load_id
),

typed as (
    select
        ---------- ids
        record_key as contact_id,
        {{ text_or_null('persona.medid') }} as medical_id,
        {{ source_ids_of_text('persona.srcids') }} as source_ids,
        ---------- text
        {{ text_or_null('persona.firstname') }} as first_name,
        {{ text_or_null('persona.lastname') }} as last_name,
        {{ text_or_null('persona.email') }} as email,
        {{ text_or_null('persona.mobilephone') }} as mobile_phone,
        {{ text_or_null('persona.homephone') }} as home_phone,
        {{ text_or_null('persona.platform') }} as platform,
        {{ text_or_null('persona.favoritestore') }} as favorite_store_name,
        {{ text_or_null('persona.address') }} as street,
        {{ text_or_null('persona.city') }} as city,
        {{ text_or_null('persona.state') }} as state,
        {{ text_or_null('persona.zip') }} as postal_code,
        {{ text_or_null('persona.country') }} as country,
        {{ text_or_null('persona.birthdate') }} as birth_date_text,
        {{ text_or_null('persona.gender') }} as gender,
        list_transform(
            map_entries(other_columns),
            lambda entry: {
                'parent': '', 'key': entry.key, 'value': entry.value, 'ts': ''
            }
        ) as custom_attributes,
        split_part(request, '@', 1) as file_name,
        regexp_extract(
            split_part(request, '@', 1), '^inbox/[^-]+-(.+)-[0-9]+-rp[.]csv$', 1, 'i'
        ) as audience_of_file,
        ---------- numbers
        {{ number_or_null('persona.loyaltypoints') }} as points_balance,
        {{ number_or_null('persona.spent') }} as spent_amount,
        {{ number_or_null('persona.countofsales') }} as sales_count,
        ---------- booleans
        {{ boolean_or_null('persona.loyalty') }} as is_loyalty_member,
        -- the columns for which a contact is asked for by id, empty or not
        list_has_all(
            column_names,
            [
                'srcIDs', 'birthdate', 'gender', 'medID', 'address', 'city', 'state',
                'zip'
            ]
        ) as has_detail_columns,
        ---------- timestamps
        {{ instant_or_null('persona.inserted') }} as inserted_at,
        {{ instant_or_null('persona.loyaltysignupts') }} as loyalty_signup_at,
        {{ instant_or_null('persona.optintime') }} as sms_opted_in_at,
        {{ instant_or_null('persona.optouttime') }} as sms_opted_out_at,
        {{ instant_or_null('persona.emailoptintime') }} as email_opted_in_at,
        {{ instant_or_null('persona.emailoptouttime') }} as email_opted_out_at,
        fetched_at
    from parsed
)

select * from typed
