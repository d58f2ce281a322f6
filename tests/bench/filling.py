"""A program: fills the empty database of the settings with very many cases (`million`), and says how fast it was.

`KYPHO_TEST_FOLDER` is the folder of the embedded server. `many` starts it for the bench.
"""

from argparse import ArgumentParser


def main() -> None:
    """Migrate, fill, report."""
    import django

    django.setup()

    import psycopg
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from kypho import database
    from tests.bench.million import fill_all
    from tests.settings import FOLDER

    parser = ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=int)
    parser.add_argument("--whole", action="store_true", help="whole courses of the built-in protocol")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--logs-of-every", type=int, default=1, help="one case in so many has its log and steps"
    )
    given = parser.parse_args()
    call_command("migrate", verbosity=0)
    address = database.url("postgres", FOLDER, connection.settings_dict["NAME"])
    found = fill_all(
        address,
        given.cases,
        whole=given.whole,
        now=timezone.now(),
        workers=given.workers,
        every=given.logs_of_every,
    )
    with psycopg.connect(address) as raw:
        size = raw.execute("SELECT pg_database_size(current_database())").fetchone()
    per_case, seconds = (size or (0,))[0] / found.cases, found.seconds
    print(
        f"{found.cases:,} cases, {found.events:,} events in {seconds:.0f} s: {found.cases / seconds:.0f} cases/s, "
        f"{found.events / seconds:,.0f} events/s, {per_case / 10_000:.1f} GB for 100,000 cases"
    )


if __name__ == "__main__":
    main()
