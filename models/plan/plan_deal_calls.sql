-- Intended calls for deals, without what they send. One row per source_key.

{{ plan_rows(
    entity='deal',
    mart='mart_deals',
    quarantine='quarantine_deals',
    parents={
        'org__source_key': 'plan_organizations',
        'person__source_key': 'plan_persons',
        'stage__source_key': none
    },
    payloads='plan_deal_payloads'
) }}
