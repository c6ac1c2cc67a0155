// Package bench measures the pages that people work in all day over a database as
// large as that of a province: how long the server takes for each, and how long the
// database alone takes for the same statements. `make bench-inbox` runs it; its
// tests run it small.
package bench
