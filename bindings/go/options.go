// SPDX-License-Identifier: MIT

//go:build cgo

package plastiq

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Option says something about a client to be made. There is a function for each option of the library; [WithOption] takes any by its key, those of
// a transport too.
type Option func(*settings) error

// settings is what options add up to.
type settings struct {
	values  []setting
	ambient bool
	hooks   []Hook
	queues  int
}

type setting struct {
	key   string
	value any
}

func collect(options []Option) (*settings, error) {
	made := &settings{ambient: true, queues: 1}
	for _, option := range options {
		if option == nil {
			continue
		}
		if err := option(made); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// native makes the library's object of them.
func (s *settings) native() (nativeOptions, error) {
	options, err := newOptions(s.ambient)
	if err != nil {
		return options, err
	}
	for _, each := range s.values {
		if err := set(options, each.key, each.value); err != nil {
			options.free()
			return nativeOptions{}, err
		}
	}
	return options, nil
}

func set(options nativeOptions, key string, value any) error {
	switch value := value.(type) {
	case nil:
		return options.setText(key, nil)
	case string:
		bytes := append(make([]byte, 0, len(value)+1), value...) // never nil, which would take the option back
		defer Wipe(bytes)
		return options.setText(key, bytes)
	case []byte:
		bytes := append(make([]byte, 0, len(value)+1), value...)
		defer Wipe(bytes)
		return options.setText(key, bytes)
	case bool:
		return options.setText(key, []byte(strconv.FormatBool(value)))
	case int:
		return options.setNumber(key, int64(value))
	case int32:
		return options.setNumber(key, int64(value))
	case int64:
		return options.setNumber(key, value)
	case time.Duration:
		if value == NoTimeout {
			return options.setNumber(key, -1)
		}
		if value%time.Millisecond != 0 {
			return localError(StatusOptionValue, key, fmt.Sprintf("option %s: %v is no whole number of milliseconds", key, value))
		}
		return options.setNumber(key, value.Milliseconds())
	case []int:
		texts := make([]string, len(value))
		for i, number := range value {
			texts[i] = strconv.Itoa(number)
		}
		return set(options, key, texts)
	case []string:
		for _, text := range value {
			if strings.ContainsRune(text, ',') {
				return localError(StatusOptionValue, key, "option "+key+": an element of the list has a comma, which would make it two")
			}
		}
		return set(options, key, strings.Join(value, ","))
	}
	return localError(StatusOptionValue, key, fmt.Sprintf(
		"option %s: a Go %T cannot be its value; string, []byte, bool, int, int64, time.Duration, []string, []int and nil can", key, value))
}

// WithOption sets an option by its key. Lists, numbers, bools and durations may be given as such, or as text; nil takes back what was set before. A
// duration is a whole number of milliseconds, or [NoTimeout] where the option's text has -1. A key such as "stub.script" belongs to that transport.
//
// A token may be given as []byte, which is read when the client is made and can be wiped afterwards, by [Wipe].
func WithOption(key string, value any) Option {
	return func(s *settings) error {
		s.values = append(s.values, setting{key, value})
		return nil
	}
}

// WithoutEnvironment leaves out the PLASTIQ_ variables and the file that PLASTIQ_CONFIG names.
func WithoutEnvironment() Option {
	return func(s *settings) error {
		s.ambient = false
		return nil
	}
}

// WithHook adds a [Hook], which is told of every call.
func WithHook(hook Hook) Option {
	return func(s *settings) error {
		if hook == nil {
			return localError(StatusArgument, "hook", "the hook must not be nil")
		}
		s.hooks = append(s.hooks, hook)
		return nil
	}
}

// WithQueues spreads calls over so many completion queues, each served by a goroutine of its own and with connections of its own. One is
// enough for tens of thousands of calls a second; more of them use more cores.
func WithQueues(count int) Option {
	return func(s *settings) error {
		if count < 1 || count > 256 {
			return localError(StatusArgument, "count", "a client has 1 to 256 queues")
		}
		s.queues = count
		return nil
	}
}
