"""The options of a select, drawn by a tag: what is written in them stays text."""

from procedures.templatetags.kypho import options


def test_what_is_chosen_is_named_or_marked() -> None:
    assert options([(1, "One"), (2, "Two")], 2) == (
        '<option value="1">One</option><option value="2" selected>Two</option>'
    )
    assert options([("a", "A", True), ("b", "B", False)]) == (
        '<option value="a" selected>A</option><option value="b">B</option>'
    )


def test_nothing_in_them_is_markup() -> None:
    drawn = options([('"><script>', "O'Brien & <b>", False)])
    assert drawn == '<option value="&quot;&gt;&lt;script&gt;">O&#x27;Brien &amp; &lt;b&gt;</option>'
