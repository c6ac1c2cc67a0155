package attachments

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// The bounds of what an Office document may unpack to.
const (
	maxParts    = 5000
	maxUnpacked = 200 << 20 // bytes of all parts together
	maxRatio    = 200       // of a part to its packed size, from a megabyte on
	freeOfRatio = 1 << 20
)

// ooxml gives the check of an Office document whose main part has this name: that
// it is one, unpacks to something of a sane size, leads out of nowhere, and holds no
// program. It unpacks all of it, because what a file says of its own size may be a
// lie.
func ooxml(main string) func([]byte) error {
	return func(content []byte) error {
		archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		if err != nil || len(archive.File) > maxParts {
			return refuse("file_archive", "the document cannot be unpacked, or has too many parts")
		}
		names := map[string]bool{}
		left := int64(maxUnpacked)
		for _, part := range archive.File {
			if err := checkPart(part); err != nil {
				return err
			}
			if names[part.Name] {
				return refuse("file_archive", "two parts of the document have one name")
			}
			names[part.Name] = true
			n, err := unpack(part, left)
			if err != nil {
				return err
			}
			left -= n
		}
		if !names["[Content_Types].xml"] || !names[main] {
			return refuse("file_archive", "the document lacks its main part")
		}
		return checkContentTypes(archive)
	}
}

func checkPart(part *zip.File) error {
	name := part.Name
	outside := strings.HasPrefix(name, "/") || strings.ContainsAny(name, "\\:\x00") || slices.Contains(strings.Split(name, "/"), "..")
	encrypted := part.Flags&1 != 0
	link := part.Mode().Type()&^fs.ModeDir != 0
	if outside || encrypted || link {
		return refuse("file_archive", "a part of the document leads outside, is encrypted, or is no file")
	}
	lower := strings.ToLower(name)
	for _, program := range []string{"vbaproject", "vbadata.xml", "macrosheets/", "dialogsheets/", "activex/"} {
		if strings.Contains(lower, program) {
			return refuse("file_macros", "the document holds macros")
		}
	}
	switch path.Ext(lower) {
	case ".exe", ".dll", ".js", ".vbs", ".ps1", ".bat", ".cmd", ".scr", ".lnk", ".hta", ".jar", ".docm", ".xlsm", ".pptm", ".html", ".htm", ".svgz":
		return refuse("file_macros", "the document holds a program")
	}
	return nil
}

// unpack reads a part to its end and gives its size, which may not pass left.
func unpack(part *zip.File, left int64) (int64, error) {
	reader, err := part.Open()
	if err != nil {
		return 0, refuse("file_archive", "a part of the document cannot be unpacked")
	}
	defer func() { _ = reader.Close() }()
	n, err := io.Copy(io.Discard, io.LimitReader(reader, left+1))
	packed := max(1, int64(part.CompressedSize64)) //nolint:gosec // G115: the archive lies in memory
	switch {
	case n > left || n > freeOfRatio && n/packed > maxRatio:
		return 0, refuse("file_archive", "the document unpacks to far more than it is")
	case err != nil:
		return 0, refuse("file_archive", "a part of the document cannot be unpacked")
	}
	return n, nil
}

// checkContentTypes looks at what the document says that its parts are: a program
// may have any name.
func checkContentTypes(archive *zip.Reader) error {
	file, err := archive.Open("[Content_Types].xml")
	if err != nil {
		return refuse("file_archive", "the document lacks its main part")
	}
	defer func() { _ = file.Close() }()
	types, err := io.ReadAll(io.LimitReader(file, freeOfRatio))
	if err != nil {
		return refuse("file_archive", "a part of the document cannot be unpacked")
	}
	types = bytes.ToLower(types)
	for _, program := range []string{"macroenabled", "vbaproject", "ms-office.activex"} {
		if bytes.Contains(types, []byte(program)) {
			return refuse("file_macros", "the document holds macros")
		}
	}
	return nil
}
