"""Measure, print a table, write var/bench.json. `BENCH=quick` takes fewer rounds."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
os.environ["KYPHO_TEST_FOLDER"] = str(ROOT / "var" / "bench-postgres")
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
os.environ["LOG_LEVEL"] = "error"
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # the bench asks the database between two waits
sys.path.insert(0, str(ROOT))

import django  # noqa: E402

django.setup()

from tests.bench.run import main  # noqa: E402

main(ROOT, quick=os.environ.get("BENCH") == "quick")
