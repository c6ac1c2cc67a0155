package intake

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"guiling/internal/casework"
)

var (
	utf8BOM    = []byte("\ufeff")
	utf16BOMLE = []byte{0xff, 0xfe}
	utf16BOMBE = []byte{0xfe, 0xff}
)

// checkEncoding refuses a file that is plainly in another encoding than its
// source's. Of the lines that are not plain ASCII, those decide that are UTF-8
// and those that are not, but would be GB18030: Chinese text is hardly ever both.
// A few bad lines among good ones are bad rows and no wrong encoding.
func checkEncoding(data []byte, want casework.TextEncoding) error {
	if bytes.HasPrefix(data, utf16BOMLE) || bytes.HasPrefix(data, utf16BOMBE) {
		return refuse("wrong_encoding", "", "the file is UTF-16, save it as UTF-8")
	}
	if want == casework.EncodingGB18030 && bytes.HasPrefix(data, utf8BOM) {
		return refuse("wrong_encoding", "", "the file is UTF-8, and the code book of its source says GB18030")
	}
	isUTF8, isGB18030 := 0, 0
	for line := range bytes.Lines(data) {
		switch {
		case ascii(line):
		case utf8.Valid(line):
			isUTF8++
		default:
			if _, ok := fromGB18030(line); ok {
				isGB18030++
			}
		}
	}
	switch {
	case want == casework.EncodingUTF8 && isGB18030 > isUTF8:
		return refuse("wrong_encoding", "", "the file is not UTF-8, as the code book of its source says; it may be GB18030")
	case want == casework.EncodingGB18030 && isUTF8 > isGB18030:
		return refuse("wrong_encoding", "", "the file is UTF-8, and the code book of its source says GB18030")
	}
	return nil
}

func ascii(line []byte) bool {
	for _, b := range line {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// fromGB18030 brings GB18030 to UTF-8. It reports false when bytes were no
// character; they are U+FFFD in the text.
func fromGB18030(text []byte) (decoded []byte, ok bool) {
	decoded, err := simplifiedchinese.GB18030.NewDecoder().Bytes(text)
	if err != nil {
		return nil, false
	}
	return decoded, !bytes.ContainsRune(decoded, utf8.RuneError)
}
