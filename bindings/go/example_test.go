// SPDX-License-Identifier: MIT

//go:build cgo

package plastiq_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	plastiq "plastiq.example/go"
)

// The examples answer by themselves, without network: the transport "stub" is for tests.
func stub(script string) *plastiq.Client {
	client, err := plastiq.NewClient(plastiq.WithAccessToken("test-key-0000000000000000"), plastiq.WithTransport("stub"),
		plastiq.WithAllowTestTransports(true), plastiq.WithTransportPathCheck(false), plastiq.WithOption("stub.script", script))
	if err != nil {
		log.Fatal(err)
	}
	return client
}

func Example() {
	client := stub(`[{"status": 200, "body": "{\"clientSecret\": \"test-secret-1\"}"}]`)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	secret, err := client.ClientSecrets.Create(ctx, &plastiq.ClientSecretParams{
		Payer:     &plastiq.Payer{ID: "3f2b8c1e-7d4a-4c6b-9e0f-1a2b3c4d5e6f"},
		EndUserIP: "192.0.2.1",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer secret.Close()
	text, err := secret.Reveal() // for the browser, never for a log
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(text)
	fmt.Println(secret)
	// Output:
	// test-secret-1
	// [client secret: redacted]
}

func ExampleError() {
	client := stub(`[{"status": 401, "body": "{\"code\": \"AUTHORIZATION_ERROR\", \"message\": \"no\"}"}]`)
	defer client.Close()
	_, err := client.ClientSecrets.Create(context.Background(), nil)
	switch failure := (*plastiq.Error)(nil); {
	case errors.Is(err, plastiq.StatusHTTPUnauthorized):
		errors.As(err, &failure)
		fmt.Println("the key is not accepted:", failure.ServiceCode, failure.HTTPStatus, failure.Delivery)
	case errors.Is(err, plastiq.KindTimeout), errors.Is(err, context.DeadlineExceeded):
		fmt.Println("too slow")
	case errors.As(err, &failure):
		fmt.Println(failure.Message)
	}
	// Output:
	// the key is not accepted: AUTHORIZATION_ERROR 401 answered
}

// A handler that hands a secret to the browser: its bytes go from the library to the response, and never lie in a string.
func ExampleSecret_WriteTo() {
	client := stub(`[]`)
	defer client.Close()
	handler := func(response http.ResponseWriter, request *http.Request) {
		secret, err := client.ClientSecrets.Create(request.Context(), &plastiq.ClientSecretParams{UserAgent: request.UserAgent()})
		if err != nil {
			http.Error(response, "no client secret", http.StatusBadGateway)
			return
		}
		defer secret.Close()
		response.Header().Set("Cache-Control", "no-store")
		_, _ = secret.WriteTo(response)
	}
	_ = handler
}

func ExampleWithHook() {
	client, err := plastiq.NewClient(plastiq.WithAccessToken("test-key-0000000000000000"), plastiq.WithTransport("stub"),
		plastiq.WithAllowTestTransports(true), plastiq.WithTransportPathCheck(false), plastiq.WithHook(func(event plastiq.Event) {
			if event.Name == "call_end" {
				fmt.Fprintln(os.Stdout, event.Text("operation"), event.Text("status_name"), event.Int("attempts"))
			}
		}))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	secret, err := client.ClientSecrets.Create(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	_ = secret.Close()
	// Output:
	// client_secrets.create PLQ_OK 1
}

func ExampleClient_Do() {
	client := stub(`[]`)
	defer client.Close()
	response, err := client.Do(context.Background(), &plastiq.Request{
		Operation: "client_secrets.create_v2",
		Fields:    map[string]any{"end_user_ip": "192.0.2.1"},
		CallOptions: plastiq.CallOptions{
			Headers: []plastiq.Header{{Name: "X-Device-Model", Value: "test"}, {Name: "X-Private", Value: "test-private-1", Sensitive: true}},
			Extra:   map[string]any{"payerId": "3f2b8c1e-7d4a-4c6b-9e0f-1a2b3c4d5e6f"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer response.Close()
	fmt.Println(response.HTTPStatus, response.Secrets["client_secret"].Life() > 29*time.Minute)
	// Output:
	// 200 true
}
