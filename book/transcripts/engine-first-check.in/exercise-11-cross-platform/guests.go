package main

import (
	"maps"
	"strings"
	"sync"
)

// guestBook knows how often each kind of bird came to the box. It keeps the
// count in memory: the box is cleaned out every autumn anyway.
type guestBook struct {
	mu     sync.Mutex
	visits map[string]int
}

func newGuestBook() *guestBook {
	return &guestBook{visits: map[string]int{}}
}

// enter counts one more visit, and says how many that makes.
func (b *guestBook) enter(bird string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	bird = strings.ToLower(bird)
	b.visits[bird]++
	return b.visits[bird]
}

func (b *guestBook) all() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.visits)
}
