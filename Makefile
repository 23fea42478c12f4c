# userdrop. `make help` lists the targets that are meant for people.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VERSION ?= $(shell tools/version)
SEEDS   ?= 2000

# Tools come from package registries alone, in these versions; tools/ pins the rest. Nothing is installed outside .tools.
GOLANGCI_LINT := v2.15.0
GORELEASER    := v2.16.0
GOVULNCHECK   := v1.8.0

include tools/sam/flags.mk

# What a step needs of this machine and cannot install. CI must have all of it.
ifneq ($(CI),true)
MISSING := $(strip $(foreach tool,python3 npm,$(if $(shell command -v $(tool)),,$(tool))))
endif
BROWSER := $(or $(CHROMIUM),$(firstword $(foreach name,chromium chromium-browser google-chrome,$(shell command -v $(name)))))

export SAM_CLI_TELEMETRY := 0
export SYFT_CHECK_FOR_APP_UPDATE := false
unexport PYTHONDONTWRITEBYTECODE # or each start of the AWS CLI compiles it anew

step = @mkdir -p out && printf '\n==> %s\n'

##@ Use

.PHONY: help
help: ## List targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  %-23s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\nmake build, demo, test, bench, cross and soak need Go alone; the other checks install their tools in .tools/.\n'

# The first build compiles the AWS SDK, too. Without inlining, debug information and most garbage collection of the
# compiler that takes half of the time. What was compiled before, by `make build` or `go test`, is taken as it is.
DEMO_BUILD = $(if $(filter false,$(shell go list -f '{{.Stale}}' github.com/aws/aws-sdk-go-v2/service/s3)),\
	go build,CGO_ENABLED=0 GOGC=400 go build -tags=lambda.norpc -gcflags='all=-l -dwarf=false')

.PHONY: demo
demo: ## Import examples/users.csv on this machine, no AWS account: see out/demo/
	@echo 'Building the command line, which acts as each function; the first time it takes about half a minute.'
	@mkdir -p out/bin; $(DEMO_BUILD) -ldflags='-s -w -X main.version=$(VERSION)' -o out/bin/userdrop ./cmd/userdrop & \
	seconds=0; while kill -0 $$! 2>/dev/null; do \
		sleep 1; seconds=$$((seconds + 1)); \
		if [ $$((seconds % 4)) = 0 ]; then echo "  compiling, $$seconds s"; fi; \
	done; wait $$!
	@out/bin/userdrop demo --out out/demo

# Neither CGO_ENABLED=0 nor -trimpath: with the flags of `go test`, what both need is compiled once.
.PHONY: build
build: out/bin/userdrop ## Build the command line (out/bin/userdrop) and the functions for this machine (out/local/)
	@$(call build-functions,out/local,$(FUNCTION_FLAGS))

# `sam deploy --guided` asks for the parameters and remembers the answers in samconfig.toml.
DEPLOY ?= --guided

.PHONY: deploy
deploy: .tools/sam/.done ## Build and deploy with SAM, which asks for the parameters; DEPLOY='--config-env prod' does not
	.tools/sam/bin/sam build
	.tools/sam/bin/sam deploy $(DEPLOY)

.PHONY: out/bin/userdrop
out/bin/userdrop:
	go build -ldflags="-s -X main.version=$(VERSION)" -o $@ ./cmd/userdrop

.PHONY: cross
cross: ## Build the command line for Linux, macOS and Windows: out/dist/
	@mkdir -p out/dist
	@for platform in {linux,darwin,windows}/{amd64,arm64}; do \
		export GOOS=$${platform%/*} GOARCH=$${platform#*/} CGO_ENABLED=0; \
		file=out/dist/userdrop-$(VERSION)-$$GOOS-$$GOARCH; \
		if [ $$GOOS = windows ]; then file+=.exe; fi; \
		echo "$$file"; \
		go build -trimpath -ldflags="-s -X main.version=$(VERSION)" -o "$$file" ./cmd/userdrop; \
	done
	@cp THIRD-PARTY-NOTICES.txt out/dist/
	@cd out/dist && $(if $(shell command -v sha256sum),sha256sum,shasum -a 256) THIRD-PARTY-NOTICES.txt userdrop-$(VERSION)-* >SHA256SUMS

.PHONY: release
release: .tools/bin/goreleaser-$(GORELEASER) .tools/syft/.done ## Release the tag of this commit, as a draft: for CI
	PATH=$(CURDIR)/.tools/syft/bin:$$PATH USERDROP_VERSION=$(VERSION) $< release --clean

.PHONY: clean
clean: ## Remove what was built; the tools in .tools/ stay
	rm -rf out .aws-sam

##@ Measure

.PHONY: bench
bench: ## Measure: tables with the project's bars, and out/bench.json
	@$(MAKE) --no-print-directory .tools/peers/.done || echo 'skipped: the validators of others cannot be installed'
	go run ./tools/bench --out out/bench.json

.PHONY: figures
figures: ## Write the tables of docs/ from out/bench.json
	go run ./tools/bench --out out/bench.json --document

.PHONY: pictures
pictures: build .tools/pictures/.done ## Record the terminal's pictures in docs/images/
	tools/pictures

.PHONY: fmt
fmt: .tools/bin/golangci-lint-$(GOLANGCI_LINT) ## Format the Go code
	$< fmt

##@ Check

# `make verify` runs the five checks. Each is a list of steps; a step that this machine cannot run prints `skipped:` and
# the reason.
.PHONY: verify
verify: lint test template external soak ## Run the five checks below, the tests with the race detector: all that CI runs
	$(step) 'verify: all checks passed'

.PHONY: test
test: ## All tests that need Go alone, in under three minutes
	$(if $(RACE),$(race),go test ./...)

.PHONY: lint
lint: lint-format lint-go lint-modules lint-vulnerabilities ## Formatting, vet, linters, licences, vulnerabilities, bill of materials

.PHONY: template
template: template-cloudformation template-definitions template-build ## The template and the state machines: cfn-lint, checkov, SAM, validators, reproducible builds

.PHONY: external
external: external-interpreters external-awscli external-sam-local external-report external-documents external-release external-terraform ## Software of others: interpreters, AWS CLI, Chromium, containers, goreleaser

.PHONY: soak
soak: soak-seeds soak-mutations ## Simulate SEEDS=N seeds (default 2000); break the code on purpose and expect each break noticed

# ------------------------------------------------------------------------------------------------------------- Go code

# The largest drops only add time under the race detector.
verify: RACE := true
define race
	$(step) 'test: all tests with the race detector'
	go test -race -vet=off $$(go list ./... | grep -v test/simulation)
	go test -race -vet=off -timeout=20m -skip='^Test(GiantDrop|Largest)$$' ./test/simulation -seeds 40 -crowd 40
endef

.PHONY: lint-format
lint-format: .tools/bin/golangci-lint-$(GOLANGCI_LINT)
	$(step) 'lint: gofumpt'
	$< fmt --diff

.PHONY: lint-go
lint-go: .tools/bin/golangci-lint-$(GOLANGCI_LINT)
	$(step) 'lint: go vet and golangci-lint'
	go vet ./...
	$< run

.PHONY: lint-modules
lint-modules: .tools/syft/.done out/bin/userdrop
	$(step) 'lint: go.mod and go.sum; licences; the bill of materials as CycloneDX in out/userdrop.cdx.json'
	go mod verify
	go mod tidy -diff
	go run ./tools/notices -check
	.tools/syft/bin/syft scan --quiet --output cyclonedx-json=out/userdrop.cdx.json out/bin/userdrop

.PHONY: lint-vulnerabilities
lint-vulnerabilities: .tools/bin/govulncheck-$(GOVULNCHECK)
	$(step) 'lint: govulncheck'
	@status=0; $< ./... 2>&1 | tee out/govulncheck.txt || status=$$?; \
	if [ $$status != 0 ] && grep -q 'vuln.go.dev' out/govulncheck.txt; then \
		echo 'skipped: vuln.go.dev, the source of govulncheck, cannot be reached'; \
	else exit $$status; fi

# ------------------------------------------------------------------------------------------------------------ Template

.PHONY: template-cloudformation
template-cloudformation: .tools/cfn-lint/.done .tools/checkov/.done
	$(step) 'template: cfn-lint and checkov, and cfn-lint on the definitions'
	go run ./tools/definitions statemachine/*.asl.json >out/definitions.json
	.tools/cfn-lint/bin/cfn-lint template.yaml out/definitions.json
	.tools/checkov/bin/checkov --config-file tools/checkov.yaml --file template.yaml

.PHONY: template-definitions
template-definitions: $(if $(MISSING),,.tools/npm/.done)
	$(step) 'template: asl-validator and amazon-states-language-service on the definitions'
ifeq ($(MISSING),)
	.tools/npm/node_modules/.bin/node tools/check-definitions.mjs $(CURDIR)/.tools/npm/package.json statemachine/*.asl.json
else
	@echo 'skipped: the checks of the definitions need $(MISSING)'
endif

# One `go build` compiles once what the functions share; SAM's parallel builds would each compile it. The second build is
# in another place and takes nothing of ours from the cache: its result must depend on the source alone.
.PHONY: template-build
template-build: .tools/sam/.done
	$(step) 'template: sam validate and sam build; the sizes of the zips; a second build gives the same bytes'
	.tools/sam/bin/sam validate --lint
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build $(LAMBDA_FLAGS) ./functions/...
	.tools/sam/bin/sam build
	tools/zipped-sizes .aws-sam/build
	tools/reproducible .aws-sam/build $(LAMBDA_FLAGS)

# ---------------------------------------------------------------------------------------------------- Software of others

.PHONY: external-interpreters
external-interpreters: $(if $(MISSING),,.tools/moto/.done .tools/npm/.done)
	$(step) 'external: the definitions on moto and aws-local-stepfunctions'
ifeq ($(MISSING),)
	cd test/interpreters && go test -count=1 -tags=interpreters
else
	@echo 'skipped: the other interpreters need $(MISSING)'
endif

.PHONY: external-awscli
external-awscli: .tools/aws/.done
	$(step) 'external: the AWS CLI drives `userdrop local`'
	PATH=$(CURDIR)/.tools/aws/bin:$$PATH go test -count=1 -tags=awscli -run='^TestAWS' ./cmd/userdrop

.PHONY: external-sam-local
external-sam-local: .tools/sam/.done
	$(step) 'external: `sam local invoke` answers each of events/'
	@if docker version >/dev/null 2>&1; then \
		PATH=$(CURDIR)/.tools/sam/bin:$$PATH go test -count=1 -tags=samlocal -run='^TestSAMLocal$$' ./cmd/userdrop; \
	else echo 'skipped: `docker version` finds no container engine'; fi

# On a machine without Chromium there is nothing to open the report in. CI must have it.
.PHONY: external-report
external-report:
	$(step) 'external: the report in Chromium: contrast, phones, no requests; pictures in out/report/'
ifeq ($(BROWSER),)
	@$(if $(filter true,$(CI)),echo 'no Chromium: set CHROMIUM to its path' >&2; exit 1,echo 'skipped: no Chromium; set CHROMIUM to its path')
else
	CHROMIUM=$(BROWSER) go run ./tools/reportcheck --out out/report
endif

.PHONY: external-documents
external-documents:
	$(step) 'external: links, commands and the table of folders in the documents'
	go test -count=1 -run='^Test(Links|Commands|Folders)$$' ./cmd/userdrop

.PHONY: external-release
external-release: .tools/bin/goreleaser-$(GORELEASER) .tools/syft/.done
	$(step) 'external: a dry run of the release: out/dist/'
	PATH=$(CURDIR)/.tools/syft/bin:$$PATH USERDROP_VERSION=$(firstword $(subst -, ,$(VERSION))) \
		$< release --snapshot --clean --skip=publish
	cd out/dist && sha256sum --check --quiet SHA256SUMS --ignore-missing
	go run ./tools/release --version $(firstword $(subst -, ,$(VERSION)))-snapshot --repository example/userdrop \
		--checksums out/dist/SHA256SUMS --out out/release

.PHONY: external-terraform
external-terraform:
	$(step) 'external: the Terraform module'
	@if ! command -v terraform >/dev/null; then echo 'skipped: no terraform'; exit; fi; \
	terraform fmt -check examples/terraform; \
	rm -rf out/terraform && cp -r examples/terraform out/terraform; \
	if terraform -chdir=out/terraform init -backend=false -input=false >out/terraform.txt 2>&1; then \
		terraform -chdir=out/terraform validate; \
	elif grep -q 'registry' out/terraform.txt; then \
		echo 'skipped: the registry of Terraform, the source of the provider, cannot be reached'; \
	else cat out/terraform.txt; exit 1; fi

# ----------------------------------------------------------------------------------------------------------- Simulation

.PHONY: soak-seeds
soak-seeds:
	$(step) 'soak: $(SEEDS) seeds of the simulation'
	go run ./test/simulation/soak -seeds $(SEEDS)

.PHONY: soak-mutations
soak-mutations:
	$(step) 'soak: break the code on purpose'
	go test -tags mutation -count=1 -run TestMutations ./test/simulation

# ----------------------------------------------------------------------------------------------------------------- Tools

.PHONY: tools
tools: .tools/bin/golangci-lint-$(GOLANGCI_LINT) .tools/bin/govulncheck-$(GOVULNCHECK) .tools/npm/.done \
	$(patsubst tools/python/%.txt,.tools/%/.done,$(filter-out %/uv.txt %/peers.txt,$(wildcard tools/python/*.txt)))

# The version is part of the name, so that a new one is installed and CI's cache can't be stale.
.tools/bin/golangci-lint-$(GOLANGCI_LINT):
	$(call go-install,github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT))

.tools/bin/goreleaser-$(GORELEASER):
	$(call go-install,github.com/goreleaser/goreleaser/v2@$(GORELEASER))

.tools/bin/govulncheck-$(GOVULNCHECK):
	$(call go-install,golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK))

define go-install
	GOBIN=$(CURDIR)/.tools/bin GOFLAGS= go install $(1)
	@mv .tools/bin/$(firstword $(subst -v, ,$(notdir $@))) $@
endef

# Each Python tool lives alone, since their dependencies disagree. uv, itself pinned, installs them by hash.
.tools/%/.done: tools/python/%.txt | .tools/uv/.done
	.tools/uv/bin/uv venv --quiet --clear .tools/$*
	.tools/uv/bin/uv pip sync --quiet --require-hashes --python .tools/$*/bin/python $<
	@touch $@

.tools/uv/.done: tools/python/uv.txt
	python3 -m venv --clear .tools/uv
	.tools/uv/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

.tools/npm/.done: tools/npm/package-lock.json
	@mkdir -p .tools/npm
	cp tools/npm/package.json tools/npm/package-lock.json .tools/npm/
	npm ci --prefix .tools/npm --ignore-scripts --no-audit --no-fund --loglevel=error
	@cd .tools/npm/node_modules/.bin && if [ ! -e node ]; then ln -s "$$(command -v node)" node; fi # not every platform has one
	@touch $@

.PHONY: notices
notices: ## Write THIRD-PARTY-NOTICES.txt, after a change of dependencies
	go run ./tools/notices

.PHONY: pins
pins: .tools/uv/.done ## Pin what tools/python/*.in ask for, after a change there
	@for file in tools/python/*.in; do \
		.tools/uv/bin/uv pip compile --quiet --universal --python-version=3.11 --generate-hashes \
			--custom-compile-command='make pins' "$$file" --output-file="$${file%.in}.txt"; \
	done
	npm install --prefix tools/npm --package-lock-only --ignore-scripts --no-audit --no-fund --loglevel=error

# --------------------------------------------------------------------------------------------------------------- Functions

# A folder for each function, and in it `bootstrap`, the name that Lambda's runtime asks for.
define build-functions
	rm -rf $(1) && mkdir -p $(1)/.all
	go build $(2) -o $(1)/.all/ ./functions/...
	for file in $(1)/.all/*; do \
		mkdir -p $(1)/$${file##*/} && mv $$file $(1)/$${file##*/}/bootstrap && cp THIRD-PARTY-NOTICES.txt $(1)/$${file##*/}/; \
	done && rmdir $(1)/.all
endef

.PHONY: out/lambda
out/lambda: export GOOS := linux
out/lambda: export GOARCH := arm64
out/lambda: export CGO_ENABLED := 0
out/lambda:
	@$(call build-functions,$@,$(LAMBDA_FLAGS))
