// Package functions lists the Lambda functions by the names of their folders in functions/, for those who run them
// outside of Lambda: the command line and the simulation.
package functions

import (
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/steps/awaitturn"
	"userdrop/internal/steps/importjob"
	"userdrop/internal/steps/intake"
	"userdrop/internal/steps/prepareimport"
	"userdrop/internal/steps/publishresult"
)

// All maps each folder of functions/ to what builds its handler. A test compares it with the folders.
var All = map[string]lambdahandler.Builder{
	"start-import":        intake.NewStartImport,
	"sweep-scheduled":     intake.NewSweepScheduled,
	"sweep-lost":          intake.NewSweepLost,
	"prepare-import":      prepareimport.New,
	"await-turn":          awaitturn.NewAwaitTurn,
	"create-import-job":   importjob.NewCreate,
	"copy-to-import-job":  importjob.NewCopy,
	"start-import-job":    importjob.NewStart,
	"describe-import-job": importjob.NewDescribe,
	"collect-rows":        importjob.NewCollect,
	"stop-import-jobs":    importjob.NewStop,
	"publish-result":      publishresult.New,
}
