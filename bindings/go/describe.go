// SPDX-License-Identifier: MIT

//go:build cgo

package plastiq

import "strings"

// Table is one of the tables in which the library tells what it has: operations, options, transports, events, statuses. The table "tables"
// lists them. New columns come at the end: look columns up by their names.
type Table struct {
	Name    string
	Columns []string
	Rows    [][]string
}

// Column gives the place of a column, or -1.
func (t *Table) Column(name string) int {
	for i, column := range t.Columns {
		if column == name {
			return i
		}
	}
	return -1
}

// Maps gives the rows by the names of their columns.
func (t *Table) Maps() []map[string]string {
	maps := make([]map[string]string, len(t.Rows))
	for i, row := range t.Rows {
		maps[i] = make(map[string]string, len(row))
		for column, text := range row {
			maps[i][t.Columns[column]] = text
		}
	}
	return maps
}

// Describe gives one of the library's tables, as the options make it: "options" shows them, "transports" and "transport_options" look where
// they say.
func Describe(table string, options ...Option) (*Table, error) {
	if err := checkLibrary(); err != nil {
		return nil, err
	}
	settings, err := collect(options)
	if err != nil {
		return nil, err
	}
	native, err := settings.native()
	if err != nil {
		return nil, err
	}
	defer native.free()
	return native.table(table)
}

// OptionInfo is an option with its effective value.
type OptionInfo struct {
	Name    string
	Value   string // "[set]" for a secret; "" if there is neither a value nor a default
	Source  string // default, file, environment or code
	Place   string // the variable or the file that it came from
	Type    string
	Default string
	Doc     string
}

// Transport is what a transport says of itself.
type Transport struct {
	Name         string // what [WithTransport] takes
	Path         string
	Version      string
	Stack        string // the libraries under it, such as "OpenSSL/3.0.17"
	Class        string // production or test
	ID           string
	Vendor       string
	License      string
	Capabilities []string
	Failure      string // why it could not be loaded, or ""
}

// Transports lists the transports that are installed, where the options say.
func Transports(options ...Option) ([]Transport, error) {
	table, err := Describe("transports", options...)
	if err != nil {
		return nil, err
	}
	transports := make([]Transport, len(table.Rows))
	for i, row := range table.Maps() {
		transports[i] = Transport{Name: row["name"], Path: row["path"], Version: row["version"], Stack: row["stack"], Class: row["class"],
			ID: row["id"], Vendor: row["vendor"], License: row["license"], Capabilities: splitWords(row["capabilities"]), Failure: row["failure"]}
	}
	return transports, nil
}

func splitWords(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
}

// Stats is what a client has done and is doing.
type Stats struct {
	Calls             int64 // calls that began
	CallsSucceeded    int64 // of these: that ended well
	CallsFailed       int64 // of these: that failed
	CallsInFlight     int64 // of these: that run now
	Attempts          int64 // requests that the transport was asked to carry
	Repeats           int64 // attempts that came after another one of the same call
	RepeatsDenied     int64 // repeats that were not made because the budget was used up
	RepeatsLeft       int64 // what is left of the option repeat_budget now
	ConnectionsOpened int64 // attempts on a new connection
	ConnectionsReused int64 // attempts on one that was open already
	ConnectionsOpen   int64 // connections that are open now; -1: the transport does not tell
	ConnectionsBusy   int64 // of these: that carry a request now; -1: the transport does not tell
	BytesSent         int64 // bytes of requests, as HTTP sees them
	BytesReceived     int64 // bytes of responses, as HTTP sees them
	TokensRead        int64 // how often a file of a token was read again because it had changed
}
