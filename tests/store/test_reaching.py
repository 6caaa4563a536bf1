"""Addresses are shown without their secrets; whatever a place raises becomes one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.store.remote_errors import RemoteError, reaching, shown

SECRET = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="'\"<>&#=?"), min_size=6
)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://bucket/rows", "s3://bucket/rows"),
        ("s3://bucket/double@1/x.keys", "s3://bucket/double@1/x.keys"),
        ("https://u:geheim@host:8080/rows", "https://***@host:8080/rows"),
        ("ssh://u@host/rows", "ssh://***@host/rows"),
        ("https://u:ge@heim@host/rows", "https://***@host/rows"),
        ("ssh://u:ge/heim@host/rows", "ssh://***@host/rows"),
        ("https://host/rows?X-Amz-Signature=abc&x=1", "https://host/rows?***"),
        ("https://host/rows#token", "https://host/rows?***"),
        ("http://[::1]:9/rows", "http://[::1]:9/rows"),
        ("/a/folder", "/a/folder"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url, said):
    assert shown(url) == said
    assert shown(f"cannot open {url} now") == f"cannot open {said} now"


@given(SECRET)
def test_no_password_and_no_value_of_a_query_is_shown(secret):
    for url in (f"https://user:{secret}@host/rows", f"https://host/rows?sig={secret}"):
        with pytest.raises(RemoteError) as caught, reaching(url):
            raise OSError(f"cannot connect to {url} with {secret}")
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError("no"), "refuses access"),
        (FileNotFoundError("no"), "does not exist"),
        (ConnectionRefusedError("no"), "cannot be reached"),
        (TimeoutError(), "cannot be reached (TimeoutError)"),
        (EOFError("no"), "cannot be reached"),
        (OSError(28, "No space left on device"), "the disk is full"),
        (NotImplementedError("no"), "cannot be used as a place for rows"),
        (ValueError("no"), "cannot be used as a place for rows"),
        (OSError("\x1b[2Jcleared"), "cannot be reached"),
    ],
)
def test_whatever_a_place_raises_is_one_line(error, said):
    with pytest.raises(RemoteError) as caught, reaching("s3://bucket/rows"):
        raise error
    assert f"s3://bucket/rows {said}" in str(caught.value) or said in str(caught.value)
    assert str(caught.value).isprintable()


def test_what_a_library_raises_is_one_line():
    import ftplib

    import aiohttp

    for error in (ftplib.error_perm("530 no"), aiohttp.ClientPayloadError("broken")):
        with pytest.raises(RemoteError, match="cannot be reached"), reaching("ftp://host/rows"):
            raise error


def test_of_a_long_message_the_beginning_is_shown():
    with pytest.raises(RemoteError) as caught, reaching("s3://bucket/rows"):
        raise OSError("x" * 500)
    assert f"({'x' * 200})" in str(caught.value)
