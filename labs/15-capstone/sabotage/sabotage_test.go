package main

import "testing"

func TestThatFailsOnPurpose(t *testing.T) {
	t.Fatal("mslab-sabotage: a failing test must stop the build")
}
