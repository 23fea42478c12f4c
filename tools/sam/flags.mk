# The flags of the functions: no RPC mode, no symbol table, no commit; and, for Lambda itself, no path of where it was
# built, so that a function that did not change stays the same to the byte.
FUNCTION_FLAGS := -tags=lambda.norpc -ldflags=-s -buildvcs=false
LAMBDA_FLAGS   := $(FUNCTION_FLAGS) -trimpath
