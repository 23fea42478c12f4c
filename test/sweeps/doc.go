// Package sweeps tests start-import and the sweeps on a whole stack: files that are lost, that wait for the schedule,
// and that a killed sweep leaves behind.
package sweeps
