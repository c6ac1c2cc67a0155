package localpg

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strconv"
)

// Ports are chosen from minPort to maxPort. The upper limit is a hard one:
// the Temporal server keeps its ports in a signed 16 bit column. It also lies
// below the range from which Linux takes the local ports of outgoing
// connections, so nothing takes a chosen port by accident.
const (
	minPort = 20000
	maxPort = 32767
)

// FreePorts chooses n different TCP ports that are free on 127.0.0.1, all
// below 32768. They are free at this moment and not reserved.
func FreePorts(ctx context.Context, n int) (ports []int, err error) {
	var listeners []net.Listener
	// They close together, at the end, or one port would be chosen twice.
	defer func() {
		for _, l := range listeners {
			err = errors.Join(err, l.Close())
		}
	}()
	const tries = 1000
	for range tries {
		if len(ports) == n {
			return ports, nil
		}
		offset, err := rand.Int(rand.Reader, big.NewInt(maxPort-minPort+1))
		if err != nil {
			return nil, fmt.Errorf("choose a free port: %w", err)
		}
		port := minPort + int(offset.Int64())
		if l, err := listen(ctx, port); err == nil {
			listeners = append(listeners, l)
			ports = append(ports, port)
		}
	}
	return nil, fmt.Errorf("choose %d free ports between %d and %d: none left", n, minPort, maxPort)
}

func portFree(ctx context.Context, port int) bool {
	l, err := listen(ctx, port)
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func listen(ctx context.Context, port int) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp4", net.JoinHostPort(loopback, strconv.Itoa(port)))
}
