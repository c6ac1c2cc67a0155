// Command licences lists what the product is built on and under which licences.
// It is run in the folder tools, by make licences.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	write := flag.String("write", "", "`file` to write the list to instead of printing it")
	flag.Parse()
	if err := run(context.Background(), *write); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, write string) error {
	product, err := modulesOf(ctx, "..", "./cmd/guiling")
	if err != nil {
		return err
	}
	standalone, err := modulesOf(ctx, "../standalone", ".")
	if err != nil {
		return err
	}
	if lines := append(refusedOf(product), refusedOf(standalone)...); len(lines) > 0 {
		return fmt.Errorf("licences that we do not accept:\n  %s", strings.Join(lines, "\n  "))
	}
	text := document(product, standalone)
	if write == "" {
		fmt.Print(text)
		return nil
	}
	return os.WriteFile(write, []byte(text), 0o644) //nolint:gosec // G306: a document, readable as the others
}
