package main

import (
	"encoding/json"
	"log"
	"net/http"
)

func routes(fetcher *fetcher) http.Handler {
	mux := http.NewServeMux()

	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"desk": "open", "try": "/tidy?code=package p;var x=1"})
	})

	mux.HandleFunc("GET /tidy", func(w http.ResponseWriter, r *http.Request) {
		code := r.URL.Query().Get("code")
		if address := r.URL.Query().Get("url"); address != "" {
			var err error
			if code, err = fetcher.fetch(r.Context(), address); err != nil {
				answer(w, http.StatusBadGateway, map[string]string{"error": err.Error()})
				return
			}
		}
		tidied, err := tidy(r.Context(), code)
		if err != nil {
			answer(w, http.StatusUnprocessableEntity, map[string]string{"error": err.Error()})
			return
		}
		answer(w, http.StatusOK, map[string]any{"code": tidied, "changed": tidied != code})
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
