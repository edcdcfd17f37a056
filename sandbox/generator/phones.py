"""Telephone numbers that are valid and nobody's: exchange 555 of United States area codes.

Numbers don't repeat within an account, so a shared phone is one that the generator meant to share.
Raises nothing.
"""

from __future__ import annotations

from typing import Final

_LOCAL: Final = "503 602 718 971 480 347 541 520 617 458 928 857"
_OTHERS: Final = (
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 220 223 224 225 227 "
    "228 229 231 234 235 239 240 248 251 252 253 254 256 260 262 267 269 270 272 274 276 279 "
    "281 283 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 321 323 "
    "324 325 326 327 329 330 331 332 334 336 337 339 341 346 350 351 352 353 360 361 363 364 "
    "369 380 385 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 419 423 424 425 "
    "430 432 434 435 440 442 443 445 447 448 463 464 469 470 472 475 478 479 484 501 502 504 "
    "505 507 508 509 510 512 513 515 516 517 518 530 531 534 539 540 551 557 559 561 562 563 "
    "564 567 570 571 572 573 574 575 580 582 585 586 601 603 605 606 607 608 609 610 612 614 "
    "615 616 618 619 620 623 626 628 629 630 631 636 640 641 645 646 "
)
_CODES: Final = tuple(f"{_LOCAL} {_OTHERS}".split())
_LOCAL_CODES: Final = len(_LOCAL.split())
_LINES: Final = 10_000
_STEP: Final = 7_919  # coprime to _LINES: lines are handed out scattered, each once


class PhoneBook:
    """Hands out ten-digit numbers."""

    def __init__(self, expected: int) -> None:
        """`expected` numbers are spread over as many area codes as they need, local ones first."""
        needed = expected // (_LINES * 9 // 10) + 1
        self._codes = _CODES[: max(_LOCAL_CODES, needed)]
        self._given = 0

    def next(self) -> str:
        around, place = divmod(self._given, len(self._codes))
        self._given += 1
        return f"{self._codes[place]}555{(around * _STEP + place * 37) % _LINES:04d}"
