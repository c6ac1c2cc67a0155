package strictyaml_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"guiling/internal/casework"
	"guiling/internal/strictyaml"
)

type document struct {
	Name  string            `json:"name"`
	Count int               `json:"count"`
	From  casework.Date     `json:"from"`
	Codes map[string]string `json:"codes"`
}

func TestDecode(t *testing.T) {
	t.Parallel()

	var d document
	require.NoError(t, strictyaml.Decode([]byte("name: 甲\ncount: 3\nfrom: 2019-07-30\ncodes: {\"1\": one}\n"), &d))
	require.Equal(t, document{
		Name: "甲", Count: 3, From: casework.Date{Year: 2019, Month: 7, Day: 30}, Codes: map[string]string{"1": "one"},
	}, d)
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()

	for name, text := range map[string]string{
		"nothing":            "",
		"only a comment":     "# nothing here\n",
		"unknown key":        "name: 甲\ncuont: 3\n",
		"key twice":          "name: 甲\nname: 乙\n",
		"code twice":         "codes: {\"1\": one, \"1\": two}\n",
		"second document":    "name: 甲\n---\nname: 乙\n",
		"wrong type":         "count: many\n",
		"day that is no day": "from: 2026-02-30\n",
		"not YAML":           "name: [\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var d document
			require.Error(t, strictyaml.Decode([]byte(text), &d))
		})
	}
}
