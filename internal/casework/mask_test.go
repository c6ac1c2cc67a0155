package casework_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"guiling/internal/casework"
)

func TestMaskName(t *testing.T) {
	t.Parallel()

	for name, want := range map[string]string{
		"张三": "张*", "张三丰": "张*", "欧阳谷雨": "欧*", " 王某甲 ": "王*",
		"䶮𠮷某": "䶮*", "𠮷某": "𠮷*", "Smith": "S*",
		"张": "*", "𠮷": "*", // one character would be shown whole
		"": "", "  ": "",
		"' OR '1'='1": "*", "12031676000": "*", "=A1": "*", "\xff\xfe": "*", "*": "*",
	} {
		require.Equal(t, want, casework.MaskName(name), "%q", name)
	}
}

func TestMaskPhone(t *testing.T) {
	t.Parallel()

	for phone, want := range map[string]string{
		"13800001234": "138****1234", "12031676000": "120****6000",
		"+8613800001234": "138****1234", "138-0000-1234": "138****1234", " 138 0000 1234 ": "138****1234",
		"":  "",
		"1": "****", "12345": "****", "0375-1234567": "****", "23800001234": "****", "1380000123a": "****",
		"１３８００００１２３４": "****", "138000012345": "****", "\xff": "****",
	} {
		require.Equal(t, want, casework.MaskPhone(phone), "%q", phone)
	}
}

func TestMaskIDNumber(t *testing.T) {
	t.Parallel()

	for id, want := range map[string]string{
		"990000196005250006": "9****************6", "99000019651002005X": "9****************X",
		"990000651002005": "9*************5",
		"":                "",
		"9":               "****", "99000019600525000": "****", "X90000196005250006": "****", "9900001960052500061": "****",
		"91410411MA0000000X": "****", "𠮷": "****",
	} {
		require.Equal(t, want, casework.MaskIDNumber(id), "%q", id)
	}
}

// Whatever comes in, a mask shows no more digits than its form allows, never as
// much as came in, and only text that can be stored.
func TestMasksNeverLeakDigits(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		in := rapid.OneOf(
			rapid.String(),
			rapid.StringMatching(`[0-9]{0,20}[xX]?`),
			rapid.StringMatching(`(\+86)?1[0-9]{10}`),
			rapid.StringMatching(`[0-9 -]{0,20}`),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		).Draw(t, "in")
		for name, m := range map[string]struct {
			mask   func(string) string
			digits int
		}{
			"name":  {casework.MaskName, 0},
			"phone": {casework.MaskPhone, 7},
			"id":    {casework.MaskIDNumber, 2},
		} {
			out := m.mask(in)
			require.LessOrEqual(t, digits(out), m.digits, "%s %q → %q", name, in, out)
			require.True(t, utf8.ValidString(out), name)
			if strings.TrimSpace(in) != "" && out != "" {
				require.Contains(t, out, "*", name)
			}
			if n := digits(in); n > 0 {
				require.Less(t, digits(out), n, "%s %q → %q", name, in, out)
			}
		}
	})
}

func digits(s string) int {
	n := 0
	for _, r := range s {
		if r >= '0' && r <= '9' {
			n++
		}
	}
	return n
}

func TestNormalizeRegionCode(t *testing.T) {
	t.Parallel()

	for code, want := range map[string]string{
		"410411": "410411000000", "410411200": "410411200000", "410411200201": "410411200201", "419001": "419001000000",
	} {
		got, ok := casework.NormalizeRegionCode(code)
		require.True(t, ok)
		require.Equal(t, want, got)
	}
	for _, code := range []string{"", "41", "4104", "41041", "4104112", "41041120020", "4104112002010", "41041a", "４１０４１１", "410 11", "-10411"} {
		_, ok := casework.NormalizeRegionCode(code)
		require.False(t, ok, code)
	}
}

func TestNormalizeRegionCodeProperty(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		in := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9]{0,14}`)).Draw(t, "in")
		out, ok := casework.NormalizeRegionCode(in)
		if !ok {
			require.Empty(t, out)
			return
		}
		require.Len(t, out, 12)
		require.True(t, strings.HasPrefix(out, in))
		require.Equal(t, 12, digits(out))
		again, ok := casework.NormalizeRegionCode(out)
		require.True(t, ok)
		require.Equal(t, out, again, "what is normal stays as it is")
	})
}
