package attachments_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"guiling/internal/attachments"
	"guiling/internal/casework"
)

// clamd answers as one does. serve gets the connection when the command has come.
func clamd(t *testing.T, network, address string, serve func(conn net.Conn)) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), network, address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				command := make([]byte, len("zINSTREAM\x00"))
				if _, err := io.ReadFull(conn, command); err == nil && string(command) == "zINSTREAM\x00" {
					serve(conn)
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// hear reads what was sent, piece by piece.
func hear(conn net.Conn) []byte {
	var all []byte
	for {
		head := make([]byte, 4)
		if _, err := io.ReadFull(conn, head); err != nil {
			return nil
		}
		n := binary.BigEndian.Uint32(head)
		if n == 0 {
			return all
		}
		piece := make([]byte, n)
		if _, err := io.ReadFull(conn, piece); err != nil {
			return nil
		}
		all = append(all, piece...)
	}
}

func TestScanner(t *testing.T) {
	t.Parallel()
	judge := func(conn net.Conn) {
		verdict := "stream: OK\x00"
		if bytes.Contains(hear(conn), []byte("EICAR")) {
			verdict = "stream: Win.Test.EICAR_HDB-1 FOUND\x00"
		}
		_, _ = io.WriteString(conn, verdict)
	}
	says := func(words string) func(net.Conn) {
		return func(conn net.Conn) { hear(conn); _, _ = io.WriteString(conn, words) }
	}
	big := append(bytes.Repeat([]byte("a"), 300<<10), "EICAR"...)
	for name, c := range map[string]struct {
		serve   func(net.Conn)
		content []byte
		code    casework.Code
		reason  string
	}{
		"clean":             {judge, []byte("无事"), "", ""},
		"a virus":           {judge, []byte("EICAR"), casework.CodeInvalid, "file_infected"},
		"at the very end":   {judge, big, casework.CodeInvalid, "file_infected"},
		"an error":          {says("INSTREAM size limit exceeded. ERROR\x00"), []byte("a"), casework.CodeUnavailable, "scanner_away"},
		"nothing":           {says(""), []byte("a"), casework.CodeUnavailable, "scanner_away"},
		"half an answer":    {says("stream: O"), []byte("a"), casework.CodeUnavailable, "scanner_away"},
		"something else":    {says("HTTP/1.1 200 OK\r\n\r\n"), []byte("a"), casework.CodeUnavailable, "scanner_away"},
		"an endless answer": {says(strings.Repeat("stream: OK ", 10000)), []byte("a"), casework.CodeUnavailable, "scanner_away"},
		"closes midway":     {func(conn net.Conn) { _, _ = io.CopyN(io.Discard, conn, 1000) }, big, casework.CodeUnavailable, "scanner_away"},
		"OK before the end": {func(conn net.Conn) {
			_, _ = io.WriteString(conn, "stream: OK\x00")
		}, bytes.Repeat([]byte("a"), 20<<20), casework.CodeUnavailable, "scanner_away"},
		"hangs": {func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }, []byte("a"), casework.CodeUnavailable, "scanner_away"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scanner, err := attachments.NewClamd(clamd(t, "tcp", "127.0.0.1:0", c.serve))
			require.NoError(t, err)
			patience := 20 * time.Second
			if name == "hangs" {
				patience = 200 * time.Millisecond
			}
			err = scanner.Within(patience).Scan(t.Context(), c.content)
			if c.code == "" {
				require.NoError(t, err)
				return
			}
			domain, ok := casework.AsError(err)
			require.True(t, ok, "%v", err)
			require.Equal(t, c.code, domain.Code, domain.Detail)
			require.Equal(t, c.reason, domain.Reason)
		})
	}
}

func TestScannerIsAway(t *testing.T) {
	t.Parallel()
	gone, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, gone.Close())
	scanner, err := attachments.NewClamd(gone.Addr().String())
	require.NoError(t, err)
	domain, ok := casework.AsError(scanner.Scan(t.Context(), []byte("a")))
	require.True(t, ok)
	require.Equal(t, casework.CodeUnavailable, domain.Code)

	// Somebody who waits no longer is told at once.
	hangs, err := attachments.NewClamd(clamd(t, "tcp", "127.0.0.1:0", func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.Error(t, hangs.Scan(ctx, []byte("a")))
}

func TestScannerAddresses(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "clamd.ctl")
	clamd(t, "unix", socket, func(conn net.Conn) { hear(conn); _, _ = io.WriteString(conn, "stream: OK\x00") })
	scanner, err := attachments.NewClamd("unix:" + socket)
	require.NoError(t, err)
	require.NoError(t, scanner.Scan(t.Context(), []byte("a")))
	for _, address := range []string{"", "clamav", "unix:relative.sock", "127.0.0.1:"} {
		_, err := attachments.NewClamd(address)
		require.Error(t, err, address)
	}
}
