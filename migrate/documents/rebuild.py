"""What does not cross by itself: rules to be rebuilt, and people to be enrolled for push again."""

from __future__ import annotations

from typing import Final

from migrate.documents.sheets import Section, Sheet

# what was read about each comes from the warehouse; nothing read is said, never left out
INVENTORY: Final = """
with program as (select * from intermediate.int_loyalty_program_united),
details as (select * from staging.stg_alpine_iq__contact_details),
campaigns as (
    select campaigns.is_active, campaigns.is_archived,
        try_cast(raw.payload ->> '$.templates.recurDays' as integer) as recurs_after_days
    from staging.stg_alpine_iq__campaigns as campaigns
    left join raw_alpine_iq.campaigns as raw on campaigns.campaign_id = raw.record_key
),
rewards as (select * from staging.stg_alpine_iq__discounts where not coalesce(is_archived, false)),
audiences as (select * from staging.stg_alpine_iq__audiences where not coalesce(is_archived, false))
select * from (values
    (1, 'Accrual of points',
        (select format('{:g} points per dollar', points_per_dollar::double) from program
            where points_per_dollar is not null),
        'decide who computes points from now on; balances in Pipedrive stand still'),
    (2, 'Expiry of points',
        (select case when expiration_days > 0 then 'after ' || expiration_days::bigint || ' days'
            else 'no expiry' end from program where expiration_days is not null),
        'let points expire where they are computed'),
    (3, 'Tier progression',
        (select len(tiers) || ' levels by points' from program where len(tiers) > 0),
        'rebuild the levels below; the tier in Pipedrive is that of the last run'),
    (4, 'Rewards',
        (select count(*) || ' in force, ' || count_if(is_tier_reward) || ' of them tier rewards'
            from rewards),
        'rebuild redemption where points are computed'),
    (5, 'Audiences that fill themselves',
        (select count(*) || ' audiences, ' || count_if(len(traits) > 0) || ' with rules'
            from audiences),
        'rebuild as filters of Pipedrive; labels are the members of the last run'),
    (6, 'Points multipliers of audiences',
        (select count_if(points_multiplier <> 1 or points_boost > 0 or has_zero_points)
            || ' audiences change what members earn' from audiences),
        'rebuild where points are computed'),
    (7, 'Double opt-in',
        (select count_if(sms_invited_at is not null) || ' contacts invited, ' || count_if(
            sms_invited_at is not null and sms_opted_in_at is null and sms_opted_out_at is null)
            || ' without an answer' from staging.stg_alpine_iq__contacts),
        'set up the invitation under the new sender; who has not answered is not opted in'),
    (8, 'Campaigns',
        (select count(*) || ' found, ' || count_if(is_active) || ' active' from campaigns),
        'rebuild the active ones in the new sender'),
    (9, 'Flows and sequences',
        (select count_if(recurs_after_days > 0) || ' campaigns that repeat; no definition of a '
            || 'flow, for the API shows none' from campaigns),
        'read them on the screens of Alpine IQ and rebuild them'),
    (10, 'Push messages',
        (select count_if(has_push_opt_in or has_browser_push_opt_in) || ' contacts agreed'
            from details),
        'enrol again with the list push-opt-ins'),
    (11, 'Wallet passes',
        (select count_if(has_wallet_pass) || ' contacts hold one' from details),
        'issue passes anew; those of Alpine IQ stop changing'),
    (12, 'Referral program',
        (select count_if(refer_code is not null) || ' contacts have a code' from details),
        'codes cross as text; the reward for a referral does not'),
    (13, 'Files of persons and orders',
        (select count(*) || ' that are not where the manifest means them to be'
            from reconciliation.rec_files_to_attach),
        'reconciliation.rec_files_to_attach says which, why, and what to do with each')
) as inventory (position, rule, read_from_the_source, what_to_do)
"""
PROGRAM: Final = """
select program_name as program, points_per_dollar::double as points_per_dollar,
    case when expiration_days is null then 'not stated' when expiration_days > 0
        then expiration_days::bigint || ' days' else 'points do not expire' end as expiry,
    lanes.points_per_dollar as accrual_read_from, lanes.expiration_days as expiry_read_from,
    date_trunc('second', fetched_at) as read_at
from intermediate.int_loyalty_program_united
"""
TIERS: Final = """
select tier.name as tier, try_cast(tier.points as double) as from_points,
    try_cast(tier.discount as double) as discount
from (select unnest(tiers) as tier from intermediate.int_loyalty_program_united)
order by from_points
"""
TIER_RULES: Final = """
select rules.rule_rank as rank, rules.rule_name as rule, rules.attribute_key as property,
    rules.tier_name as tier, rules.at_least::double as from_points,
    count(contacts.contact_id) as contacts
from mapping.tier_rules as rules
left join intermediate.int_contact_tiers_assigned as contacts
    on rules.rule_name = contacts.rule_name
group by all order by rank, from_points
"""
MEMBERS: Final = """
select coalesce(loyalty_tier__c, 'none') as tier, count(*) as persons
from marts.mart_persons group by 1 order by 2 desc, 1
"""
REWARDS: Final = """
select discount_name as discount, discount_type as kind, points_deduction::double as points,
    dollar_value::double as dollars, percentage_value::double as percent,
    is_tier_reward as tier_reward, len(store_ids) as stores, len(audience_ids) as audiences,
    starts_at, expires_at, is_archived as archived
from staging.stg_alpine_iq__discounts order by is_archived, discount_name, discount_id
"""
AUDIENCES: Final = """
select audience_name as audience, audience_size as size,
    array_to_string(list_transform(traits, x -> concat_ws(' = ', x.type, x.value)), '; ')
        as traits,
    points_multiplier::double as points_multiplier, points_boost::double as points_boost,
    has_zero_points as earns_nothing, is_archived as archived
from staging.stg_alpine_iq__audiences order by audience_name, audience_id
"""
CAMPAIGNS: Final = """
select campaigns.campaign_name as campaign, campaigns.campaign_type as kind,
    case when try_cast(raw.payload ->> '$.templates.recurDays' as integer) > 0
        then 'every ' || (raw.payload ->> '$.templates.recurDays') || ' days' else 'once' end
        as repeats,
    len(cast(raw.payload -> '$.audiences' as json[])) as audiences,
    campaigns.is_active as active, campaigns.is_archived as archived, campaigns.created_at
from staging.stg_alpine_iq__campaigns as campaigns
left join raw_alpine_iq.campaigns as raw on campaigns.campaign_id = raw.record_key
order by campaigns.is_active desc, campaign, campaigns.campaign_id
"""
DOUBLE_OPT_IN: Final = """
select case
        when sms_opted_out_at is not null and (sms_opted_in_at is null
            or sms_opted_out_at >= sms_opted_in_at) then 'refused'
        when sms_opted_in_at is not null then 'agreed'
        else 'no answer'
    end as answer, count(*) as contacts, min(sms_invited_at) as first_invited,
    max(sms_invited_at) as last_invited
from staging.stg_alpine_iq__contacts where sms_invited_at is not null group by 1 order by 1
"""
REBUILD: Final = Sheet(
    "rebuild-by-hand",
    "What must be rebuilt by hand",
    "Rules do not cross: Pipedrive runs no loyalty program. This is what was read from Alpine IQ "
    "about each, so that nobody has to remember it.",
    (
        Section(
            "Inventory",
            "One line a rule; an empty cell means that the source showed nothing about it.",
            f"select rule, read_from_the_source, what_to_do from ({INVENTORY}) order by position",
        ),
        Section("Loyalty program", "Accrual and expiry.", PROGRAM),
        Section("Tiers", "Points that reach each tier, as configured in Alpine IQ.", TIERS),
        Section(
            "Where a contact's tier came from",
            "The rules of tier_rules.csv, tried in this order.",
            TIER_RULES,
        ),
        Section(
            "Members by tier",
            "Progression stops on the day of the snapshot; somebody must keep it up.",
            MEMBERS,
        ),
        Section("Rewards and discounts", "Redemption rules.", REWARDS),
        Section("Audiences", "Membership is a snapshot; these traits decided it.", AUDIENCES),
        Section(
            "Campaigns, flows and sequences",
            "Found by the API, which shows no flow's definition: read those in Alpine IQ itself.",
            CAMPAIGNS,
        ),
        Section(
            "Double opt-in",
            "What became of invitations to text messages. People who never answered are not opted "
            "in, and must be asked again under the new sender.",
            DOUBLE_OPT_IN,
        ),
    ),
)

PUSH: Final = """
select persons.source_key, array_to_string(persons.push_channels__c, '; ') as channels,
    stores.name as store,
    (select coalesce(sum(details.push_token_count), 0)::bigint
        from intermediate.int_contacts_matched as matched
        inner join staging.stg_alpine_iq__contact_details as details
            on matched.contact_id = details.contact_id
        where matched.person_source_key = persons.source_key) as tokens_seen
from marts.mart_persons as persons
left join marts.mart_organizations as stores on persons.org__source_key = stores.source_key
where len(persons.push_channels__c) > 0 order by persons.source_key
"""
PUSH_LIST: Final = Sheet(
    "push-opt-ins",
    "Push notifications: whom to enrol again",
    "Push tokens belong to the app that sent them and can not move; the API states flags, and at "
    "best how many tokens there are. These people had agreed to push messages; the CSV beside this "
    "page lists their keys, channels and stores.",
    (
        Section(
            "People by channel",
            "",
            "select channel, count(*) as persons from (select unnest(push_channels__c) as channel "
            "from marts.mart_persons) group by channel order by channel",
        ),
        Section(
            "People by store",
            "",
            f"select coalesce(store, 'none') as store, count(*) as persons from ({PUSH}) "
            "group by 1 order by 1",
        ),
        Section(
            "Tokens seen in Alpine IQ",
            "",
            "select count(*) filter (where push_token_count > 0) as contacts_with_a_token, "
            "coalesce(sum(push_token_count), 0)::bigint as tokens "
            "from staging.stg_alpine_iq__contact_details",
        ),
    ),
    csv=PUSH,
)
