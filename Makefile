# The interface between the parts: each goal sets up what it needs, and does little when nothing changed.

PYTHON ?= python3
VENV ?= .venv
DEV ?= .venv-dev
DBT ?= .venv-dbt
DUCKDB ?= 2.0
BENCH ?= quick

# The certificates of the system, for uv and for the uv that Meltano calls.
export UV_SYSTEM_CERTS = true
export UV_NO_PROGRESS = true
# Nothing outside this folder may change what is installed or imported.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV CONDA_PREFIX
# Without compiled modules kept, each start of Meltano, dbt or a tap takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

# Processes that run tests, more than a small machine has cores: many tests wait for a server or a clock.
WORKERS ?= 3
ROUNDS ?= 1000
MINUTES ?= 10

# The environment of Meltano: prod, dev, or by one word where tables are: file, lake, spark.
ENVIRONMENT ?= $(MELTANO_ENVIRONMENT)
ifneq ($(ENVIRONMENT),)
export MELTANO_ENVIRONMENT := $(ENVIRONMENT)
endif
WHERE = $(filter lake spark,$(ENVIRONMENT))

UV = $(VENV)/bin/uv
REQUIREMENTS = tap-kananas tap-kizen target-duckdb dbt console parquet

.PHONY: help setup demo demo-webhooks check-webhooks check-nights check-changes check-postgres check-report pictures check-faults check-real-taps check-s3 check-lake evaluate evaluate-people fit learn judges explain spark spark-cluster bench
.PHONY: ablation audit check-audit check-links check-people
.PHONY: dagster check-airflow check-dagster check-where check-workflow lake on-spark refresh status review demo-review check-review export
.PHONY: test test-quick coverage test-duckdb airbyte-check lint matrix lock docs imports seeds clean

help: ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

setup: .meltano/ready ## Install Meltano, the taps, the loader and dbt

demo: .meltano/ready ## Run the whole on a stand-in of both services, and show the joined data
	@$(VENV)/bin/python -m tools.demo

lake: .meltano/lake ## Install what a DuckLake needs over Meltano, the loader, dbt and publish: docs/lake.md

on-spark: .meltano/spark ## Install Spark over the environment of dbt: docs/spark.md

refresh: .meltano/ready $(WHERE:%=.meltano/%) ## Read each source, build the models, publish, report; say and tell what fails: ENVIRONMENT=lake REFRESH_ARGS=…
	@$(VENV)/bin/python -m refresh $(REFRESH_ARGS)

status: $(VENV)/ready ## Print the last runs, what waits for a decision, and what is stale
	@$(VENV)/bin/python -m refresh $(REFRESH_ARGS) status

review: $(VENV)/ready ## Serve the page on which people decide what the rules cannot: REVIEW_ARGS=…
	@$(VENV)/bin/python -m console.review $(REVIEW_ARGS)

audit: $(VENV)/ready ## Draw a sample of contacts, to judge blind on that page: AUDIT_ARGS="--margin 0.03 --seed 1"
	@$(VENV)/bin/python -m console.audit $(AUDIT_ARGS)

demo-review: $(VENV)/ready ## The same over the data of make demo
	@test -f output/demo/published/warehouse.duckdb || { echo "There is no data of the demo yet: run \`make demo\` first" >&2; exit 2; }
	@MELTANO_ENVIRONMENT=demo $(VENV)/bin/python -m console.review $(REVIEW_ARGS)

export: $(VENV)/ready ## Write contacts, queue, duplicates and decisions for spreadsheets: FOLDER=…
	@$(VENV)/bin/python -m console.export $(FOLDER)

check-review: $(DEV)/ready ## Time the review page over 100,000 contacts, 20,000 of them in the queue
	@$(DEV)/bin/python -m tests.console.review.timing

demo-webhooks: .meltano/ready ## Let a contact register, and see it joined less than a minute later
	@$(VENV)/bin/python -m tools.demo.webhooks

check-webhooks: $(DEV)/ready ## Send 200 webhooks a second for a minute, twice; kill the receiver ten times
	@$(DEV)/bin/python -m tests.kananas_webhooks.load

check-faults: $(DEV)/ready ## Interrupt the loader at random and look for lost rows: ROUNDS=1000 MINUTES=10 SEED=…
	@$(DEV)/bin/python -m tests.target_duckdb.faults --rounds "$(ROUNDS)" --minutes "$(MINUTES)" $(if $(SEED),--seed "$(SEED)")

REAL = meltanolabs-tap-postgres pipelinewise-tap-postgres pipelinewise-tap-mysql meltanolabs-target-postgres

check-real-taps: $(DEV)/ready $(REAL:%=.venv-real-%/ready) ## Load from a real PostgreSQL and MariaDB by taps of others, and compare each value
	@$(DEV)/bin/python -m tests.target_duckdb.real_taps

check-postgres: $(DEV)/ready $(VENV)/ready ## Load both services into a PostgreSQL of its own by the lines of docs/other-loaders.md
	@$(DEV)/bin/python -m pytest $(PYTEST_ARGS) tests/e2e/check_postgres.py

check-nights: $(DEV)/ready ## Simulate nights with outages, and compare what was told and loaded: NIGHTS=20 FIRST=1 SEED=1 LOAD_ONLY=1 OLD=a-commit
	@$(DEV)/bin/python -m tests.e2e.nights $(if $(NIGHTS),--nights "$(NIGHTS)") $(if $(FIRST),--first "$(FIRST)") $(if $(SEED),--seed "$(SEED)") $(if $(OLD),--old "$(OLD)") $(if $(filter-out 0,$(LOAD_ONLY)),--load-only)

check-s3: $(DEV)/ready .venv-s3/ready .venv-spark/ready ## Publish Parquet to a server of S3: killed at random, with failing requests, and read by others: KILLS=100 SHARE=0.05 SEED=…
	@$(DEV)/bin/python -m tests.target_duckdb.parquet.s3 $(if $(KILLS),--kills "$(KILLS)") $(if $(SHARE),--share "$(SHARE)") $(if $(SEED),--seed "$(SEED)")

check-lake: $(DEV)/ready .venv-lake/ready .venv-s3/ready ## Load into DuckLakes over SQLite and a real PostgreSQL, in folders and S3, killed at random: KILLS=20 SEED=…
	@KILLS="$(KILLS)" SEED="$(SEED)" .venv-lake/bin/python -m pytest --numprocesses $(WORKERS) $(PYTEST_ARGS) tests/target_duckdb/lake/check_*.py

check-where: $(DEV)/ready ## Refresh by the words file, lake and spark over the sandbox: equal marts, report, decisions; half an hour
	@$(DEV)/bin/python -m pytest $(PYTEST_ARGS) tests/e2e/check_where.py

check-changes: $(DEV)/ready $(DBT)/ready ## Change each input of the models in turn: do builds of what changed equal builds of everything?
	@$(DEV)/bin/python -m pytest $(PYTEST_ARGS) tests/dbt_project/check_changes.py

test: $(DEV)/ready $(VENV)/ready $(DBT)/ready ## Run every test
	@$(DEV)/bin/python -m pytest --numprocesses $(WORKERS) --no-loadscope-reorder $(PYTEST_ARGS)

# In-process tests of each package; what starts Meltano, dbt, or a program per test is left out.
QUICK = tests/console/test_texts.py tests/console/test_catalogues.py tests/console/report/test_interval.py \
	tests/sandbox tests/rest_tap tests/tap_kananas/test_inference.py tests/tap_kananas/test_json_stream.py \
	tests/tap_kananas/test_records_path.py tests/tap_kizen/test_columns.py tests/tap_kizen/test_timestamps.py \
	tests/tap_kizen/test_values.py tests/target_duckdb/test_names.py \
	tests/test_architecture.py tests/test_docs.py tests/test_versions.py
SLOW = tests/rest_tap/test_backpressure.py tests/rest_tap/test_connection.py tests/rest_tap/test_logs.py \
	tests/rest_tap/test_settings_declared.py tests/rest_tap/test_unclosed.py tests/sandbox/test_cli.py \
	tests/rest_tap/test_transport.py tests/sandbox/test_generated_data.py tests/sandbox/test_namesakes.py

test-quick: $(DEV)/ready ## Run tests that take less than a minute in all
	@$(DEV)/bin/python -m pytest --numprocesses $(WORKERS) --no-loadscope-reorder $(SLOW:%=--ignore=%) $(PYTEST_ARGS) $(QUICK)

coverage: $(DEV)/ready $(VENV)/ready $(DBT)/ready ## Run every test, and print the lines that none reaches; programs that tests start are not counted
	@$(DEV)/bin/python -m pytest --numprocesses $(WORKERS) --no-loadscope-reorder --cov --cov-report=term-missing $(PYTEST_ARGS)

test-duckdb: $(VENV)/bin/uv ## Run the loader's tests on another DuckDB: DUCKDB=1.4 or 2.0
	@$(UV) venv --quiet --allow-existing --python $(VENV)/bin/python .matrix/duckdb-$(DUCKDB)
	@$(UV) pip install --quiet --python .matrix/duckdb-$(DUCKDB)/bin/python -r requirements/dev.txt --no-deps -e .
	@$(UV) pip install --quiet --python .matrix/duckdb-$(DUCKDB)/bin/python "duckdb==$(DUCKDB).*"
	@.matrix/duckdb-$(DUCKDB)/bin/python -m pytest $(PYTEST_ARGS) tests/target_duckdb

# A value may hold quotes: it goes by the environment, not into the line.
evaluate evaluate-people explain learn spark spark-cluster: export GIVEN_VARS = $(VARS)
evaluate evaluate-people explain learn spark spark-cluster: export GIVEN_DB = $(DB)
evaluate evaluate-people: export GIVEN_FLOOR = $(FLOOR)
evaluate: export GIVEN_TRUTH = $(TRUTH)
evaluate: export GIVEN_LINKS = $(LINKS)
evaluate evaluate-people: export GIVEN_KEEP = $(KEEP)
evaluate-people: export GIVEN_TRUTH_PEOPLE = $(TRUTH_PEOPLE)
evaluate judges: export GIVEN_SETS = $(SETS)
explain: export GIVEN_CONTACT = $(CONTACT)
GENERATED = $(if $(SEED),--seed "$(SEED)") $(if $(CONTACTS),--contacts "$(CONTACTS)") $(if $(COMPANIES),--companies "$(COMPANIES)")

evaluate: $(DEV)/ready $(VENV)/ready $(DBT)/ready $(if $(filter 0,$(SPLINK)),,.venv-splink/ready) ## Score the links: DB=… TRUTH=…, or generated data; SETS="a b"; PEOPLE=1 LINKS=… KEEP=… EXAMPLES=1 SPLINK=0 VARS=… FLOOR=…
	@$(DEV)/bin/python -m evaluation --vars "$$GIVEN_VARS" --floor "$$GIVEN_FLOOR" $(if $(DB),--db "$$GIVEN_DB") \
		$(if $(TRUTH),--truth "$$GIVEN_TRUTH") $(if $(LINKS),--links "$$GIVEN_LINKS") $(if $(KEEP),--keep "$$GIVEN_KEEP") $(if $(filter 0,$(SPLINK)),--no-splink) $(GENERATED) \
		$(if $(SETS),--sets "$$GIVEN_SETS") $(if $(filter-out 0,$(EXAMPLES)),--examples) \
		$(if $(filter-out 0,$(PEOPLE)),--people)

evaluate-people: $(DEV)/ready $(VENV)/ready $(DBT)/ready $(if $(filter 0,$(SPLINK)),,.venv-splink/ready) ## Score the links of persons: DB=… TRUTH_PEOPLE=…, or generated people; KEEP=… SPLINK=0 VARS=… FLOOR=…
	@$(DEV)/bin/python -m evaluation.people --vars "$$GIVEN_VARS" --floor "$$GIVEN_FLOOR" $(if $(DB),--db "$$GIVEN_DB") \
		$(if $(TRUTH_PEOPLE),--truth-people "$$GIVEN_TRUTH_PEOPLE") $(if $(KEEP),--keep "$$GIVEN_KEEP") \
		$(if $(filter 0,$(SPLINK)),--no-splink) \
		$(if $(SEED),--seed "$(SEED)") $(if $(CONTACTS),--contacts "$(CONTACTS)") $(if $(HOUSEHOLDS),--households "$(HOUSEHOLDS)")

fit: $(DEV)/ready $(VENV)/ready $(DBT)/ready ## Fit weights and confidence of the links to sets with their truth: SETS="register …" PEOPLE=1
	@$(DEV)/bin/python -m evaluation.fit --sets "$(SETS)" $(if $(OUTPUT),--output "$(OUTPUT)") \
		$(if $(filter-out 0,$(PEOPLE)),--people)

ablation: $(DEV)/ready $(VENV)/ready $(DBT)/ready ## Tell what links lose without each piece of evidence: SETS="register …"
	@$(DEV)/bin/python -m evaluation.ablation --sets "$(SETS)"

check-audit: $(DEV)/ready $(VENV)/ready $(DBT)/ready ## Judge samples of known truth: do the intervals hold it? SETS=… SEEDS=… DRAWS=100 JUDGEMENTS="50 200 500" WRONG=0.05
	@$(DEV)/bin/python -m evaluation.audit $(if $(SETS),--sets "$(SETS)") $(GENERATED) $(if $(SEEDS),--seeds "$(SEEDS)") \
		$(if $(DRAWS),--draws "$(DRAWS)") $(if $(JUDGEMENTS),--judgements $(JUDGEMENTS)) $(if $(WRONG),--wrong "$(WRONG)")

learn: $(DEV)/ready $(DBT)/ready ## Fit the weights of links to your decisions, and say what would change: WRITE=1 DB=… VARS=…
	@$(DEV)/bin/python -m evaluation.learn --vars "$$GIVEN_VARS" $(if $(DB),--db "$$GIVEN_DB") $(if $(filter-out 0,$(WRITE)),--write)

judges: $(DEV)/ready $(VENV)/ready $(DBT)/ready ## Let simulated judges decide, and measure what is learned: SETS="…" LEFT_OUT=1 DRAWS=5 SEED=… CONTACTS=…
	@$(DEV)/bin/python -m evaluation.judges $(if $(SETS),--sets "$$GIVEN_SETS") $(if $(SEED),--seed "$(SEED)") \
		$(if $(CONTACTS),--size "$(CONTACTS)") $(if $(DRAWS),--draws "$(DRAWS)") $(if $(filter-out 0,$(LEFT_OUT)),--left-out)

check-links: $(DEV)/ready $(VENV)/ready $(DBT)/ready .venv-registers/ready $(if $(filter 0,$(SPLINK)),,.venv-splink/ready) ## Score the links on registers that others made, beside n-grams and Splink: SPLINK=0
	@.venv-registers/bin/python benchmarks/registers/sets.py output/registers
	@$(DEV)/bin/python -m evaluation --sets "$(addprefix output/registers/,airports banks firms schools)" --floor "auto_precision=0.99" $(if $(filter 0,$(SPLINK)),--no-splink)

check-people: $(DEV)/ready $(VENV)/ready $(DBT)/ready .venv-splink/ready .venv-people/ready ## Score the links of persons on sets that others made, beside Splink: ONLY="febrl4 …"
	@$(DEV)/bin/python -m benchmarks.people $(if $(ONLY),--only "$(ONLY)")

explain: $(DEV)/ready ## Tell why a contact has its company, and who it is in the CRM: CONTACT=… DB=…
	@$(DEV)/bin/python -m evaluation.explain --db "$${GIVEN_DB:-output/prod/published/warehouse.duckdb}" -- "$$GIVEN_CONTACT"

spark: $(DEV)/ready $(VENV)/ready $(DBT)/ready .venv-spark/ready ## Build everything on DuckDB and on Spark, in one process, and compare: DB=… VARS=… SEED=… CONTACTS=… COMPANIES=…
	@$(DEV)/bin/python -m evaluation.spark --vars "$$GIVEN_VARS" $(if $(DB),--db "$$GIVEN_DB") $(GENERATED)

spark-cluster: $(DEV)/ready $(VENV)/ready $(DBT)/ready .venv-spark/ready ## The same on a cluster of Spark: a master and two workers on this machine, for as long as it takes
	@$(DEV)/bin/python -m evaluation.spark --cluster --vars "$$GIVEN_VARS" $(if $(DB),--db "$$GIVEN_DB") $(GENERATED)

dagster: .meltano/ready .venv-dagster/ready ## Show the assets, runs and schedule in Dagster, at http://127.0.0.1:3000
	@mkdir -p output/dagster && cp packaging/dagster/dagster.yaml output/dagster
	@PATH="$(CURDIR)/.venv-dagster/bin:$$PATH" DAGSTER_HOME="$(CURDIR)/output/dagster" .venv-dagster/bin/dagster dev -f packaging/dagster/definitions.py

check-dagster: $(DEV)/ready .meltano/ready .venv-dagster/ready ## Run the Dagster project over the sandbox
	@$(DEV)/bin/python -m pytest $(PYTEST_ARGS) tests/orchestrators/check_dagster.py

check-airflow: $(DEV)/ready .meltano/ready .venv-airflow/ready ## Run the DAG in Airflow over the sandbox
	@$(DEV)/bin/python -m pytest $(PYTEST_ARGS) tests/orchestrators/check_airflow.py

check-workflow: .venv-zizmor/ready ## Read the workflow of packaging/github as GitHub does, and look for holes in it
	@.venv-zizmor/bin/zizmor --offline --no-progress --quiet --config packaging/github/zizmor.yml packaging/github/refresh.yml

airbyte-check: $(DEV)/ready $(DBT)/ready .venv-airbyte-cdk/ready .venv-bench-pyairbyte/ready ## Try the Airbyte sources with the CDK's standard tests and with PyAirbyte
	@$(DEV)/bin/python -m tools.airbyte_check $(CURDIR)/.venv-airbyte-cdk/bin/python $(CURDIR)/.venv-bench-pyairbyte/bin/python $(CURDIR)/$(DBT)/bin/dbt

bench: $(DEV)/ready .meltano/ready ## Compare with other pipelines: a few minutes, or BENCH=full for hours
	@$(DEV)/bin/python benchmarks/pipelines/run.py --uv "$(UV)" $(BENCH) $(BENCH_ARGS)

lint: $(DEV)/ready ## Check form, types, SQL and Dockerfiles
	@$(DEV)/bin/ruff check .
	@$(DEV)/bin/ruff format --check .
	@$(DEV)/bin/mypy
	@$(DEV)/bin/sqlfluff lint dbt_project
	@$(DEV)/bin/hadolint packaging/airbyte/*/Dockerfile

matrix: ## Run every test on each Python from 3.10 to 3.13 that is present
	@$(PYTHON) tools/matrix.py

lock: $(VENV)/ready ## Compile the requirement files anew, with the newest versions
	@$(PYTHON) tools/lock.py "$(UV)"

docs: $(DEV)/ready ## Write what is made from the code: settings, plugins/, streams, snapshots
	@$(DEV)/bin/python -m tools.docs

imports: $(DEV)/ready ## Draw which package imports which, or PACKAGE=… its modules; fail where there is a circle
	@$(DEV)/bin/python -m tools.imports $(PACKAGE)

check-report: $(DEV)/ready ## Time the report over 100,000 contacts, 20,000 of them in the queue: written, and opened
	@$(DEV)/bin/python -m tests.console.report.warehouse

pictures: $(DEV)/ready ## Take the pictures of both pages that docs/ shows, from the demo's data
	@$(DEV)/bin/python -m tools.pictures

seeds: .venv-seeds/ready ## Write the seeds that come from packages, and NOTICE, anew
	@.venv-seeds/bin/python -m tools.seeds

clean: ## Remove environments, caches and Meltano's state; the data in output/ stays (next: run --full-refresh)
	@rm -rf .venv .venv-* .matrix .meltano .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	@rm -rf output/spark
	@rm -rf benchmarks/data benchmarks/environments benchmarks/target_duckdb/environment
	@rm -rf dbt_project/target dbt_project/logs logs dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Environments. `ready` is younger than all that made it.

$(VENV)/bin/uv: requirements/uv.txt
	@echo "Setting up $(VENV) …"
	@$(PYTHON) -m venv "$(VENV)" || { echo "Python's venv module is needed (on Debian and Ubuntu: apt install python3-venv)"; exit 2; }
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-virtualenv -r requirements/uv.txt
	@touch $@

$(VENV)/ready: $(VENV)/bin/uv requirements/meltano.txt pyproject.toml
	@$(UV) pip install --quiet --python $(VENV)/bin/python -r requirements/meltano.txt --no-deps -e .
	@touch $@

.meltano/ready: $(VENV)/ready meltano.yml $(REQUIREMENTS:%=requirements/%.txt)
	@echo "Installing the taps, the loader and dbt …"
	@# The plugin `parquet` is installed by the first run that needs it, and brought up to date here.
	@$(VENV)/bin/meltano install --clean tap-kananas tap-kizen target-duckdb dbt publish report \
		$(if $(wildcard .meltano/utilities/parquet),parquet) > .meltano-install.log 2>&1 || { cat .meltano-install.log; exit 1; }
	@mv .meltano-install.log .meltano/install.log
	@# Meltano writes the settings of a tap, secrets too, into files that anybody may read.
	@chmod 700 .meltano
	@touch $@

.meltano/lake: .meltano/ready requirements/lake.txt
	@echo "Installing what a DuckLake needs …"
	@for python in $(VENV)/bin/python .meltano/loaders/target-duckdb/venv/bin/python \
		.meltano/utilities/dbt/venv/bin/python .meltano/utilities/publish/venv/bin/python; do \
		$(UV) pip install --quiet --python $$python -r requirements/lake.txt || exit 1; \
	done
	@touch $@

.meltano/spark: .meltano/ready requirements/spark.txt
	@echo "Installing Spark …"
	@$(UV) pip install --quiet --python .meltano/utilities/dbt/venv/bin/python -r requirements/spark.txt
	@touch $@

$(DEV)/ready: $(VENV)/bin/uv requirements/dev.txt pyproject.toml
	@echo "Setting up $(DEV) …"
	@$(UV) venv --quiet --allow-existing --python $(VENV)/bin/python $(DEV)
	@$(UV) pip install --quiet --python $(DEV)/bin/python -r requirements/dev.txt --no-deps -e .
	@touch $@

$(DBT)/ready: $(VENV)/bin/uv requirements/dbt.txt
	@echo "Setting up $(DBT) …"
	@$(UV) venv --quiet --allow-existing --python $(VENV)/bin/python $(DBT)
	@$(UV) pip install --quiet --python $(DBT)/bin/python -r requirements/dbt.txt
	@touch $@

.venv-lake/ready: $(VENV)/bin/uv requirements/dev.txt requirements/dbt.txt requirements/lake.txt pyproject.toml
	@echo "Setting up .venv-lake …"
	@$(UV) venv --quiet --allow-existing --python $(VENV)/bin/python .venv-lake
	@$(UV) pip install --quiet --python .venv-lake/bin/python -r requirements/dev.txt --no-deps -e .
	@$(UV) pip install --quiet --python .venv-lake/bin/python -r requirements/dbt.txt
	@$(UV) pip install --quiet --python .venv-lake/bin/python -r requirements/lake.txt
	@touch $@

.venv-%/ready: $(VENV)/bin/uv requirements/%.txt
	@echo "Setting up .venv-$* …"
	@$(UV) venv --quiet --allow-existing --python $(VENV)/bin/python .venv-$*
	@$(UV) pip install --quiet --python .venv-$*/bin/python -r requirements/$*.txt
	@touch $@
