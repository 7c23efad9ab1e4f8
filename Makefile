# The whole developer interface; CI calls `make check`. `make help` explains each verb.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help build test aot e2e check ci bench bench-e2e bench-idle demo image clean

CONFIGURATION ?= Release
LAB := dotnet bench/Epp.Lab/bin/$(CONFIGURATION)/net10.0/epp-lab.dll
export DOTNET_NOLOGO := 1
export DOTNET_CLI_TELEMETRY_OPTOUT := 1

help: ## Explain every verb
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-11s %s\n", $$1, $$2 }'

build: ## Build every project; a warning is an error
	dotnet build Epp.slnx -c $(CONFIGURATION) -m -v q -clp:Summary

test: build ## Build and run every test project, one summary at the end
	build/test.sh

aot: ## Publish the Native AOT binary to artifacts/epp; prints size, target framework, instruction set
	build/aot.sh

e2e: aot ## Run the end-to-end tests against the published binary
	dotnet build tests/Epp.E2E.Tests -c $(CONFIGURATION) -v q
	EPP_BINARY=$(CURDIR)/artifacts/epp build/test.sh tests/Epp.E2E.Tests

check: ## Install what the tests need (Debian packages), build, publish, assemble the image, pass every test
	build/check.sh

ci: ## What the CI runs: check, with a missing Debian tool counted as a failure
	.ci/run

bench: ## Micro-benchmarks: make bench FILTER='*Pick*'
	dotnet run -c Release --project bench/Epp.Bench -- --filter '$(or $(FILTER),*)' --artifacts artifacts/bench

bench-e2e: ## Load rows P1-P5, P7, P12, P13 beside the yardstick server: RUNS=5 ROWS='P1 P3' SAVE=1
	build/bench-e2e.sh $(if $(SAVE),--save) $(ROWS)

bench-idle: ## Idle CPU with 10 and 100 scraped workers (P8) beside the yardstick server: RUNS=5 SAVE=1
	build/bench-idle.sh $(if $(SAVE),--save)

demo: ## Four simulated workers, the EPP and a gateway: round-robin against the EPP, then stays up for curl; MODE=precise: with KV events
	dotnet build src/Epp.Aot -c $(CONFIGURATION) -v q
	dotnet build bench/Epp.Lab -c $(CONFIGURATION) -v q
	@$(LAB) demo $(if $(MODE),--mode $(MODE)) --epp src/Epp.Aot/bin/$(CONFIGURATION)/net10.0/epp.dll $(DEMO_ARGS)

image: artifacts/epp ## Assemble an OCI image archive, artifacts/epp-image.tar, without a daemon (needs umoci)
	build/image.sh

artifacts/epp:
	build/aot.sh

clean: ## Remove everything that was built
	rm -rf artifacts src/*/bin src/*/obj tests/*/bin tests/*/obj bench/*/bin bench/*/obj
