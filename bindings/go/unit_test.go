// SPDX-License-Identifier: MIT

//go:build cgo

package plastiq

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
)

const testSecret = "test-secret-1"

// gives is a script of one success, so that it is known what must not be seen.
const gives = `[{"status": 200, "body": "{\"clientSecret\": \"` + testSecret + `\"}"}]`

var background = context.Background()

func create(t testing.TB, client *Client) *ClientSecret {
	t.Helper()
	made, err := client.ClientSecrets.Create(background, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { made.Close() })
	return made
}

// fails checks an error, and gives it with all that it has.
func fails(t testing.TB, err error, status Status, field string) *Error {
	t.Helper()
	var failure *Error
	if !errors.As(err, &failure) {
		t.Fatalf("a %T and no *Error: %v", err, err)
	}
	if failure.Status != status || failure.Field != field {
		t.Fatalf("expected %v of %q: %+v", status, field, failure)
	}
	if !errors.Is(err, status) || !errors.Is(err, status.Kind()) || errors.Is(err, StatusOK) || failure.Message == "" {
		t.Fatalf("%+v does not say what it is", failure)
	}
	return failure
}

// ---- options ----

func TestEveryOptionHasItsFunction(t *testing.T) {
	// The files that internal/gen writes are compared by the command itself; here it is one option of each type that is tried.
	client := stub(t, "", WithTimeout(1500*time.Millisecond), WithMaxRepeats(7), WithRepeatOnlySafe(true), WithRetryStatuses(500, 503),
		WithRetryOperations("client_secrets.create"), WithEnvironment("production"), WithBackoffBase(0), WithOption("max_connections", "3"))
	infos, err := client.Options()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]OptionInfo{}
	for _, info := range infos {
		got[info.Name] = info
	}
	for name, value := range map[string]string{"timeout_ms": "1500", "max_repeats": "7", "repeat_only_safe": "true", "retry_statuses": "500,503",
		"retry_operations": "client_secrets.create", "environment": "production", "backoff_base_ms": "0", "max_connections": "3", "access_token": "[set]",
		"base_url": "https://connect.plastiq.com/api"} {
		if got[name].Value != value || name != "base_url" && got[name].Source != "code" {
			t.Errorf("%s: %+v", name, got[name])
		}
	}
}

func TestOptionMistakes(t *testing.T) {
	for name, mistake := range map[string]struct {
		option Option
		status Status
		field  string
	}{
		"unknown":           {WithOption("timeout", 1), StatusOptionUnknown, "timeout_ms"},
		"of a wrong type":   {WithOption("timeout_ms", struct{}{}), StatusOptionValue, "timeout_ms"},
		"out of range":      {WithMaxRepeats(101), StatusOptionValue, "max_repeats"},
		"not whole":         {WithTimeout(time.Microsecond), StatusOptionValue, "timeout_ms"},
		"time that is over": {WithTimeout(-5 * time.Second), StatusOptionValue, "timeout_ms"},
		"NaN":               {WithOption("timeout_ms", math.NaN()), StatusOptionValue, "timeout_ms"},
		"huge":              {WithOption("timeout_ms", int64(math.MaxInt64)), StatusOptionValue, "timeout_ms"},
		"NUL":               {WithCAFile("a\x00b"), StatusTextEncoding, "ca_file"},
		"bytes with LF":     {WithOption("access_token", []byte("test-key\n")), StatusTokenInvalid, "access_token"},
		"no key":            {WithOption("", 1), StatusOptionUnknown, ""},
		"no transport":      {WithTransport("/proc/self/environ"), StatusTransportFormat, "transport"},
		"another library":   {WithTransport(libraryOfC()), StatusTransportForeign, "transport"},
		"relative":          {WithTransport("./x.so"), StatusTransportName, "transport"},
		"a comma":           {WithTransportAllow("a,b"), StatusOptionValue, "transport_allow"},
		"no number":         {WithOption("max_repeats", "many"), StatusOptionValue, "max_repeats"},
		"no such place":     {WithEnvironment("moon"), StatusEnvironmentUnknown, "environment"},
		"not UTF-8":         {WithBaseURL("https://\xff"), StatusTextEncoding, "base_url"},
		"a token with CR":   {WithAccessToken("test-key\r"), StatusTokenInvalid, "access_token"},
		"no such plugin":    {WithTransport("none-such"), StatusTransportNotFound, "transport"},
		"no queues":         {WithQueues(0), StatusArgument, "count"},
		"a hook of nil":     {WithHook(nil), StatusArgument, "hook"},
		"stub's, not ours":  {WithOption("stub.skript", "[]"), StatusOptionUnknown, "stub.skript"},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := NewClient(WithAllowTestTransports(true), WithTransport("stub"), mistake.option)
			if client != nil {
				t.Fatal("a client all the same")
			}
			failure := fails(t, err, mistake.status, mistake.field)
			if strings.Contains(err.Error(), "test-key") {
				t.Fatal("the token leaked")
			}
			if mistake.status == StatusTransportNotFound && (len(failure.Load) == 0 || failure.Load[0].Path == "") {
				t.Fatalf("no load log: %+v", failure)
			}
		})
	}
}

// libraryOfC is a shared object that is there and no transport.
func libraryOfC() string {
	maps, _ := os.ReadFile("/proc/self/maps")
	for _, line := range strings.Split(string(maps), "\n") {
		if at := strings.Index(line, "/"); at >= 0 && strings.Contains(line[at:], "/libc.so.6") {
			return line[at:]
		}
	}
	return "/libc.so.6"
}

func TestTokenOfBytes(t *testing.T) {
	token := []byte(testToken)
	option := WithOption("access_token", token)
	client := stub(t, "", option)
	Wipe(token)
	create(t, client)
	if _, err := NewClient(option); !errors.Is(err, StatusTextEncoding) { // it is zeros now
		t.Error("the option kept a copy:", err)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("PLASTIQ_TIMEOUT_MS", "1234")
	table, err := Describe("options")
	if err != nil {
		t.Fatal(err)
	}
	without, err := Describe("options", WithoutEnvironment())
	if err != nil {
		t.Fatal(err)
	}
	find := func(table *Table) string {
		for _, row := range table.Maps() {
			if row["name"] == "timeout_ms" {
				return row["value"] + " " + row["source"] + " " + row["place"]
			}
		}
		return ""
	}
	if find(table) != "1234 environment the variable PLASTIQ_TIMEOUT_MS" || find(without) != "15000 default " {
		t.Fatal(find(table), find(without))
	}
}

// ---- what the library says of itself ----

func TestDeclarationsFitTheTables(t *testing.T) {
	rows := func(name string) []map[string]string {
		table, err := Describe(name, WithoutEnvironment())
		if err != nil {
			t.Fatal(err)
		}
		return table.Maps()
	}
	kinds := map[string]bool{}
	for _, kind := range []Kind{KindUsage, KindConfig, KindInput, KindLoad, KindResolve, KindConnect, KindProxy, KindTLS, KindVerify, KindIO,
		KindTruncated, KindTimeout, KindProtocol, KindLimit, KindHTTP, KindCancelled, KindResource, KindMemory, KindState, KindUnsupported, KindSecret,
		KindInternal} {
		kinds[string(kind)] = true
	}
	phases := map[string]bool{}
	for _, phase := range []Phase{PhaseNone, PhaseConfig, PhaseLoad, PhaseResolve, PhaseConnect, PhaseProxy, PhaseTLS, PhaseSend, PhaseWait,
		PhaseReceive, PhaseDecode, PhaseBackoff} {
		phases[phaseName(phase)] = true
	}
	for _, row := range rows("statuses") {
		if row["number"] != "0" && !kinds[row["kind"]] || !phases[row["phase"]] {
			t.Errorf("a status that is not declared whole: %v", row)
		}
	}
	// Every field and result of every operation that has a method.
	for _, row := range rows("operations") {
		if row["operation"] != "" {
			row["name"] = row["operation"]
		}
		if row["name"] != "client_secrets.create" && row["name"] != "client_secrets.create_v2" {
			t.Errorf("operation %s has no method", row["name"])
		}
	}
	for _, row := range rows("operation_fields") {
		params := &ClientSecretParams{Payer: &Payer{"x"}, Type: "x", TraceID: "x", UserAgent: "x", EndUserDeviceID: "x", EndUserIP: "x"}
		written, _ := params.appendParams(nil)
		if !bytes.Contains(written, []byte(row["name"])) {
			t.Errorf("ClientSecretParams lacks the field %s", row["name"])
		}
	}
	for _, row := range rows("operation_results") {
		if row["name"] != "client_secret" {
			t.Errorf("ClientSecret lacks the result %s", row["name"])
		}
	}
	if count := reflect.TypeOf(Stats{}).NumField(); count != len(rows("stats")) {
		t.Errorf("Stats has %d fields, the library %d", count, len(rows("stats")))
	}
}

func TestLibrary(t *testing.T) {
	if LibraryVersion() != Version {
		t.Errorf("the library is %s, the package %s", LibraryVersion(), Version)
	}
	if LibraryFeatures()&FeatureLoading == 0 {
		t.Error("a library that loads no transports")
	}
	_, err := Describe("tabels")
	if failure := fails(t, err, StatusNotFound, "name"); !strings.Contains(failure.Message, "tables") {
		t.Error(failure)
	}
}

func TestTransports(t *testing.T) {
	all, err := Transports(WithAllowTestTransports(true))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]Transport{}
	for _, transport := range all {
		names[transport.Name] = transport
	}
	if names["stub"].Class != "test" || names["openssl"].Class != "production" || names["curl"].Stack == "" || len(names["curl"].Capabilities) == 0 {
		t.Errorf("%+v", all)
	}
	own, err := stub(t, "").Transport()
	if err != nil || own.Name != "stub" || own.Class != "test" || own.Path == "" {
		t.Error(own, err)
	}
}

func TestStats(t *testing.T) {
	client := stub(t, "")
	create(t, client)
	stats, err := client.Stats()
	if err != nil || stats.Calls != 1 || stats.CallsSucceeded != 1 || stats.Attempts != 1 || stats.BytesReceived <= 0 || stats.RepeatsLeft != 100 {
		t.Errorf("%+v %v", stats, err)
	}
}

// ---- requests ----

func TestRequestMistakes(t *testing.T) {
	client := stub(t, "")
	loop := map[string]any{}
	loop["loop"] = loop
	for name, mistake := range map[string]struct {
		params ClientSecretParams
		status Status
		field  string
	}{
		"payer":         {ClientSecretParams{Payer: &Payer{"no uuid"}}, StatusFieldValue, "payer.id"},
		"payer without": {ClientSecretParams{Payer: &Payer{}}, StatusFieldValue, "payer.id"},
		"type":          {ClientSecretParams{Type: "CASH"}, StatusFieldValue, "type"},
		"trace id":      {ClientSecretParams{TraceID: "1"}, StatusFieldValue, "trace_id"},
		"address":       {ClientSecretParams{EndUserIP: "192.0.2.256"}, StatusFieldValue, "end_user_ip"},
		"header":        {ClientSecretParams{CallOptions: CallOptions{Headers: []Header{{"A B", "x", false}}}}, StatusHeaderName, ""},
		"owned header":  {ClientSecretParams{CallOptions: CallOptions{Headers: []Header{{"Host", "x", false}}}}, StatusHeaderOwned, "Host"},
		"repeats":       {ClientSecretParams{CallOptions: CallOptions{MaxRepeats: 101}}, StatusArgument, "max_repeats"},
		"timeout":       {ClientSecretParams{CallOptions: CallOptions{Timeout: -5}}, StatusArgument, "timeout_ms"},
		"extra":         {ClientSecretParams{CallOptions: CallOptions{Extra: map[string]any{"x": func() {}}}}, StatusExtra, "extra"},
		"extra, NaN":    {ClientSecretParams{CallOptions: CallOptions{Extra: map[string]any{"x": math.NaN()}}}, StatusExtra, "extra"},
		"extra, loop":   {ClientSecretParams{CallOptions: CallOptions{Extra: loop}}, StatusExtra, "extra"},
		"extra, number": {ClientSecretParams{CallOptions: CallOptions{Extra: map[string]any{"x": json.Number("1e999")}}}, StatusExtra, "extra"},
		"extra, rounded": {ClientSecretParams{CallOptions: CallOptions{Extra: map[string]any{"x": json.RawMessage("123456789012345678901234567890")}}},
			StatusExtra, "extra"},
		"extra, no number": {ClientSecretParams{CallOptions: CallOptions{Extra: map[string]any{"x": json.Number("abc")}}}, StatusExtra, "extra"},
		"extra, deep":      {ClientSecretParams{CallOptions: CallOptions{Extra: map[string]any{"x": nested(31)}}}, StatusExtra, "extra"},
		"extra, no UTF-8":  {ClientSecretParams{CallOptions: CallOptions{Extra: map[string]any{"\xed\xa0\x80": 1}}}, StatusTextEncoding, "extra"},
		"trace id, old":    {ClientSecretParams{TraceID: "7b0c2a4e-9d1f-1b6a-8c3e-5f7a9b1c3d5e"}, StatusFieldValue, "trace_id"},
		"header's value":   {ClientSecretParams{CallOptions: CallOptions{Headers: []Header{{"X-A", "a\x00b", true}}}}, StatusHeaderValue, "X-A"},
		"repeats, fewer":   {ClientSecretParams{CallOptions: CallOptions{MaxRepeats: math.MinInt}}, StatusArgument, "max_repeats"},
		"timeout, least":   {ClientSecretParams{CallOptions: CallOptions{Timeout: math.MinInt64}}, StatusArgument, "timeout_ms"},
		"extra, too large": {ClientSecretParams{CallOptions: CallOptions{Extra: map[string]any{"x": uint64(math.MaxUint64)}}}, StatusExtra, "extra"},
		"extra, taken": {ClientSecretParams{Type: CardType, CallOptions: CallOptions{Extra: map[string]any{"type": "X"}}}, StatusExtraConflict,
			"type"},
		"not UTF-8": {ClientSecretParams{UserAgent: "\xff"}, StatusTextEncoding, "user_agent"},
	} {
		t.Run(name, func(t *testing.T) {
			made, err := client.ClientSecrets.Create(background, &mistake.params)
			if made != nil {
				t.Fatal("a secret all the same")
			}
			var failure *Error
			if !errors.As(err, &failure) || failure.Status != mistake.status || failure.Delivery != NotSent {
				t.Fatalf("%+v", err)
			}
			if mistake.field != "" && !strings.EqualFold(failure.Field, mistake.field) {
				t.Fatalf("field %q: %v", failure.Field, err)
			}
		})
	}
	for _, text := range []string{"a\x00b", "\xff", "\xed\xa0\x80", "a\r\nb", strings.Repeat("x", 1<<20)} {
		for field, params := range map[string]*ClientSecretParams{"payer.id": {Payer: &Payer{text}}, "type": {Type: text}, "trace_id": {TraceID: text},
			"user_agent": {UserAgent: text}, "end_user_device_id": {EndUserDeviceID: text}, "end_user_ip": {EndUserIP: text}} {
			_, err := client.ClientSecrets.Create(background, params)
			var failure *Error
			if !errors.As(err, &failure) || failure.Field != field || failure.Delivery != NotSent || len(failure.Error()) > 1000 {
				t.Errorf("%s %.10q: %.300v", field, text, err)
			}
		}
	}
	for name, request := range map[string]*Request{
		"operation": {Operation: "client_secret.create"}, "field": {Operation: "client_secrets.create", Fields: map[string]any{"payer": "x"}},
		"type of a field": {Operation: "client_secrets.create", Fields: map[string]any{"type": 7}}, "nothing": {}, "nil": nil,
	} {
		_, err := client.Do(background, request)
		var failure *Error
		if !errors.As(err, &failure) || failure.Kind != KindUsage && failure.Kind != KindInput {
			t.Errorf("%s: %v", name, err)
		}
	}
	stats, _ := client.Stats()
	if stats.Attempts != 0 {
		t.Error("something was sent")
	}
}

func nested(levels int) (value any) {
	for value = "x"; levels > 0; levels-- {
		value = []any{value}
	}
	return value
}

type panics struct{}

func (panics) MarshalJSON() ([]byte, error) { panic("of the caller") }

// What a caller's own code does in the middle of a call takes nothing with it: no room in the queue, and Close has nothing to wait for.
func TestCallersPanic(t *testing.T) {
	client := stub(t, "", WithQueueMaxCalls(1))
	ctx, cancel := context.WithTimeout(background, 20*time.Second)
	defer cancel()
	for i := 0; i < 3; i++ {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			_, _ = client.ClientSecrets.Create(ctx, &ClientSecretParams{CallOptions: CallOptions{Extra: map[string]any{"x": panics{}}}})
		}()
		func() {
			defer func() { _ = recover() }()
			_, _ = client.ClientSecrets.Create(ctx, &ClientSecretParams{CallOptions: CallOptions{Hook: func(Event) { panic("hook") }}})
		}()
	}
	made, err := client.ClientSecrets.Create(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = made.Use(func([]byte) error { panic("use") })
	}()
	if err := made.Close(); err != nil {
		t.Error(err)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
}

func TestExtraIsAsJSONHasIt(t *testing.T) {
	var slice []any
	var table map[string]any
	for _, value := range []any{slice, table, (*int)(nil), []string(nil), []any{}, object{}, nested(31), "é", 1 << 40, 0.5, json.Number("1e3"), []byte("x")} {
		written, err := appendValue(nil, value, 1)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if _, err := msgp.UnmarshalAsJSON(&got, written); err != nil {
			t.Fatal(err)
		}
		var read, expected any
		text, _ := json.Marshal(value)
		if json.Unmarshal(got.Bytes(), &read) != nil || json.Unmarshal(text, &expected) != nil || !reflect.DeepEqual(read, expected) {
			t.Errorf("%s is not %s", got.Bytes(), text)
		}
	}
	create(t, stub(t, "")).Close()
	if _, err := stub(t, "").ClientSecrets.Create(background, &ClientSecretParams{CallOptions: CallOptions{Extra: map[string]any{"x": nested(30)}}}); err != nil {
		t.Error(err)
	}
}

func TestExtraTakesWhatJSONTakes(t *testing.T) {
	type inner struct {
		Name string `json:"name"`
		Skip string `json:"-"`
	}
	extra := map[string]any{"text": "é", "int": 1, "int8": int8(-3), "big": uint64(999999999999999999), "float": 0.5, "bool": true, "nil": nil,
		"list": []any{1, "x", nil}, "strings": []string{"a"}, "struct": inner{"n", "s"}, "pointer": &inner{"p", ""}, "number": json.Number("123456789012345678"),
		"raw": json.RawMessage(`{"a": [1, 2.5]}`), "time": time.Unix(0, 0).UTC(), "map": map[string]int{"a": 1}}
	client := stub(t, "")
	made, err := client.ClientSecrets.Create(background, &ClientSecretParams{CallOptions: CallOptions{Extra: extra}})
	if err != nil {
		t.Fatal(err)
	}
	made.Close()
}

// ---- failures ----

func TestFailureHasEverything(t *testing.T) {
	client := stub(t, `[{"status": 503, "headers": [["Retry-After", "30"], ["Trace-Id", "7b0c2a4e-9d1f-4b6a-8c3e-5f7a9b1c3d5e"]],
		"body": "{\"code\": \"SERVICE_UNAVAILABLE\", \"message\": \"later\", \"errors\": [{\"details\": \"a\"}, {\"details\": \"b\"}]}"}]`, WithMaxRepeats(0))
	_, err := client.ClientSecrets.Create(background, nil)
	failure := fails(t, err, StatusHTTPThrottled, "")
	want := Error{Status: StatusHTTPThrottled, Kind: KindHTTP, Phase: PhaseDecode, Delivery: Answered, Repeatable: true, Message: failure.Message,
		HTTPStatus: 503, ServiceCode: "SERVICE_UNAVAILABLE", ServiceMessage: "later", Details: []string{"a", "b"},
		TraceID: "7b0c2a4e-9d1f-4b6a-8c3e-5f7a9b1c3d5e", RetryAfter: 30 * time.Second, Attempts: failure.Attempts, Operation: "client_secrets.create"}
	if !reflect.DeepEqual(*failure, want) {
		t.Errorf("%+v\nis not\n%+v", *failure, want)
	}
	if len(failure.Attempts) != 1 || failure.Attempts[0].HTTPStatus != 503 || failure.Attempts[0].Delivery != Answered {
		t.Errorf("%+v", failure.Attempts)
	}
	if !strings.Contains(err.Error(), "client_secrets.create: PLQ_E_HTTP_THROTTLED: ") {
		t.Error(err)
	}
	var network net.Error
	if !errors.As(err, &network) || network.Timeout() {
		t.Error("it is no net.Error that says so")
	}
}

func TestUnknownStatusHasItsKind(t *testing.T) {
	if said := fmt.Sprint(KindTimeout, " ", StatusTimeoutTotal); said != "timeout PLQ_E_TIMEOUT_TOTAL" { // as labels of metrics
		t.Error(said)
	}
	if Status(12999).Kind() != KindTimeout || Status(12999).String() != "PLQ_E_UNKNOWN" || Status(12999).Text() == "" {
		t.Error(Status(12999), Status(12999).Kind())
	}
}

// ---- secrets ----

func TestSecretShowsNothing(t *testing.T) {
	made := create(t, stub(t, gives))
	type holder struct {
		Made   *ClientSecret
		Secret *Secret
		Hidden *Secret `json:"hidden"`
		Map    map[string]*Secret
	}
	all := holder{made, made.Secret, made.Secret, map[string]*Secret{"a": made.Secret}}
	var said strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%08b"} {
		fmt.Fprintf(&said, verb+"\n", made)
		fmt.Fprintf(&said, verb+"\n", made.Secret)
		fmt.Fprintf(&said, verb+"\n", all)
		fmt.Fprintf(&said, verb+"\n", &all)
	}
	fmt.Fprintln(&said, made, made.Secret.String(), made.GoString(), errors.New(fmt.Sprint(made)))
	for _, value := range []any{made, made.Secret, all} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		said.Write(text)
	}
	text, err := xml.Marshal(made.Secret)
	if err != nil {
		t.Fatal(err)
	}
	said.Write(text)
	var binary bytes.Buffer
	_ = gob.NewEncoder(&binary).Encode(made.Secret)
	said.Write(binary.Bytes())
	// What a debugger would follow: every field, private ones too.
	fmt.Fprintf(&said, "%v", reflect.ValueOf(made.Secret).Elem().Field(1))
	func() {
		defer func() { fmt.Fprint(&said, recover()) }()
		panic(made)
	}()
	for _, shape := range []string{testSecret, fmt.Sprintf("%x", testSecret), fmt.Sprintf("%X", testSecret), "test-secret"} {
		if strings.Contains(said.String(), shape) {
			t.Fatalf("%s is in\n%s", shape, said.String())
		}
	}
	if !strings.Contains(said.String(), redacted) || strings.Count(said.String(), redacted) < 40 {
		t.Error(said.String())
	}
}

func TestSecretIsReadTakenAndClosed(t *testing.T) {
	made := create(t, stub(t, gives))
	text, err := made.Reveal()
	if err != nil || text != testSecret {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if count, err := made.WriteTo(&out); err != nil || count != int64(len(testSecret)) || out.String() != testSecret {
		t.Fatal(count, err)
	}
	mistake := errors.New("x")
	if err := made.Use(func(shown []byte) error {
		if string(shown) != testSecret || cap(shown) != len(shown) {
			t.Error(len(shown))
		}
		return mistake
	}); err != mistake {
		t.Fatal(err)
	}
	if life := made.Life(); life <= 0 || life > time.Minute || made.Expired() || time.Until(made.ExpiresAt()) > time.Minute {
		t.Error(life, made.ExpiresAt())
	}
	taken, err := made.Take()
	if err != nil || string(taken) != testSecret {
		t.Fatal(err)
	}
	Wipe(taken)
	if !bytes.Equal(taken, make([]byte, len(testSecret))) {
		t.Error("not wiped")
	}
	_, err = made.Take()
	if failure := fails(t, err, StatusSecretTaken, "client_secret"); failure.Kind != KindSecret {
		t.Error(failure)
	}
	_, err = made.Reveal()
	fails(t, err, StatusSecretTaken, "client_secret")
	for i := 0; i < 2; i++ {
		if err := made.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, err = made.Take()
	fails(t, err, StatusClosed, "client_secret")
	fails(t, made.Use(func([]byte) error { t.Error("called"); return nil }), StatusClosed, "client_secret")
	if made.Life() <= 0 {
		t.Error("a closed secret has forgotten its life")
	}
	for _, none := range []*Secret{nil, {}} {
		_, err = none.Take()
		fails(t, err, StatusHandle, "")
		_, err = none.Reveal()
		fails(t, err, StatusHandle, "")
		_, err = none.WriteTo(&out)
		fails(t, err, StatusHandle, "")
		if none.Life() != 0 || !none.Expired() || none.ExpiresAt().After(time.Now()) || fmt.Sprint(none) != redacted || none.Close() != nil {
			t.Error("a secret that is none")
		}
	}
}

func TestSecretOutlivesItsClientAndManyGoroutines(t *testing.T) {
	client := stub(t, gives)
	made := create(t, client)
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	var taken, others int
	var mu sync.Mutex
	for i := 0; i < 50; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			_, _ = made.Reveal()
			_ = made.Life()
			bytes, err := made.Take()
			mu.Lock()
			defer mu.Unlock()
			if err == nil && string(bytes) == testSecret {
				taken++
			} else if errors.Is(err, StatusSecretTaken) {
				others++
			}
		}()
	}
	group.Wait()
	if taken != 1 || others != 49 {
		t.Error(taken, others)
	}
}

func TestFinalizers(t *testing.T) {
	client := stub(t, "")
	for i := 0; i < 100; i++ {
		made, err := client.ClientSecrets.Create(background, nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = made // forgotten
	}
	// A client that is forgotten ends its queues too.
	var ended <-chan struct{}
	func() {
		forgotten, err := NewClient(WithAccessToken(testToken), WithTransport("stub"), WithAllowTestTransports(true))
		if err != nil {
			t.Fatal(err)
		}
		secrets := forgotten.ClientSecrets
		forgotten = nil
		runtime.GC()
		made, err := secrets.Create(background, nil) // what refers to a client keeps it
		if err != nil {
			t.Fatal(err)
		}
		made.Close()
		ended = secrets.handle.queues[0].ended
	}()
	for i := 0; i < 200; i++ {
		runtime.GC()
		select {
		case <-ended:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Error("the forgotten client goes on")
}

// ---- contexts ----

func TestContextEnds(t *testing.T) {
	hang := `[{"hang": true}, {"hang": true}, {"hang": true}]`
	t.Run("cancelled before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(background)
		cancel()
		_, err := stub(t, hang).ClientSecrets.Create(ctx, nil)
		if failure := fails(t, err, StatusCancelled, ""); !errors.Is(err, context.Canceled) || failure.Delivery != NotSent {
			t.Error(err)
		}
	})
	t.Run("cancelled in flight", func(t *testing.T) {
		client := stub(t, hang, WithTimeout(-1))
		ctx, cancel := context.WithCancel(background)
		time.AfterFunc(30*time.Millisecond, cancel)
		began := time.Now()
		_, err := client.ClientSecrets.Create(ctx, nil)
		failure := fails(t, err, StatusCancelled, "")
		if !errors.Is(err, context.Canceled) || failure.Delivery != MaybeSent || time.Since(began) > cancelGrace || len(failure.Attempts) != 1 {
			t.Errorf("%+v", failure)
		}
		if !strings.Contains(err.Error(), "context canceled") {
			t.Error(err)
		}
	})
	t.Run("deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(background, 50*time.Millisecond)
		defer cancel()
		_, err := stub(t, hang).ClientSecrets.Create(ctx, nil)
		failure := fails(t, err, StatusTimeoutTotal, "")
		if !errors.Is(err, context.DeadlineExceeded) || !failure.Timeout() || failure.Delivery != MaybeSent {
			t.Errorf("%+v", failure)
		}
	})
	t.Run("deadline that is over", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(background, -1)
		defer cancel()
		_, err := stub(t, hang).ClientSecrets.Create(ctx, nil)
		if fails(t, err, StatusTimeoutTotal, ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	t.Run("own timeout", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(background, time.Hour)
		defer cancel()
		_, err := stub(t, hang).ClientSecrets.Create(ctx, &ClientSecretParams{CallOptions: CallOptions{Timeout: 20 * time.Millisecond}})
		if fails(t, err, StatusTimeoutTotal, ""); errors.Is(err, context.DeadlineExceeded) {
			t.Error("it was not the context's deadline")
		}
	})
	t.Run("nil", func(t *testing.T) {
		var none context.Context
		_, err := stub(t, "").ClientSecrets.Create(none, nil)
		fails(t, err, StatusArgument, "ctx")
	})
	t.Run("success that came first", func(t *testing.T) {
		ctx, cancel := context.WithCancel(background)
		made, err := stub(t, "").ClientSecrets.Create(ctx, nil)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		made.Close()
	})
}

func TestRoom(t *testing.T) {
	client := stub(t, `[{"hang": true}, {"hang": true}]`, WithOption("queue_max_calls", 1), WithTimeout(-1))
	ctx, cancel := context.WithCancel(background)
	first := make(chan error, 1)
	go func() {
		_, err := client.ClientSecrets.Create(ctx, nil)
		first <- err
	}()
	for client.handle.queues[0].inFlight() == 0 {
		time.Sleep(time.Millisecond)
	}
	_, err := client.ClientSecrets.Create(background, &ClientSecretParams{CallOptions: CallOptions{Timeout: 20 * time.Millisecond}})
	if failure := fails(t, err, StatusTimeoutTotal, ""); failure.Delivery != NotSent {
		t.Error(failure)
	}
	short, stop := context.WithTimeout(background, 20*time.Millisecond)
	defer stop()
	_, err = client.ClientSecrets.Create(short, nil)
	if fails(t, err, StatusTimeoutTotal, ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	second := make(chan error, 1)
	go func() {
		_, err := client.ClientSecrets.Create(background, nil)
		second <- err
	}()
	time.Sleep(20 * time.Millisecond)
	cancel()
	fails(t, <-first, StatusCancelled, "")
	time.Sleep(20 * time.Millisecond) // now the second has room, and hangs
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	fails(t, <-second, StatusCancelled, "")
}

func (q *queue) inFlight() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.calls)
}

// ---- the end ----

func TestClosedClient(t *testing.T) {
	client := stub(t, "")
	for i := 0; i < 3; i++ {
		if err := client.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, err := client.ClientSecrets.Create(background, nil)
	if failure := fails(t, err, StatusClosed, ""); failure.Kind != KindState {
		t.Error(failure)
	}
	_, err = client.Do(background, &Request{Operation: "client_secrets.create"})
	fails(t, err, StatusClosed, "")
	_, err = client.Stats()
	fails(t, err, StatusClosed, "")
	_, err = client.Options()
	fails(t, err, StatusClosed, "")
	_, err = client.Transport()
	fails(t, err, StatusClosed, "")
	_, err = client.Describe("statuses")
	fails(t, err, StatusClosed, "")
	_, err = client.ClientSecrets.CreateV2(background, nil)
	fails(t, err, StatusClosed, "")
	_, err = client.Warm(background, 1)
	fails(t, err, StatusClosed, "")
	fails(t, client.SetTokens("test-key-1", ""), StatusClosed, "")
	if err := client.Shutdown(background); err != nil {
		t.Error(err)
	}
	// What nobody made is refused as well.
	for _, empty := range []*Client{nil, {}} {
		_, err := empty.Do(background, &Request{})
		fails(t, err, StatusHandle, "")
		fails(t, empty.Close(), StatusHandle, "")
		fails(t, empty.Shutdown(background), StatusHandle, "")
		_, err = empty.Stats()
		fails(t, err, StatusHandle, "")
	}
	_, err = (&ClientSecrets{}).Create(background, nil)
	fails(t, err, StatusHandle, "")
	_, err = (*ClientSecrets)(nil).Create(background, nil)
	fails(t, err, StatusHandle, "")
}

func TestCloseWithCallsInFlight(t *testing.T) {
	client := stub(t, `[`+strings.TrimSuffix(strings.Repeat(`{"hang": true},`, 100), ",")+`]`, WithTimeout(-1), WithMaxConnections(200))
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
	began := time.Now()
	if err := client.Close(); err != nil || time.Since(began) > time.Second {
		t.Fatal(err, time.Since(began))
	}
	for i := 0; i < 100; i++ {
		if err := <-errs; errors.Is(err, context.Canceled) || !errors.Is(err, KindCancelled) {
			t.Fatal(err)
		}
	}
}

func TestShutdown(t *testing.T) {
	// On stub's virtual clock the only thing that takes time is a call that hangs.
	client := stub(t, `[{"hang": true}]`, WithTimeout(-1))
	failed := make(chan error, 1)
	go func() {
		_, err := client.ClientSecrets.Create(background, nil)
		failed <- err
	}()
	for client.handle.queues[0].inFlight() == 0 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(background, 30*time.Millisecond)
	defer cancel()
	if err := client.Shutdown(ctx); err != context.DeadlineExceeded {
		t.Fatal(err)
	}
	fails(t, <-failed, StatusCancelled, "")
	idle := stub(t, "")
	create(t, idle)
	if err := idle.Shutdown(background); err != nil {
		t.Fatal(err)
	}
	_, err := idle.ClientSecrets.Create(background, nil)
	fails(t, err, StatusClosed, "")
}

func TestCloseWhileOthersCall(t *testing.T) {
	for round := 0; round < 50; round++ {
		client := stub(t, "", WithQueues(1+round%3))
		var group sync.WaitGroup
		for i := 0; i < 8; i++ {
			group.Add(1)
			go func() {
				defer group.Done()
				for {
					made, err := client.ClientSecrets.Create(background, nil)
					if err != nil {
						if !errors.Is(err, StatusClosed) && !errors.Is(err, StatusCancelled) {
							t.Error(err)
						}
						return
					}
					if _, err := made.Reveal(); err != nil {
						t.Error(err)
					}
					made.Close()
				}
			}()
		}
		time.Sleep(time.Duration(round%5) * time.Millisecond)
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		group.Wait()
	}
}

// ---- hooks ----

func TestHooks(t *testing.T) {
	var mu sync.Mutex
	var names []string
	var last Event
	client := stub(t, `[{"status": 503, "body": ""}, {"engine": true}]`, WithBackoffBase(0), WithBackoffCap(0), WithHook(func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		names = append(names, e.Name)
		last = e
	}))
	var own int
	made, err := client.ClientSecrets.Create(background, &ClientSecretParams{CallOptions: CallOptions{Hook: func(e Event) { own++ }, WantAttempts: true}})
	if err != nil {
		t.Fatal(err)
	}
	made.Close()
	want := "call_start attempt_start connection_opened attempt_end repeat attempt_start connection_reused attempt_end call_end"
	if got := strings.Join(names, " "); got != want && got != strings.Replace(want, "connection_reused", "connection_opened", 1) || own != len(names) {
		t.Errorf("%s; %d", got, own)
	}
	if last.Int("attempts") != 2 || last.Text("status_name") != "PLQ_OK" || last.Text("trace_id") != made.TraceID || last.Duration("elapsed_us") < 0 ||
		time.Since(last.Time) > time.Minute || last.Call == 0 || last.Int("none such") != 0 || last.Text("none such") != "" {
		t.Errorf("%+v", last)
	}
	if len(made.Attempts) != 2 || made.Attempts[0].HTTPStatus != 503 || made.Attempts[1].HTTPStatus != 200 {
		t.Errorf("%+v", made.Attempts)
	}
	// Events have the fields that the library says they have.
	fields, err := Describe("event_fields")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range fields.Maps() {
		if row["event"] == "call_end" {
			if _, ok := last.Fields[row["name"]]; !ok {
				t.Errorf("call_end lacks %s", row["name"])
			}
		}
	}
	// A hook may use the client, close it even.
	closing := stub(t, "")
	_, err = closing.ClientSecrets.Create(background, &ClientSecretParams{CallOptions: CallOptions{Hook: func(e Event) {
		if e.Name == "call_end" {
			if err := closing.Close(); err != nil {
				t.Error(err)
			}
		}
	}}})
	if err != nil {
		t.Error(err)
	}
}

func TestEventsLost(t *testing.T) {
	read, err := readAnswer([]byte("\x83\xa6status\x00\xa6events\x91\x81\xa5event\xa8call_end\xabevents_lost\x03"))
	if err != nil || len(read.events) != 2 || read.events[0].Name != "call_end" || read.events[1].Name != "events_lost" || read.events[1].Int("count") != 3 {
		t.Errorf("%+v %v", read, err)
	}
}

// ---- many ----

func threads(t testing.TB) int {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	var count int
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "Threads:") {
			fmt.Sscan(strings.TrimPrefix(line, "Threads:"), &count)
		}
	}
	return count
}

func TestSeveralQueues(t *testing.T) {
	client := stub(t, "", WithQueues(4))
	var group sync.WaitGroup
	for i := 0; i < 200; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			made, err := client.ClientSecrets.Create(background, nil)
			if err != nil {
				t.Error(err)
				return
			}
			made.Close()
		}()
	}
	group.Wait()
	if stats, err := client.Stats(); err != nil || stats.CallsSucceeded != 200 {
		t.Error(stats, err)
	}
}

func TestNothingIsLeft(t *testing.T) {
	open := func() int {
		entries, _ := os.ReadDir("/proc/self/fd")
		return len(entries)
	}
	before, goroutines := open(), runtime.NumGoroutine()
	for i := 0; i < 50; i++ {
		client := stub(t, "")
		var group sync.WaitGroup
		for j := 0; j < 4; j++ {
			group.Add(1)
			go func() {
				defer group.Done()
				made, err := client.ClientSecrets.Create(background, nil)
				if err == nil {
					made.Close()
				}
			}()
		}
		group.Wait()
		if err := client.Close(); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(50 * time.Millisecond)
	if after := open(); after > before+2 {
		t.Errorf("%d descriptors, %d before", after, before)
	}
	if after := runtime.NumGoroutine(); after > goroutines+1 {
		t.Errorf("%d goroutines, %d before", after, goroutines)
	}
}
