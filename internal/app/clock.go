package app

import "time"

// SystemClock reads the machine's clock. Everything else is handed a clock.
func SystemClock() time.Time {
	return time.Now() //nolint:forbidigo // the one place that reads it
}
