"""Reading that remembers: each question is asked once in a run, whatever happens in between.

Answers come from the journal when it has them, from the service otherwise. An optional endpoint
that the service does not have is written down as a gap; one that every account has, missing, is a
`ConfigError`. Raises what the client raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

from extract.alpine_iq.client import AlpineIQClient, Check
from extract.alpine_iq.journal import Answer, Journal, Run
from extract.alpine_iq.settings import MAX_ATTEMPTS, ON_DEMAND, UNANSWERED_AT_MOST, Endpoint
from load.errors import ConfigError

_NOTHING: Final[Mapping[str, str]] = {}


class Progress(Protocol):
    """The part of the progress display that an extraction feeds."""

    def start(self, task: str, total: int | None) -> None: ...
    def advance(self, task: str, n: int = 1, note: str = "") -> None: ...
    def finish(self, task: str) -> None: ...


@dataclass(slots=True)
class Reader:
    """One run's view of the service."""

    client: AlpineIQClient
    journal: Journal
    run: Run
    uid: str
    on_answer: Callable[[Endpoint], None] = lambda _: None
    gaps: dict[str, str] = field(default_factory=dict)
    listed: frozenset[str] = frozenset()
    traces: dict[str, set[str]] = field(default_factory=dict)
    questions: dict[str, set[str]] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    unanswered: dict[str, dict[str, int]] = field(default_factory=dict)

    def saw(self, contact_id: str, where: str) -> None:
        """A contact id turned up; one that is not listed is a trace of a hidden contact."""
        if contact_id and contact_id not in self.listed:
            self.traces.setdefault(contact_id, set()).add(where)

    def request_text(
        self,
        endpoint: Endpoint,
        path: Mapping[str, str] = _NOTHING,
        query: Mapping[str, str | int] = _NOTHING,
    ) -> str:
        return self.client.request_text(endpoint, path, query)

    def read(
        self,
        endpoint: Endpoint,
        path: Mapping[str, str] = _NOTHING,
        query: Mapping[str, str | int] = _NOTHING,
        *,
        reading: int = 0,
        check: Check | None = None,
        attempts: int = MAX_ATTEMPTS,
    ) -> Answer:
        """The answer, whatever its status; `reading` tells repeated readings of a list apart."""
        request = self.request_text(endpoint, path, query)
        self.questions.setdefault(endpoint.name, set()).add(request)
        answer = self.journal.kept(self.run.run_id, request, reading)
        if answer is None:
            answer = self.client.read(endpoint, request, check=check, attempts=attempts)
            self.journal.keep(self.run.run_id, reading, answer)
            self.on_answer(endpoint)
        return answer

    def read_list(
        self,
        endpoint: Endpoint,
        path: Mapping[str, str] = _NOTHING,
        query: Mapping[str, str | int] = _NOTHING,
        *,
        reading: int = 0,
        check: Check | None = None,
        attempts: int = MAX_ATTEMPTS,
    ) -> Answer | None:
        """The answer of an account-wide list; None when the account does not have it."""
        answer = self.read(endpoint, path, query, reading=reading, check=check, attempts=attempts)
        if answer.status in {200, 204}:
            return answer
        if not endpoint.optional:
            raise ConfigError(
                f"Alpine IQ, {endpoint.name}: HTTP {answer.status} for uid {self.uid}; check "
                "ALPINE_IQ_BASE_URL and ALPINE_IQ_UID"
            )
        self.gaps[endpoint.name] = f"HTTP {answer.status}"
        return None

    def read_about(
        self, endpoint: Endpoint, contact_id: str, query: Mapping[str, str | int] = _NOTHING
    ) -> Answer | None:
        """What an endpoint on demand says about one contact; None when it says nothing.

        Once it has said nothing about the first of them, the account does not have it, and nobody
        else is asked for.
        """
        if self.is_absent(endpoint):
            return None
        answer = self.read(endpoint, {"contact_id": contact_id}, query)
        if answer.status in {200, 204}:
            self.answered.add(endpoint.name)
            return answer
        self.unanswered.setdefault(endpoint.name, {})[contact_id] = answer.status
        return None

    def is_absent(self, endpoint: Endpoint) -> bool:
        """Whether the account does not have an endpoint on demand, as far as this run can tell."""
        if endpoint.name in self.answered:
            return False
        return len(self.unanswered.get(endpoint.name, ())) >= UNANSWERED_AT_MOST

    def remember(self, answered: Iterable[str]) -> None:
        """What processes before this one learned about endpoints on demand."""
        self.answered.update(answered)
        for endpoint in ON_DEMAND:
            path = self.request_text(endpoint, {"contact_id": ""})
            for request, status in self.journal.statuses(self.run.run_id, path).items():
                if status not in {200, 204}:
                    contact_id = unquote(urlsplit(request).path.removeprefix(path))
                    self.unanswered.setdefault(endpoint.name, {})[contact_id] = status

    def all_gaps(self) -> dict[str, str]:
        """What the account lacks, endpoints on demand included."""
        found = dict(self.gaps)
        for endpoint in ON_DEMAND:
            refused = self.unanswered.get(endpoint.name, {})
            if refused:
                statuses = ", ".join(f"HTTP {status}" for status in sorted(set(refused.values())))
                rest = "; nobody else was asked for" if self.is_absent(endpoint) else ""
                found[endpoint.name] = f"{statuses} about {len(refused):,} contacts{rest}"
        return found
