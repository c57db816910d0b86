import pytest

from app.api.rest.conditional_requests import matches_strongly, matches_weakly

ETAG = '"7-3"'


@pytest.mark.parametrize(
    ("header", "weakly", "strongly"),
    [
        ('"7-3"', True, True),
        ('W/"7-3"', True, False),
        ("*", True, True),
        (" * ", True, True),
        ('"7-2", "7-3"', True, True),
        ('"7-2","7-3" , W/"x"', True, True),
        ('W/"a,b", W/"7-3"', True, False),
        ('"7-2"', False, False),
        ('"17-3"', False, False),
        ("7-3", False, False),
        ("", False, False),
        ('"', False, False),
        ('"7-3', False, False),
    ],
)
def test_etags_are_compared_as_http_says(header, weakly, strongly):
    assert matches_weakly(header, ETAG) is weakly
    assert matches_strongly(header, ETAG) is strongly


def test_no_header_matches_nothing():
    assert not matches_weakly(None, ETAG)
