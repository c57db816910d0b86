"""What every operator and function of CEL comes to, for every type: the rules of cel-spec, doc/langdef.md."""

from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.expressions.errors import EvaluationError, ExpressionError
from app.expressions.expression import compile_expression

DATA = {
    "int": 7,
    "double": 2.5,
    "text": "Zoë",
    "smile": "😀é",
    "yes": True,
    "none": None,
    "list": [1, "a", None, [2]],
    "object": {"a": 1, "b": None},
    "large": 2**64 - 1,
    "smallest": -(2**63),
    "time": "2027-01-01T00:30:00+01:00",
}


def evaluate(source, **data):
    return compile_expression(source).evaluate({"input": DATA | data})


def same(found, expected) -> bool:
    return type(found) is type(expected) and found == expected


VALUES = [
    # size: characters, not bytes
    ("size(input.text)", 3),
    ("size('Zoë') <= 3", True),
    ("input.smile.size()", 2),
    ("size('')", 0),
    ("size(b'Zo\\xc3\\xab')", 4),
    ("size(bytes(input.text))", 4),
    ("size(input.list)", 4),
    ("size({'a': 1})", 1),
    # whole numbers
    ("1 + 2 * 3 - 4", 3),
    ("7 / 2", 3),
    ("-7 / 2", -3),
    ("7 / -2", -3),
    ("-7 % 2", -1),
    ("7 % -2", 1),
    ("-input.int", -7),
    ("--input.int", 7),
    ("-9223372036854775808", -(2**63)),
    ("9223372036854775807", 2**63 - 1),
    ("0x1F", 31),
    ("-0x1f", -31),
    ("5u + 3u", 8),
    ("18446744073709551615u", 2**64 - 1),
    ("5u % 3u", 2),
    ("input.large", 2**64 - 1),
    ("input.large == 18446744073709551615u", True),
    # numbers with decimals
    ("1.5 + 1.0", 2.5),
    ("input.double * 2.0", 5.0),
    ("1.0 / 3.0 > 0.333", True),
    (".5 + 1e1", 10.5),
    ("-input.double", -2.5),
    ("1.0 / 0.0 > 1e308", True),
    ("0.0 / 0.0 == 0.0 / 0.0", False),
    ("double('NaN') != double('NaN')", True),
    # equality goes across types of numbers, and is no error between others
    ("1 == 1.0", True),
    ("1u == 1", True),
    ("1 == '1'", False),
    ("1 == true", False),
    ("input.none == null", True),
    ("input.int == null", False),
    ("[1, 2.0] == [1.0, 2]", True),
    ("[1] == [true]", False),
    ("{'a': 1, 'b': 2} == {'b': 2, 'a': 1.0}", True),
    ("{'a': 1} == {'a': 1, 'b': 2}", False),
    ("{1: 'a'} == {1u: 'a'}", True),
    ("{1: 'a'} == {true: 'a'}", False),
    ("b'a' == 'a'", False),
    ("type(1) == int", True),
    ("type(1.0) == double", True),
    ("type(1u) == uint", True),
    ("type(null) == null_type", True),
    ("type([]) == list && type({}) == map && type('') == string && type(b'') == bytes && type(true) == bool", True),
    ("type(type(1)) == type", True),
    ("type(timestamp(0)) == type(timestamp(1))", True),
    # order
    ("1 < 1.5", True),
    ("2u > 1", True),
    ("'a' < 'b'", True),
    ("'Z' < 'a'", True),
    ("'é' < '😀'", True),
    ("false < true", True),
    ("b'a' < b'b'", True),
    ("1 <= 1.0 && 1 >= 1.0", True),
    ("double('NaN') <= double('NaN')", False),
    # text
    ("'a' + 'b'", "ab"),
    ("input.text.contains('oë')", True),
    ("input.text.startsWith('Zo')", True),
    ("input.text.endsWith('ë')", True),
    ("startsWith(input.text, 'x')", False),
    ("input.text.matches('^Z..$')", True),
    ("matches('aaa', 'b')", False),
    ("'a\\nb'.matches('a.b')", False),
    ("'\\u00eb\\x41\\101\\U0001F600\\n\\t\\\"'", 'ëAA😀\n\t"'),
    ("r'\\n' + R'\\'", "\\n\\"),
    ("'''a'b''' + \"\"\"c\"d\"\"\"", "a'bc\"d"),
    # lists and maps
    ("[1, 2] + [3]", [1, 2, 3]),
    ("[1, 2,]", [1, 2]),
    ("input.list[3][0]", 2),
    ("[1, 2][1.0]", 2),
    ("[1, 2][1u]", 2),
    ("{'a': 1,}['a']", 1),
    ("{1: 'a'}[1.0]", "a"),
    ("{1u: 'a'}[1]", "a"),
    ("{true: 'a'}[true]", "a"),
    ("{'a-b': 1}.`a-b`", 1),
    ("2 in [1, 2.0]", True),
    ("'a' in input.object", True),
    ("true in {1: 2}", False),
    ("1.5 in {1: 2}", False),
    ("null in input.list", True),
    ("[] in [[]]", True),
    # has
    ("has(input.object.a)", True),
    ("has(input.object.b)", True),
    ("has(input.object.c)", False),
    ("has(input.none.x)", False),
    ("has(input.none.x.y.z)", False),
    ("has({'a': null}.a.b)", False),
    # choices, and the errors that logic absorbs
    ("true ? 1 : 'x' + 1", 1),
    ("false ? 1 / 0 : true ? 'b' : 'c'", "b"),
    ("input.gone == 1 || true", True),
    ("true || input.gone == 1", True),
    ("false && 1 / 0 == 1", False),
    ("1 / 0 == 1 && false", False),
    ("'x' || true", True),
    ("!!true", True),
    ("!input.yes", False),
    # loops
    ("[1, 2, 3].map(x, x * 2)", [2, 4, 6]),
    ("[1, 2, 3].map(x, x > 1, x * 2)", [4, 6]),
    ("[1, 2, 3].filter(x, x != 2)", [1, 3]),
    ("[1, 2].all(x, x > 0) && ![1, 2].all(x, x > 1) && [].all(x, false)", True),
    ("[1, 2].exists(x, x == 2) && ![].exists(x, true)", True),
    ("[1, 2, 2].exists_one(x, x == 1) && ![1, 2, 2].existsOne(x, x == 2)", True),
    ("[1, 2, 3].all(e, 6 / (2 - e) == 6)", False),
    ("[1, 'a'].exists(e, e == 'a' || e + 1 == 0)", True),
    ("{'b': 1, 'a': 2}.map(k, k)", ["b", "a"]),
    ("{'b': 1, 'a': 2}.filter(k, k != 'b')", ["a"]),
    ("{1: 2}.all(k, k + 1 == 2) && {true: 2}.all(k, k)", True),
    ("[[1, 2], [3]].map(x, x.map(x, x + 1))", [[2, 3], [4]]),
    ("[[1, 2], [3]].map(x, x.map(y, y + size(x)))", [[3, 4], [4]]),
    # conversions
    ("int('42') + int(3.9) + int(-3.9) + int(5u)", 47),
    ("int('-9223372036854775808')", -(2**63)),
    ("int(timestamp('2004-09-16T23:59:59Z'))", 1095379199),
    ("int(timestamp('1969-12-31T23:59:59.5Z'))", -1),
    ("uint('300') + uint(2.9) + uint(1)", 303),
    ("double('1.5e3') + double(2) + double(3u)", 1505.0),
    ("string(true) + string(false)", "truefalse"),
    ("string(-7) + ' ' + string(7u)", "-7 7"),
    ("string(1.0) + ' ' + string(2.5) + ' ' + string(-0.0045)", "1 2.5 -0.0045"),
    ("string(1e20) + ' ' + string(1e21) + ' ' + string(1e-7)", "100000000000000000000 1e+21 1e-07"),
    ("string(1.0 / 0.0) + string(double('NaN'))", "InfinityNaN"),
    ("string(b'Zo\\xc3\\xab')", "Zoë"),
    ("string('x')", "x"),
    ("string(input.large)", "18446744073709551615"),
    ("bool('true') && bool('t') && bool('1') && bool('True') && bool('TRUE') && bool(true)", True),
    ("bool('false') || bool('f') || bool('0') || bool('False') || bool('FALSE')", False),
    ("bytes('ë') == b'\\xc3\\xab'", True),
    ("dyn(1) + 1", 2),
    # times: instants, whose parts are those of UTC where no zone is given
    ("string(timestamp(input.time))", "2026-12-31T23:30:00Z"),
    ("timestamp(input.time).getFullYear()", 2026),
    ("timestamp(input.time) == timestamp('2026-12-31T23:30:00Z')", True),
    ("timestamp(input.time).getHours('Europe/Berlin')", 0),
    ("timestamp(input.time).getFullYear('+01:00')", 2027),
    ("timestamp('2027-03-07T08:09:10.123456789Z').getMonth()", 2),
    ("timestamp('2027-03-07T08:09:10.123456789Z').getDate()", 7),
    ("timestamp('2027-03-07T08:09:10.123456789Z').getDayOfMonth()", 6),
    ("timestamp('2027-03-07T08:09:10.123456789Z').getDayOfWeek()", 0),
    ("timestamp('2027-03-07T08:09:10.123456789Z').getDayOfYear()", 65),
    ("timestamp('2027-03-07T08:09:10.123456789Z').getHours()", 8),
    ("timestamp('2027-03-07T08:09:10.123456789Z').getMinutes('Asia/Kathmandu')", 54),
    ("timestamp('2027-03-07T08:09:10.123456789Z').getSeconds()", 10),
    ("timestamp('2027-03-07T08:09:10.123456789Z').getMilliseconds()", 123),
    ("timestamp('2009-02-13T23:31:30Z').getHours('02:00')", 1),
    ("timestamp('2009-02-13T02:00:00Z').getDayOfMonth('-02:30')", 11),
    ("string(timestamp('2027-01-01t00:00:00.120z'))", "2027-01-01T00:00:00.12Z"),
    ("string(timestamp(1000000000))", "2001-09-09T01:46:40Z"),
    ("string(timestamp('2027-01-01T00:00:00Z') - duration('1h'))", "2026-12-31T23:00:00Z"),
    ("string(duration('1h') + timestamp('2027-01-01T00:00:00Z'))", "2027-01-01T01:00:00Z"),
    ("string(timestamp('2027-01-01T00:00:00Z') - timestamp('2027-01-01T00:30:00Z'))", "-1800s"),
    ("timestamp('2027-01-01T00:00:00Z') < timestamp('2027-01-01T00:00:00.000000001Z')", True),
    # durations
    ("string(duration('-1s'))", "-1s"),
    ("string(duration('-90m'))", "-5400s"),
    ("string(duration('1h30m15.5s'))", "5415.5s"),
    ("string(duration('1.5ms') + duration('1us') - duration('1ns'))", "0.001500999s"),
    ("string(duration('0'))", "0s"),
    ("duration('60m') == duration('1h')", True),
    ("duration('61m') > duration('1h')", True),
    ("duration('-90m').getHours()", -1),
    ("duration('3730s').getMinutes()", 62),
    ("duration('3730s').getSeconds()", 3730),
    ("duration('2500h').getSeconds()", 9_000_000),
    ("duration('123.321s').getMilliseconds()", 321),
    # what surrounds values
    ("1 + // a comment\n 1", 2),
    ("(((1)))", 1),
    ("1 < 2 == true", True),
    ("1 + 2 == 3 && 2 * 3 == 6 || false", True),
    ("2 * (3 + 4)", 14),
    ("10 - 4 - 3", 3),
]


@pytest.mark.parametrize(("source", "expected"), VALUES)
def test_an_expression_has_the_value_that_cel_gives_it(source, expected):
    assert same(evaluate(source), expected)


WITHOUT_VALUE = [
    ("input.smallest * -1", "the result is outside the range of int (64 bits)"),
    ("-input.smallest", "the result is outside the range of int (64 bits)"),
    ("-(-9223372036854775808)", "the result is outside the range of int (64 bits)"),
    ("9223372036854775807 + input.int", "the result is outside the range of int (64 bits)"),
    ("input.smallest - 1", "the result is outside the range of int (64 bits)"),
    ("input.smallest / -1", "the result is outside the range of int (64 bits)"),
    ("0u - 1u", "the result is outside the range of uint (64 bits)"),
    ("input.int / 0", "division by zero"),
    ("input.int % 0", "division by zero"),
    ("1u / 0u", "division by zero"),
    ("-false", "there is no operator - for bool"),
    ("-'a'", "there is no operator - for string"),
    ("-1u", None),
    ("input.int + 1.0", "there is no operator + for int and double; convert one side with int(…) or double(…)"),
    ("input.int + 1u", "there is no operator + for int and uint; convert one side with int(…) or double(…)"),
    ("input.text + input.int", "there is no operator + for string and int; convert the value with string(…)"),
    ("input.none + 'a'", "there is no operator + for null and string; convert the value with string(…)"),
    ("true + true", "there is no operator + for bool and bool"),
    ("1.5 % 1.0", "there is no operator % for double and double"),
    ("'a' * 3", "there is no operator * for string and int"),
    ("[1] - [1]", "there is no operator - for list and list"),
    ("timestamp(0) + timestamp(0)", "there is no operator + for timestamp and timestamp"),
    ("duration('1s') - timestamp(0)", "there is no operator - for duration and timestamp"),
    ("1 < '1'", "cannot compare int and string"),
    ("null < 1", "cannot compare null and int"),
    ("[1] < [2]", "cannot compare list and list"),
    ("1 < 2 < 3", "cannot compare bool and int"),
    ("1 in 'a'", "'in' requires a list or a map, not string"),
    ("1 ? 2 : 3", "the condition of ? : is int, not bool"),
    ("true && 1", "an operand of && is int, not bool"),
    ("'x' || false", "an operand of || is string, not bool"),
    ("!1", "the operand of ! is int, not bool"),
    ("!!input.none", "the operand of ! is null, not bool"),
    ("[1].all(x, x)", "the condition of all is int, not bool"),
    ("[1].filter(x, null)", "the condition of filter is null, not bool"),
    ("[1, 0].exists_one(x, 1 / x == 1)", "division by zero"),
    ("[0, 1].exists(x, 2 / x == 1)", "division by zero"),
    ("input.text.map(x, x)", "map requires a list or a map, not string"),
    ("size(input.int)", "int has no size"),
    ("size(input.none)", "null has no size"),
    ("input.list.contains(1)", "contains requires strings, not list and int"),
    ("input.text.startsWith(input.int)", "startsWith requires strings, not string and int"),
    ("input.text.matches(input.int)", "matches requires strings, not string and int"),
    ("input.list[4]", "there is no element 4: the list has 4"),
    ("input.list[-1]", "there is no element -1: the list has 4"),
    ("input.list[0.5]", "an index of a list must be int, not double"),
    ("[1][input.yes]", "an index of a list must be int, not bool"),
    ("input.object[input.none]", "a map key cannot be null"),
    ("{1: 2}[3]", "there is no element 3 in an object"),
    ("{input.int: 1, 7: 2}", "a key appears twice in one map"),
    ("{input.double: 1}", "map keys must be string, int, uint or bool, not double"),
    ("{input.none: 1}", "map keys must be string, int, uint or bool, not null"),
    ("has(input.gone.x.y)", "there is no 'gone'"),
    ("has(input.int.x)", "has(…) looks for 'x' in an object, not in a number"),
    ("int(input.text)", "the string is not an integer; int(double(…)) removes decimals"),
    ("int('1.5')", None),
    ("int(input.large)", "the number is outside the range of int"),
    ("int(9223372036854775807.0 + 0.0)", "the number is outside the range of int"),
    ("int(double('NaN'))", "the number is outside the range of int"),
    ("int(input.none)", "int(…) cannot convert null"),
    ("int(input.yes)", "int(…) cannot convert bool"),
    ("uint(-input.int)", "the number is outside the range of uint"),
    ("uint(1e30 * 1.0)", "the number is outside the range of uint"),
    ("double(input.text)", "the string is not a number"),
    ("double('1_000')", None),
    ("double(' 1')", None),
    ("bool(input.text)", "the string is neither true nor false"),
    ("bool(input.int)", "bool(…) cannot convert int"),
    (
        "string(input.none)",
        "string(…) cannot convert null; within other text it is written as JSON, as in 'x: ${input.x}'",
    ),
    (
        "string(input.list)",
        "string(…) cannot convert list; within other text it is written as JSON, as in 'x: ${input.x}'",
    ),
    ("string(bytes('a') + b'\\xff')", "the bytes are not valid UTF-8"),
    ("timestamp(input.text)", "the string is not a timestamp such as 2027-01-31T12:00:00Z"),
    ("timestamp(input.double)", "timestamp(…) cannot convert double"),
    ("duration(input.text)", "the string is not a duration such as 90s, 1h30m or 250ms"),
    ("duration(input.int)", "duration(…) cannot convert int"),
    ("timestamp('9999-12-31T23:59:59Z') + duration('1s')", "the timestamp is not within the years 1 to 9999"),
    ("timestamp('0001-01-01T00:00:00Z') - duration('1ns')", "the timestamp is not within the years 1 to 9999"),
    (
        "timestamp('0001-01-01T00:00:00Z').getFullYear('-01:00')",
        "the timestamp is not within the years 1 to 9999 in this time zone",
    ),
    (
        "timestamp('9999-01-01T00:00:00Z') - timestamp('0001-01-01T00:00:00Z')",
        "the duration is longer than about 292 years",
    ),
    ("duration('2000000h') + duration('2000000h')", "the duration is longer than about 292 years"),
    ("timestamp(0).getHours(input.text)", "the string is not a time zone such as Europe/Berlin, UTC or +05:30"),
    ("timestamp(0).getHours(1)", "getHours requires a time zone such as 'Europe/Berlin', not int"),
    ("input.time.getHours()", "getHours requires a timestamp, not string; convert it with timestamp(…)"),
    ("duration('1h').getHours('UTC')", "getHours requires a timestamp, not duration; convert it with timestamp(…)"),
    ("duration('1h').getFullYear()", "getFullYear requires a timestamp, not duration; convert it with timestamp(…)"),
    (
        "{1: 'a'}",
        "the result holds a map with a key that is not a string, which JSON cannot; string(…) makes text of it",
    ),
    ("type(1)", "the result holds something that JSON cannot (type); string(…) makes text of it"),
    ("[timestamp(0)]", "the result holds something that JSON cannot (timestamp); string(…) makes text of it"),
]


@pytest.mark.parametrize(("source", "reason"), WITHOUT_VALUE)
def test_an_expression_without_a_value_says_why(source, reason):
    with pytest.raises((EvaluationError, ExpressionError)) as caught:
        evaluate(source)
    if reason is not None:
        assert isinstance(caught.value, EvaluationError)
        assert caught.value.reason == reason


REFUSED = [
    ("max(1, 2)", "there is no function 'max' at column 1: a > b ? a : b is the greater"),
    ("min(input.a, 2)", "there is no function 'min' at column 1: a < b ? a : b is the smaller"),
    (
        "input.a.getDay()",
        "there is no function 'getDay' at column 9: getDayOfWeek() is the day of the week, getDate() that of the month",
    ),
    ("input.a.startswith('b')", "there is no function 'startswith' at column 9: did you mean 'startsWith'?"),
    ("size()", "size is written size(value)"),
    ("size(input.a, 1)", "size is written size(value)"),
    ("input.a.contains()", "contains is written text.contains(other)"),
    ("input.a.getHours(1, 2)", "getHours is written time.getHours() or time.getHours('Europe/Berlin')"),
    ("has(input)", "has requires one field, as in has(input.name)"),
    ("has(input['a'])", "has requires a field, as in has(input.name); for other names write 'any name' in input"),
    ("input.a.map(1, 2)", "map is written list.map(x, result) or list.map(x, condition, result)"),
    ("input.a.exists(k, v, true)", "exists is written list.exists(x, condition)"),
    ("duration('5 minutes')", "duration: the string is not a duration such as 90s, 1h30m or 250ms"),
    ("timestamp('2027-02-30T00:00:00Z')", "timestamp: the string is not a timestamp such as 2027-01-31T12:00:00Z"),
    ("timestamp('10000-01-01T00:00:00Z')", "timestamp: the string is not a timestamp such as 2027-01-31T12:00:00Z"),
    ("timestamp('2027-01-01')", "timestamp: the string is not a timestamp such as 2027-01-31T12:00:00Z"),
    ("timestamp(253402300800)", "timestamp: the timestamp is not within the years 1 to 9999"),
    ("duration('320000000000s')", "duration: the duration is longer than about 292 years"),
    (
        "timestamp(input.a).getHours('Mars')",
        "getHours: the string is not a time zone such as Europe/Berlin, UTC or +05:30",
    ),
    (
        "timestamp(input.a).getMilliseconds('Mars')",
        "getMilliseconds: the string is not a time zone such as Europe/Berlin, UTC or +05:30",
    ),
    (
        "timestamp(input.a).getHours('localtime')",
        "getHours: the string is not a time zone such as Europe/Berlin, UTC or +05:30",
    ),
    ("timestamp(input.a).getHours('+25:00')", "getHours: the offset from UTC is not within 24 hours"),
    ("input.a.matches('(')", "matches: the pattern is not valid for RE2: missing )"),
    ("input.a.matches('(?=a)b')", "matches: the pattern is not valid for RE2: invalid perl operator"),
    ("{'a': 1, 'a': 2}", "is no expression: at column 10: the key 'a' appears twice in one map"),
    (
        "Thing{a: 1}",
        "is no expression: at column 6: Thing{…} creates a message, which is not supported; write {'a': 1} for a map",
    ),
    (
        "input.?a",
        "is no expression: at column 7: optional fields are not supported; has(input.x) tests for a field",
    ),
    ("input.in", "is no expression: at column 7: 'in' is a reserved word; write the field as ['in']"),
    ("9223372036854775808", "is no expression: at column 1: 9223372036854775808 is outside the range of int"),
    ("12abc", "is no expression: at column 1: 12abc is not a number"),
    ("'\\q'", "is no expression: at column 2: '\\\\q' is not an escape sequence; write \\\\ for a backslash"),
    ("'\\ud800'", "is no expression: at column 2: \\ud800 is not a character"),
    ("'abc", "is no expression: at column 1: the string is not closed"),
    ("'''abc'", "is no expression: at column 1: the string is not closed"),
    ("'a' +\n  \"b", "is no expression: at line 2, column 3: the string is not closed"),
]


@pytest.mark.parametrize(("source", "message"), REFUSED)
def test_what_would_fail_in_every_run_is_refused_when_it_is_written(source, message):
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source)
    assert str(caught.value) == message


SECRET = "hunter2-with-'quotes'-and-more-than-forty-characters-of-text"


@pytest.mark.parametrize(
    "source",
    [
        "int(input.a)",
        "uint(input.a)",
        "double(input.a)",
        "bool(input.a)",
        "timestamp(input.a)",
        "duration(input.a)",
        "timestamp(0).getHours(input.a)",
        "'x'.matches('(' + input.a)",
        "input.o[input.a]",
        "{'b': 1}[input.a]",
        "[1][input.a]",
        "input.a[input.a]",
        "{input.a: 1, input.a: 2}",
        "input.a + 1",
        "-input.a",
        "input.a < 1",
        "1 in input.a",
        "input.a ? 1 : 2",
        "input.a || false",
        "size(input.a) / 0",
        "url_encode([input.a])",
        "has(input.a.x)",
        "input.a.map(x, x)",
        "[bytes(input.a)]",
        "{1: input.a}",
    ],
)
def test_no_message_contains_data(source):
    """The data can be secrets, which are masked only where they are whole."""
    with pytest.raises(EvaluationError) as caught:
        evaluate(source, a=SECRET, o={})
    assert "hunter2" not in str(caught.value)


SURROGATE = "a\ud800"


@pytest.mark.parametrize(
    "source", ["bytes(input.a)", "input.a.matches('a')", "input.a + 'b'", "[input.a]", "{input.a: 1}"]
)
def test_a_lone_surrogate_fails_one_evaluation_only(source):
    """The values of secrets come from the environment, which can hold anything."""
    with pytest.raises(EvaluationError):
        evaluate(source, a=SURROGATE)


def test_a_mapping_of_any_kind_is_an_object():
    data = MappingProxyType({"b": 1, "a": MappingProxyType({"c": 2})})
    assert list(evaluate("[input.m][0]", m=data)) == ["b", "a"]
    assert evaluate("input.m == {'a': {'c': 2}, 'b': 1} && has(input.m.a.c) && size(input.m) == 2", m=data) is True
    assert evaluate("input.m.map(k, k)", m=data) == ["b", "a"]


INTEGERS = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([-(2**63), 2**63 - 1, -1, 0, 1])


@given(INTEGERS, INTEGERS, st.sampled_from("+-*/%"))
def test_whole_numbers_are_exact_or_an_error(left, right, sign):
    """Against Python's own, which have no bounds."""
    exact = {
        "+": left + right,
        "-": left - right,
        "*": left * right,
        "/": None if right == 0 else (abs(left) // abs(right)) * (1 if (left < 0) == (right < 0) else -1),
        "%": None
        if right == 0
        else left - right * (abs(left) // abs(right)) * (1 if (left < 0) == (right < 0) else -1),
    }[sign]
    try:
        assert evaluate(f"input.left {sign} input.right", left=left, right=right) == exact
    except EvaluationError:
        assert exact is None or not -(2**63) <= exact < 2**63


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"]), max_size=3))
def test_texts_are_those_of_code_points(text, other):
    assert evaluate("size(input.text)", text=text) == len(text)
    assert evaluate("input.text + input.other", text=text, other=other) == text + other
    assert evaluate("input.text.contains(input.other)", text=text, other=other) == (other in text)
    assert evaluate("bytes(input.text) == bytes(input.other)", text=text, other=other) == (text == other)
    assert evaluate("string(bytes(input.text))", text=text) == text


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Chatham", "Asia/Kathmandu"])
MOMENTS = st.integers(-2_208_988_800_000_000, 4_102_444_800_000_000).map(
    lambda microseconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)


@given(MOMENTS, ZONES)
def test_times_are_those_of_the_calendar(at, zone):
    there = at.astimezone(ZoneInfo(zone))
    scope = {"at": at.isoformat(), "zone": zone}
    parts = {
        "getFullYear": there.year,
        "getMonth": there.month - 1,
        "getDate": there.day,
        "getDayOfMonth": there.day - 1,
        "getDayOfWeek": there.isoweekday() % 7,
        "getDayOfYear": there.timetuple().tm_yday - 1,
        "getHours": there.hour,
        "getMinutes": there.minute,
        "getSeconds": there.second,
        "getMilliseconds": there.microsecond // 1_000,
    }
    for name, expected in parts.items():
        assert evaluate(f"timestamp(input.at).{name}(input.zone)", **scope) == expected
    assert datetime.fromisoformat(evaluate("string(timestamp(input.at))", **scope)) == at
    assert datetime.fromisoformat(evaluate("string(timestamp(input.at) + duration('36h'))", **scope)) == (
        at + timedelta(hours=36)
    )


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_duration_is_read_back_from_its_text(nanoseconds):
    text = evaluate("string(duration(input.text))", text=f"{nanoseconds}ns")
    assert evaluate("duration(input.a) == duration(input.b)", a=text, b=f"{nanoseconds}ns") is True


@given(st.floats())
def test_a_number_with_decimals_is_read_back_from_its_text(number):
    text = evaluate("string(input.number)", number=number)
    assert evaluate("double(input.text) == input.number || input.number != input.number", text=text, number=number)
