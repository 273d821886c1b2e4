"""What strangers send where something plain is meant. To try something new everywhere, add it here.

`TEXTS` are texts that JSON in UTF-8 can carry: each is to be refused, or stored as it is and found by exactly
itself. `NAMES` are sent as names of members, `VALUES` in the place of texts, `NO_UTF_8` as bytes, `NUMBERS`
in the place of numbers, `DATES` and `DURATIONS` in the place of those.
"""

from typing import Any, Final

# fmt: off
OPERATORS: Final = (
    "$ne", "$gt", "$in", "$nin", "$exists", "$where", "$regex", "$options", "$expr", "$function", "$type",
    "$or", "$nor", "$not", "$elemMatch", "$text", "$set", "$unset", "$rename", "$out", "$merge", "$lookup",
)
PATHS: Final = (
    "$consumer.email", "$$ROOT", "$$NOW", "$$REMOVE", "$$PRUNE", "$_id", "$", "$$", "$.", "$[]", "$literal",
    "consumer.email", "payments.0.value", "a.b", ".", "..", "a.", ".a", "_id", "contentDigest", "id",
)
CODE: Final = (
    "function() { return true }", "this.facilityRef == this.facilityRef", "sleep(10000)", "while (true) {}",
    '{"$ne": null}', '{"$gt": ""}', '["$ne", null]', "'; return true; var x='", "' OR '1'='1", "1' --",
    "db.records.drop()", "${7*7}", "{{7*7}}", "#{7*7}", "<script>alert(1)</script>", "$(id)", "`id`",
    "*)(uid=*", "../../../etc/passwd", "%00", "%24ne", "\\u0024ne", "\r\nX-Injected: 1", "%0d%0aX: 1",
)
PROTOTYPES: Final = (
    "__proto__", "constructor", "prototype", "toString", "__class__", "__init__", "self", "null",
)
PATTERNS: Final = (
    ".*", "^", "^.*$", "[", "(", "\\", "a|b", "?", "(?i)a", "/.*/", "/.*/i", "a{1,}", "%", "_",
)
SLOW_PATTERNS: Final = (
    "(a+)+$", "^(a|a)*$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*a){20}", "([a-zA-Z]+)*$", "(x+x+)+y",
    "a" * 250 + "!", "x" * 250, "1" * 250, " " * 250, "(" * 120 + ")" * 120,
)
UNICODE: Final = (
    "\0", "a\0", "\0a", "a\0b", "\x01", "\x1f", "\x7f", "\x80", "\t", "\n", "\r\n", " ", " a", "a ", "\xa0",
    "\u200b", "a\u200d", "\u202eabc", "\u200f\u05e9\u05dc\u05d5\u05dd", "\u2066x\u2069",  # zero width, RTL
    "\ufeff", "\ufffd", "\ufffe", "\uffff", "\U0010ffff", "\u2028", "\u2029", "\x85",  # BOM, none, line ends
    "\U0001f600", "\U0001f469\u200d\U0001f467", "\U00020000", "\u7530\u4e2d", "\u0915\u094d\u0937",
    "\xe9", "e\u0301", "\xc5", "\u212b", "\u1e9b\u0323", "\ufb01", "fi",  # composed or not
    "\xdf", "ss", "SS", "\u0130", "i\u0307", "I", "\u0131", "i", "K", "\u212a", "k", "A", "a",  # case
)
TEXTS: Final = tuple(
    dict.fromkeys(OPERATORS + PATHS + CODE + PROTOTYPES + PATTERNS + SLOW_PATTERNS + UNICODE)
)

NAMES: Final = (
    *OPERATORS, *PATHS, *PROTOTYPES, "", "\0", "a\0b", "\x01", "\u202ea", "\xe9", "e\u0301", " ", "\u7530",
)
VALUES: Final[tuple[Any, ...]] = (
    {"$ne": None}, {"$gt": ""}, {"$regex": ".*"}, {"$where": "1"}, {"$in": ["a"]}, {"$exists": True},
    {"eq": "a"}, {"__proto__": {}}, {"$oid": "6f1c0b0e7a518c3e9d412b7f"}, {"$date": 0}, {"$numberLong": "1"},
    {}, [], ["a"], [["$ne"]], [{"$ne": None}], None, True, False, 0, 1, -1, 1.5, 2**53, 10**30,
)

NO_UTF_8: Final = (
    b"\xff", b"\xfe\xff", b"\x80", b"\xc3", b"\xc3\x28", b"\xe2\x82", b"\xf0\x9f\x98", b"a\xffb",
    b"\xc0\x80", b"\xc0\xae", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xc1\xbf",  # overlong
    b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\xbd\xed\xb8\x80",  # surrogates
    b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80",  # beyond Unicode
)
LONE_SURROGATES: Final = ("\\ud800", "\\udfff", "a\\ud83d", "\\ude00\\ud83d", "\\ud83d\\u0041")
"""As JSON escapes them; no text in UTF-8 has them."""

NUMBERS: Final = (
    "9007199254740993", "-9007199254740993", "9223372036854775807", "9223372036854775808",
    "18446744073709551616", "1" + "0" * 30, "-1" + "0" * 30, "9" * 4000, "1e308", "1e309", "-1e309",
    "1e-400", "-0", "-0.0", "0.1", "1.0", "1e0", "NaN", "Infinity", "-Infinity", "true", "null", '"1"', "[1]",
)
"""As they stand in JSON, or in what some take for JSON."""

DATES: Final = (
    "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999Z",
    "9999-12-31T23:59:59-00:01", "10000-01-01T00:00:00Z", "+10000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z",
    "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-06-31T00:00:00Z", "2026-01-01T24:00:00Z",
    "2026-01-01T00:00:60Z", "2016-12-31T23:59:60Z", "2026-01-01T00:00:00", "2026-01-01", "20260101T000000Z",
    "2026-W01-1T00:00:00Z", "2026-001T00:00:00Z", "now", "1767225600", "\u0662026-01-01T00:00:00Z", "",
    "2026-01-01T00:00:00." + "0" * 300 + "Z", "2026-01-01T00:00:00Z\n", " 2026-01-01T00:00:00Z",
)
DURATIONS: Final = (
    "P9999999999Y", "-P9999999999Y", "P1001Y", "-P1001Y", "P1000Y", "-P1000Y", "P999999999999999999M",
    "PT99999999999999999999S", "P366001D", "P", "PT", "P1Y2", "1Y", "P-1Y", "PY", "P1.5Y", "p1y", "P1YT",
    "P" + "1" * 240 + "D", "P1D\n", " P1D", "P\u0663D", "",
)
