// SPDX-License-Identifier: MIT

//go:build cgo

package plastiq

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"
)

// The vectors are those that every language runs; PLASTIQ_VECTORS names their folder. Here they run over the stub transport: a case that
// needs a server is left out, and counted. Each goes through Do, and those that the typed call can express through that too.

type object = map[string]any

// vectors reads all cases, abbreviations written out.
func vectors(t testing.TB) []object {
	folder := os.Getenv("PLASTIQ_VECTORS")
	if folder == "" {
		folder = "../../tests/vectors"
	}
	files, _ := filepath.Glob(filepath.Join(folder, "row-*.json"))
	if len(files) == 0 {
		t.Skip("skip: there are no vectors in " + folder + "; PLASTIQ_VECTORS names their folder")
	}
	var cases []object
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		var read any
		if err := decoder.Decode(&read); err != nil {
			t.Fatal(file, err)
		}
		switch read := expand(read).(type) {
		case []any:
			for _, each := range read {
				cases = append(cases, each.(object))
			}
		case object:
			cases = append(cases, read)
		}
	}
	return cases
}

// expand writes out what {"repeat": ..}, {"join": ..} and {"copies": ..} stand for.
func expand(value any) any {
	switch value := value.(type) {
	case []any:
		list := []any{}
		for _, each := range value {
			copies := 1
			if one, ok := each.(object); ok && one["copies"] != nil {
				copies, each = whole(one["copies"]), one["of"]
			}
			for ; copies > 0; copies-- {
				list = append(list, expand(each))
			}
		}
		return list
	case object:
		if text, ok := value["repeat"]; ok {
			return strings.Repeat(fmt.Sprint(expand(text)), whole(value["times"]))
		}
		if parts, ok := value["join"]; ok {
			var text strings.Builder
			for _, part := range expand(parts).([]any) {
				text.WriteString(fmt.Sprint(part))
			}
			return text.String()
		}
		written := object{}
		for key, member := range value {
			written[key] = expand(member)
		}
		return written
	}
	return value
}

func whole(value any) int {
	number, _ := value.(json.Number).Int64()
	return int(number)
}

// text is a value as an option takes it.
func text(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
	return strings.TrimSpace(out.String())
}

func runsOnStub(c object) bool {
	list, ok := c["transports"].([]any)
	if !ok {
		return true
	}
	for _, each := range list {
		if each == "stub" {
			return true
		}
	}
	return false
}

func vectorOptions(c object, folder string) []Option {
	script := "[]"
	if c["responses"] != nil {
		script = text(c["responses"])
	}
	options := []Option{WithoutEnvironment(), WithAccessToken("test-key-0001"), WithBackoffBase(time.Millisecond), WithBackoffCap(2 * time.Millisecond),
		WithTransport("stub"), WithTransportPathCheck(false), WithAllowTestTransports(true), WithAllowPlainHTTP(true),
		WithOption("stub.script", script), WithBaseURL("https://plastiq.test/api")}
	if dir := os.Getenv("PLASTIQ_TRANSPORT_DIR"); dir != "" {
		options = append(options, WithTransportDir(dir))
	}
	fill := strings.NewReplacer("{port}", "443", "{folder}", folder, "{transport}", "stub").Replace
	own, _ := c["options"].(object)
	keys := make([]string, 0, len(own))
	for key := range own {
		keys = append(keys, key)
	}
	sort.Strings(keys) // which of two mistakes is told must not change
	for _, key := range keys {
		if own[key] == nil {
			options = append(options, WithOption(fill(key), nil))
		} else {
			options = append(options, WithOption(fill(key), fill(text(own[key]))))
		}
	}
	return options
}

func vectorCall(c object) CallOptions {
	call := CallOptions{WantAttempts: true}
	call.Extra, _ = c["extra"].(object)
	headers, _ := c["headers"].([]any)
	for _, each := range headers {
		header := each.(object)
		sensitive, _ := header["sensitive"].(bool)
		call.Headers = append(call.Headers, Header{header["name"].(string), header["value"].(string), sensitive})
	}
	if limit, ok := c["timeout_ms"]; ok {
		call.Timeout = time.Duration(whole(limit)) * time.Millisecond
		if call.Timeout < 0 {
			call.Timeout = NoTimeout
		}
	}
	if repeats, ok := c["max_repeats"]; ok {
		if call.MaxRepeats = whole(repeats); call.MaxRepeats == 0 {
			call.MaxRepeats = NoRepeats
		}
	}
	return call
}

// typed is the case as the typed call has it, if that can say it: it has no way to set an empty text, or a field that does not exist.
func typed(c object) (operation string, params *ClientSecretParams) {
	operation, _ = c["operation"].(string)
	if operation == "" {
		operation = "client_secrets.create"
	}
	params = &ClientSecretParams{CallOptions: vectorCall(c)}
	fields, _ := c["params"].(object)
	for name, value := range fields {
		said, ok := value.(string)
		if value != nil && !ok {
			return "", nil
		}
		known := map[string]*string{"type": &params.Type, "trace_id": &params.TraceID, "user_agent": &params.UserAgent,
			"end_user_device_id": &params.EndUserDeviceID, "end_user_ip": &params.EndUserIP}
		switch at := known[name]; {
		case value == nil:
		case name == "payer.id":
			params.Payer = &Payer{ID: said}
		case at == nil || said == "":
			return "", nil
		default:
			*at = said
		}
	}
	return operation, params
}

func phaseName(phase Phase) string {
	if phase == PhaseNone {
		return "none"
	}
	return string(phase)
}

func flag(value bool) int64 {
	if value {
		return 1
	}
	return 0
}

func micros(d time.Duration) int64 {
	if d < 0 {
		return -1
	}
	return d.Microseconds()
}

func attemptList(attempts []Attempt) []any {
	list := []any{}
	for _, a := range attempts {
		list = append(list, object{"status": a.Status.String(), "phase": phaseName(a.Phase), "delivery": string(a.Delivery),
			"http_status": int64(a.HTTPStatus), "token": int64(a.Token), "reused": flag(a.Reused), "wait_us": micros(a.Wait), "total_us": micros(a.Total)})
	}
	return list
}

func errorOutcome(t *testing.T, err error) object {
	failure, ok := err.(*Error)
	if !ok {
		t.Fatalf("a %T, and no *Error: %v", err, err)
	}
	retryAfter := int64(-1)
	if failure.RetryAfter >= 0 {
		retryAfter = failure.RetryAfter.Milliseconds()
	}
	details := []any{}
	for _, detail := range failure.Details {
		details = append(details, detail)
	}
	whole, _ := json.Marshal(failure)
	said := fmt.Sprintf("%v\n%+v\n%#v\n%s", failure, failure, failure, whole)
	for _, private := range []string{"test-key", "test-secret", "test-private"} {
		if strings.Contains(said, private) {
			t.Errorf("%s... leaked into: %s", private, said)
		}
	}
	return object{"status": failure.Status.String(), "kind": string(failure.Kind), "phase": phaseName(failure.Phase),
		"delivery": string(failure.Delivery), "http_status": int64(failure.HTTPStatus), "repeatable": flag(failure.Repeatable),
		"retry_after_ms": retryAfter, "message": failure.Message, "field": failure.Field, "service_code": failure.ServiceCode,
		"service_message": failure.ServiceMessage, "details": details, "trace_id": failure.TraceID,
		"attempts": int64(len(failure.Attempts)), "attempt_list": attemptList(failure.Attempts)}
}

func successOutcome(t *testing.T, secret *Secret, httpStatus int, traceID string, attempts []Attempt) object {
	life := secret.Life().Milliseconds()
	bytes, err := secret.Take()
	if err != nil {
		t.Fatal(err)
	}
	_ = secret.Close()
	return object{"status": "PLQ_OK", "http_status": int64(httpStatus), "trace_id": traceID, "attempts": int64(len(attempts)),
		"attempt_list": attemptList(attempts), "secret": string(bytes), "life_ms": life}
}

// match tells how what came differs from what was expected.
func match(what string, expected, got any) (problems []string) {
	differ := func() []string {
		return []string{fmt.Sprintf("%s: expected %.300s, got %.300s", what, text(expected), text(got))}
	}
	number, isNumber := got.(int64)
	switch wanted := expected.(type) {
	case nil:
		if got != nil && got != "" && !(isNumber && number <= 0) {
			if list, ok := got.([]any); !ok || len(list) > 0 {
				return differ()
			}
		}
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(wanted) {
			return differ()
		}
		for i := range wanted {
			problems = append(problems, match(fmt.Sprintf("%s[%d]", what, i), wanted[i], list[i])...)
		}
	case object:
		said, isText := got.(string)
		if rule, ok := wanted["match"]; ok {
			if !isText || !regexp.MustCompile(rule.(string)).MatchString(said) {
				return differ()
			}
		} else if parts, ok := wanted["contains"]; ok {
			for _, part := range parts.([]any) {
				if !strings.Contains(said, part.(string)) {
					return differ()
				}
			}
		} else if wanted["min"] != nil || wanted["max"] != nil {
			if !isNumber || wanted["min"] != nil && number < int64(whole(wanted["min"])) || wanted["max"] != nil && number > int64(whole(wanted["max"])) {
				return differ()
			}
		} else {
			members, ok := got.(object)
			if !ok {
				return differ()
			}
			for key, member := range wanted {
				problems = append(problems, match(what+"."+key, member, members[key])...)
			}
		}
	default:
		if text(expected) != text(got) {
			return differ()
		}
	}
	return problems
}

func checkOutcome(t *testing.T, c object, got object) {
	expected, _ := c["outcome"].(object)
	if own, ok := c["outcome_on"].(object); ok && own["stub"] != nil {
		expected = own["stub"].(object)
	}
	if expected == nil {
		t.Fatal("the case has no outcome")
	}
	for key, value := range expected {
		if key == "requests" || key == "connections" { // these are a server's to say
			continue
		}
		for _, problem := range match(key, value, got[key]) {
			t.Error(problem)
		}
	}
	if life, ok := got["life_ms"].(int64); ok {
		most := int64(60000)
		if c["operation"] == "client_secrets.create_v2" {
			most = 1800000
		}
		if life <= 0 || life > most {
			t.Errorf("life_ms: %d is not in 1..%d", life, most)
		}
	}
}

func play(t *testing.T, c object, folder string, call func(client *Client) object) {
	client, err := NewClient(vectorOptions(c, folder)...)
	if err != nil {
		checkOutcome(t, c, errorOutcome(t, err))
		return
	}
	defer client.Close()
	checkOutcome(t, c, call(client))
}

func TestVectors(t *testing.T) {
	folder := t.TempDir()
	var ran, server, unable, viaTyped int
	for _, c := range vectors(t) {
		c := c
		if !runsOnStub(c) {
			server++
			continue
		}
		if _, ok := c["extra"].(object); c["extra"] != nil && !ok { // a message has a map there, and so has CallOptions
			unable++
			continue
		}
		ran++
		name := fmt.Sprintf("row-%02d/%s", whole(c["row"]), c["name"])
		t.Run(name, func(t *testing.T) {
			play(t, c, folder, func(client *Client) object {
				operation, _ := c["operation"].(string)
				if operation == "" {
					operation = "client_secrets.create"
				}
				fields, _ := c["params"].(object)
				response, err := client.Do(context.Background(), &Request{Operation: operation, Fields: fields, CallOptions: vectorCall(c)})
				if err != nil {
					return errorOutcome(t, err)
				}
				return successOutcome(t, response.Secrets["client_secret"], response.HTTPStatus, response.TraceID, response.Attempts)
			})
		})
		operation, params := typed(c)
		make := map[string]func(*ClientSecrets, context.Context, *ClientSecretParams) (*ClientSecret, error){
			"client_secrets.create": (*ClientSecrets).Create, "client_secrets.create_v2": (*ClientSecrets).CreateV2}[operation]
		if make == nil {
			continue
		}
		viaTyped++
		t.Run(name+"/typed", func(t *testing.T) {
			play(t, c, folder, func(client *Client) object {
				made, err := make(client.ClientSecrets, context.Background(), params)
				if err != nil {
					return errorOutcome(t, err)
				}
				return successOutcome(t, made.Secret, made.HTTPStatus, made.TraceID, made.Attempts)
			})
		})
	}
	t.Logf("%d vectors ran, %d of them through the typed call too; left out: %d that need a server, %d whose extra is no object", ran, viaTyped, server,
		unable)
	if ran < 500 {
		t.Errorf("only %d vectors ran", ran)
	}
}
