package main

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// sighting is what the lighthouse saw when it looked at a service.
type sighting struct {
	URL          string `json:"url"`
	Up           bool   `json:"up"`
	Status       int    `json:"status,omitempty"`
	Milliseconds int64  `json:"milliseconds"`
	Problem      string `json:"problem,omitempty"`
}

type watcher struct {
	client *http.Client
}

func newWatcher() *watcher {
	return &watcher{client: &http.Client{Timeout: 10 * time.Second}}
}

// look asks for the page once. Without certificates of the authorities that
// sign other people's certificates, every https page looks like an impostor.
func (w *watcher) look(ctx context.Context, target *url.URL) sighting {
	begin := time.Now()
	seen := sighting{URL: target.String()}

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		seen.Problem = err.Error()
		return seen
	}
	response, err := w.client.Do(request)
	seen.Milliseconds = time.Since(begin).Milliseconds()
	if err != nil {
		seen.Problem = err.Error()
		return seen
	}
	defer response.Body.Close()

	seen.Status = response.StatusCode
	seen.Up = response.StatusCode < http.StatusInternalServerError
	return seen
}
