package main

import (
	"encoding/json"
	"log"
	"net/http"
	"runtime"
)

func routes(book *guestBook) http.Handler {
	mux := http.NewServeMux()

	// The machine is the one that the compiler was told, so that you can see
	// which of the two programs answers.
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{
			"box":     "apple tree",
			"machine": runtime.GOOS + "/" + runtime.GOARCH,
			"visits":  book.all(),
		})
	})

	mux.HandleFunc("POST /visits/{bird}", func(w http.ResponseWriter, r *http.Request) {
		bird := r.PathValue("bird")
		answer(w, http.StatusCreated, map[string]any{"bird": bird, "visits": book.enter(bird)})
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
