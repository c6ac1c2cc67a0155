package bench_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"sync"
)

// statement is what one request asked the database, as it asked it.
type statement struct {
	text string
	args []any
	rows bool // it was asked for rows
}

// recorder keeps what goes over the connections of a store, while it is on.
type recorder struct {
	mu   sync.Mutex
	on   bool
	said []statement
}

// during gives what is asked while do runs.
func (r *recorder) during(do func()) []statement {
	r.mu.Lock()
	r.on, r.said = true, nil
	r.mu.Unlock()
	do()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.on = false
	return r.said
}

func (r *recorder) note(text string, rows bool, args []driver.NamedValue) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.on {
		return
	}
	s := statement{text: text, rows: rows}
	for _, arg := range args {
		s.args = append(s.args, arg.Value)
	}
	r.said = append(r.said, s)
}

func (r *recorder) through(c driver.Connector) driver.Connector { return recordedConnector{c, r} }

type recordedConnector struct {
	driver.Connector

	recorder *recorder
}

func (c recordedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn, ok := inner.(fullConn)
	if !ok {
		return nil, fmt.Errorf("the driver's connection %T lacks a method", inner)
	}
	return &recordedConn{conn, c.recorder}, nil
}

// fullConn is all that database/sql asks of a connection of this driver.
type fullConn interface {
	driver.Conn
	driver.QueryerContext
	driver.ExecerContext
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.Pinger
	driver.SessionResetter
	driver.Validator
	driver.NamedValueChecker
}

type recordedConn struct {
	fullConn

	recorder *recorder
}

func (c *recordedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.recorder.note(query, true, args)
	return c.fullConn.QueryContext(ctx, query, args)
}

func (c *recordedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.recorder.note(query, false, args)
	return c.fullConn.ExecContext(ctx, query, args)
}

func (c *recordedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	begin := "BEGIN"
	if sql.IsolationLevel(opts.Isolation) == sql.LevelRepeatableRead {
		begin += " ISOLATION LEVEL REPEATABLE READ"
	}
	if opts.ReadOnly {
		begin += " READ ONLY"
	}
	c.recorder.note(begin, false, nil)
	tx, err := c.fullConn.BeginTx(ctx, opts)
	return recordedTx{tx, c.recorder}, err
}

type recordedTx struct {
	driver.Tx

	recorder *recorder
}

func (t recordedTx) Commit() error {
	t.recorder.note("COMMIT", false, nil)
	return t.Tx.Commit()
}

func (t recordedTx) Rollback() error {
	t.recorder.note("ROLLBACK", false, nil)
	return t.Tx.Rollback()
}

// replay asks the same of a connection and reads every row, as bytes.
func replay(ctx context.Context, conn *sql.Conn, statements []statement) error {
	for _, s := range statements {
		if !s.rows {
			if _, err := conn.ExecContext(ctx, s.text, s.args...); err != nil {
				return fmt.Errorf("%s: %w", s.text, err)
			}
			continue
		}
		if err := read(ctx, conn, s); err != nil {
			return fmt.Errorf("%s: %w", s.text, err)
		}
	}
	return nil
}

func read(ctx context.Context, conn *sql.Conn, s statement) error {
	rows, err := conn.QueryContext(ctx, s.text, s.args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	places := make([]any, len(columns))
	for i := range places {
		places[i] = new(sql.RawBytes)
	}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err
		}
	}
	return rows.Err()
}
