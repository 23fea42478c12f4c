// Package interpreters runs the state machines of statemachine/ on interpreters of the Amazon States Language that the
// project did not write, and compares: the same start must end in the same outcome, by the same states.
//
// One is moto's, a server to which Step Functions' API is spoken and which invokes the functions of the double; it has
// no startExecution.sync:2 whose child it would run elsewhere, so it gets import-job and abort-import. The other is the
// npm package aws-local-stepfunctions, a library that als.mjs drives; it gets all three machines, and runs import-job
// where import-users has its nested Task.
//
// "make external-interpreters" installs both and runs the tests, which have the build tag "interpreters".
package interpreters
