# Builds the functions for `sam build`. SAM runs make with the target build-LOGICALID in the repository's root, and takes
# what is in ARTIFACTS_DIR. The template's parameter Architecture chooses between the two Makefiles that include this one.
include tools/sam/flags.mk

build-%Function:
	@folder=$$(printf '%s' '$*' | sed -e 's/\([A-Z]\)/-\1/g' -e 's/^-//' | tr 'A-Z' 'a-z'); \
	GOOS=linux GOARCH=$(GOARCH) CGO_ENABLED=0 \
		go build $(LAMBDA_FLAGS) -o '$(ARTIFACTS_DIR)/bootstrap' "./functions/$$folder"
	@cp THIRD-PARTY-NOTICES.txt '$(ARTIFACTS_DIR)/'
