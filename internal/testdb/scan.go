package testdb

import (
	"bytes"
	"database/sql"
	"fmt"
	"testing"

	"github.com/lib/pq"
)

// Find looks for words in every column of every row of every table of a database,
// whatever its type, and tells where they are: schema, table, column and the word.
// What is encrypted holds none of them, so no column is spared.
func Find(t testing.TB, databaseURL string, words []string) []string {
	t.Helper()
	db, err := sql.Open("postgres", databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	tables, err := db.QueryContext(t.Context(), `
		SELECT table_schema, table_name FROM information_schema.tables
		WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tables.Close() }()
	var found []string
	for tables.Next() {
		var schema, table string
		if err := tables.Scan(&schema, &table); err != nil {
			t.Fatal(err)
		}
		found = append(found, findIn(t, db, schema, table, words)...)
	}
	if err := tables.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

func findIn(t testing.TB, db *sql.DB, schema, table string, words []string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT * FROM `+pq.QuoteIdentifier(schema)+`.`+pq.QuoteIdentifier(table)) //nolint:gosec // G202: the names come from the catalogue
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values := make([]sql.RawBytes, len(columns))
	places := make([]any, len(columns))
	for i := range values {
		places[i] = &values[i]
	}
	seen := map[string]bool{}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			t.Fatal(err)
		}
		for i, value := range values {
			for _, word := range words {
				if bytes.Contains(value, []byte(word)) {
					seen[fmt.Sprintf("%s.%s.%s: %s", schema, table, columns[i], word)] = true
				}
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	var found []string
	for place := range seen {
		found = append(found, place)
	}
	return found
}
