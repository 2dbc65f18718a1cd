// SPDX-License-Identifier: MIT
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"sync/atomic"
	"time"
)

// theirs does by net/http what a careful program would do: a body by encoding/json, a trace id, all headers, and the whole answer read.
type theirs struct {
	client  *http.Client
	address string
	opened  int64
	most    int64
	trace   *httptrace.ClientTrace
}

func openNetHTTP(s *settings) (subject, error) {
	pem, err := os.ReadFile(s.caFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate", s.caFile)
	}
	most := s.inFlight
	if most < 1 {
		most = 1
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableCompression: true, MaxIdleConnsPerHost: most, MaxConnsPerHost: most,
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}} // HTTP/1.1
	t := &theirs{client: &http.Client{Transport: transport, Timeout: 15 * time.Second}, address: s.url() + "/client-secrets", most: int64(most)}
	t.trace = &httptrace.ClientTrace{ConnectStart: func(string, string) { atomic.AddInt64(&t.opened, 1) }}
	return t, nil
}

func traceID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (t *theirs) once(ctx context.Context) error {
	type payer struct {
		ID string `json:"id"`
	}
	body, err := json.Marshal(struct {
		Payer payer `json:"payer"`
	}{payer{benchPayer}})
	if err != nil {
		return err
	}
	if atomic.LoadInt64(&t.opened) < t.most { // counting costs something: only until all are there
		ctx = httptrace.WithClientTrace(ctx, t.trace)
	}
	request, err := http.NewRequestWithContext(ctx, "POST", t.address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{"Accept": "application/json", "Accept-Encoding": "identity", "Content-Type": "application/json",
		"Authorization": "Bearer " + benchToken, "Trace-Id": traceID(), "User-Agent": benchAgent, "End-User-Ip": benchIP} {
		request.Header.Set(name, value)
	}
	response, err := t.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var answer struct {
		ClientSecret string `json:"clientSecret"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK || answer.ClientSecret == "" {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}

func (t *theirs) close(calls int) error {
	t.client.CloseIdleConnections()
	if opened := atomic.LoadInt64(&t.opened); opened > t.most {
		return fmt.Errorf("%d connections for %d calls", opened, calls)
	}
	return nil
}
