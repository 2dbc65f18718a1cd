// SPDX-License-Identifier: MIT

//go:build cgo

package plastiq

import (
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"
)

const redacted = "[client secret: redacted]"

// Secret is a client secret. Its bytes lie in pages of the library's own, locked where the system allows it and left out of core dumps, and
// Go sees a pointer. However it is printed, encoded or looked at, it shows as redacted; [Secret.Reveal], [Secret.Use] and [Secret.Take]
// read it. Its life is counted from the moment that the request was sent, on a clock that runs while the machine sleeps.
//
// Close wipes it. A finalizer does so too, if Close was forgotten, but only a program that goes on runs finalizers.
//
// Any number of goroutines may use a Secret.
type Secret struct {
	mu        sync.Mutex
	native    nativeSecret
	closed    bool
	expiresAt int64 // on the clock of lifeNow
}

func newSecret(native nativeSecret, expiresAt int64) *Secret {
	secret := &Secret{native: native, expiresAt: expiresAt}
	runtime.SetFinalizer(secret, (*Secret).free)
	return secret
}

func (s *Secret) free() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	runtime.SetFinalizer(s, nil)
	s.native.free()
	s.native = nativeSecret{}
}

// Close wipes and frees the secret. Later calls do nothing.
func (s *Secret) Close() error {
	if s != nil {
		s.free()
	}
	return nil
}

func secretError(status Status) error { return localError(status, "client_secret", "") }

// usable is called with mu held.
func (s *Secret) usable() error {
	if s.closed {
		return secretError(StatusClosed)
	}
	if s.native == (nativeSecret{}) {
		return notMade("Secret")
	}
	return nil
}

// Use shows the secret's bytes to a function, without a copy. They are the library's own: they must not be changed, and not be kept when the
// function returns. The function must not use the Secret. Use returns what the function returns; an [*Error] with [StatusSecretExpired]
// if the secret's life is over, [StatusSecretTaken] if it was taken, [StatusClosed] if it was closed.
func (s *Secret) Use(f func(bytes []byte) error) error {
	if s == nil {
		return notMade("Secret")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return err
	}
	bytes, status := s.native.read()
	if status != StatusOK {
		return secretError(status)
	}
	return f(bytes[:len(bytes):len(bytes)])
}

// Reveal gives the secret as text, for what needs a string. A Go string cannot be wiped: where that matters, take [Secret.Use]. It fails as
// Use does.
func (s *Secret) Reveal() (string, error) {
	var text string
	err := s.Use(func(bytes []byte) error {
		text = string(bytes)
		return nil
	})
	return text, err
}

// WriteTo writes the secret, as [io.WriterTo] has it: to the response for the browser, never to a log. It fails as [Secret.Use] does.
func (s *Secret) WriteTo(to io.Writer) (int64, error) {
	var written int
	err := s.Use(func(bytes []byte) (err error) {
		written, err = to.Write(bytes)
		return err
	})
	return int64(written), err
}

// Take hands the bytes over and wipes the library's copy: it works once. The caller wipes what it got, by [Wipe]. It fails as [Secret.Use]
// does.
func (s *Secret) Take() ([]byte, error) {
	if s == nil {
		return nil, notMade("Secret")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return nil, err
	}
	bytes, status := s.native.take()
	if status != StatusOK {
		return nil, secretError(status)
	}
	return bytes, nil
}

// Life tells how much life is left, never less than 0. It works on when the secret was taken or closed.
func (s *Secret) Life() time.Duration {
	if s == nil {
		return 0
	}
	left := s.expiresAt - lifeNow()
	if left < 0 {
		left = 0
	}
	return time.Duration(left) * time.Millisecond
}

// ExpiresAt tells when the secret's life ends, by the clock on the wall as it is now.
func (s *Secret) ExpiresAt() time.Time {
	if s == nil {
		return time.Time{}
	}
	return time.Now().Round(0).Add(time.Duration(s.expiresAt-lifeNow()) * time.Millisecond)
}

// Expired tells whether the secret's life is over.
func (s *Secret) Expired() bool { return s == nil || s.expiresAt <= lifeNow() }

// String says that there is a secret, and not which.
func (s *Secret) String() string { return redacted }

// GoString does as String.
func (s *Secret) GoString() string { return redacted }

// Format prints no more than String, whatever the verb.
func (s *Secret) Format(state fmt.State, verb rune) { _, _ = io.WriteString(state, redacted) }

// MarshalText gives no more than String: in JSON, XML and wherever else texts are made.
func (s *Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON gives no more than String.
func (s *Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
