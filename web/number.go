package web

import "strconv"

// grouped writes a number with a comma between its thousands, as both languages do.
func grouped[T ~int | ~int64](number T) string {
	digits := strconv.FormatInt(int64(number), 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
