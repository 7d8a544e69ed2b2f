// Wishwell is a wishing well: throw in a wish, and it is kept.
//
//	wishwell serve     opens the well, until it is told to close
//	wishwell health    asks the open well whether it is well
//	wishwell version   says which well this is
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const version = "2.1.0"

func main() {
	command := "serve"
	if len(os.Args) > 1 {
		command = os.Args[1]
	}
	var err error
	switch command {
	case "serve":
		err = serve(setting("PORT", "8080"), setting("WELL", "wishes.txt"))
	case "health":
		err = health(setting("PORT", "8080"))
	case "version":
		fmt.Println("wishwell", version)
	default:
		err = fmt.Errorf("%q is no command: try serve, health or version", command)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// setting is an environment variable, or what stands in for it.
func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// serve keeps the well open until SIGTERM. Then it answers what was asked
// already, and writes down the wishes that it still has in its head.
func serve(port, path string) error {
	well, err := open(path)
	if err != nil {
		return err
	}
	server := &http.Server{
		Addr:              ":" + port,
		Handler:           routes(well, newOffice(os.Getenv("OFFICE_URL")), os.Getenv("KEEPER_PASSWORD")),
		ReadHeaderTimeout: 5 * time.Second,
	}

	told, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	closed := make(chan error, 1)
	go func() {
		<-told.Done()
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		closed <- server.Shutdown(ctx)
	}()

	log.Printf("the well is open at :%s, with %d wishes in %s", port, well.count(), path)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	err = errors.Join(<-closed, well.close())
	log.Printf("the well is closed, with %d wishes", well.count())
	return err
}
