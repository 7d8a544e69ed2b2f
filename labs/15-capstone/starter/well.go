package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// longest is as much as a coin can carry.
const longest = 280

// well keeps wishes in a file, a line for each. A wish waits in memory for up
// to a minute before it is written, because wells are slow.
type well struct {
	mu     sync.Mutex
	file   *os.File
	writer *bufio.Writer
	wishes []string
	done   chan struct{}
}

func open(path string) (*well, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the well: %w", err)
	}
	w := &well{file: file, writer: bufio.NewWriter(file), done: make(chan struct{})}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		w.wishes = append(w.wishes, lines.Text())
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the well: %w", err)
	}
	go w.sink()
	return w, nil
}

// throw puts a wish in.
func (w *well) throw(wish string) error {
	wish = strings.Join(strings.Fields(wish), " ")
	if wish == "" || len(wish) > longest {
		return fmt.Errorf("a wish has 1 to %d letters", longest)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wishes = append(w.wishes, wish)
	_, err := w.writer.WriteString(wish + "\n")
	return err
}

func (w *well) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.wishes)
}

func (w *well) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string{}, w.wishes...)
}

// sink writes down what was thrown in, once a minute.
func (w *well) sink() {
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	for {
		select {
		case <-minute.C:
			w.mu.Lock()
			_ = w.writer.Flush() // It is kept, and tried again.
			w.mu.Unlock()
		case <-w.done:
			return
		}
	}
}

// close writes down all that is left.
func (w *well) close() error {
	close(w.done)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.writer.Flush(); err != nil {
		return err
	}
	return w.file.Close()
}
