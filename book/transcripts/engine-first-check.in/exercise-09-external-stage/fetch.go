package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// mostBytes is more than anybody should have in one file.
const mostBytes = 1 << 20

type fetcher struct {
	client *http.Client
}

func newFetcher() *fetcher {
	return &fetcher{client: &http.Client{Timeout: 10 * time.Second}}
}

// fetch reads a file from the web. Only https will do, and for https the desk
// has to know the authorities that vouch for other machines.
func (f *fetcher) fetch(ctx context.Context, address string) (string, error) {
	from, err := url.Parse(address)
	if err != nil || from.Scheme != "https" || from.Host == "" {
		return "", fmt.Errorf("%q is no https address", address)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from.String(), nil)
	if err != nil {
		return "", err
	}
	response, err := f.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s", from.Host, response.Status)
	}
	code, err := io.ReadAll(io.LimitReader(response.Body, mostBytes))
	return string(code), err
}
