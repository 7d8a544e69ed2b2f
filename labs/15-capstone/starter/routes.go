package main

import (
	"crypto/subtle"
	"encoding/json"
	"log"
	"net/http"
)

func routes(well *well, office *office, password string) http.Handler {
	mux := http.NewServeMux()

	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"well": "open", "wishes": well.count()})
	})

	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "well"})
	})

	mux.HandleFunc("POST /wishes", func(w http.ResponseWriter, r *http.Request) {
		wish := r.FormValue("wish")
		if err := well.throw(wish); err != nil {
			answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		answer(w, http.StatusCreated, map[string]string{"splash": office.send(r.Context(), wish)})
	})

	// Only the keeper may read the wishes, and without a password nobody is the keeper.
	mux.HandleFunc("GET /wishes", func(w http.ResponseWriter, r *http.Request) {
		_, given, _ := r.BasicAuth()
		if password == "" || subtle.ConstantTimeCompare([]byte(given), []byte(password)) != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="well"`)
			answer(w, http.StatusUnauthorized, map[string]string{"error": "wishes are secret"})
			return
		}
		answer(w, http.StatusOK, map[string]any{"wishes": well.all()})
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
