package worker_test

import (
	"testing"

	"guiling/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }
