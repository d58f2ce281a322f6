# Kypho. `make demo` shows it, `make test` tests it; both set up all they need.
# Settings are environment variables, or `make demo PORT=9000 HTTPS=1`; docs/operating.md lists them.

.PHONY: demo demo-reset run test check bench screenshots demo-env dev-env

PYTHON = .venv/bin/python
AS_DEMO = KYPHO_DEMO=1 LOG_FORMAT=$${LOG_FORMAT:-text} LOG_LEVEL=$${LOG_LEVEL:-warning}

demo: demo-env          ## Show Kypho with demo data at http://localhost:8000; started again, it keeps its data
	@$(AS_DEMO) $(PYTHON) manage.py demo

demo-reset: demo-env    ## Throw the demo's data away and start over
	@$(AS_DEMO) $(PYTHON) manage.py demo --fresh

run: dev-env            ## The same for developers: debug pages, restarts when a Python file changes
	@DEBUG=1 $(AS_DEMO) $(PYTHON) manage.py demo --reload

test: dev-env           ## All tests; ARGS="-k name" picks some
	@tools/test.sh $(ARGS)

check: dev-env          ## ruff, mypy, template lint, missing migrations, check --deploy
	@tools/check.sh

bench: dev-env          ## Measure, print a table, write var/bench.json
	@$(PYTHON) -m tests.bench

screenshots: dev-env    ## Draw docs/screenshots/ anew
	@KYPHO_CHROMIUM="$$(tools/chromium.sh)" $(PYTHON) -m tests.screenshots

demo-env:
	@tools/python-env.sh demo

dev-env:
	@tools/python-env.sh dev
