# userdrop. `make help` lists the targets that are meant for people.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
SEEDS   ?= 2000

# Tools come from package registries alone, in these versions; tools/ pins the rest. Nothing is installed outside .tools.
GOLANGCI_LINT := v2.15.0
GOVULNCHECK   := v1.8.0

# What Lambda runs: no RPC mode, no symbol table, no commit; and in out/lambda, for Lambda itself, no path of where it was
# built, so that a function that did not change stays the same to the byte.
FUNCTION_FLAGS := -tags=lambda.norpc -ldflags=-s -buildvcs=false
LAMBDA_FLAGS   := $(FUNCTION_FLAGS) -trimpath
MAX_ZIP_MB   := 5

export SAM_CLI_TELEMETRY := 0
export SYFT_CHECK_FOR_APP_UPDATE := false
unexport PYTHONDONTWRITEBYTECODE # or each start of the AWS CLI compiles it anew

step = @mkdir -p out && printf '\n==> %s\n'

##@ Use

.PHONY: help
help: ## Say what there is
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  %-23s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\nmake build, demo, test, cross and soak need Go alone; make verify installs the rest in .tools/.\n'

.PHONY: demo
demo: build ## Import examples/users.csv on this machine, no AWS account: see out/demo/
	out/bin/userdrop demo --functions out/local --out out/demo

# Neither CGO_ENABLED=0 nor -trimpath: with the flags of `go test`, what both need is compiled once.
.PHONY: build
build: out/bin/userdrop ## Build the command line (out/bin/userdrop) and the functions for this machine (out/local/)
	@$(call build-functions,out/local,$(FUNCTION_FLAGS))

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
	@cd out/dist && $(if $(shell command -v sha256sum),sha256sum,shasum -a 256) userdrop-$(VERSION)-* >SHA256SUMS

.PHONY: clean
clean: ## Remove what was built; the tools in .tools/ stay
	rm -rf out .aws-sam

##@ Test

.PHONY: test
test: ## Run all tests that need Go alone
	go test ./...

.PHONY: soak
soak: ## Simulate SEEDS=N seeds of faults, order and unknowns (default 2000)
	go run ./test/simulation/soak -seeds $(SEEDS)

.PHONY: bench
bench: build ## Measure: a table, and out/bench.json
	go run ./tools/bench --out out/bench.json

.PHONY: pictures
pictures: build .tools/pictures/.done ## Record the terminal's pictures in docs/images/ anew
	tools/pictures

.PHONY: fmt
fmt: .tools/bin/golangci-lint-$(GOLANGCI_LINT) ## Format the Go code
	$< fmt

##@ Verify: all that CI runs

CHECKS := verify-format verify-lint verify-race verify-template verify-sam verify-sam-local verify-reproducible \
	verify-report verify-sbom verify-vulnerabilities verify-definitions verify-interpreters verify-cli verify-docs \
	verify-mutations verify-soak

.PHONY: verify
verify: $(CHECKS) ## Run every check below
	$(step) 'verify: all checks passed'

.PHONY: verify-format
verify-format: .tools/bin/golangci-lint-$(GOLANGCI_LINT) ## gofumpt, and the modules as go.sum knows them
	$(step) $@
	$< fmt --diff
	go mod verify
	go mod tidy -diff

.PHONY: verify-lint
verify-lint: .tools/bin/golangci-lint-$(GOLANGCI_LINT) ## go vet and golangci-lint
	$(step) $@
	go vet ./...
	$< run

.PHONY: verify-mutations
verify-mutations: ## The simulation notices each of ten ways to break the code
	$(step) 'verify-mutations: break the code on purpose'
	go test -tags mutation -count=1 -run TestMutations ./test/simulation

.PHONY: verify-soak
verify-soak: ## Two thousand seeds of the simulation
	$(step) $@
	go run ./test/simulation/soak -seeds 2000

.PHONY: verify-race
verify-race: ## All tests under the race detector, but for the largest drops, which add time alone
	$(step) $@
	go test -race -vet=off $$(go list ./... | grep -v test/simulation)
	go test -race -vet=off -timeout=20m -skip='^Test(GiantDrop|Largest)$$' ./test/simulation -seeds 40 -crowd 40

.PHONY: verify-template
verify-template: .tools/cfn-lint/.done .tools/checkov/.done ## cfn-lint and checkov on the template, cfn-lint inside the definitions
	$(step) $@
	go run ./tools/definitions statemachine/*.asl.json >out/definitions.json
	.tools/cfn-lint/bin/cfn-lint template.yaml out/definitions.json
	.tools/checkov/bin/checkov --config-file tools/checkov.yaml --file template.yaml

# One `go build` compiles what the functions share once; each of SAM's builds would do it again.
.PHONY: verify-sam
verify-sam: .tools/sam/.done ## sam validate and sam build; each zip has at most 5 MB
	$(step) $@
	.tools/sam/bin/sam validate --lint
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build $(LAMBDA_FLAGS) ./functions/...
	CGO_ENABLED=0 GOFLAGS='$(LAMBDA_FLAGS)' .tools/sam/bin/sam build --parallel
	tools/zipped-sizes .aws-sam/build $(MAX_ZIP_MB)

.PHONY: verify-sam-local
verify-sam-local: .tools/sam/.done ## `sam local invoke` answers to each of events/, where a container engine runs
	$(step) $@
	@if docker version >/dev/null 2>&1; then \
		PATH=$(CURDIR)/.tools/sam/bin:$$PATH go test -count=1 -tags=samlocal -run='^TestSAMLocal$$' ./cmd/userdrop; \
	else echo 'skipped: `docker version` finds no container engine'; fi

# Another place, and nothing of ours from the cache: what comes out must depend on the source alone.
.PHONY: verify-reproducible
verify-reproducible: verify-sam ## What sam built comes out the same again, byte for byte
	$(step) $@
	tools/reproducible .aws-sam/build $(LAMBDA_FLAGS)

.PHONY: verify-report
verify-report: chromium ## The report in Chromium: contrast, phones, no requests; pictures in out/report/
	$(step) $@
	go run ./tools/reportcheck --out out/report

.PHONY: verify-sbom
verify-sbom: .tools/syft/.done out/bin/userdrop ## The bill of materials, as CycloneDX: out/userdrop.cdx.json
	$(step) $@
	.tools/syft/bin/syft scan --quiet --output cyclonedx-json=out/userdrop.cdx.json out/bin/userdrop

.PHONY: verify-vulnerabilities
verify-vulnerabilities: .tools/bin/govulncheck-$(GOVULNCHECK) ## govulncheck, where its data can be had
	$(step) $@
	@status=0; $< ./... 2>&1 | tee out/govulncheck.txt || status=$$?; \
	if [ $$status != 0 ] && grep -q 'vuln.go.dev' out/govulncheck.txt; then \
		echo 'skipped: vuln.go.dev, where govulncheck has its data from, can not be reached'; \
	else exit $$status; fi

# ------------------------------------------------------------------------------------------------ Independent interpreters

# On a machine without Python and Node there is nothing to run the others on. CI must have them.
ifneq ($(CI),true)
MISSING := $(strip $(foreach tool,python3 npm,$(if $(shell command -v $(tool)),,$(tool))))
endif

.PHONY: verify-interpreters
verify-interpreters: $(if $(MISSING),,.tools/moto/.done .tools/npm/.done) ## The definitions on interpreters that are not ours: moto's, aws-local-stepfunctions
	$(step) $@
ifeq ($(MISSING),)
	cd test/interpreters && go test -count=1 -tags=interpreters
else
	@echo 'skipped: the other interpreters need $(MISSING)'
endif

.PHONY: verify-definitions
verify-definitions: $(if $(MISSING),,.tools/npm/.done) ## The definitions by asl-validator and amazon-states-language-service
	$(step) $@
ifeq ($(MISSING),)
	.tools/npm/node_modules/.bin/node tools/check-definitions.mjs $(CURDIR)/.tools/npm/package.json statemachine/*.asl.json
else
	@echo 'skipped: the checks of the definitions need $(MISSING)'
endif

# ------------------------------------------------------------------------------------- The AWS CLI against the local double

.PHONY: verify-cli
verify-cli: .tools/aws/.done ## The AWS CLI drives `userdrop local`
	$(step) $@
	PATH=$(CURDIR)/.tools/aws/bin:$$PATH go test -count=1 -tags=awscli -run='^TestAWS' ./cmd/userdrop

# ------------------------------------------------------------------------------------------------------------- Documents

.PHONY: verify-docs
verify-docs: ## Links, commands and the table of folders in the documents
	$(step) $@
	go test -count=1 -run='^Test(Links|Commands|Folders)$$' ./cmd/userdrop

# ----------------------------------------------------------------------------------------------------------------- Tools

.PHONY: tools
tools: .tools/bin/golangci-lint-$(GOLANGCI_LINT) .tools/bin/govulncheck-$(GOVULNCHECK) .tools/npm/.done \
	$(patsubst tools/python/%.txt,.tools/%/.done,$(filter-out %/uv.txt,$(wildcard tools/python/*.txt)))

# The version is part of the name, so that a new one is installed and CI's cache can't be stale.
.tools/bin/golangci-lint-$(GOLANGCI_LINT):
	$(call go-install,github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT))

.tools/bin/govulncheck-$(GOVULNCHECK):
	$(call go-install,golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK))

define go-install
	GOBIN=$(CURDIR)/.tools/bin GOFLAGS= go install $(1)
	@mv .tools/bin/$(firstword $(subst @, ,$(notdir $(1)))) $@
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
	npm ci --prefix .tools/npm --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: pins
pins: .tools/uv/.done ## Pin what tools/python/*.in ask for, after a change there
	@for file in tools/python/*.in; do \
		.tools/uv/bin/uv pip compile --quiet --universal --python-version=3.11 --generate-hashes \
			--custom-compile-command='make pins' "$$file" --output-file="$${file%.in}.txt"; \
	done
	npm install --prefix tools/npm --package-lock-only --no-audit --no-fund --loglevel=error

# What no package registry has comes from the distribution, if we may install it.
define apt-install
	@command -v $(2) >/dev/null || { \
		[ "$$(id -u)" = 0 ] || { echo '$(2) is missing: apt-get install $(1)' >&2; exit 1; }; \
		mkdir -p .tools && exec 9>.tools/apt.lock && flock 9 && \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $(1); \
	}
endef

.PHONY: chromium
chromium:
	$(if $(CHROMIUM),,$(call apt-install,chromium,chromium))

# --------------------------------------------------------------------------------------------------------------- Functions

# A folder for each function, and in it `bootstrap`, the name that Lambda's runtime asks for.
define build-functions
	rm -rf $(1) && mkdir -p $(1)/.all
	go build $(2) -o $(1)/.all/ ./functions/...
	for file in $(1)/.all/*; do \
		mkdir -p $(1)/$${file##*/} && mv $$file $(1)/$${file##*/}/bootstrap; \
	done && rmdir $(1)/.all
endef

.PHONY: out/lambda
out/lambda: export GOOS := linux
out/lambda: export GOARCH := arm64
out/lambda: export CGO_ENABLED := 0
out/lambda:
	@$(call build-functions,$@,$(LAMBDA_FLAGS))
