# ruff: noqa: E501 - the table of refusals is read line by line
"""What a protocol file may not say, and that the refusal names the place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procedures.definitions import Needed, Repeats, Required
from procedures.models import Product
from procedures.models.case import ANAESTHESIA
from procedures.protocols import checking
from procedures.protocols.errors import ProtocolError
from procedures.protocols.loader import BUILT_IN, digest, read

SMALL = """
code = "small"
title = "A small protocol"
late_after_minutes = 10

[options]
answer = { yes = "Yes", no = "No" }

[groups]
pair = [
    { key = "one", label = "One", type = "yesno" },
    { key = "two", label = "Two", type = "yesno" },
]

[[steps]]
code = "FIRST"
title = "First"
button = "First done"
phase = "before"
roles = ["ward_nurse"]
fields = [
    { key = "ok", label = "OK", type = "yesno" },
    { key = "kind", label = "Kind", type = "choice", options = "answer" },
    { key = "volume", label = "Volume", type = "quantity", unit = "mL", units = { L = 1000 }, decimals = 1, step = 0.5, typical = 3, refuse_below = 0.1, warn_below = 1, warn_above = 7, refuse_above = 15, measures = "cement_ml" },
    { key = "lost", label = "Lost", type = "choices", options = { none = "None", some = "Some" }, measures = "leak" },
    { use = "pair", by_completion = ["two"] },
]

[[steps]]
code = "IN"
title = "In"
button = "In"
phase = "level"
repeats = "access"
milestone = "needle_in"
column = "Needle"
hard = ["FIRST"]

[[steps]]
code = "OUT"
title = "Out"
button = "Out"
phase = "level"
repeats = "access"
required = "if_started"
pairs_with = "IN"
hard = [{ step = "IN", scope = "access" }]

[[steps]]
code = "LAST"
title = "Last"
button = "Last done"
phase = "after"
hard = [{ step = "OUT", scope = "every_level" }, { step = "FIRST", expects = { ok = true }, only_if_anaesthesia = ["general"] }]
fields = [{ key = "cement", label = "Cement", type = "product", product_kind = "cement" }]

[[steps]]
code = "NOTE"
title = "Note"
button = "Note added"
phase = "any"
required = "optional"
many = true
fields = [{ key = "about", label = "About", type = "entry", entry_of = "FIRST" }]

[[timers]]
key = "wait"
label = "Wait"
kind = "wait"
starts_on = "IN"
ends_on = "LAST"
scope = "access"
minutes = [15, 20]
"""

# What is replaced, by what, the place that is named, and a part of the sentence.
REFUSED = {
    "not_toml": ('code = "small"', "code = ", "file", "Invalid value"),
    "no_title": ('title = "A small protocol"', "", "file", "title is missing"),
    "unknown_key_of_file": ('code = "small"', 'code = "small"\nsteep = 1', "file", "unknown key steep"),
    "code_of_file": ('code = "small"', 'code = "Small one"', "file", "small letters"),
    "late_after": ("late_after_minutes = 10", "late_after_minutes = 0", "file", "1 to 1440"),
    "unknown_key_of_step": ('button = "In"', 'button = "In"\nrol = []', "step IN", "unknown key rol"),
    "unknown_key_of_field": ('type = "yesno" },\n    { key = "kind"', 'type = "yesno", max = 3 },\n    { key = "kind"', "step FIRST, field ok", "unknown key max"),
    "unknown_key_of_need": ('scope = "access" }]', 'scope = "access", soft = true }]', "step OUT, needs IN", "unknown key soft"),
    "unknown_key_of_timer": ("minutes = [15, 20]", "minutes = [15, 20]\nbands = 1", "timer wait", "unknown key bands"),
    "unknown_phase": ('phase = "before"', 'phase = "pre"', "step FIRST", "phase must be before or room"),
    "unknown_role": ('"ward_nurse"', '"nurse"', "step FIRST", "roles must be ward_nurse or"),
    "administrator": ('"ward_nurse"', '"administrator"', "step FIRST", "never records"),
    "unknown_milestone": ('"needle_in"', '"needle"', "step IN", "milestone must be"),
    "milestone_twice": ('phase = "after"', 'phase = "after"\nmilestone = "needle_in"', "step LAST", "milestone needle_in stands twice"),
    "code_twice": ('code = "LAST"', 'code = "IN"', "step IN", "code IN stands twice"),
    "code_form": ('code = "NOTE"', 'code = "NO TE"', "step NO TE", "letters and digits"),
    "button_too_long": ('button = "In"', f'button = "{"x" * 41}"', "step IN", "button is longer than 40"),
    "button_empty": ('button = "In"', 'button = " "', "step IN", "button is empty"),
    "seed": ('phase = "after"', 'phase = "after"\nseed = 12', "step LAST", "seed 12 is not 1 to 11"),
    "seed_text": ('phase = "after"', 'phase = "after"\nseed = "1"', "step LAST", "seed must be a whole number"),
    "many_text": ('repeats = "access"\nmilestone', 'many = "yes"\nrepeats = "access"\nmilestone', "step IN", "many must be true or false"),
    "control_character": ('title = "In"', 'title = "I\\u0000n"', "step IN", "title must be text"),
    "repeats_elsewhere": ('phase = "after"', 'phase = "after"\nrepeats = "level"', "step LAST", "phase must be level"),
    "column_without_level": ('phase = "after"', 'phase = "after"\ncolumn = "Last"', "step LAST", "column of the grid"),
    "any_time_owed": ('required = "optional"\n', "", "step NOTE", "must be optional and many"),
    "started_by_nothing": ('hard = [{ step = "IN", scope = "access" }]', "", "step OUT", "if_started needs a hard requirement"),
    "independent_of_nothing": ('milestone = "needle_in"', 'second_person = "independent"', "step IN", "has a field that is unseen"),
    "pair_unknown": ('pairs_with = "IN"', 'pairs_with = "ON"', "step OUT", "pairs_with names the step 'ON'"),
    "pair_itself": ('pairs_with = "IN"', 'pairs_with = "OUT"', "step OUT", "pairs with itself"),
    "pair_repeats": ('pairs_with = "IN"', 'pairs_with = "FIRST"', "step OUT", "repeats and many must be the same"),
    "need_unknown": ('hard = ["FIRST"]', 'hard = ["FRIST"]', "step IN, needs FRIST", "'FRIST', which does not exist"),
    "need_twice": ('hard = ["FIRST"]', 'hard = ["FIRST"]\nsoft = ["FIRST"]', "step IN, needs FIRST", "stands twice"),
    "scope_unknown": ('scope = "every_level"', 'scope = "levels"', "step LAST, needs OUT", "scope must be case or level"),
    "scope_of_once": ('scope = "every_level"', 'scope = "level"', "step LAST, needs OUT", "the scope level does not fit"),
    "scope_case_of_access": (', scope = "every_level"', "", "step LAST, needs OUT", "the scope case does not fit"),
    "cycle": ('roles = ["ward_nurse"]', 'hard = ["LAST"]', "step FIRST", "it waits for itself: FIRST → LAST → OUT → IN → FIRST"),
    "anaesthesia": ('["general"]', '["ga"]', "step LAST, needs FIRST", "does not know 'ga'"),
    "expects_field": ("expects = { ok = true }", "expects = { okay = true }", "step LAST, needs FIRST", "'okay', which FIRST does not have"),
    "expects_no_boolean": ("expects = { ok = true }", 'expects = { ok = "yes" }', "step LAST, needs FIRST", "no answer of a yesno"),
    "expects_option": ("expects = { ok = true }", 'expects = { kind = "maybe" }', "step LAST, needs FIRST", "no answer of a choice"),
    "expects_quantity": ("expects = { ok = true }", "expects = { volume = 1 }", "step LAST, needs FIRST", "no answer of a quantity"),
    "key_twice": ('key = "kind"', 'key = "ok"', "step FIRST, field ok", "key ok stands twice"),
    "key_form": ('key = "kind"', 'key = "Kind"', "step FIRST, field Kind", "small letters"),
    "type_unknown": ('key = "ok", label = "OK", type = "yesno"', 'key = "ok", label = "OK", type = "boolean"', "step FIRST, field ok", "type must be number or"),
    "needed_unknown": ('label = "OK", type = "yesno"', 'label = "OK", type = "yesno", needed = "later"', "step FIRST, field ok", "needed must be now or"),
    "options_unknown": ('options = "answer"', 'options = "answers"', "step FIRST, field kind", "there are no options answers"),
    "options_missing": (', options = "answer"', "", "step FIRST, field kind", "two options or more"),
    "options_elsewhere": ('label = "OK", type = "yesno"', 'label = "OK", type = "yesno", options = "answer"', "step FIRST, field ok", "has no options"),
    "option_code": ('some = "Some"', '"so me" = "Some"', "step FIRST, field lost", "'so me' must be letters"),
    "option_label": ('some = "Some"', 'some = ""', "step FIRST, field lost, option some", "label is empty"),
    "group_unknown": ('use = "pair"', 'use = "pairs"', "step FIRST, field 5", "there is no group pairs"),
    "group_field_unknown": ('by_completion = ["two"]', 'by_completion = ["three"]', "step FIRST, field 5", "group pair has no field three"),
    "unit_unknown": ('unit = "mL"', 'unit = "ml"', "step FIRST, field volume", "the unit 'ml' is not known"),
    "unit_missing": ('unit = "mL", ', "", "step FIRST, field volume", "a quantity needs a unit"),
    "unit_elsewhere": ('label = "OK", type = "yesno"', 'label = "OK", type = "yesno", unit = "mL"', "step FIRST, field ok", "has no unit"),
    "unit_twice": ("units = { L = 1000 }", "units = { mL = 1 }", "step FIRST, field volume", "the unit mL stands twice"),
    "unit_of_another_kind": ("units = { L = 1000 }", "units = { kg = 1 }", "step FIRST, field volume", "kg measures weight, mL measures volume"),
    "factor_zero": ("units = { L = 1000 }", "units = { L = 0 }", "step FIRST, field volume", "the factor of L must be above 0"),
    "factor_negative": ("units = { L = 1000 }", "units = { L = -1000 }", "step FIRST, field volume", "the factor of L must be above 0"),
    "factor_wrong": ("units = { L = 1000 }", "units = { L = 100 }", "step FIRST, field volume", "1 L is 1000 mL, not 100"),
    "factor_text": ("units = { L = 1000 }", 'units = { L = "1000" }', "step FIRST, field volume, units", "L must be a number"),
    "limits_crossed": ("refuse_below = 0.1", "refuse_below = 20", "step FIRST, field volume", "refuse_below 20 is above warn_below 1 mL"),
    "limits_crossed_at_the_ends": ("refuse_below = 0.1, warn_below = 1, warn_above = 7", "refuse_below = 20", "step FIRST, field volume", "refuse_below 20 is above refuse_above 15 mL"),
    "warning_beyond_refusal": ("warn_above = 7", "warn_above = 16", "step FIRST, field volume", "warn_above 16 is above refuse_above 15 mL"),
    "typical_too_low": ("typical = 3", "typical = 0.5", "step FIRST, field volume", "typical 0.5 is below warn_below 1 mL"),
    "typical_too_high": ("typical = 3", "typical = 20", "step FIRST, field volume", "typical 20 is above warn_above 7 mL"),
    "step_zero": ("step = 0.5", "step = 0", "step FIRST, field volume", "step 0 must be above 0"),
    "decimals_too_few": ("decimals = 1", "decimals = 0", "step FIRST, field volume", "refuse_below 0.1 has more than 0 decimals"),
    "decimals_too_many": ("decimals = 1", "decimals = 5", "step FIRST, field volume", "decimals must be 0 to 4"),
    "decimals_negative": ("decimals = 1", "decimals = -1", "step FIRST, field volume", "decimals must be 0 to 4"),
    "limit_nan": ("refuse_above = 15", "refuse_above = nan", "step FIRST, field volume", "a number of a sensible size"),
    "limit_huge": ("refuse_above = 15", "refuse_above = 1e300", "step FIRST, field volume", "a number of a sensible size"),
    "limit_text": ("refuse_above = 15", 'refuse_above = "15"', "step FIRST, field volume", "refuse_above must be a number"),
    "limit_of_yesno": ('label = "OK", type = "yesno"', 'label = "OK", type = "yesno", typical = 1', "step FIRST, field ok", "a yesno field has no limits"),
    "measure_twice": ('measures = "leak"', 'measures = "cement_ml"', "step FIRST, field lost", "measure cement_ml stands twice"),
    "measure_without_none": ('none = "None"', 'no = "None"', "step FIRST, field lost", "an option none"),
    "measure_in_litres": ('unit = "mL", units = { L = 1000 }', 'unit = "L"', "step FIRST, field volume", "a quantity in mL"),
    "product_kind": ('product_kind = "cement"', 'product_kind = "glue"', "step LAST, field cement", "has a product_kind"),
    "entry_unknown": ('entry_of = "FIRST"', 'entry_of = "FRIST"', "step NOTE, field about", "entry_of names the step 'FRIST'"),
    "entry_missing": (', entry_of = "FIRST"', "", "step NOTE, field about", "an entry field, and no other, has entry_of"),
    "timer_start": ('starts_on = "IN"', 'starts_on = "ON"', "timer wait", "starts_on names the step 'ON'"),
    "timer_end": ('ends_on = "LAST"', 'ends_on = "LATE"', "timer wait", "ends_on names the step 'LATE'"),
    "timer_scope": ('starts_on = "IN"', 'starts_on = "FIRST"', "timer wait", "the scope access does not fit"),
    "timer_minutes": ("minutes = [15, 20]", "minutes = [20, 15]", "timer wait", "the minutes must rise"),
    "timer_minutes_negative": ("minutes = [15, 20]", "minutes = [-1]", "timer wait", "-1 minutes is not 1 to 1440"),
    "timer_minutes_text": ("minutes = [15, 20]", 'minutes = ["15"]', "timer wait", "a list of whole numbers"),
    "timer_minutes_missing": ("minutes = [15, 20]", "", "timer wait", "one or two numbers of minutes"),
    "timer_window": ('kind = "wait"', 'kind = "window"', "timer wait", "one number of minutes"),
    "timer_schedule": ('kind = "wait"', 'kind = "schedule"', "timer wait", "has met_by"),
    "timer_warning": ("minutes = [15, 20]", "minutes = [15]\nwarn_minutes = 10", "timer wait", "warn_minutes belongs to a window"),
    "timer_bands": ("minutes = [15, 20]", "minutes = [15]\nproduct_bands = true", "timer wait", "needs a product field in IN"),
    "timer_twice": ("[[timers]]", '[[timers]]\nkey = "wait"\nlabel = "x"\nkind = "count_up"\nstarts_on = "IN"\n[[timers]]', "timer wait", "key wait stands twice"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "place", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_makes_no_sense_is_refused_at_its_place(
    old: str, new: str, place: str, sentence: str
) -> None:
    assert SMALL.count(old) == 1, "the example no longer has what this test changes"
    with pytest.raises(ProtocolError) as refused:
        read(SMALL.replace(old, new).encode())
    assert refused.value.place == place
    assert sentence in str(refused.value)
    assert str(refused.value).startswith(f"{place}: ")


def test_the_small_file_is_read_as_written() -> None:
    protocol = read(SMALL.encode())
    assert (protocol.code, protocol.number, len(protocol.steps), len(protocol.timers)) == ("small", 0, 5, 1)
    first, out = protocol.by_code["FIRST"], protocol.by_code["OUT"]
    assert [f.key for f in first.fields] == ["ok", "kind", "volume", "lost", "one", "two"]
    assert [f.needed for f in first.fields[-2:]] == [Needed.OPTIONAL, Needed.COMPLETION]
    assert (out.required, out.repeats, out.pairs_with) == (Required.STARTED, Repeats.ACCESS, "IN")
    assert protocol.by_code["LAST"].requirements[1].expects == {"ok": True}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "code is missing"), (b"\xff", "utf-8"), (b'code = "a"\ntitle = "b"', "there is no step")],
    ids=["empty", "not_text", "no_steps"],
)
def test_what_is_no_protocol_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(ProtocolError, match=sentence):
        read(content)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with pytest.raises(ProtocolError):
        read(content)


@given(cut=st.integers(0, len(SMALL) - 1), inserted=st.text(max_size=5))
def test_a_damaged_file_is_read_or_refused(cut: int, inserted: str) -> None:
    damaged = (SMALL[:cut] + inserted + SMALL[cut + 1 :]).encode(errors="replace")
    try:
        checking.check(read(damaged))
    except ProtocolError as refused:
        assert refused.place  # noqa: PT017 - either outcome is right; nothing else may be raised


def test_comments_and_the_way_numbers_are_written_do_not_change_the_digest() -> None:
    same = SMALL.replace("typical = 3,", "typical = 3.0, ") + "\n# a remark\n"
    assert digest(read(same.encode())) == digest(read(SMALL.encode()))


@pytest.mark.parametrize(
    ("old", "new"),
    [("[15, 20]", "[15, 21]"), ("typical = 3", "typical = 4"), ('"Out"\nphase', '"Off"\nphase')],
)
def test_any_change_of_the_content_changes_the_digest(old: str, new: str) -> None:
    assert digest(read(SMALL.replace(old, new).encode())) != digest(read(SMALL.encode()))


def test_the_words_that_the_check_knows_are_those_of_the_models() -> None:
    assert set(checking.PRODUCT_KINDS) == set(Product.KINDS)
    assert set(checking.PLANNED_ANAESTHESIA) == set(ANAESTHESIA)


def test_the_built_in_file_is_read_from_its_path() -> None:
    assert read(BUILT_IN) == read(str(BUILT_IN)) == read(BUILT_IN.read_bytes())
