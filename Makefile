# Two commands matter: `make run` and `make test`. Everything else is a part of them.
# PORT, SERVICE_PORT and INTEGRA_HOME are taken from the environment.

PYTHON ?= python3

.PHONY: run test test-long course workbook bench clean

run: ## Install what is missing and start classroom and service; Ctrl-C stops both
	@exec $(PYTHON) scripts/bootstrap.py run

test: ## Install what the tests need and run every tox environment
	@exec $(PYTHON) scripts/bootstrap.py test

test-long: ## What is called nightly: the same properties with more examples, the same faults with more kills
	@exec $(PYTHON) scripts/bootstrap.py test-long

course: ## Compile the course to build/course.tar.gz and build/manifest.json
	@exec $(PYTHON) scripts/bootstrap.py course

workbook: ## Print the participant's workbook (PDF in two sizes, EPUB) to build/
	@exec $(PYTHON) scripts/bootstrap.py workbook

bench: ## Print our figures with machine and versions
	@exec $(PYTHON) scripts/bootstrap.py bench

clean: ## Remove everything that was built; keeps .integra/
	rm -rf .venv .tox build dist *.egg-info
