package main

import (
	"fmt"
	"io"
)

// progress tells the person at the terminal what happens, in both languages.
type progress struct {
	out io.Writer
}

func (p progress) line(chinese, english string) {
	fmt.Fprintf(p.out, "%s %s\n", chinese, english)
}

func (p progress) linef(chinese, english string, args ...any) {
	// The arguments belong to the last words of the line, after both languages.
	fmt.Fprintf(p.out, chinese+" "+english+"\n", args...)
}
