package engine

import "go.temporal.io/sdk/converter"

// Converters are how values become what the engine keeps.
func (c Codec) Converters() (converter.DataConverter, converter.FailureConverter) {
	return c.converters()
}
