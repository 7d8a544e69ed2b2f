package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// tidy hands the code to gofmt, and gives back what gofmt makes of it.
func tidy(ctx context.Context, code string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()

	var out, trouble bytes.Buffer
	gofmt := exec.CommandContext(ctx, "gofmt")
	gofmt.Stdin = strings.NewReader(code)
	gofmt.Stdout = &out
	gofmt.Stderr = &trouble
	if err := gofmt.Run(); err != nil {
		return "", fmt.Errorf("gofmt: %w %s", err, strings.TrimSpace(trouble.String()))
	}
	return out.String(), nil
}
