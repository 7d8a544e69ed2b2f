// Ringtone answers GET /ring with a tune, note by note.
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
)

var tune = []string{"g", "e", "c", "e", "g", "g"}

func ring(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(map[string]any{"tune": tune}); err != nil {
		log.Print(err)
	}
}

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	http.HandleFunc("GET /ring", ring)
	log.Printf("ringing on port %s", port)
	log.Fatal(http.ListenAndServe(":"+port, nil))
}
