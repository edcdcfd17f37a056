"""Pages that come twice, records that move, links elsewhere: a whole extraction each.

A server between the extraction and the simulated service alters the answers.
"""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from extract.alpine_iq.contacts import Paging
from load.errors import MigrationError
from tests.python.extract.interposed import interposed, sink

from .sandboxed import TABLES, Simulated, content, keys

PAGING = (10, 3)
LISTED = [name for name in TABLES if name not in ("contact_details", "contact_orders")]
EVIL = (
    "http://127.0.0.1:{sink}/next",
    "//127.0.0.1:{sink}/next",
    "http://user:pass@127.0.0.1:{sink}/",
    "http://localhost:{sink}/",
    "http://[::ffff:127.0.0.1]:{sink}/",
    "/%0d%0aHost:127.0.0.1:{sink}/",
)


@pytest.fixture(scope="module")
def undisturbed(simulator, tmp_path_factory):
    simulator.post("reset", {})
    folder = tmp_path_factory.mktemp("undisturbed")
    simulator.extract(folder, per_contact=False, paging=PAGING)
    return content(folder, LISTED)


def through(between, simulated) -> Simulated:
    return Simulated(between.base_url, simulated.uid, simulated.api_key)


def start_of(path: str) -> int | None:
    """Where a page of the list of contacts begins; None for any other call."""
    parts = urlsplit(path)
    start = parse_qs(parts.query).get("start")
    return int(start[0]) if start and "sort" in parts.query else None


def replaying(times: int, *, echo: bool):
    """The second page is the first one again, so many times; with `echo` it says it is not."""
    first: dict[str, bytes] = {}
    left = [times]

    def alter(path, body, _headers):
        start = start_of(path)
        if start == 0:
            first["page"] = body
        if not start or "page" not in first or not left[0]:
            return body
        left[0] -= 1
        if not echo:
            return first["page"]
        said = json.loads(first["page"])
        said["data"]["start"] = start
        return json.dumps(said).encode()

    return alter, left


def test_a_page_that_is_served_twice_is_asked_for_again(simulated, tmp_path, undisturbed):
    with interposed(simulated.base_url) as between:
        between.alter, left = replaying(2, echo=False)
        result = through(between, simulated).extract(tmp_path, per_contact=False, paging=PAGING)
    assert left == [0]
    assert content(tmp_path, LISTED) == undisturbed
    assert result.calls - result.minimum_calls == 2


def test_a_page_that_poses_as_the_next_one_lands_nothing_and_the_next_run_is_whole(
    simulated, tmp_path, undisturbed
):
    with interposed(simulated.base_url) as between:
        between.alter, left = replaying(1, echo=True)
        with pytest.raises(MigrationError, match="repeats the page before it"):
            through(between, simulated).extract(tmp_path, per_contact=False, paging=PAGING)
        assert left == [0]
        through(between, simulated).extract(tmp_path, per_contact=False, paging=PAGING)
    assert content(tmp_path, LISTED) == undisturbed


def test_contacts_that_move_to_pages_read_before_are_all_landed_once(simulated, tmp_path):
    """Somebody is blocked and somebody new comes while each page is on its way."""
    before = {each["contact"]["contactID"] for each in simulated.get("dump") if not each["hidden"]}
    gone = sorted(before)[:3]
    waiting = [*gone]

    def alter(path, body, _headers):
        if start_of(path) and waiting:
            simulated.post("edit", {"action": "block_contact", "contactID": waiting.pop(0)})
            simulated.post("edit", {"action": "insert_contact", "values": {"firstName": "New"}})
        return body

    with interposed(simulated.base_url) as between:
        between.alter = alter
        through(between, simulated).extract(
            tmp_path, per_contact=False, paging=PAGING, accept_changes=True
        )
    after = {each["contact"]["contactID"] for each in simulated.get("dump") if not each["hidden"]}
    assert waiting == []
    assert len(after - before) == 3
    landed = keys(tmp_path, "contacts")
    assert before & after <= landed | keys(tmp_path, "hidden_contacts")
    assert set(gone) <= landed | keys(tmp_path, "hidden_contacts")
    assert after - before <= landed | keys(tmp_path, "hidden_contacts")


def test_no_link_of_an_answer_is_followed_and_no_key_leaves_for_it(
    simulated, tmp_path, undisturbed
):
    with sink() as (port, asked), interposed(simulated.base_url) as between:

        def alter(_path, body, headers):
            evil = EVIL[len(between.asked) % len(EVIL)].replace("{sink}", str(port))
            headers |= {"Link": f'<{evil}>; rel="next"', "Content-Location": evil}
            said = json.loads(body)
            if isinstance(said, dict):
                said |= {"next": evil, "links": {"next": evil}, "paging": {"next": {"link": evil}}}
            return json.dumps(said).encode()

        between.alter = alter
        through(between, simulated).extract(tmp_path, per_contact=False, paging=PAGING)
        assert asked == []
        assert len(between.asked) > 2 * len(EVIL)
    assert keys(tmp_path, "contacts") == {key for key, _ in undisturbed["contacts"]}


def test_the_paging_of_these_tests_has_several_pages(simulated):
    assert len(simulated.get("dump")) > 3 * Paging(*PAGING).limit
