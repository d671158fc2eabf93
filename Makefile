# The commands of daily work; CONTRIBUTING.md says when to use which. CI runs .ci/run, which contains check and test.

.PHONY: help setup check test docs demo

help: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: ## Install the locked dependencies into .venv
	uv sync --locked

check: ## Lint, format, types and dependency rules
	uv run --locked ruff check
	uv run --locked ruff format --check
	uv run --locked mypy
	uv run --locked lint-imports

test: ## Run the test suite; ARGS="tests/unit -n 0" selects a part
	uv run --locked pytest $(ARGS)

docs: ## Write the reference pages, message schemas and constraints from the code, and build the site into site/
	uv run --locked python -m tools
	.ci/constraints
	NO_MKDOCS_2_WARNING=1 uv run --isolated --locked --only-group docs mkdocs build --strict

demo: ## Sync a simulated company from start to end
	uv run --locked wbs-sync demo
