package usercsv

// TakeNoRowForOrdinary makes all rows go the way of those out of the ordinary.
func (p *Preparer) TakeNoRowForOrdinary() { p.slow = true }
