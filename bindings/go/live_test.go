// SPDX-License-Identifier: MIT

//go:build cgo

package plastiq

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// These tests talk TLS to the emulator, which PLASTIQ_TEST_EMULATOR names. Nothing but PLASTIQ_TRANSPORT says over which transport.

type emulator struct {
	URL    string `json:"url"`
	Admin  string `json:"admin_url"`
	CA     string `json:"ca"`
	folder string
	client *http.Client
}

func startEmulator(t testing.TB, arguments ...string) *emulator {
	t.Helper()
	program := os.Getenv("PLASTIQ_TEST_EMULATOR")
	if program == "" {
		t.Skip("skip: PLASTIQ_TEST_EMULATOR does not name the emulator")
	}
	folder := t.TempDir()
	ready := filepath.Join(folder, "ready")
	command := exec.Command(program, append([]string{"--make-ca", filepath.Join(folder, "ca"), "--ready-file", ready, "--log", "none"}, arguments...)...)
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		if err := command.Wait(); err != nil {
			t.Error("the emulator:", err)
		}
	})
	e := &emulator{folder: folder}
	for i := 0; ; i++ {
		if text, err := os.ReadFile(ready); err == nil {
			if err := json.Unmarshal(text, e); err != nil {
				t.Fatal(err)
			}
			break
		} else if i == 300 {
			t.Fatal("the emulator does not start")
		}
		time.Sleep(20 * time.Millisecond)
	}
	pem, err := os.ReadFile(e.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	e.client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	t.Cleanup(e.client.CloseIdleConnections)
	return e
}

// ask makes a call of the emulator's own, not by the library.
func (e *emulator) ask(t testing.TB, method, address, bearer, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	response, err := e.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func (e *emulator) admin(t testing.TB, method, path, body string) string {
	t.Helper()
	status, text := e.ask(t, method, e.Admin+"/"+path, "", body)
	if status != 200 {
		t.Fatal(status, text)
	}
	return text
}

// use spends a secret as a browser would.
func (e *emulator) use(t testing.TB, secret string) int {
	t.Helper()
	status, _ := e.ask(t, "POST", e.URL+"/payment-methods", secret, `{}`)
	return status
}

func (e *emulator) client_(t testing.TB, more ...Option) *Client {
	t.Helper()
	client, err := NewClient(append([]Option{WithAccessToken(testToken), WithBaseURL(e.URL), WithCAFile(e.CA), WithTransportPathCheck(false)}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

func TestLiveUseAndExpire(t *testing.T) {
	e := startEmulator(t)
	client := e.client_(t)
	transport, err := client.Transport()
	if err != nil || transport.Class != "production" || os.Getenv("PLASTIQ_TRANSPORT") != "" && transport.Name != os.Getenv("PLASTIQ_TRANSPORT") {
		t.Fatal(transport, err)
	}
	t.Log("over", transport.Name, transport.Stack)
	first := create(t, client)
	text, err := first.Reveal()
	if err != nil {
		t.Fatal(err)
	}
	if once, twice := e.use(t, text), e.use(t, text); once != 201 || twice != 401 {
		t.Error(once, twice)
	}
	second := create(t, client)
	if text, err = second.Reveal(); err != nil {
		t.Fatal(err)
	}
	e.admin(t, "POST", "clock", `{"advance_ms": 60001}`)
	if late := e.use(t, text); late != 401 {
		t.Error(late)
	}
	longer, err := client.ClientSecrets.CreateV2(background, &ClientSecretParams{Payer: &Payer{"3f2b8c1e-7d4a-4c6b-9e0f-1a2b3c4d5e6f"}, Type: CardType,
		TraceID: "7b0c2a4e-9d1f-4b6a-8c3e-5f7a9b1c3d5e", UserAgent: "test", EndUserDeviceID: "device-1", EndUserIP: "2001:db8::1",
		CallOptions: CallOptions{Headers: []Header{{"X-Test", "1", false}, {"X-Private", "test-private-1", true}}, Extra: map[string]any{"payerId": "x"}, WantAttempts: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer longer.Close()
	if longer.Life() < 29*time.Minute || longer.TraceID != "7b0c2a4e-9d1f-4b6a-8c3e-5f7a9b1c3d5e" || longer.HTTPStatus != 200 || len(longer.Attempts) != 1 ||
		longer.Attempts[0].TLSVersion != 0x0304 || !longer.Attempts[0].Reused {
		t.Errorf("%v %+v", longer.Life(), longer)
	}
	e.admin(t, "POST", "clock", `{"advance_ms": 60001}`)
	if text, err = longer.Reveal(); err != nil {
		t.Fatal(err)
	}
	if still := e.use(t, text); still != 201 {
		t.Error(still)
	}
}

func TestLiveTokens(t *testing.T) {
	e := startEmulator(t, "--forbidden-key", "test-key-forbidden")
	client := e.client_(t)
	create(t, client)
	e.admin(t, "PUT", "keys", `{"keys": ["test-key-new"], "forbidden": ["test-key-forbidden"]}`)
	_, err := client.ClientSecrets.Create(background, nil)
	failure := fails(t, err, StatusHTTPUnauthorized, "")
	if failure.HTTPStatus != 401 || failure.ServiceCode != "AUTHORIZATION_ERROR" || failure.TraceID == "" || failure.Delivery != Answered || failure.Repeatable {
		t.Errorf("%+v", failure)
	}
	// The second token is tried once.
	if err := client.SetTokens(testToken, "test-key-new"); err != nil {
		t.Fatal(err)
	}
	made, err := client.ClientSecrets.Create(background, &ClientSecretParams{CallOptions: CallOptions{WantAttempts: true}})
	if err != nil || len(made.Attempts) != 2 || made.Attempts[1].Token != 2 {
		t.Fatal(made, err)
	}
	made.Close()
	if err := client.SetTokens("test-key-new", ""); err != nil {
		t.Fatal(err)
	}
	create(t, client)
	if err := client.SetTokens("test-key-forbidden", ""); err != nil {
		t.Fatal(err)
	}
	_, err = client.ClientSecrets.Create(background, nil)
	fails(t, err, StatusHTTPForbidden, "")
	if err := client.SetTokens("", ""); err != nil {
		t.Fatal(err)
	}
	_, err = client.ClientSecrets.Create(background, nil)
	if failure := fails(t, err, StatusTokenMissing, "access_token"); failure.Delivery != NotSent {
		t.Error(failure)
	}
	if failure := fails(t, client.SetTokens("test-key\n", ""), StatusTokenInvalid, "token"); strings.Contains(failure.Error(), "test-key") {
		t.Error("the token leaked")
	}
}

func TestLiveFailures(t *testing.T) {
	e := startEmulator(t)
	client := e.client_(t)
	e.admin(t, "POST", "faults", `[{"status": 503, "retry_after": 1}]`)
	began := time.Now()
	made, err := client.ClientSecrets.Create(background, &ClientSecretParams{CallOptions: CallOptions{WantAttempts: true}})
	if err != nil || len(made.Attempts) != 2 || time.Since(began) < 900*time.Millisecond {
		t.Fatal(made, err, time.Since(began))
	}
	made.Close()
	e.admin(t, "POST", "faults", `[{"status": 503, "retry_after": 60}]`)
	_, err = client.ClientSecrets.Create(background, nil)
	if failure := fails(t, err, StatusHTTPThrottled, ""); failure.RetryAfter != time.Minute || failure.HTTPStatus != 503 || !failure.Repeatable {
		t.Errorf("%+v", failure)
	}
	e.admin(t, "POST", "faults", `[{"drop": "after_handling"}]`)
	_, err = client.ClientSecrets.Create(background, &ClientSecretParams{CallOptions: CallOptions{MaxRepeats: NoRepeats}})
	var failure *Error
	if !errors.As(err, &failure) || failure.Kind != KindTruncated && failure.Kind != KindIO || failure.Delivery != MaybeSent {
		t.Errorf("%+v", err)
	}
	_, err = e.client_(t, WithOption("ca_file", nil)).ClientSecrets.Create(background, nil)
	if !errors.Is(err, KindVerify) {
		t.Error(err)
	}
}

func TestLiveContext(t *testing.T) {
	e := startEmulator(t)
	client := e.client_(t)
	create(t, client)
	for _, way := range []struct {
		ctx  func() (context.Context, context.CancelFunc)
		kind Kind
		is   error
	}{
		{func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(background)
			time.AfterFunc(50*time.Millisecond, cancel)
			return ctx, cancel
		}, KindCancelled, context.Canceled},
		{func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(background, 50*time.Millisecond)
		}, KindTimeout, context.DeadlineExceeded},
	} {
		e.admin(t, "POST", "faults", `[{"delay_ms": 2000}]`)
		ctx, cancel := way.ctx()
		began := time.Now()
		_, err := client.ClientSecrets.Create(ctx, nil)
		cancel()
		var failure *Error
		if !errors.As(err, &failure) || failure.Kind != way.kind || !errors.Is(err, way.is) || failure.Delivery != MaybeSent || time.Since(began) > time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	}
	create(t, client)
}

func TestLiveCloseWithCallsInFlight(t *testing.T) {
	e := startEmulator(t)
	client := e.client_(t)
	e.admin(t, "POST", "faults", `[{"count": 100, "delay_ms": 5000}]`)
	errs := make(chan error, 100)
	for i := 0; i < 100; i++ {
		go func() {
			_, err := client.ClientSecrets.Create(background, nil)
			errs <- err
		}()
	}
	for client.handle.queues[0].inFlight() < 100 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	began := time.Now()
	if err := client.Close(); err != nil || time.Since(began) > 2*time.Second {
		t.Fatal(err, time.Since(began))
	}
	for i := 0; i < 100; i++ {
		if err := <-errs; !errors.Is(err, KindCancelled) {
			t.Fatal(err)
		}
	}
}

// at makes many calls at once, and tells the most threads that there were meanwhile.
func at(t *testing.T, client *Client, count int) (most int) {
	var group sync.WaitGroup
	var ready atomic.Int64
	start, over := make(chan struct{}), make(chan struct{})
	secrets := make([]string, count)
	for i := 0; i < count; i++ {
		i := i
		group.Add(1)
		go func() {
			defer group.Done()
			ready.Add(1)
			<-start
			made, err := client.ClientSecrets.Create(background, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer made.Close()
			secrets[i], _ = made.Reveal()
		}()
	}
	for ready.Load() < int64(count) {
		time.Sleep(time.Millisecond)
	}
	close(start)
	go func() {
		group.Wait()
		close(over)
	}()
	for {
		if now := threads(t); now > most {
			most = now
		}
		select {
		case <-over:
			seen := map[string]bool{}
			for _, secret := range secrets {
				if seen[secret] || !strings.HasPrefix(secret, "cs_test_") {
					t.Fatal("a secret that is none, or twice")
				}
				seen[secret] = true
			}
			return most
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func TestLiveThousandAtOnce(t *testing.T) {
	e := startEmulator(t)
	client := e.client_(t, WithTimeout(time.Minute))
	t.Logf("at most %d threads", at(t, client, 1000))
	stats, err := client.Stats()
	if err != nil || stats.CallsSucceeded != 1000 || stats.ConnectionsOpened > 64 {
		t.Errorf("%+v %v", stats, err)
	}
}

func TestLiveTenThousandGoroutinesFewThreads(t *testing.T) {
	e := startEmulator(t)
	client := e.client_(t, WithTimeout(2*time.Minute), WithTLSTimeout(time.Minute), WithConnectTimeout(time.Minute))
	most := at(t, client, 10000)
	t.Logf("at most %d threads", most)
	if most >= 20 {
		t.Errorf("%d threads", most)
	}
}

func TestLiveWarm(t *testing.T) {
	e := startEmulator(t)
	for _, queues := range []int{1, 2} {
		client := e.client_(t, WithQueues(queues))
		open, err := client.Warm(background, 4)
		if err != nil || open != 4 {
			t.Fatal(open, err)
		}
		made, err := client.ClientSecrets.Create(background, &ClientSecretParams{CallOptions: CallOptions{WantAttempts: true}})
		if err != nil || !made.Attempts[0].Reused {
			t.Fatalf("%d queues: %+v %v", queues, made.Attempts, err)
		}
		made.Close()
		_, err = client.Warm(background, 1000)
		fails(t, err, StatusArgument, "count")
		ctx, cancel := context.WithCancel(background)
		cancel()
		if _, err = client.Warm(ctx, 1); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

// A transport that ignores that it was cancelled: the test of the conformance kit has one. PLASTIQ_TEST_ZOO names its folder.
func TestLiveGiveUp(t *testing.T) {
	folder := os.Getenv("PLASTIQ_TEST_ZOO")
	if folder == "" {
		t.Skip("skip: PLASTIQ_TEST_ZOO does not name the folder of bad transports")
	}
	e := startEmulator(t)
	told := make(chan Event, 100)
	client := e.client_(t, WithTransport(filepath.Join(folder, "libplastiq-transport-cancel_ignored.so")), WithHook(func(e Event) {
		if e.Name == "call_end" {
			told <- e
		}
	}))
	create(t, client)
	<-told
	e.admin(t, "POST", "faults", `[{"delay_ms": 1500}]`)
	ctx, cancel := context.WithCancel(background)
	time.AfterFunc(100*time.Millisecond, cancel)
	began := time.Now()
	_, err := client.ClientSecrets.Create(ctx, nil)
	took := time.Since(began)
	failure := fails(t, err, StatusCancelled, "")
	if !errors.Is(err, context.Canceled) || len(failure.Attempts) != 0 || failure.Delivery != MaybeSent || took > time.Second {
		t.Errorf("%v after %v", err, took)
	}
	select {
	case end := <-told:
		t.Log("the call ended with", end.Text("status_name"), "after", time.Since(began))
	case <-time.After(5 * time.Second):
		t.Error("the hook was not told of the end")
	}
}

// ---- processes ----

// helper runs this test program again, as something else.
func helper(t testing.TB, job string, environment ...string) *exec.Cmd {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program)
	command.Env = append(append(os.Environ(), "PLASTIQ_TEST_JOB="+job, "GORACE=atexit_sleep_ms=0"), environment...)
	return command
}

func TestMain(m *testing.M) {
	switch os.Getenv("PLASTIQ_TEST_JOB") {
	case "":
		os.Exit(m.Run())
	case "idle", "busy": // ends without closing anything
		client, err := NewClient(WithAccessToken(testToken), WithBaseURL(os.Getenv("TEST_URL")), WithCAFile(os.Getenv("TEST_CA")), WithTransportPathCheck(false))
		if err == nil {
			_, err = client.ClientSecrets.Create(background, nil)
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		if os.Getenv("PLASTIQ_TEST_JOB") == "busy" {
			for i := 0; i < 50; i++ {
				go func() { _, _ = client.ClientSecrets.Create(background, nil) }()
			}
			time.Sleep(20 * time.Millisecond)
		}
		fmt.Println("done")
	case "new":
		_, err := NewClient()
		fmt.Println(err)
	case "expire": // the clock moves on when TEST_LATER is there
		client, err := NewClient(WithAccessToken(testToken), WithTransport("stub"), WithAllowTestTransports(true), WithTransportPathCheck(false))
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		made, err := client.ClientSecrets.Create(background, nil)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		_, err = made.Reveal()
		fmt.Println(made.Life() > 0, made.Expired(), err)
		err = os.WriteFile(os.Getenv("TEST_LATER"), nil, 0o600)
		fmt.Println(made.Life(), made.Expired(), made.ExpiresAt().Before(time.Now()), err)
		_, revealed := made.Reveal()
		_, taken := made.Take()
		_, written := made.WriteTo(io.Discard)
		for _, err := range []error{revealed, taken, written, made.Use(func([]byte) error { return nil })} {
			var failure *Error
			fmt.Println(errors.As(err, &failure) && failure.Status == StatusSecretExpired && failure.Kind == KindSecret && failure.Field == "client_secret")
		}
		fmt.Println(made.Close(), client.Close())
	}
}

func TestLiveExit(t *testing.T) {
	e := startEmulator(t)
	for _, job := range []string{"idle", "busy"} {
		command := helper(t, job, "TEST_URL="+e.URL, "TEST_CA="+e.CA)
		began := time.Now()
		out, err := command.CombinedOutput()
		if err != nil || string(out) != "done\n" || time.Since(began) > time.Second {
			t.Errorf("%s: %s %v after %v", job, out, err, time.Since(began))
		}
	}
}

// preload compiles what is put in place of functions of a library.
func preload(t *testing.T, text string) string {
	compiler, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("skip: there is no cc")
	}
	folder := t.TempDir()
	source, object := filepath.Join(folder, "other.c"), filepath.Join(folder, "other.so")
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(compiler, "-shared", "-fPIC", "-o", object, source).CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	return "LD_PRELOAD=" + object
}

// A library of another ABI, and an older one: what it says is put in its place.
func TestForeignLibrary(t *testing.T) {
	for _, found := range []struct{ version, major, minor string }{{"9.8.7", "2", "3"}, {"0.0.9", "0", "9"}} {
		out, err := helper(t, "new", preload(t, "#include <stdint.h>\nconst char *plq_version(void) { return \""+found.version+"\"; }\n"+
			"uint32_t plq_abi_version(void) { return "+found.major+"u << 16 | "+found.minor+"; }\n"+
			"int32_t plq_abi_require(uint32_t major, uint32_t minor) { (void)minor; return major == "+found.major+" ? 0 : 1003; }\n")).CombinedOutput()
		want := "plastiq: PLQ_E_ABI: the libplastiq that was found is version " + found.version + " with ABI " + found.major + "." + found.minor +
			", but version " + Version + " of this Go package needs ABI 1.0 or a later 1.x\n"
		if err != nil || string(out) != want {
			t.Errorf("%v: %s", err, out)
		}
	}
}

// A secret whose life is over. Nobody can wait for that: the clock that the library reads is put forward.
func TestExpiredSecret(t *testing.T) {
	clock := preload(t, "#include <stdlib.h>\n#include <sys/syscall.h>\n#include <time.h>\n#include <unistd.h>\n"+
		"int clock_gettime(clockid_t clock, struct timespec *now) {\n"+
		"  int failed = (int)syscall(SYS_clock_gettime, clock, now);\n"+
		"  if (clock == CLOCK_BOOTTIME && access(getenv(\"TEST_LATER\"), F_OK) == 0) now->tv_sec += 61;\n  return failed;\n}\n")
	out, err := helper(t, "expire", clock, "TEST_LATER="+filepath.Join(t.TempDir(), "later")).CombinedOutput()
	if want := "true false <nil>\n0s true true <nil>\ntrue\ntrue\ntrue\ntrue\n<nil> <nil>\n"; err != nil || string(out) != want {
		t.Errorf("%v: %s", err, out)
	}
}

// A server that takes connections and says nothing.
func TestWarmIsCancelled(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	client, err := NewClient(WithAccessToken(testToken), WithBaseURL("https://"+silent.Addr().String()), WithTransportPathCheck(false),
		WithTLSTimeout(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(background, 50*time.Millisecond)
	defer cancel()
	_, err = client.Warm(ctx, 1)
	if fails(t, err, StatusTimeoutTotal, ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	ctx, cancel = context.WithCancel(background)
	time.AfterFunc(50*time.Millisecond, cancel)
	began := time.Now()
	_, err = client.Warm(ctx, 1)
	if fails(t, err, StatusCancelled, ""); !errors.Is(err, context.Canceled) || time.Since(began) > 10*time.Second {
		t.Error(err, time.Since(began))
	}
	if client.handle.queues[0].inside.TryLock() {
		t.Fatal("Warm waited for the end of what it had begun")
	}
	// A call that comes meanwhile waits, and its context counts; then the end of the client ends all.
	ctx, cancel = context.WithTimeout(background, 50*time.Millisecond)
	defer cancel()
	_, err = client.ClientSecrets.Create(ctx, nil)
	if fails(t, err, StatusTimeoutTotal, ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
}

func TestMissingLibrary(t *testing.T) {
	command := helper(t, "new")
	command.Env = append(command.Env, "LD_LIBRARY_PATH="+t.TempDir())
	out, err := command.CombinedOutput()
	if err == nil {
		t.Skip("skip: the library is found without LD_LIBRARY_PATH too")
	}
	if !bytes.Contains(out, []byte("libplastiq.so.1: cannot open shared object file")) || bytes.Contains(out, []byte("goroutine")) {
		t.Errorf("%v: %s", err, out)
	}
}

// One call after the other, then many, then one after the other again: who sees to the queue changes, and nothing gets lost.
func TestLiveTurns(t *testing.T) {
	e := startEmulator(t)
	client := e.client_(t)
	q := client.handle.queues[0]
	led := func() bool {
		q.mu.Lock()
		defer q.mu.Unlock()
		return q.pump == nil
	}
	for round := 0; round < 3; round++ {
		for i := 0; i < 500 && (i < 20 || !led()); i++ {
			create(t, client).Close()
		}
		if q.canLead && !led() {
			t.Error("callers that are alone do not see to the queue themselves")
		}
		at(t, client, 50)
		e.admin(t, "POST", "faults", `[{"delay_ms": 50}]`)
		create(t, client).Close()
		if led() {
			t.Error("a slow call did not bring the pump back")
		}
	}
	runtime.KeepAlive(client)
}
