package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
)

// parse reads a command line as main does.
func parse(t *testing.T, arguments string) (*deadlineCmd, error) {
	t.Helper()
	var command cli
	parser, err := kong.New(&command, kong.Name("guiling"))
	require.NoError(t, err)
	_, err = parser.Parse(strings.Fields("deadline " + arguments))
	return &command.Deadline, err
}

func TestExplanationOfADeadline(t *testing.T) {
	t.Parallel()
	d, err := parse(t, "--pack natural-days-15-rolled --from 2026-02-06 --pause 2026-02-07..2026-02-09")
	require.NoError(t, err)
	pack, deadline, err := d.compute()
	require.NoError(t, err)
	told := explain(pack, deadline)
	for _, line := range []string{
		"2026-02-24 24:00 +08:00\n", "2026-02-06, not counted", "第九条", "limit          +15 days, to 2026-02-21",
		"pause          +2 days, to 2026-02-23", "roll           +1 days, to 2026-02-24", "2026-02-23 春节",
	} {
		require.Contains(t, told, line)
	}
}

// The dates were counted by hand.
func TestDeadlinesOfTheCommandLine(t *testing.T) {
	t.Parallel()
	holidays := filepath.Join("..", "..", "reference", "holidays-cn.csv")
	kept, err := os.ReadFile(holidays)
	require.NoError(t, err)
	more := filepath.Join(t.TempDir(), "more.csv")
	require.NoError(t, os.WriteFile(more, []byte(strings.Replace(string(kept), "2026-09-25,", "2026-09-24,holiday,假日\n2026-09-25,", 1)), 0o600))
	five := filepath.Join("..", "..", "policies", "rules", "working-days-5.yaml")
	for arguments, lastDay := range map[string]string{
		"--from 2026-02-13": "2026-02-28",
		"--from 2026-02-06": "2026-02-21",
		"--pack natural-days-15-rolled --from 2026-02-13": "2026-02-28",
		"--pack natural-days-15-rolled --from 2026-02-06": "2026-02-24",
		"--pack working-days-5 --from 2026-09-18":         "2026-09-24",
		"--pack working-days-15 --from 2026-09-18":        "2026-10-15",
		"--pack working-days-5 --from 2026-02-13":         "2026-02-27",
		"--pack working-days-15 --from 2026-02-13":        "2026-03-12",

		"--pack " + five + " --from 2026-09-18":                                                                                         "2026-09-24",
		"--pack " + five + " --from 2026-09-18 --calendar " + holidays:                                                                  "2026-09-24",
		"--pack " + five + " --from 2026-09-18 --calendar " + more:                                                                      "2026-09-28",
		"--pack working-days-5 --from 2026-09-18 --clock verification":                                                                  "2026-09-22",
		"--from 2026-09-18 --clock verification":                                                                                        "2026-09-21",
		"--from 2026-09-18 --clock explanation":                                                                                         "2026-09-23",
		"--from 2026-09-18 --clock answer":                                                                                              "2026-09-23",
		"--from 2026-03-02 --pause 2026-03-05..2026-03-09":                                                                              "2026-03-21",
		"--from 2026-03-02 --pause 2026-03-20..2026-03-22 --extend-to 2026-03-27":                                                       "2026-03-27",
		"--from 2026-03-02 --extend-to 2026-03-27 --pause 2026-03-20..2026-03-22":                                                       "2026-03-29",
		"--pause 2026-03-05..2026-03-06 --from 2026-03-02 --pause=2026-03-07..2026-03-09 --extend-to 2026-03-25 --extend-to=2026-03-27": "2026-03-27",
		"--extend-to 2026-03-25 --pause 2026-03-20..2026-03-22 --extend-to 2026-04-01 --pause 2026-03-28..2026-03-29 --from 2026-03-02": "2026-04-02",
	} {
		d, err := parse(t, arguments)
		require.NoError(t, err, arguments)
		_, deadline, err := d.compute()
		require.NoError(t, err, arguments)
		require.Equal(t, lastDay, deadline.LastDay.String(), arguments)
	}
}

func TestDeadlineNamesTheFlagAtFault(t *testing.T) {
	t.Parallel()
	for arguments, flag := range map[string]string{
		"--from 2026-02-30": "from",
		"--from 2026-02-06 --pause 2026-02-09..2026-02-07":          "pause",
		"--from 2026-02-06 --pause 2026-02-09":                      "pause",
		"--from 2026-02-06 --extend-to 2026-02-27 --extend-to soon": "extend-to",
		"--from 2026-02-06 --pack henan-1919":                       "rule_pack",
	} {
		d, err := parse(t, arguments)
		require.NoError(t, err, arguments)
		_, _, err = d.compute()
		domain, ok := casework.AsError(err)
		require.True(t, ok, arguments)
		require.Equal(t, flag, domain.Field, arguments)
	}
	for _, arguments := range []string{"--from 2026-02-06 --clock lunch", "--from 2026-02-06 --calendar none.csv", ""} {
		_, err := parse(t, arguments)
		require.Error(t, err, arguments)
	}
}
