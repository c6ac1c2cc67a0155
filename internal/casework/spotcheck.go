package casework

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
)

// SpotCheckDraw is what the plan of the month says about one case.
type SpotCheckDraw struct {
	Month    string `json:"month"`
	SeedHash string `json:"seed_hash"`
	Drawn    bool   `json:"drawn"`
}

// Drawn reports whether the lot falls on a case: HMAC-SHA256(seed, number),
// read as a fraction of one, lies under the rate. Who knows the seed can draw
// again and must get the same cases (第十条).
func Drawn(seed []byte, number string, ratePerMille int) bool {
	mac := hmac.New(sha256.New, seed)
	mac.Write([]byte(number))
	fraction := binary.BigEndian.Uint64(mac.Sum(nil))
	perMille, _ := bits.Mul64(fraction, 1000) // floor(fraction × 1000 / 2^64)
	return perMille < uint64(max(0, ratePerMille))
}

// SeedHash is the commitment to a seed, published before the month begins.
func SeedHash(seed []byte) string {
	sum := sha256.Sum256(seed)
	return hex.EncodeToString(sum[:])
}

// DecideSpotCheck sends a closed case to a spot check or to the archive. Cases
// about integrity, reopened cases and escalated cases are always checked.
func DecideSpotCheck(s State, draw SpotCheckDraw) []EventBody {
	var reasons []SpotCheckReason
	if draw.Drawn {
		reasons = append(reasons, CheckDrawn)
	}
	if s.Integrity {
		reasons = append(reasons, CheckIntegrity)
	}
	if s.Reopenings > 0 {
		reasons = append(reasons, CheckReopened)
	}
	if s.EverEscalated {
		reasons = append(reasons, CheckEscalated)
	}
	if len(reasons) == 0 {
		return []EventBody{Archived{}}
	}
	return []EventBody{SpotCheckDrawn{Month: draw.Month, SeedHash: draw.SeedHash, Reasons: reasons}}
}
