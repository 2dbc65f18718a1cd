// SPDX-License-Identifier: MIT
package main

import (
	"context"
	"fmt"
	"time"

	plastiq "plastiq.example/go"
)

type ours struct {
	client *plastiq.Client
	params plastiq.ClientSecretParams
	most   int64
}

func openPlastiq(s *settings) (subject, error) {
	options := []plastiq.Option{
		plastiq.WithoutEnvironment(), plastiq.WithAccessToken(benchToken), plastiq.WithBaseURL(s.url()), plastiq.WithTransport(s.transport),
		plastiq.WithCAFile(s.caFile), plastiq.WithHTTPVersion("1.1"), plastiq.WithMaxRepeats(0), // what fails is to be seen, not mended
		plastiq.WithConnectionIdle(time.Hour), // it waits for its turn
	}
	if s.transportDir != "" {
		options = append(options, plastiq.WithTransportDir(s.transportDir))
	}
	if s.maxConnections > 0 {
		options = append(options, plastiq.WithMaxConnections(s.maxConnections))
	}
	client, err := plastiq.NewClient(options...)
	params := plastiq.ClientSecretParams{Payer: &plastiq.Payer{ID: benchPayer}, UserAgent: benchAgent, EndUserIP: benchIP}
	most := int64(s.inFlight)
	if most < 1 {
		most = 1
	}
	return &ours{client, params, most}, err
}

func (o *ours) once(ctx context.Context) error {
	secret, err := o.client.ClientSecrets.Create(ctx, &o.params)
	if err != nil {
		return err
	}
	defer secret.Close()
	return secret.Use(func(bytes []byte) error {
		if len(bytes) == 0 {
			return fmt.Errorf("a secret without bytes")
		}
		return nil
	})
}

func (o *ours) close(calls int) error {
	stats, err := o.client.Stats()
	if err == nil && calls > 0 && stats.ConnectionsOpened > o.most {
		err = fmt.Errorf("%d connections for %d calls", stats.ConnectionsOpened, calls)
	}
	if closed := o.client.Close(); err == nil {
		err = closed
	}
	return err
}
