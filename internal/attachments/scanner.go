package attachments

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"guiling/internal/casework"
)

// Scanner looks for viruses.
type Scanner interface {
	// Scan gives nil for a file in which nothing was found. One with a virus is
	// CodeInvalid; when the scanner gives no clear answer, CodeUnavailable: nothing may
	// then be kept.
	Scan(ctx context.Context, content []byte) error
}

// How long a scanner may take, in all, and the size of the pieces it is sent.
const (
	scanPatience = 20 * time.Second
	scanPiece    = 64 << 10
	maxScanReply = 4 << 10
)

// Clamd asks a clamd, or whatever speaks its INSTREAM, one connection for each file.
type Clamd struct {
	network, address string
	patience         time.Duration
}

// NewClamd prepares the scanner at an address: host:port, or unix: and the path of
// a socket.
func NewClamd(address string) (Clamd, error) {
	if socket, ok := strings.CutPrefix(address, "unix:"); ok {
		if !strings.HasPrefix(socket, "/") {
			return Clamd{}, errors.New("the socket of the scanner has a full path")
		}
		return Clamd{"unix", socket, scanPatience}, nil
	}
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		return Clamd{}, errors.New("the address of the scanner is host:port, or unix: and a path")
	}
	return Clamd{"tcp", address, scanPatience}, nil
}

// Within gives the scanner with another patience, in all.
func (c Clamd) Within(patience time.Duration) Clamd {
	c.patience = patience
	return c
}

// Scan implements Scanner.
func (c Clamd) Scan(ctx context.Context, content []byte) error {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	reply, err := c.ask(ctx, content)
	if err != nil {
		return away(err.Error())
	}
	verdict, said := strings.CutPrefix(reply, "stream: ")
	switch {
	case said && verdict == "OK":
		return nil
	case said && strings.HasSuffix(verdict, " FOUND"):
		return refuse("file_infected", "the scanner found "+strings.TrimSuffix(verdict, " FOUND"))
	default:
		return away(fmt.Sprintf("the scanner answered %.200q", reply))
	}
}

func away(detail string) error {
	return &casework.Error{Code: casework.CodeUnavailable, Reason: "scanner_away", Field: "file", Detail: detail}
}

func (c Clamd) ask(ctx context.Context, content []byte) (string, error) {
	conn, err := new(net.Dialer).DialContext(ctx, c.network, c.address)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	// Whoever waits no longer, waits for no answer of the scanner.
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	sent := send(conn, content)
	// It may say what is wrong and hang up before it has heard everything.
	reply, err := io.ReadAll(io.LimitReader(conn, maxScanReply))
	text := strings.TrimRight(string(reply), "\x00\r\n")
	switch {
	case text != "":
		if sent != nil && text == "stream: OK" {
			return "", sent // of what it did not hear, it can say nothing
		}
		return text, nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	case sent != nil:
		return "", sent
	case err != nil:
		return "", err
	default:
		return "", io.ErrUnexpectedEOF
	}
}

func send(w io.Writer, content []byte) error {
	if _, err := io.WriteString(w, "zINSTREAM\x00"); err != nil {
		return err
	}
	for len(content) > 0 {
		piece := content[:min(scanPiece, len(content))]
		content = content[len(piece):]
		head := binary.BigEndian.AppendUint32(nil, uint32(len(piece))) //nolint:gosec // G115: at most scanPiece
		if _, err := w.Write(head); err != nil {
			return err
		}
		if _, err := w.Write(piece); err != nil {
			return err
		}
	}
	_, err := w.Write(make([]byte, 4))
	return err
}
