"""What varies about reading Alpine IQ, as data: the account, the endpoints, sizes and limits.

Units: seconds, bytes, calls. Every path that this package may ask for stands in `ENDPOINTS`; the
client can send nothing else, so a call that texts a customer or spends points has no way out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class AlpineIQAccount:
    """One account: where it answers, its uid and the key that may read it."""

    base_url: str
    uid: str
    api_key: str = field(repr=False)
    window_scale: float = 1.0
    read_timeout: float = 120.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One reading endpoint. An `optional` one may be absent: a gap, not an error."""

    name: str
    path: str
    method: Literal["GET", "POST"] = "GET"
    optional: bool = False


STORES: Final = Endpoint("stores", "/api/v1.1/stores/{uid}")
CONTACTS: Final = Endpoint("contacts", "/api/v1.1/piis/{uid}")
CONTACT: Final = Endpoint("contact_details", "/api/v1.1/piis/{uid}/{contact_id}")
CONTACT_ORDERS: Final = Endpoint("contact_orders", "/api/v1.1/contact/orders/{uid}/{contact_id}")
AUDIENCES: Final = Endpoint("audiences", "/api/v1.1/audiences/{uid}")
AUDIENCE_MEMBERS: Final = Endpoint("audience_members", "/api/v2/audience/members/{audience_id}")
LOYALTY_PROGRAM: Final = Endpoint("loyalty_program", "/api/v2/loyalty/default/{uid}", optional=True)
DISCOUNTS: Final = Endpoint("discounts", "/api/v2/discount/{uid}", optional=True)
DISCOUNT_GROUPS: Final = Endpoint("discount_groups", "/api/v2/discount/groups", optional=True)
CAMPAIGNS: Final = Endpoint("campaigns", "/api/v2/campaigns", optional=True)
ADJUSTMENTS: Final = Endpoint(
    "adjustments", "/api/v1.1/adjustments/{uid}/{start}/{end}", optional=True
)
REDEMPTIONS: Final = Endpoint(
    "redemptions", "/api/v1.1/redemptions/{uid}/{start}/{end}", optional=True
)
CONVERSIONS: Final = Endpoint("conversions", "/api/v1.1/conversions/{uid}", optional=True)
OPTIN_TEXT: Final = Endpoint("optins", "/api/v2/optin/text/{address}", optional=True)
OPTIN_EMAIL: Final = Endpoint("optins", "/api/v2/optin/email/{address}", optional=True)
# One more call for every contact: off by default, priced in the call plan.
POINTS_TIMELINE: Final = Endpoint(
    "points_timelines", "/api/v1.1/contact/loyaltyPoints/timeline/{uid}/{contact_id}", optional=True
)
OVERRIDES: Final = Endpoint(
    "overrides", "/api/v2/loyaltyContact/override/{uid}/{contact_id}", optional=True
)

# what is asked about one contact after the other, and only on demand
ON_DEMAND: Final = (POINTS_TIMELINE, OVERRIDES)

ENDPOINTS: Final = (
    STORES,
    CONTACTS,
    CONTACT,
    CONTACT_ORDERS,
    AUDIENCES,
    AUDIENCE_MEMBERS,
    LOYALTY_PROGRAM,
    DISCOUNTS,
    DISCOUNT_GROUPS,
    CAMPAIGNS,
    ADJUSTMENTS,
    REDEMPTIONS,
    CONVERSIONS,
    OPTIN_TEXT,
    OPTIN_EMAIL,
    *ON_DEMAND,
)

# The only POSTs that read (a path that ends in "/" is a prefix). The extraction needs none so far.
READING_POSTS: Final = ("/api/v2/wallet", "/api/v2/loyalty/lookup/", "/api/v2/campaigns/filtered/")


@dataclass(frozen=True, slots=True)
class Window:
    """At most `calls` in any `seconds` of time, wherever the interval begins."""

    calls: int
    seconds: float


WINDOWS: Final = (Window(5, 1.0), Window(120, 60.0), Window(2_000, 3_600.0))

CONTACT_PAGE: Final = 2_000
CONTACT_OVERLAP: Final = 10
AUDIENCE_PAGE: Final = 100
ORDER_PAGE: Final = 2_000
ORDER_PAGE_STEP: Final = 100  # a page of order lines, if there are pages, ends at a multiple
MAX_LIST_PASSES: Final = 3

# Account-wide histories are asked for backwards from the start of the run, in windows that grow
# while the answers stay small and halve when they grow or time out.
HISTORY_START: Final = 1_420_070_400  # 2015-01-01 UTC: before the service existed
HISTORY_WINDOW_DAYS: Final = 30
HISTORY_GROWTH: Final = 4  # of the next window, while answers are so small that it stays small
HISTORY_SMALL: Final = 5_000
HISTORY_LARGE: Final = 50_000

# An account may lack an endpoint on demand: after so many contacts without any answer it is gone.
UNANSWERED_AT_MOST: Final = 10

# A delta asks for every contact that changed, and for one in so many of the others.
ROLLING_SLICES: Final = 20

SLICE_CONTACTS: Final = 500
SLICE_SECONDS: Final = 30.0
THREADS: Final = 6

MAX_BODY_BYTES: Final = 256 * 1024 * 1024
MAX_ATTEMPTS: Final = 5
MAX_WAIT_SECONDS: Final = 3_600.0

SHRINK_TOLERANCE: Final = 0.05

# Members that move by themselves. They are landed like all others; only the content hash leaves
# them out, so that a change of hash means that somebody changed something.
VOLATILE_SCALARS: Final[dict[str, frozenset[str]]] = {
    "contacts": frozenset({"leakyBucket", "lastTouch"}),
}
VOLATILE: Final[dict[str, frozenset[str]]] = {
    "contact_details": frozenset({"leakyBucket", "lastTouch", "audiences"}),
    "audiences": frozenset({"audienceSize", "textOptIns", "emailOptIns", "cltv", "idealCAC"}),
    "campaigns": frozenset({"summary", "lastRun"}),
    "discounts": frozenset({"opens", "redemptions"}),
}
