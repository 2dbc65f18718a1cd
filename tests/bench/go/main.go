// SPDX-License-Identifier: MIT

// Command bench makes calls in Go: by the binding, and by net/http as a program would without it. It takes orders as the programs in C do
// (bench_main.c): with --calls N it makes them and ends; without, it reads numbers of calls from its input and answers each with what they cost.
//
//	create   the binding
//	nethttp  net/http and encoding/json
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The request that all programs of the benchmark send: see bench.h.
const (
	benchToken = "test-key-0000000000000000"
	benchPayer = "3f2b8c1e-7d4a-4c6b-9e0f-1a2b3c4d5e6f"
	benchIP    = "192.0.2.1"
	benchAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
)

// settings is the command line.
type settings struct {
	job, transport, transportDir, caFile string
	port, inFlight, maxConnections       int
	calls, first                         int
}

// subject is what is measured.
type subject interface {
	once(ctx context.Context) error
	// close ends it; an error if what was done is not what was meant, such as connections that were not kept.
	close(calls int) error
}

func (s *settings) url() string { return fmt.Sprintf("https://127.0.0.1:%d/api", s.port) }

// run makes so many calls, inFlight of them at once.
func run(s *settings, on subject, calls int) error {
	workers := s.inFlight
	if workers < 1 {
		workers = 1
	}
	if workers == 1 {
		for i := 0; i < calls; i++ {
			if err := on.once(context.Background()); err != nil {
				return err
			}
		}
		return nil
	}
	var group sync.WaitGroup
	failed := make(chan error, workers)
	for w := 0; w < workers; w++ {
		share := calls / workers
		if w < calls%workers {
			share++
		}
		group.Add(1)
		go func() {
			defer group.Done()
			for i := 0; i < share; i++ {
				if err := on.once(context.Background()); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	group.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

func cpuMicroseconds() int64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return (usage.Utime.Sec+usage.Stime.Sec)*1e6 + int64(usage.Utime.Usec) + int64(usage.Stime.Usec)
}

func resident() int64 {
	text, _ := os.ReadFile("/proc/self/statm")
	pages := int64(-1)
	if fields := strings.Fields(string(text)); len(fields) > 1 {
		pages, _ = strconv.ParseInt(fields[1], 10, 64)
	}
	return pages * int64(os.Getpagesize())
}

// answer makes calls and prints what they cost.
func answer(s *settings, on subject, calls int) error {
	began, cpu := time.Now(), cpuMicroseconds()
	if err := run(s, on, calls); err != nil {
		return err
	}
	cpu, wall := cpuMicroseconds()-cpu, time.Since(began)
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return json.NewEncoder(os.Stdout).Encode(map[string]int64{"calls": int64(calls), "cpu_us": cpu, "wall_us": wall.Microseconds(), "resident": resident(),
		"heap": int64(memory.HeapAlloc), "sample_ns": -1})
}

func serve(s *settings, on subject) (calls int, err error) {
	if s.first > 0 {
		if err := run(s, on, s.first); err != nil {
			return 0, err
		}
	}
	if s.calls >= 0 {
		return s.first + s.calls, answer(s, on, s.calls)
	}
	calls = s.first
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		number, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
		if err == nil {
			calls += number
			err = answer(s, on, number)
		}
		if err != nil {
			return calls, err
		}
	}
	return calls, nil
}

func main() {
	s := &settings{}
	flag.StringVar(&s.job, "job", "create", "create or nethttp")
	flag.StringVar(&s.transport, "transport", "openssl", "of libplastiq")
	flag.StringVar(&s.transportDir, "transport-dir", "", "where it lies; the library's own folder if empty")
	flag.StringVar(&s.caFile, "ca-file", "", "CA certificates to trust")
	flag.IntVar(&s.port, "port", 0, "of the server on 127.0.0.1")
	flag.IntVar(&s.inFlight, "in-flight", 1, "calls at once")
	flag.IntVar(&s.maxConnections, "max-connections", 0, "connections; 0: the default")
	flag.Int("http", 0, "only HTTP/1.1")
	flag.IntVar(&s.calls, "calls", -1, "how many; -1: as the input says")
	flag.IntVar(&s.first, "first", 0, "how many to make before that")
	flag.Parse()
	open := map[string]func(*settings) (subject, error){"create": openPlastiq, "nethttp": openNetHTTP}[s.job]
	err := fmt.Errorf("there is no job %q", s.job)
	if open != nil {
		var on subject
		if on, err = open(s); err == nil {
			var calls int
			calls, err = serve(s, on)
			if closed := on.close(calls); err == nil {
				err = closed
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-go:", err)
		os.Exit(1)
	}
}
