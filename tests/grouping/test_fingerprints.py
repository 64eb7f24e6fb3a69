"""What errors are grouped by, what users say about it, and what becomes of issues when the algorithm changes."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings, strategies as st

from plainview.grouping import rules
from plainview.grouping.fingerprint import ALGORITHMS, VERSION, VERSIONS, fingerprints, group

NAMES = st.from_regex(r"[a-z][a-z_]{0,12}", fullmatch=True)


def error(
    kind="ValueError", message="order 5 is closed", frames=(("shop.web", "view"), ("shop.orders", "save")), **given
):
    """An error record with one exception."""
    framed = [
        {"module": module, "path": f"/app/{module.replace('.', '/')}.py", "function": function, "line": 3}
        for module, function in frames
    ]
    return {"exceptions": [{"type": kind, "message": message, "frames": framed}], **given}


def test_a_grouping_says_what_it_is_made_of():
    grouped = group(error(component="checkout"))
    assert grouped.parts == (
        "platform python",
        "component checkout",
        "type ValueError",
        "message order <num> is closed",
        "at shop.orders in save",
        "at shop.web in view",
    )
    assert grouped.title == "ValueError: order 5 is closed"
    assert grouped.culprit == "shop.orders in save"
    assert grouped.component == "checkout"
    assert grouped.in_app == ((True, True),)
    assert len(grouped.fingerprint) == 32
    assert int(grouped.fingerprint, 16)


@pytest.mark.parametrize(
    ("given", "component", "culprit"),
    [
        (error(), "shop", "shop.orders in save"),
        (error(frames=(("main", "run"),)), "main", "main in run"),
        (error(frames=(("json.decoder", "decode"),), logger="shop.api"), "shop.api", "json.decoder in decode"),
        (error(frames=(), logger="shop.api", transaction="GET /orders"), "shop.api", "GET /orders"),
        ({"message": "refused", "logger": "shop.pay"}, "shop.pay", "shop.pay"),
    ],
)  # fmt: skip
def test_the_part_of_the_application_is_told_by_the_innermost_module_or_the_logger(given, component, culprit):
    if given.get("exceptions") and given["exceptions"][0]["frames"][:1] and "json" in str(given):
        given["exceptions"][0]["frames"][0]["path"] = "/usr/lib/python3.11/json/decoder.py"
    grouped = group(given)
    assert (grouped.component, grouped.culprit) == (component, culprit)


@pytest.mark.parametrize(
    "other",
    [error(kind="KeyError"), error(message="order 5 is open"), error(frames=(("shop.orders", "save"),)),
     error(component="checkout"), error(platform="ruby")],
)  # fmt: skip
def test_type_message_places_component_and_platform_tell_errors_apart(other):
    assert group(other).fingerprint != group(error()).fingerprint


@pytest.mark.parametrize(
    "other",
    [error(message="order 812 is closed"), error(logger="x"), error(service="y"), error(level="CRITICAL"),
     error(transaction="GET /z"), error(platform="")],
)  # fmt: skip
def test_what_is_of_the_occurrence_does_not(other):
    assert group(other).fingerprint == group(error()).fingerprint


@given(
    st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=12),
    st.integers(1, 10**6),
    st.sampled_from(["/app", "/srv/x", "/home/al/code"]),
)
def test_lines_and_folders_do_not_matter(places, line, folder):
    before = error(frames=tuple((f"shop.{module}", function) for module, function in places))
    after = copy.deepcopy(before)
    for frame in after["exceptions"][0]["frames"]:
        frame["line"] += line
        frame["path"] = frame["path"].replace("/app", folder)
        frame["source"] = "raise"
    assert group(after).fingerprint == group(before).fingerprint
    for frame in (*before["exceptions"][0]["frames"], *after["exceptions"][0]["frames"]):
        frame["module"] = ""  # as where only the path is known
    assert group(after).fingerprint == group(before).fingerprint


@given(st.integers(1, 40), st.integers(1, 40))
def test_how_deep_a_recursion_was_does_not_matter(one, other):
    deep = [
        error(frames=(("shop.web", "view"), *((("shop.tree", "walk"),) * n), ("shop.tree", "visit")))
        for n in (one, other)
    ]
    assert group(deep[0]).fingerprint == group(deep[1]).fingerprint


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FRAME = st.fixed_dictionaries({}, optional={
    "module": st.text(max_size=20), "path": st.text(max_size=40), "file": st.text(max_size=20),
    "function": st.text(max_size=30), "line": st.integers(), "in_app": st.none() | st.booleans(),
})  # fmt: skip
RAISED = st.fixed_dictionaries({}, optional={
    "type": st.text(max_size=20), "module": st.text(max_size=20), "message": st.text(max_size=80),
    "frames": st.lists(FRAME, max_size=6), "parent": st.none() | st.integers(-2, 6),
    "relation": st.sampled_from([None, "cause", "context", "member", "x"]),
})  # fmt: skip
ERROR = st.fixed_dictionaries({}, optional={
    "exceptions": st.lists(RAISED, max_size=6), "message": st.text(max_size=80), "stack_trace": st.text(max_size=200),
    "platform": st.sampled_from(["python", "javascript", "java", "go", "rust", "csharp", "", "cobol"]),
    "component": st.text(max_size=10), "fingerprint": st.none() | st.lists(st.text(max_size=20), max_size=3),
    "transaction": st.text(max_size=10), "context": ANYTHING, "logger": st.text(max_size=10),
})  # fmt: skip
RULES = rules.read([
    {"path": "*/plugins/*", "in_app": False},
    {"type": "*Error", "message": "*a*", "fingerprint": ["{{ default }}", "{{ tags.x }}"], "title": "{{ type }}"},
])  # fmt: skip


@settings(max_examples=150)
@given(
    ERROR | st.dictionaries(st.sampled_from(["exceptions", "fingerprint", "context", "message", "platform"]), ANYTHING)
)
def test_any_record_is_grouped_and_always_alike(given):
    grouped = group(given, rules=RULES)
    assert group(copy.deepcopy(given), rules=RULES) == grouped
    assert grouped.title


class TestUsers:
    def test_a_fingerprint_of_the_users_is_all_that_counts(self):
        one = group(error(fingerprint=["payments"]))
        assert one.fingerprint == group(error(kind="KeyError", message="x", fingerprint=["payments"])).fingerprint
        assert one.fingerprint != group(error(fingerprint=["orders"])).fingerprint
        assert one.parts == ("given payments",)

    def test_default_alone_is_what_would_be_used_without(self):
        assert group(error(fingerprint=["{{ default }}"])).fingerprint == group(error()).fingerprint

    def test_default_with_more_splits_what_would_be_one(self):
        one, other = (group(error(fingerprint=["{{default}}", tenant])) for tenant in ("a", "b"))
        assert len({one.fingerprint, other.fingerprint, group(error()).fingerprint}) == 3
        assert "  type ValueError" in one.parts

    @pytest.mark.parametrize(
        ("part", "value"),
        [("{{ type }}", "ValueError"), ("{{ error.type }}", "ValueError"), ("{{ message }}", "order <num> is closed"),
         ("{{ transaction }}", "GET /orders"), ("{{ module }}", "shop.orders"), ("{{ stack.function }}", "save"),
         ("{{ tags.tenant }}", "acme"), ("{{ level }}", "ERROR"), ("{{ service }}", "api"), ("{{ component }}", "shop"),
         ("{{ nonsense }}", "{{ nonsense }}"), ("all of {{ type }}", "all of ValueError")],
    )  # fmt: skip
    def test_names_stand_for_what_is_known(self, part, value):
        given = error(transaction="GET /orders", level="ERROR", service="api", context={"tags": {"tenant": "acme"}})
        assert group({**given, "fingerprint": [part]}).parts == (f"given {value}",)

    def test_a_rule_puts_together_what_has_one_cause(self):
        read = rules.read(
            [
                {
                    "type": "*Timeout",
                    "message": "*warehouse*",
                    "fingerprint": "warehouse",
                    "title": "Warehouse: {{ type }}",
                }
            ]
        )
        one = group(error(kind="ReadTimeout", message="the warehouse is slow"), rules=read)
        other = group(error(kind="httpx.ConnectTimeout", message="no warehouse", frames=()), rules=read)
        assert one.fingerprint == other.fingerprint
        assert one.title == "Warehouse: ReadTimeout"
        assert group(error(kind="ReadTimeout"), rules=read) == group(error(kind="ReadTimeout"))

    def test_the_first_rule_that_fits_decides_and_goes_before_the_code(self):
        read = rules.read([{"type": "Value*", "fingerprint": "first"}, {"type": "*", "fingerprint": "second"}])
        assert group(error(fingerprint=["code"]), rules=read).parts == ("given first",)

    @pytest.mark.parametrize("match", [{"module": "shop.plugins.*"}, {"path": "/app/shop/plugins/*"}])
    def test_a_rule_says_whose_code_a_frame_is(self, match):
        given = error(frames=(("shop.orders", "save"), ("shop.plugins.tax", "rate")))
        assert group(given).culprit == "shop.plugins.tax in rate"
        ruled = group(given, rules=rules.read([{**match, "in_app": False}]))
        assert ruled.culprit == "shop.orders in save"
        assert ruled.in_app == ((True, False),)

    def test_an_installed_package_can_be_made_the_applications_own(self):
        given = error()
        for frame in given["exceptions"][0]["frames"]:
            frame["path"] = frame["path"].replace("/app/", "/venv/lib/python3.12/site-packages/")
        assert group(given).in_app == ((False, False),)
        assert group(given, rules=rules.read([{"module": "shop.*", "in_app": True}])).in_app == ((True, True),)

    def test_what_a_frame_says_of_itself_goes_before_its_path(self):
        given = error()
        given["exceptions"][0]["frames"][-1]["in_app"] = False
        assert group(given).culprit == "shop.web in view"

    @pytest.mark.parametrize(
        ("rule", "said"),
        [({"typ": "x", "title": "y"}, "unknown name 'typ'"), ({"type": "x"}, "says nothing"),
         ({"title": "x"}, "says nothing"),
         ({}, "says nothing"), ({"type": 5, "title": "y"}, "type is 5"), ({"type": [], "title": "y"}, "type is []"),
         ({"type": "x", "fingerprint": [1]}, "fingerprint is [1]"), ({"path": "x", "in_app": "yes"}, "in_app is 'yes'"),
         ({"type": "x", "title": 7}, "title is 7"), ("x", "is 'x'"), (5, "is 5")],
    )  # fmt: skip
    def test_a_wrong_rule_is_refused_with_its_number_and_the_reason(self, rule, said):
        with pytest.raises(ValueError, match="rule 2: ") as raised:
            rules.read([{"type": "a", "title": "b"}, rule])
        assert said in str(raised.value)


class TestVersions:
    def test_the_newest_is_used_and_unknown_ones_are_refused(self):
        assert group(error()).version == VERSION == max(VERSIONS)
        with pytest.raises(ValueError, match="unknown version 99 of grouping: use one of 1"):
            group(error(), version=99)

    def test_an_issue_of_an_older_version_is_found_again_when_the_algorithm_changes(self):
        """A version 2 that puts all of a type together takes over the issues that version 1 told apart."""
        later = {**ALGORITHMS, 2: lambda evidence: [f"type {evidence.told.type}"]}
        issues = {}  # fingerprint to issue, as whoever stores them has it
        for stored in (error(), error(message="order 5 is open")):
            issues.setdefault(group(stored).fingerprint, len(issues) + 1)
        assert sorted(issues.values()) == [1, 2]
        known = fingerprints(error(message="order 77 is open"), algorithms=later)
        assert [*known] == [2, 1]
        assert [issues[known[version]] for version in known if known[version] in issues] == [2]
        assert group(error(), algorithms=later).version == 2
        assert known[2] == group(error(), algorithms=later).fingerprint
        assert known[1] == group(error(message="order 77 is open"), version=1, algorithms=later).fingerprint

    def test_a_fingerprint_of_the_users_is_the_same_in_every_version(self):
        later = {**ALGORITHMS, 2: lambda _: ["all"]}
        assert len({*fingerprints(error(fingerprint=["mine"]), algorithms=later).values()}) == 1

    def test_the_first_version_stays_as_it_is(self):
        """Issues that are stored are found by these: whoever changes them makes a new version."""
        assert group(error()).fingerprint == "dd237cb03eceef0b2e45d5c73f09be7f"
        assert (
            group({"message": "payment 5 refused", "logger": "shop"}).fingerprint == "6d892c01c920425301251a1248af40c3"
        )
