// Worldclock tells the time anywhere, and how far its own clock is off.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
	// The table of time zones, inside the program: scratch has none.
	_ "time/tzdata"
)

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	http.HandleFunc("GET /{$}", tellTime)
	http.HandleFunc("GET /drift", tellDrift)
	server := &http.Server{Addr: ":" + port, ReadHeaderTimeout: 5 * time.Second}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		server.Shutdown(context.Background())
	}()

	log.Printf("ticking on port %s", port)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

// tellTime answers with the time in ?zone=, such as Asia/Tokyo.
func tellTime(w http.ResponseWriter, r *http.Request) {
	zone, err := time.LoadLocation(r.URL.Query().Get("zone"))
	if err != nil {
		http.Error(w, "no such time zone", http.StatusNotFound)
		return
	}
	answer(w, map[string]string{"zone": zone.String(), "time": time.Now().In(zone).Format(time.RFC3339)})
}

// tellDrift compares our clock with that of an https server.
func tellDrift(w http.ResponseWriter, r *http.Request) {
	client := &http.Client{Timeout: 10 * time.Second}
	response, err := client.Head("https://example.com/")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	response.Body.Close()
	theirs, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		http.Error(w, "that server has no clock", http.StatusBadGateway)
		return
	}
	answer(w, map[string]string{"drift": time.Since(theirs).Round(time.Second).String()})
}

func answer(w http.ResponseWriter, body map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(body)
}
