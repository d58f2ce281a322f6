"""Wake-ups between the processes. Carries no patient data; each tablet re-reads under its own rights."""

from uuid import UUID

from django.db import connection

CHANNEL = "kypho"


def announce(unit_id: int, case_id: UUID, seq: int) -> None:
    """Wake those who show the case or its unit, once and only if the transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, f"{unit_id}:{case_id}:{seq}"])
