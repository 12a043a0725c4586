.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint format bench clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-8s %s\n", $$1, $$2 }'

setup: ## get what is missing: system programs, npm packages, Go programs
	@scripts/setup

demo: setup ## three clusters on this machine, joined and talking (KEEP=1 leaves them running)
	@KEEP=$(KEEP) bin/trestle lab demo

test: setup ## run every test
	@scripts/test

check: setup ## types, lint, format, unused code, house rules, file sizes
	@scripts/check

lint: setup ## the linter alone
	@node_modules/.bin/oxlint

format: setup ## format everything
	@node_modules/.bin/oxfmt

bench: setup ## run the benchmarks
	@npm run --silent bench

clean: ## remove what set-up and the tools made in this checkout
	rm -rf node_modules .cache coverage dist
