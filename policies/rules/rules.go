// Package rules holds the rule packs: the dated numbers behind every clock and
// threshold, one YAML file each, embedded. Whoever wants to know why a case is
// due on a day reads the file; its comments cite the article, and mark as 自定
// what the text leaves open.
package rules

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"

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
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list the rule packs: %w", err)
	}
	packs := make([]casework.RulePack, 0, len(names))
	for _, name := range names {
		pack, err := Load(strings.TrimSuffix(name, ".yaml"))
		if err != nil {
			return nil, err
		}
		packs = append(packs, pack)
	}
	return packs, nil
}

func load(from fs.ReadFileFS, id string) (casework.RulePack, error) {
	data, err := from.ReadFile(id + ".yaml")
	if err != nil {
		return casework.RulePack{}, &casework.Error{
			Code: casework.CodeNotFound, Reason: "rule_pack_unknown", Field: "rule_pack",
			Detail: fmt.Sprintf("there is no rule pack %q", id),
		}
	}
	var pack casework.RulePack
	if err := strictyaml.Decode(data, &pack); err != nil {
		return casework.RulePack{}, fmt.Errorf("rule pack %s: %w", id, err)
	}
	if err := pack.Validate(); err != nil {
		return casework.RulePack{}, fmt.Errorf("rule pack %s: %w", id, err)
	}
	if pack.ID != id {
		return casework.RulePack{}, fmt.Errorf("rule pack %s: the file says id %q", id, pack.ID)
	}
	return pack, nil
}
