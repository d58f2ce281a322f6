"""Replays every case from its log and compares: what auditors ask for, and what a nightly job runs."""

import time
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from procedures.models import Case
from procedures.verification import Fault, verify


class Command(BaseCommand):
    """Says nothing about a patient: cases are named by their id, events by their number."""

    help = (
        "Replay every case from its events with the fold that made it, compare with what is stored, and check the "
        "chain of hashes. Changes nothing. Ends with 1 and names the first bad event of each case that has one."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--case` looks at one case alone."""
        parser.add_argument("--case", type=UUID, help="only this case", metavar="UUID")

    def handle(self, *args: Any, case: UUID | None, **options: Any) -> None:
        """Raises CommandError, so that the command ends with 1, after naming each faulty case's first bad event."""
        if case and not Case.objects.filter(pk=case).exists():
            raise CommandError(f"There is no case {case}.")
        began, cases, events, faults = time.perf_counter(), 0, 0, 0
        for count, fault in verify(case):
            cases, events = cases + 1, events + count
            if fault:
                faults += 1
                self._name(fault)
        seconds = time.perf_counter() - began
        self.stdout.write(f"{cases} cases, {events} events, {events / max(seconds, 1e-9):,.0f} events/s")
        if faults:
            raise CommandError(f"The record is not sound: {faults} of {cases} cases.")
        self.stdout.write("The record is sound.")

    def _name(self, fault: Fault) -> None:
        self.stderr.write(f"case {fault.case}, event {fault.seq}: {fault.what}")
