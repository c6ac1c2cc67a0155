//go:build ignore

// Generate makes regions-henan.csv.gz from the statistical list of regions
// (统计用区划代码): a CSV with the columns code, name, level, parent_code.
//
//	go run reference/generate.go LIST.csv reference/regions-henan.csv.gz
//
// The statistical list is a list for statistics. Supervision follows other
// parents, and they are written into the file so that nobody has to know them:
//
//   - 419000000000 省直辖县级行政区划 is a bucket and no government. It is dropped.
//   - 419001000000 济源市 becomes a city under the province.
//   - The ten directly managed counties (省直管县) stay counties under the province.
//
// Everything else keeps the parent that the list gives it. The output is the
// same, byte by byte, for the same list: sorted by level and code, no time in
// the gzip header.
package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"os"
	"slices"
)

const (
	province = "410000000000"
	bucket   = "419000000000"
	jiyuan   = "419001000000"
)

var (
	levels  = []string{"province", "city", "county", "township", "village"}
	header  = []string{"code", "name", "level", "parent_code"}
	managed = []string{
		"410181000000", // 巩义市
		"410225000000", // 兰考县
		"410482000000", // 汝州市
		"410526000000", // 滑县
		"410783000000", // 长垣市
		"411381000000", // 邓州市
		"411481000000", // 永城市
		"411525000000", // 固始县
		"411628000000", // 鹿邑县
		"411729000000", // 新蔡县
	}
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go run reference/generate.go LIST.csv OUT.csv.gz")
		os.Exit(2)
	}
	if err := generate(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(in, out string) error {
	data, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff")))).ReadAll()
	if err != nil {
		return err
	}
	if len(rows) == 0 || !slices.Equal(rows[0], header) {
		return fmt.Errorf("%s: the columns are not %v", in, header)
	}
	regions := slices.DeleteFunc(rows[1:], func(r []string) bool { return r[0] == bucket })
	changed := 0
	for _, r := range regions {
		switch {
		case r[0] == jiyuan:
			r[2], r[3] = "city", province
			changed++
		case slices.Contains(managed, r[0]):
			r[3] = province
			changed++
		}
	}
	if changed != len(managed)+1 {
		return fmt.Errorf("%d regions were given to the province, not %d: the list is not the one expected", changed, len(managed)+1)
	}
	slices.SortFunc(regions, func(a, b []string) int {
		return cmp.Or(cmp.Compare(slices.Index(levels, a[2]), slices.Index(levels, b[2])), cmp.Compare(a[0], b[0]))
	})
	var packed bytes.Buffer
	zipper, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	writer := csv.NewWriter(zipper)
	if err := writer.WriteAll(append([][]string{header}, regions...)); err != nil {
		return err
	}
	if err := zipper.Close(); err != nil {
		return err
	}
	return os.WriteFile(out, packed.Bytes(), 0o644)
}
