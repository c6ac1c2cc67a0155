package browser_test

import (
	"testing"

	"guiling/standalone/testserver"
)

func TestMain(m *testing.M) { testserver.Main(m) }
