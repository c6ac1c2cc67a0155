package casework

import "strings"

// NormalPhone gives a phone in the form in which two writings of one number are
// equal: digits only, without the country code. It is empty for what has too few
// digits to be a number.
func NormalPhone(phone string) string {
	number := plainDigits(phone)
	number = strings.TrimPrefix(number, "00")
	if len(number) == 13 && strings.HasPrefix(number, "86") {
		number = number[2:]
	}
	if len(number) < 7 {
		return ""
	}
	return number
}

// NormalIDNumber gives an identity number in the form in which two writings of
// one number are equal: 18 characters, a number of the old form of 15 brought
// over (GB 11643). It is empty for what is neither.
func NormalIDNumber(id string) string {
	number := plainDigits(strings.ToUpper(strings.NewReplacer("ｘ", "X", "Ｘ", "X").Replace(id)))
	switch {
	case len(number) == 15 && asciiDigits(number):
		number = number[:6] + "19" + number[6:]
		return number + string(idCheck(number))
	case len(number) == 18 && asciiDigits(number[:17]):
		return number
	default:
		return ""
	}
}

// plainDigits keeps digits, in ASCII, and the X of an identity number.
func plainDigits(text string) string {
	var out strings.Builder
	for _, r := range text {
		if d := digitOf(r); d != 0 {
			out.WriteRune(d)
		} else if r == 'X' {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// idCheck is the check character of the first 17 digits (ISO 7064 MOD 11-2).
func idCheck(digits string) byte {
	remainder := 0
	for i := range 17 {
		remainder = (remainder + int(digits[i]-'0')) * 2 % 11
	}
	return "10X98765432"[remainder%11]
}
