"""What an exception says, without what is of the moment: the part of a message that is the same next time.

Unlike a log line's pattern, it must keep the words that tell errors apart. Ids, numbers, times, addresses, paths and
quoted data give way to placeholders; names in the code or the schema, HTTP status codes, errno, SQLSTATE and exit
codes stay. In which place a quoted word is a name, and not data, is told by the type of the exception
(`_NAMING_TYPES`) or by the word that stands before it (`_NOUNS`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from plainview.grouping.phrasing import settle

__all__ = ["MAX_LENGTH", "known", "normalise"]

#: Characters of a message that count.
MAX_LENGTH: Final = 1000
_NAME_LENGTH: Final = 200

#: Exceptions whose quoted words are names in the code, a template or a schema rather than data.
_NAMING_TYPES: Final = frozenset(
    (
        "AmbiguousForeignKeysError",
        "AppRegistryNotReady",
        "ArgumentError",
        "AttributeError",
        "BadRequestKeyError",
        "BuildError",
        "ClassNotFoundException",
        "ConfigError",
        "FieldDoesNotExist",
        "FieldError",
        "FrozenInstanceError",
        "ImportError",
        "ImproperlyConfigured",
        "InvalidRequestError",
        "KeyError",
        "KeyNotFoundException",
        "ModuleNotFoundError",
        "MultiValueDictKeyError",
        "NameError",
        "NoClassDefFoundError",
        "NoForeignKeysError",
        "NoReverseMatch",
        "NoSuchColumnError",
        "NoSuchFieldError",
        "NoSuchMethodError",
        "NoSuchTableError",
        "NotImplementedError",
        "NotRegistered",
        "ParamValidationError",
        "PydanticUserError",
        "ReferenceError",
        "SyntaxError",
        "TemplateAssertionError",
        "TemplateNotFound",
        "TemplateSyntaxError",
        "TypeError",
        "UnboundLocalError",
        "UndefinedColumn",
        "UndefinedColumnError",
        "UndefinedError",
        "UndefinedFunction",
        "UndefinedTable",
        "UndefinedTableError",
        "UnknownServiceError",
        "UnmappedClassError",
    )
)
#: Exceptions whose whole message is a key.
_KEY_TYPES: Final = frozenset({"KeyError", "MultiValueDictKeyError", "KeyNotFoundException"})

#: Exceptions whose whole message is the name of a file that is part of the program.
_FILE_TYPES: Final = frozenset({"TemplateNotFound", "TemplatesNotFound", "TemplateDoesNotExist"})

#: Words before a quoted name, whatever the type of the exception.
_NOUNS: Final = (
    "attribute|argument|parameter|param|keyword|column|table|relation|constraint|index|field|module|package|option"
    "|setting|variable|function|method|class|codec|type|property|database|schema|role|view|operator|header|host"
    "|command|queue|topic|exchange|template|encoding|plugin|extension|operation|library|tag|filter|test|block"
    "|backend|driver|dialect|serializer|endpoint|task|bucket|feature|scope|permission|section|identifier"
)
#: Words before a number that says what kind of error it is.
_CODES: Final = (
    "http|status|code|error|errno|winerror|response|sqlstate|ora|signal|signals|returned|port|status_code|error_code"
    "|http_code|statuscode|errorcode|exitcode|rc|localhost"
)
#: What HTTP calls its statuses: a number before one of these is one.
_REASONS: Final = (
    "Client Error|Server Error|Bad Request|Unauthorized|Payment Required|Forbidden|Not Found|Method Not Allowed"
    "|Not Acceptable|Request Timeout|Conflict|Gone|Unprocessable|Too Many Requests|Internal Server Error"
    "|Not Implemented|Bad Gateway|Service Unavailable|Gateway Time"
)
#: Words whose digits are part of the name.
_NAMES_WITH_DIGITS: Final = (
    "utf|sqlite|sha|md|base|http|oauth|ipv|int|uint|float|amd|aes|rsa|win|python|py|log|web|top|latin|iso|cp|tls|ssl"
    "|psycopg"
)

# What a part must not follow and not be followed by: the angle brackets of placeholders count as letters, so that the
# replacement of one part does not lay bare another.
_LEFT, _RIGHT = r"(?<![\w>])", r"(?![\w<])"
_MONTH: Final = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_DAY: Final = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}"
_CLOCK: Final = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?"
_ZONE: Final = r"(?: ?(?:Z|GMT|UTC|[+-]\d\d:?\d\d))?"
_UNITS_OF_TIME: Final = (
    "nanoseconds?|microseconds?|milliseconds?|seconds?|minutes?|hours?|days?|weeks?|nsec|usec|msec|secs?|mins?|hrs?"
)

#: Name of a part to what it looks like; the first that matches at a place wins. Every repetition is of a class of
#: characters that cannot match what comes after it, or is bounded: matching takes steps in proportion to the text.
PARTS: Final[dict[str, str]] = {
    # Plain words, several at once: most of a text is passed over by this.
    "plain": rf"(?:(?!{_MONTH}|{_DAY}|Bearer|Basic|SQLSTATE)[A-Za-z_]+(?:[\s()=,;!?]+|$))+",
    "kept": r"<[a-z]{2,8}>",
    "time": rf"{_LEFT}\d{{4}}[-/]\d\d[-/]\d\d(?:[T _]{_CLOCK}{_ZONE})?{_RIGHT}"
    rf"|{_LEFT}\d{{8}}T\d{{6}}(?:\.\d{{1,9}})?Z?{_RIGHT}"
    rf"|{_LEFT}(?:{_DAY},? )?(?:\d{{1,2}}[ -/]{_MONTH}|{_MONTH}\.? \d{{1,2}})"
    rf"(?:,?[ -/]\d{{4}})?(?:[ :]{_CLOCK}(?: \d{{4}})?{_ZONE})?{_RIGHT}"
    rf"|{_LEFT}\d{{1,2}}:\d\d:\d\d(?:[.,]\d{{1,9}})?{_RIGHT}",
    "uuid": rf"{_LEFT}[0-9A-Fa-f]{{8}}(?:-[0-9A-Fa-f]{{4}}){{3}}-[0-9A-Fa-f]{{12}}{_RIGHT}",
    "email": rf"{_LEFT}[\w.+%-]{{1,64}}@[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{1,8}}{_RIGHT}",
    "url": r"(?<![\w>])[A-Za-z][A-Za-z0-9+.-]{1,15}://[^\s\"'`<>()\[\]{}|\\^]{1,500}",
    "token": rf"{_LEFT}eyJ[\w-]{{8,}}(?:\.[\w-]{{2,}}){{0,4}}"
    rf"|{_LEFT}(?:sk|pk|rk|ghp|gho|ghs|ghu|glpat|xox[abprs]|AKIA|ASIA|AIza|Bearer|Basic)[-_ ]?[\w+/.=-]{{16,}}"
    rf"|{_LEFT}[a-z]{{2,6}}_(?=[A-Za-z]*\d)(?=[a-z0-9]*[A-Z])[A-Za-z0-9]{{12,}}{_RIGHT}"
    rf"|{_LEFT}(?=[\d_]*[A-Z])[0-9A-HJKMNP-TV-Z]{{26}}{_RIGHT}"
    rf"|{_LEFT}(?=[0-9A-Z+/_=-]*[a-z])(?=[0-9a-z+/_=-]*[A-Z])(?=(?:[A-Za-z+/_=-]{{0,40}}\d){{3}})"
    rf"[A-Za-z0-9+_-][A-Za-z0-9+/_-]{{19,}}={{0,2}}{_RIGHT}",
    "ip": rf"{_LEFT}(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?:/\d{{1,2}}|:\d{{1,5}})?{_RIGHT}"
    r"|(?<![\w:>])\[?(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![\w:<])(?:\](?::\d{1,5})?)?"
    r"|(?<![\w:>])\[?(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?::"
    r"(?:(?:[0-9A-Fa-f]{1,4}:){0,5}(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?|[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?"
    r"(?:%\w{1,15})?(?![\w:<])(?:\](?::\d{1,5})?)?",
    "path": r"(?<![\w>:)\]])(?:~|\.{1,2})?/(?:[\w.+@~%=,-]{1,255}/)*[\w.+@~%=,-]{1,255}/?(?:\?[\w.%=&+~-]{0,500})?"
    r"|(?<![\w>])[A-Za-z]:[\\/](?:[\w.+@~$()-][\w.+@~ $()-]{0,254}\\|[\w.+@~$()-]{1,255}/)*[\w.+@~$()-]{0,255}"
    r"|(?<![\w>\\])\\\\[\w.$-]{1,255}(?:\\[\w.+@~$-]{1,255})+"
    rf"|{_LEFT}(?:[\w.+@~-]{{1,255}}/){{2,}}[\w.+@~-]{{1,255}}"
    rf"|{_LEFT}[\w.-]{{1,255}}/[\w.-]{{1,255}}\.[A-Za-z]\w{{0,4}}{_RIGHT}",
    "quoted": r"(?<!\w)[bBrRuUfF]{0,2}(?:\"(?P<double>(?:[^\"\\\n]|\\.){0,600})\""
    r"|'(?P<single>(?:[^'\\\n]|\\.){0,600})'(?!\w))"
    r"|`(?P<back>[^`\n]{0,300})`|“(?P<curly>[^”\n]{0,300})”|«(?P<guillemet>[^»\n]{0,300})»",
    "hex": rf"{_LEFT}0[xX][0-9A-Fa-f]{{1,64}}{_RIGHT}"
    rf"|{_LEFT}(?=[A-Fa-f]{{0,64}}\d)(?=\d{{0,64}}[A-Fa-f])[0-9A-Fa-f]{{7,}}{_RIGHT}"
    rf"|{_LEFT}(?=\d{{0,64}}[A-Fa-f])[0-9A-Fa-f]{{32,}}{_RIGHT}",
    "code": rf"{_LEFT}SQLSTATE[ :=(\[]{{1,3}}[0-9A-Z]{{5}}{_RIGHT}|{_LEFT}HTTP/\d(?:\.\d)?"
    rf"|{_LEFT}[1-5]\d\d:? (?={_REASONS})|^\(?\d{{3,5}}(?=, [\"'<])",
    "duration": rf"{_LEFT}[+-]?\d+(?:\.\d+)?(?: ?(?:{_UNITS_OF_TIME}|ns|us|µs|ms|s)|[mhd]){_RIGHT}"
    rf"|{_LEFT}P(?=[T\d])(?:\d{{1,9}}[YMWD]){{0,4}}(?:T(?:\d{{1,9}}(?:\.\d{{1,9}})?[HMS]){{1,3}})?{_RIGHT}",
    "size": rf"{_LEFT}\d+(?:\.\d+)? ?(?:[bB]ytes?|[kKMGTP]i?B|[KMGT]|octets|chars|characters){_RIGHT}",
    "named": rf"\b(?:{_NAMES_WITH_DIGITS})[-_]?\d{{1,4}}\b(?!\.\d)|\b[A-Za-z]{{1,2}}\d{{1,2}}\b",
    "num": r"(?<![\w.>])[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?|\d+",
    "rest": r"[A-Za-z_]+",
}
_VARIABLE: Final = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in PARTS.items()))
_KEEPING: Final = frozenset({"plain", "kept", "code", "named", "rest"})
#: A number of so many characters may be a code, or the port of a service.
_CODE_DIGITS: Final = 5
_CODE_BEFORE: Final = re.compile(rf"(?i:(?<![\w>])(?:{_CODES}))(?: is| was)?[ :=(\[#-]{{1,3}}$")
#: Nothing of a text without any of these is variable.
_SUSPECT: Final = re.compile(r"[\d\"'`“«/\\:@{]|\b[A-Z]\w{19}")
_NOUN_BEFORE: Final = re.compile(rf"(?i:\b(?:{_NOUNS})s?)(?: named| name| called)?(?: is|(?<!header):|=)? ?\(?$")
_OBJECT_AFTER: Final = re.compile(
    r" (?:object|objects|codec|instance|is undefined|is not defined|column|table|field|argument|attribute|must be)\b"
)
_HOST: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{1,15}://)(?:[^/?#@]{0,200}@)?([^/?#:]{0,255})(:\d{1,4}(?!\d))?")
_ADDRESS: Final = re.compile(PARTS["url"])
_HOSTED: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,15}://(?:[\w.:-]|<[a-z]{2,8}>){1,300}")
_STATUS_LINE: Final = re.compile(r"[1-5]\d\d [A-Z][A-Za-z' -]{1,40}")
_NUMERIC: Final = re.compile(r"[\d.]+|\[[0-9a-fA-F:.]+\]|<ip>")
_LABEL: Final = re.compile(r"\d+")
#: A word that may be a name in a program: parts of letters, joined by ``. - _ : $ /``; digits are looked at apart.
_IDENTIFIER: Final = re.compile(r"(?=.{1,80}$)[^\W\d](?:[\w.$:-]|<[a-z]{2,8}>)*(?:\[\])?(?:\(\))?")
#: Digits in a name count where there are one or two, at its end, after one or two letters (``s3``, ``v2``).
_SHORT_NAME: Final = re.compile(rf"\b(?:[A-Za-z]{{1,2}}\d{{1,2}}|(?:{_NAMES_WITH_DIGITS})[-_]?\d{{1,4}})\b")
_HEXISH: Final = re.compile(r"(?=\D*\d)[0-9a-fA-F-]{7,}|[0-9a-fA-F]{32,}")
_SPACE: Final = re.compile(r"\s+")
_REPEATED: Final = re.compile(r"(<[a-z]{2,8}>)(?:(?:, ?|; ?| )\1)+")
_CONTROL: Final = re.compile(r"\x1b\[[0-?]{0,32}[ -/]{0,8}[@-~]")
_PLACEHOLDERS: Final = re.compile(r"\?(?:, ?\?)+|%s(?:, ?%s)+|\$\d+(?:::\w+)?(?:, ?\$\d+(?:::\w+)?)+")
#: In a dump of a mapping: what kind of error the other side says it is.
_REASON: Final = re.compile(
    r"[\"'](?:code|type|error|reason|status|error_code)[\"']: ?[\"']([A-Za-z][\w.-]{1,60})[\"']"
)


def normalise(value: str, kind: str = "") -> str:
    """What stays of an exception's message when it happens again; that of the result is the result itself.

    Args:
        value: the message; only its first :data:`MAX_LENGTH` characters count.
        kind: type of the exception, with or without its module.
    """
    return known(value[:MAX_LENGTH], kind.rpartition(".")[2][:_NAME_LENGTH])


@lru_cache(maxsize=8192)
def known(text: str, name: str) -> str:
    """As `normalise`, of what counts only: nothing long is remembered."""
    for _ in range(4):
        again = _once(text, name)
        if again == text:
            break
        text = again
    return text


def _once(text: str, kind: str) -> str:
    if "\x1b" in text:
        text = _CONTROL.sub("", text)
    text = settle(text)
    if kind in _KEY_TYPES:
        return _key(text)
    if kind in _FILE_TYPES:
        return _LABEL.sub("<num>", _SPACE.sub(" ", text).strip())
    if "{" in text:
        text = _without_mappings(text)
    text = _SPACE.sub(" ", text).strip()
    if not _SUSPECT.search(text):
        return text
    naming = kind in _NAMING_TYPES

    def placeholder(found: re.Match[str]) -> str:
        return _placeholder(found, naming=naming)

    text = _PLACEHOLDERS.sub("?", text)
    return _REPEATED.sub(r"\1", _VARIABLE.sub(placeholder, text))[:MAX_LENGTH]


def _placeholder(found: re.Match[str], *, naming: bool) -> str:
    name = found.lastgroup or ""
    text = found.group()
    if name in _KEEPING:
        return text
    if name == "num":
        code = text.lstrip("+-").isdigit() and len(text) <= _CODE_DIGITS
        return text if code and _CODE_BEFORE.search(_before(found)) else "<num>"
    if name == "url":
        return _host(text)
    if name == "quoted":
        return _quoted(found, naming=naming)
    return f"<{name}>"


def _quoted(found: re.Match[str], *, naming: bool) -> str:
    """Quoted text: a name stays, so do the status and the host of an answer; anything else is data."""
    inside = next((part for part in found.group("double", "single", "back", "curly", "guillemet") if part), "")
    kept = ""
    if naming or _NOUN_BEFORE.search(_before(found)) or _OBJECT_AFTER.match(found.string, found.end()):
        kept = _identifier(inside)
    if not kept and _ADDRESS.fullmatch(inside):
        kept = _host(inside)
    elif _STATUS_LINE.fullmatch(inside) or _HOSTED.fullmatch(inside):
        kept = inside
    return f"'{kept}'" if kept else "<str>"


def _host(address: str) -> str:
    """Of an address the scheme, the host and the port of a service: what tells whom it was about."""
    host = _HOST.match(address)
    if not host:
        return "<url>"
    return f"{host[1]}{'<ip>' if _NUMERIC.fullmatch(host[2]) else _LABEL.sub('<num>', host[2])}{host[3] or ''}"


def _before(found: re.Match[str]) -> str:
    return found.string[max(0, found.start() - 40) : found.start()]


def _identifier(word: str) -> str:
    """A quoted word as the name that it is; empty: it is data."""
    if not _IDENTIFIER.fullmatch(word) or _HEXISH.fullmatch(word):
        return ""
    if word.isalpha() or _SHORT_NAME.fullmatch(word):
        return word
    return _LABEL.sub("<num>", word)


def _key(text: str) -> str:
    """The message of an exception that is a key: a name stays, data does not."""
    text = text.strip()
    quote = text[:1]
    inside = text[1:-1] if quote in {"'", '"'} and len(text) > 1 and text.endswith(quote) else text
    if text == "<key>":
        return text
    return f"'{kept}'" if (kept := _identifier(inside)) else "<key>"


def _without_mappings(text: str) -> str:
    """Dumps of mappings give way, but for what the other side calls its error."""
    kept: list[str] = []
    depth = start = end = 0
    for place, letter in enumerate(text):
        if letter == "{" and (depth or text[place + 1 : place + 2] in {"'", '"'}):
            if not depth:
                start = place
            depth += 1
        elif letter == "}" and depth:
            depth -= 1
            if not depth:
                kept += (text[end:start], _mapping(text[start : place + 1]))
                end = place + 1
    if depth:  # cut off in the middle
        kept += (text[end:start], _mapping(text[start:]))
        end = len(text)
    return "".join(kept) + text[end:]


def _mapping(text: str) -> str:
    if ":" not in text:
        return text
    reasons = dict.fromkeys(_REASON.findall(text))
    return " ".join(["<dict>", *list(reasons)[:3]])
