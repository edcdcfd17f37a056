"""The token goes to one origin and nowhere else."""

from __future__ import annotations

import pytest

from load.address import origin_of
from load.errors import ConfigError, InvariantBroken

EVIL_PATHS = (
    "https://evil.example/api/v2/persons",
    "//evil.example/api/v2/persons",
    "/api/v2/../../admin",
    "/api/v2/persons/../../x",
    "/api/v2/persons?api_token=x",
    "/api/v2/persons#x",
    "/api/v2/persons@evil.example",
    "@evil.example/api/v2/persons",
    "/api/v2/persons\nHost: evil.example",
    "/api/v2/persons\r\nx-evil: 1",
    "/api/v2/%2e%2e/x",
    "/api/v2//evil.example",
    "/api/v2/persons/\u0665",
    "\\\\evil.example\\api",
    "api/v2/persons",
    "/api/v3/persons",
    "",
)


@pytest.mark.parametrize("path", EVIL_PATHS, ids=range(len(EVIL_PATHS)))
def test_a_path_that_leads_elsewhere_is_stopped(path):
    with pytest.raises(InvariantBroken):
        origin_of("https://company.pipedrive.com").url(path)


@pytest.mark.parametrize(
    "base_url",
    [
        "http://company.pipedrive.com",
        "ftp://company.pipedrive.com",
        "company.pipedrive.com",
        "https://",
        "https://user:pass@company.pipedrive.com",
        "https://company.pipedrive.com/api",
        "https://company.pipedrive.com?x=1",
        "https://company.pipedrive.com#x",
        "https://company.pipedrive.com:port",
        "https://xn--\u00e9.example",
        "http://127.0.0.1.evil.example",
        "http://2130706433",
        "",
    ],
)
def test_an_address_that_cannot_be_the_company_is_a_configuration_error(base_url):
    with pytest.raises(ConfigError, match="PIPEDRIVE_BASE_URL"):
        origin_of(base_url)


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://Company.pipedrive.com", "https://company.pipedrive.com:443/api/v2/deals"),
        ("https://company.pipedrive.com/", "https://company.pipedrive.com:443/api/v2/deals"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v2/deals"),
        ("http://localhost:8080", "http://localhost:8080/api/v2/deals"),
        ("http://[::1]:8080", "http://[::1]:8080/api/v2/deals"),
    ],
)
def test_an_address_gives_the_urls_below_it(base_url, url):
    assert origin_of(base_url).url("/api/v2/deals") == url


@pytest.mark.parametrize(
    ("scheme", "host", "port", "is_ours"),
    [
        ("https", "company.pipedrive.com", 443, True),
        ("https", "company.pipedrive.com", None, True),
        ("http", "company.pipedrive.com", None, False),
        ("https", "company.pipedrive.com", 8443, False),
        ("https", "company.pipedrive.com.evil.example", None, False),
        ("https", "evil.example", 443, False),
    ],
)
def test_only_the_same_scheme_host_and_port_is_the_same_origin(scheme, host, port, is_ours):
    assert origin_of("https://company.pipedrive.com").is_of(scheme, host, port) is is_ours
