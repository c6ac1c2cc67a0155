// Package rules holds the rule packs: the dated numbers behind every clock and
// threshold, one YAML file each, embedded. Whoever wants to know why a case is
// due on a day reads the file; its comments cite the article, and mark as 自定
// what the text leaves open.
package rules

import (
	"embed"
	"io/fs"

	"guiling/internal/casework"
	"guiling/internal/strictyaml"
)

// DefaultID is the pack with which a new case starts.
const DefaultID = "henan-2019"

//go:embed *.yaml
var files embed.FS

// Load gives the pack that is kept in <id>.yaml. A pack that is not there is
// CodeNotFound; one that does not validate is an error too, and cannot be used
// in part.
func Load(id string) (casework.RulePack, error) {
	return load(files, id)
}

// Default gives the pack of Henan 2019.
func Default() (casework.RulePack, error) { return Load(DefaultID) }

// All gives every pack, in the order of their ids. The program calls it at
// start, so that a broken pack stops it there and not at the first case.
func All() ([]casework.RulePack, error) {
	return strictyaml.LoadAll[casework.RulePack](files, unknown())
}

// Parse reads a pack that is not kept here: a draft. One that is malformed or does
// not validate is CodeInvalid with the field at fault, or "pack".
func Parse(data []byte) (casework.RulePack, error) {
	var pack casework.RulePack
	if err := strictyaml.Decode(data, &pack); err != nil {
		return casework.RulePack{}, casework.Invalid("pack", "rule_pack_malformed", err.Error())
	}
	return pack, pack.Validate()
}

func load(from fs.FS, id string) (casework.RulePack, error) {
	return strictyaml.Load[casework.RulePack](from, id, unknown())
}

func unknown() casework.Error {
	return casework.Error{Code: casework.CodeNotFound, Reason: "rule_pack_unknown", Field: "rule_pack"}
}
