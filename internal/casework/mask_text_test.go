package casework_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"guiling/internal/casework"
)

func TestMaskText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                         "",
		"跑了四趟还没办成":                 "跑了四趟还没办成",
		"请打13800001234找我":          "请打138****1234找我",
		"电话：12000007919。":          "电话：120****7919。",
		"+8613800001234":           "+138****1234",
		"138 0000 1234":            "138****1234",
		"138-0000-1234，急":          "138****1234，急",
		"86 138 0000 1234":         "138****1234",
		"１３８００００１２３４":              "138****1234",
		"0375-1234567":             "****",
		"身份证990000196102020018":    "身份证9****************8",
		"99000019610202001X办的":     "9****************X办的",
		"990000 19610202 0018":     "9****************8",
		"990000-19610202-001X":     "9****************X",
		"卡6222021234567890123":     "卡****",
		"电话1380000123413900001234": "电话****",
		"2026-12-01 10:30 等了3小时":   "2026-12-01 10:30 等了3小时",
		"2026-12-01 2026-12-15":    "2026-12-01 2026-12-15",
		"并入410411-20261102-000011": "并入410411-20261102-000011",
		"花了1200.50元，打12345投诉":      "花了1200.50元，打12345投诉",
		"李某庚说":                     "李*说",
		"138****1234":              "138****1234",
	} {
		require.Equal(t, want, casework.MaskText(text, "李某庚", "", "庚"), "%q", text)
	}
}

// Whatever is written around a number, in whatever grouping, nothing of its
// shape is left, and a second mask finds nothing more to hide.
func TestMaskTextLeavesNoNumber(t *testing.T) {
	t.Parallel()
	shapes := regexp.MustCompile(`[0-9]{11}|1[0-9]{2}[ -][0-9]{4}[ -][0-9]{4}|[0-9]{17}[0-9Xx]`)
	rapid.Check(t, func(t *rapid.T) {
		around := rapid.StringMatching(`[一-鿆a-z，。：；（）\n0-9 .-]{0,12}`)
		phone := rapid.StringMatching(`1[2-9][0-9]{9}`).Draw(t, "phone")
		id := rapid.StringMatching(`[1-9][0-9]{5}(19|20)[0-9]{9}[0-9X]`).Draw(t, "id")
		switch rapid.IntRange(0, 2).Draw(t, "form") {
		case 1:
			phone = phone[:3] + "-" + phone[3:7] + "-" + phone[7:]
		case 2:
			phone = phone[:3] + " " + phone[3:7] + " " + phone[7:]
		default:
		}
		text := around.Draw(t, "before") + "，" + phone + "，" + around.Draw(t, "between") + "；" + id + "，" + around.Draw(t, "after")
		masked := casework.MaskText(text)
		require.NotRegexp(t, shapes, masked, "%q", text)
		require.False(t, strings.Contains(masked, phone) || strings.Contains(masked, id), "%q became %q", text, masked)
		require.Equal(t, masked, casework.MaskText(masked))
	})
}
