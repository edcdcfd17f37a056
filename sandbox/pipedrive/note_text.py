"""How the server cleans a note: a few tags survive, scripts and event attributes do not."""

from __future__ import annotations

import html
from html.parser import HTMLParser
from typing import Final

KEPT: Final = frozenset({"p", "br", "b", "strong", "i", "em", "u", "ul", "ol", "li", "a"})
STRICT: Final = frozenset({"p", "br"})
SILENCED: Final = frozenset({"script", "style"})


class _Cleaner(HTMLParser):
    def __init__(self, kept: frozenset[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._kept = kept
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SILENCED:
            self._silent += 1
        elif tag in self._kept and not self._silent:
            href = dict(attrs).get("href") if tag == "a" else None
            safe = href is not None and href.startswith(("http://", "https://", "mailto:"))
            shown = f' href="{html.escape(href)}"' if href is not None and safe else ""
            self.parts.append(f"<{tag}{shown}>")

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENCED:
            self._silent = max(0, self._silent - 1)
        elif tag in self._kept and tag != "br" and not self._silent:
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(html.escape(data, quote=False))


def cleaned(content: str, how: str) -> str:
    """`content` as the server stores it; `how` is clean, strict or none."""
    if how == "none" or ("<" not in content and "&" not in content):
        return content
    cleaner = _Cleaner(STRICT if how == "strict" else KEPT)
    cleaner.feed(content)
    cleaner.close()
    return "".join(cleaner.parts)
