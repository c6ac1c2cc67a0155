package store

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// listing is a list as SQL: read by pages, or as a whole when it is taken out as a
// file, under the same conditions.
type listing struct {
	of                   ViewedList // for conditions that mean something else for tasks
	columns, from, order string
	joins                []string // that conditions need beside from
	conditions           []string
	args                 []any
}

// need joins what is not joined yet.
func (l *listing) need(joins ...string) {
	for _, join := range joins {
		if !strings.Contains(l.from+strings.Join(l.joins, " "), join) {
			l.joins = append(l.joins, join)
		}
	}
}

// add narrows the list. Each %d of the condition is the place of a value, %[1]d
// that of the first.
func (l *listing) add(condition string, values ...any) {
	if len(values) > 0 {
		places := make([]any, len(values))
		for i := range values {
			places[i] = len(l.args) + i + 1
		}
		condition = fmt.Sprintf(condition, places...)
	}
	l.conditions = append(l.conditions, condition)
	l.args = append(l.args, values...)
}

// within leaves only what lies in scope; the list has cases as c.
func (l *listing) within(scope Scope) {
	inScope, args := scope.where(len(l.args) + 1)
	l.conditions = append(l.conditions, inScope)
	l.args = append(l.args, args...)
}

// addPerson leaves only what somebody did, named by a number, or by part of the
// name or the user name; the list joins users as u.
func (l *listing) addPerson(column string, id int64, part string) {
	if id != 0 {
		l.add(column+" = $%d", id)
	}
	if part != "" {
		l.add("(strpos(u.display_name, $%[1]d) > 0 OR u.username = $%[1]d)", part)
	}
}

// addTimes leaves only what was at or after from, and before until.
func (l *listing) addTimes(column string, from, until time.Time) {
	if !from.IsZero() {
		l.add(column+" >= $%d", from)
	}
	if !until.IsZero() {
		l.add(column+" < $%d", until)
	}
}

// tail is everything from FROM to the end of the conditions.
func (l listing) tail() string {
	return l.from + " " + strings.Join(l.joins, " ") + ` WHERE ` + strings.Join(l.conditions, " AND ")
}

// page is the query for the first rows.
func (l listing) page(limit int) (query string, args []any) {
	args = append(slices.Clip(l.args), limit)
	return `SELECT` + l.columns + l.tail() + fmt.Sprintf(` ORDER BY %s LIMIT $%d`, l.order, len(args)), args
}

// count is the query for how many rows there are, counted no further than limit.
func (l listing) count(limit int) (query string, args []any) {
	args = append(slices.Clip(l.args), limit)
	return `SELECT count(*) FROM (SELECT` + l.tail() + fmt.Sprintf(` LIMIT $%d) AS counted`, len(args)), args
}
