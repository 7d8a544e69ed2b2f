package main

import (
	"encoding/json"
	"log"
	"net/http"
	"net/url"
)

func routes(watcher *watcher) http.Handler {
	mux := http.NewServeMux()

	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"name": "lighthouse", "light": "on"})
	})

	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})

	mux.HandleFunc("GET /ships", func(w http.ResponseWriter, r *http.Request) {
		target, err := url.Parse(r.URL.Query().Get("url"))
		if err != nil || target.Scheme != "https" || target.Host == "" {
			answer(w, http.StatusBadRequest, map[string]string{"error": "send ?url=https://..."})
			return
		}
		answer(w, http.StatusOK, watcher.look(r.Context(), target))
	})

	return mux
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		log.Printf("answering: %v", err)
	}
}
