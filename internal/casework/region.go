package casework

import (
	"slices"
	"strings"
)

// AdminLevel is one of the five levels of government (五级).
type AdminLevel string

// The five levels, highest first.
const (
	LevelProvince AdminLevel = "province"
	LevelCity     AdminLevel = "city"
	LevelCounty   AdminLevel = "county"
	LevelTownship AdminLevel = "township"
	LevelVillage  AdminLevel = "village"
)

// AdminLevels lists the levels, highest first.
func AdminLevels() []AdminLevel {
	return []AdminLevel{LevelProvince, LevelCity, LevelCounty, LevelTownship, LevelVillage}
}

// Valid reports whether l is one of the five levels.
func (l AdminLevel) Valid() bool { return slices.Contains(AdminLevels(), l) }

// AtLeast reports whether l is the same level as other or a higher one.
func (l AdminLevel) AtLeast(other AdminLevel) bool {
	i, j := slices.Index(AdminLevels(), l), slices.Index(AdminLevels(), other)
	return i >= 0 && j >= 0 && i <= j
}

// Region is one place in the tree of government. ParentCode is explicit:
// 济源 419001 and the directly managed counties answer to the province, which
// no prefix of their code says.
type Region struct {
	Code       string // 12 digits
	Name       string
	Level      AdminLevel
	ParentCode string // empty for the province
}

// NormalizeRegionCode brings a region code of 6, 9 or 12 digits, as sources
// send them, to 12 digits. It reports false for anything else.
func NormalizeRegionCode(code string) (string, bool) {
	switch len(code) {
	case 6, 9, 12:
	default:
		return "", false
	}
	for _, c := range code {
		if c < '0' || c > '9' {
			return "", false
		}
	}
	return code + strings.Repeat("0", 12-len(code)), true
}
