"""The shape of the program, read from its syntax: which way imports go, who writes, how patient data is reached."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = ROOT / "procedures"

# What each part may import of ours: one way, from the language of the protocol down to the map of URLs.
MAY_IMPORT: dict[str, set[str]] = {
    "definitions": set(),
    "clock": set(),
    "live": set(),
    "apps": {"signin"},
    "context": {"signin"},
    "templatetags": set(),
    "state": {"definitions"},
    "values": {"definitions"},
    "scanning": set(),
    "products": {"models", "scanning"},
    "progress": {"definitions", "state"},
    "timers": {"definitions", "progress", "state"},
    "intervals": {"definitions", "progress", "state", "timers"},
    "charts": set(),
    "letters": set(),
    "caselog": {"account", "clock", "definitions", "letters", "models", "rules", "state"},
    "account": {"definitions", "letters", "progress", "state"},
    "operative_note": set(),
    "drafting": {"definitions", "landmarks", "operative_note", "progress", "rules", "state", "values"},
    "note_forms": {"definitions", "drafting", "forms", "operative_note", "signin_forms", "signing_rules"},
    "signing_rules": {"account", "completeness", "definitions", "progress", "rules", "state"},
    "completeness": {"definitions", "landmarks", "progress", "rules", "state"},
    "landmarks": {"definitions", "progress", "state"},
    "time_axis": {"charts"},
    "timeline": {"charts", "time_axis"},
    "statistics": {"definitions"},
    "groups": {"statistics"},
    "plots": {"statistics"},
    "canonical": {"state", "values"},
    "rules": {"definitions", "progress", "state", "values"},
    "level_rules": {"definitions", "progress", "rules", "state"},
    "timing": {"intervals", "progress", "rules"},
    "use_by": {"definitions", "rules", "values"},
    "walls": {"clock", "models"},
    "fold": {"definitions", "state"},
    "closing": {"definitions", "progress", "rules", "state"},
    "cautions": {"definitions", "dosing", "progress", "state", "values"},
    "dosing": {"definitions", "progress"},
    "second_person": {"definitions", "progress", "rules", "state"},
    "models": {"definitions", "letters", "state"},
    "protocols": {"definitions", "models"},
    "directory": {"definitions", "models", "rules"},
    "access": {"clock", "models"},
    "projection": {"account", "definitions", "models", "progress", "protocols", "state", "timers", "values"},
    "signin": {"clock", "models", "rules"},
    "signin_forms": {"models", "rules"},
    "verification": {"canonical", "definitions", "fold", "models", "progress", "projection", "protocols", "state"},
    "commands": {
        "canonical", "cautions", "clock", "closing", "definitions", "directory", "drafting", "fold", "level_rules",
        "live", "models", "operative_note", "progress", "projection", "protocols", "rules", "second_person",
        "signing_rules", "state", "timing", "use_by", "values",
    },
    "screens": {
        "account", "canonical", "caselog", "cautions", "charts", "clock", "closing", "completeness",
        "definitions", "directory", "dosing", "drafting", "groups", "intervals", "landmarks", "level_rules",
        "models", "operative_note", "plots", "products", "progress", "projection", "protocols", "rules",
        "second_person", "signin", "signing_rules", "state", "statistics", "timeline", "timers", "timing",
        "values",
    },
    "exports": {
        "account", "canonical", "caselog", "clock", "completeness", "definitions", "directory", "models",
        "operative_note", "progress", "protocols", "rules", "scanning", "screens", "state", "values",
    },
    "export_forms": {"models", "rules"},
    "forms": {"commands", "definitions", "models", "products", "rules", "scanning", "state", "values"},
    "views": {
        "access", "caselog", "clock", "commands", "definitions", "drafting", "export_forms", "exports", "forms",
        "groups", "live", "models", "note_forms", "operative_note", "progress", "protocols", "rules", "screens",
        "signin", "signin_forms", "state", "walls",
    },
    "middleware": {"models", "rules", "signin", "views"},
    "urls": {"views"},
    "admin": {
        "access", "definitions", "directory", "models", "rules", "scanning", "signin", "state", "values", "walls",
    },
    "demo": {
        "account", "canonical", "cautions", "clock", "commands", "definitions", "drafting", "models", "progress",
        "projection", "protocols", "rules", "scanning", "second_person", "signing_rules", "state", "values",
    },
    "management": {"demo", "models", "projection", "protocols", "signin", "verification"},
}  # fmt: skip
PURE = {
    "account",
    "charts",
    "definitions",
    "fold",
    "groups",
    "intervals",
    "landmarks",
    "letters",
    "plots",
    "progress",
    "state",
    "statistics",
    "time_axis",
    "timeline",
    "timers",
}  # the standard library only
# And how a word or a time is said.
NEARLY_PURE = {
    "account",
    "canonical",
    "cautions",
    "closing",
    "completeness",
    "dosing",
    "drafting",
    "level_rules",
    "rules",
    "second_person",
    "signing_rules",
    "timing",
    "use_by",
    "values",
}
SAYS = {
    "django.utils.translation.gettext",
    "django.utils.translation.gettext_lazy",
    "django.utils.timezone.localtime",
    "django.utils.formats.date_format",
}
AROUND = {
    "kypho/asgi.py": {"directory", "live"},
    "kypho/streams.py": {"live"},
    "kypho/urls.py": {"admin", "urls", "views"},
    "kypho/errors.py": {"middleware"},
}

WRITES = {
    "save", "create", "acreate", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "delete", "asave",
    "adelete", "abulk_create",
}  # fmt: skip
CLINICAL = {"Access", "Allergy", "Case", "CaseTeam", "Event", "Level", "NoteDraft", "Patient", "Step"}
WRITERS = ("procedures/commands/", "procedures/projection.py")
# Who else writes, and only these: a look at a case, the rows of a protocol, the demo's people and products.
ALSO_WRITE: dict[str, set[str]] = {
    "procedures/access.py": {"Access"},
    "procedures/protocols/loader.py": {
        "Protocol", "ProtocolVersion", "StepDefinition", "FieldDefinition", "Requirement", "TimerDefinition", "version",
    },
    "procedures/signin/tablets.py": {"AccountEvent", "Tablet", "kept", "live", "tablet"},
    "procedures/management/commands/enrol_tablet.py": {"Tablet"},
    "procedures/signin/accounts.py": {"AccountEvent", "Membership", "Pin", "person"},
    "procedures/walls.py": {"link"},
    "procedures/caselog/saved.py": {"SavedView"},
    "procedures/exports/as_xlsx.py": {"book"},  # a file
    "procedures/exports/journal.py": {"Export", "ExportedCase", "mine"},
    "procedures/signin/pins.py": {"AccountEvent", "Pin", "Tablet"},
    "procedures/demo/people.py": {"Unit", "Pin", "Product", "Membership", "user"},
}  # fmt: skip
# The demo's past goes in by COPY: rows that the commands have made in memory, the same as those that they store
# (tests/demo/test_bulk.py compares them). It adds, and has no other verb.
COPIES = "procedures/demo/copying.py"
# Reads only which protocol a case has, and nothing of the patient: the command asks for the right.
NO_RIGHT_NEEDED = {"procedures/views/lookup.py": 1}
WALL = "procedures/screens/wall.py"  # has no user; its link is its right, and what it may read is said in the model

MOST_LINES = 450


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def sources(*folders: str) -> list[Path]:
    """Our Python files in these folders (or files) of the project, migrations apart."""
    found: list[Path] = []
    for folder in folders:
        path = ROOT / folder
        found += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return [path for path in found if "migrations" not in path.parts]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def part_of(path: Path) -> str:
    return path.relative_to(OURS).parts[0].removesuffix(".py")


def running(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that only a type checker reads."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and chain(child.test)[-1:] == ["TYPE_CHECKING"]):
            yield from running(child)


def imported(path: Path) -> Iterator[str]:
    """The full names of the modules that a file imports, and of what it takes from them."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in running(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            yield from (f"{module}.{alias.name}" for alias in node.names)


def own_parts(path: Path) -> set[str]:
    """The parts of `procedures` that a file imports."""
    names = (name.split(".") for name in imported(path))
    return {name[1] for name in names if name[0] == "procedures" and len(name) > 1}


def chain(node: ast.expr) -> list[str]:
    """`Case.objects.filter(x).update` as its names, from the left; empty where it begins with something else."""
    match node:
        case ast.Attribute():
            return [*chain(node.value), node.attr]
        case ast.Call():
            return chain(node.func)
        case ast.Subscript():
            return chain(node.value)
        case ast.Name():
            return [node.id]
    return []


def writes(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Calls that write rows, as (line, chain of names). `update` counts where a queryset is before it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            names = chain(node.func)
            of_rows = {"objects", "filter", "exclude", "all"} & set(names)
            if node.func.attr in WRITES or (node.func.attr == "update" and of_rows):
                yield node.lineno, names


# Imports ------------------------------------------------------------------------------------------------------------


def test_every_part_has_its_place_in_the_table() -> None:
    parts = {
        part_of(path) for path in sources("procedures") if path.parent != OURS or path.name != "__init__.py"
    }
    assert parts <= set(MAY_IMPORT), "say in MAY_IMPORT what a new part may import"


def test_the_table_goes_one_way() -> None:
    assert len(tuple(TopologicalSorter(MAY_IMPORT).static_order())) == len(MAY_IMPORT)


def test_imports_go_one_way() -> None:
    wrong = [
        f"{name_of(path)} imports {part}"
        for path in sources("procedures")
        if path != OURS / "__init__.py"
        for part in sorted(own_parts(path) - MAY_IMPORT.get(part_of(path), set()) - {part_of(path)})
    ]
    assert wrong == []


def test_only_the_map_and_the_middleware_know_the_views() -> None:
    assert {part for part, allowed in MAY_IMPORT.items() if "views" in allowed} == {"urls", "middleware"}
    assert {part for part, allowed in MAY_IMPORT.items() if "commands" in allowed} == {
        "views",
        "forms",
        "demo",
    }


def test_the_settings_know_nothing_of_ours() -> None:
    for path in sources("kypho"):
        assert own_parts(path) <= AROUND.get(name_of(path), set()), name_of(path)


@pytest.mark.parametrize("part", sorted(PURE | NEARLY_PURE))
def test_the_pure_core_needs_nothing_but_the_standard_library(part: str) -> None:
    names = {name for name in imported(OURS / f"{part}.py") if name.split(".")[0] != "procedures"}
    foreign = {name for name in names if name.split(".")[0] not in sys.stdlib_module_names}
    assert foreign <= (SAYS if part in NEARLY_PURE else set())


def test_the_models_on_which_the_fold_stands_are_not_models() -> None:
    for part in PURE | NEARLY_PURE:
        assert not own_parts(OURS / f"{part}.py") & {"models", "projection", "commands"}


# One door in --------------------------------------------------------------------------------------------------------


def test_nothing_but_the_commands_writes_clinical_rows() -> None:
    wrong = []
    for path in sources("procedures", "kypho"):
        name = name_of(path)
        if name.startswith(WRITERS):
            continue
        allowed = ALSO_WRITE.get(name, set())
        wrong += [
            f"{name}:{line} {'.'.join(names)}" for line, names in writes(path) if not allowed & set(names[:1])
        ]
    assert wrong == []


def test_who_else_writes_touches_no_clinical_row_but_the_access_log() -> None:
    assert {model for allowed in ALSO_WRITE.values() for model in allowed} & CLINICAL == {"Access"}
    for name in ALSO_WRITE:
        assert list(writes(ROOT / name)), f"{name} writes nothing any more; take it from ALSO_WRITE"


def test_nobody_writes_by_raw_sql() -> None:
    words = ("insert ", "update ", "delete ", "truncate ", "merge ", "copy ", "alter ", "drop ")
    wrong = [
        f"{name_of(path)}:{node.lineno}"
        for path in sources("procedures")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and chain(node.func)[-1:] in (["execute"], ["executemany"], ["raw"])
        for argument in node.args[:1]
        if isinstance(argument, ast.Constant) and str(argument.value).lstrip().lower().startswith(words)
    ]
    assert wrong == []


def test_nobody_copies_rows_but_the_demo_into_an_empty_database() -> None:
    copying = {
        name_of(path)
        for path in sources("procedures", "kypho")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and chain(node.func)[-1:] == ["copy"] and node.args
    }
    assert copying == {COPIES}
    using = {
        name_of(p) for p in sources("procedures", "kypho") if "procedures.demo.copying.Rows" in imported(p)
    }
    assert using == {"procedures/demo/bulk.py"}


def test_the_commands_keep_events_by_adding_them() -> None:
    """Even the writers never change or delete an event."""
    for path in sources("procedures/commands", "procedures/projection.py"):
        for line, names in writes(path):
            if "Event" in names:
                assert names[-1] == "bulk_create", f"{name_of(path)}:{line}"
            # A draft is no part of the record: it goes when the note is signed.
            assert names[-1] != "delete" or names[0] == "NoteDraft", f"{name_of(path)}:{line}"


# One door out -------------------------------------------------------------------------------------------------------


def test_patient_data_is_reached_through_visible_to() -> None:
    """In whatever answers a person, `Case.objects` is followed by `visible_to` and nothing else."""
    wrong: dict[str, int] = {}
    for path in sources(
        "procedures/views", "procedures/screens", "procedures/admin", "procedures/exports",
        "procedures/forms.py", "procedures/middleware.py", "procedures/access.py",
    ):  # fmt: skip
        followed = {
            id(node.value)
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Attribute)
            and (node.attr == "visible_to" or (node.attr == "on_wall" and name_of(path) == WALL))
        }
        bare = [
            node
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Attribute)
            and chain(node) == ["Case", "objects"]
            and id(node) not in followed
        ]
        if bare:
            wrong[name_of(path)] = len(bare)
    assert wrong == NO_RIGHT_NEEDED


def test_the_views_reach_no_clinical_row_by_another_way() -> None:
    reached = [
        f"{name_of(path)}:{node.lineno}"
        for path in sources("procedures/views", "procedures/middleware.py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and node.attr in {"objects", "_default_manager", "_base_manager"}
        and chain(node)[:1] != ["Case"]
        and set(chain(node)) & (CLINICAL | {"_default_manager", "_base_manager"})
    ]
    assert reached == []


def test_the_commands_lock_what_the_actor_may_see() -> None:
    ledger = (OURS / "commands/ledger.py").read_text()
    assert "Case.objects.visible_to(command.by)\n        .select_for_update" in ledger


# Habits -------------------------------------------------------------------------------------------------------------


def test_nothing_is_exempt_from_csrf() -> None:
    used = [
        name_of(p)
        for p in sources("procedures", "kypho")
        if any("csrf_exempt" in name for name in imported(p))
    ]
    assert used == []


def test_no_file_is_too_long_to_be_read() -> None:
    own = [*sources("procedures", "kypho", "tests", "tools"), *sources("manage.py")]
    for folder in ("static", "templates"):
        own += [path for path in (ROOT / folder).rglob("*") if path.suffix in {".js", ".css", ".html"}]
    lengths = {
        name_of(path): len(path.read_text().splitlines()) for path in own if "vendor" not in path.parts
    }
    assert len(lengths) > 100
    assert {name for name, lines in lengths.items() if lines > MOST_LINES} == set()
