// Package functions lists the Lambda functions by the names of their folders in functions/, for those who run them
// outside of Lambda: the command line and the simulation.
package functions

import (
	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/steps/applychanges"
	"userdrop/internal/steps/awaitturn"
	"userdrop/internal/steps/collectrows"
	"userdrop/internal/steps/copytoimportjob"
	"userdrop/internal/steps/createimportjob"
	"userdrop/internal/steps/describeimportjob"
	"userdrop/internal/steps/prepareimport"
	"userdrop/internal/steps/publishresult"
	"userdrop/internal/steps/startimport"
	"userdrop/internal/steps/startimportjob"
	"userdrop/internal/steps/stopimportjobs"
	"userdrop/internal/steps/sweeplost"
	"userdrop/internal/steps/sweepscheduled"
)

// All maps each folder of functions/ to what builds its handler. A test compares it with the folders.
var All = map[string]lambdahandler.Builder{
	"start-import":        startimport.New,
	"sweep-scheduled":     sweepscheduled.New,
	"sweep-lost":          sweeplost.New,
	"prepare-import":      prepareimport.New,
	"await-turn":          awaitturn.New,
	"create-import-job":   createimportjob.New,
	"copy-to-import-job":  copytoimportjob.New,
	"start-import-job":    startimportjob.New,
	"describe-import-job": describeimportjob.New,
	"collect-rows":        collectrows.New,
	"stop-import-jobs":    stopimportjobs.New,
	"apply-changes":       applychanges.New,
	"publish-result":      publishresult.New,
}
